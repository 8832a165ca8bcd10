//! Runs of `redis-benchmark`, the load generator of Redis itself.

use std::process::Command;

use anyhow::{Context, Result, bail};

/// One run against one server.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The test's name, one of [`TESTS`]; or a command with its arguments.
    pub test: &'static str,
    /// Requests in all.
    pub requests: u64,
    /// Requests in flight on each connection.
    pub pipeline: u32,
}

/// Tests by the names that `redis-benchmark -t` has for them.
pub const TESTS: [&str; 3] = ["SET", "GET", "INCR"];

/// The number of different keys, so large that the processor's caches don't hold them.
pub const KEYS: u64 = 1_000_000;

/// The number of connections.
pub const CLIENTS: u32 = 50;

impl Run {
    /// Runs it against the server on a loopback port and returns the requests per second that
    /// `redis-benchmark` saw.
    ///
    /// # Errors
    /// When `redis-benchmark` can't be started, fails, or prints something else.
    pub fn against(&self, port: u16) -> Result<f64> {
        let mut command = Command::new("redis-benchmark");
        command.args(["-h", "127.0.0.1", "--csv"]);
        let port = u64::from(port);
        for (option, number) in [
            ("-p", port),
            ("-n", self.requests),
            ("-r", KEYS),
            ("-P", u64::from(self.pipeline)),
            ("-c", u64::from(CLIENTS)),
        ] {
            command.arg(option).arg(number.to_string());
        }
        if TESTS.contains(&self.test) {
            command.args(["-t", self.test]);
        } else {
            command.args(self.test.split(' '));
        }
        let output = command.output().context("cannot start redis-benchmark")?;
        if !output.status.success() {
            bail!("redis-benchmark: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        requests_per_second(&text, self.test)
            .with_context(|| format!("redis-benchmark printed no figure: {text}"))
    }
}

/// The second column of the line that begins with the test's name in quotes.
fn requests_per_second(csv: &str, test: &str) -> Option<f64> {
    let mut rows = csv.lines().map(|line| line.split(',').map(|cell| cell.trim_matches('"')));
    rows.find_map(|mut row| (row.next() == Some(test)).then(|| row.next()?.parse().ok()).flatten())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_row_of_the_test_is_read() {
        let csv = "\"test\",\"rps\",\"avg_latency_ms\"\n\"SET\",\"147058.83\",\"0.190\"\n";
        assert_eq!(requests_per_second(csv, "SET"), Some(147_058.83));
        assert_eq!(requests_per_second(csv, "GET"), None);
        assert_eq!(requests_per_second("", "SET"), None);
    }
}
