//! What the log begins with.

use std::fmt;

/// What the banner says about this process.
#[derive(Debug, Clone)]
pub(crate) struct Banner<'a> {
    /// The server's own version.
    pub(crate) version: &'a str,
    /// `standalone`, as in INFO's `redis_mode`.
    pub(crate) mode: &'a str,
    /// The TCP port, 0 if there is none.
    pub(crate) port: u16,
    /// The process.
    pub(crate) pid: u32,
}

/// A few lines for a human, each ended by a newline. Tools that start servers, Redis's own test
/// suite among them, find the process by ` PID: ` and look for `Server initialized` after it, so
/// that message is to be logged next.
impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, mode, port, pid } = self;
        let bits = usize::BITS;
        writeln!(f)?;
        writeln!(f, "   +-+-+-+")?;
        writeln!(f, "   |#|#|#|   zmalloc-server {version}, {bits} bit")?;
        writeln!(f, "   |#|#| |   Mode: {mode}")?;
        writeln!(f, "   |#| |#|   Port: {port}")?;
        writeln!(f, "   +-+-+-+   PID: {pid}")?;
        writeln!(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_find_the_process() {
        let banner = Banner { version: "1.2.3", mode: "standalone", port: 6380, pid: 4711 }.to_string();
        // The harness's pattern, ` PID: <pid>.*Server initialized`, on what is then logged.
        let log = format!("{banner}4711:M 01 Jan 2026 00:00:00.000 * Server initialized\n");
        let (_, after) = log.split_once(" PID: 4711").expect("the process");
        assert!(after.contains("Server initialized"));
        for text in ["1.2.3", "Mode: standalone", "Port: 6380"] {
            assert!(banner.contains(text), "{text} is not in:\n{banner}");
        }
        let first = log.lines().find(|line| !line.is_empty()).unwrap_or("");
        assert!(!first.contains("already in use"));
    }
}
