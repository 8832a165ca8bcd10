//! Runs of `redis-cli`, the client of Redis itself.

use std::ffi::OsStr;
use std::io::{BufWriter, Write};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// Runs `redis-cli` with these arguments and returns what it printed.
///
/// # Errors
/// When it can't be started, or fails.
pub fn run<A: AsRef<OsStr>>(arguments: &[A]) -> Result<String> {
    let output = Command::new("redis-cli").args(arguments).output().context("cannot start redis-cli")?;
    if !output.status.success() {
        bail!("redis-cli: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Loads what `write` writes, a number of commands that it returns with whatever else it knows,
/// into the server on a loopback port with `redis-cli --pipe`.
///
/// # Errors
/// When `redis-cli` or `write` fails, or not every command got a reply that is no error.
pub fn pipe<T>(port: u16, write: impl FnOnce(&mut dyn Write) -> Result<(u64, T)>) -> Result<T> {
    let mut child = Command::new("redis-cli")
        .args(["-p", &port.to_string(), "--pipe"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start redis-cli")?;
    let mut input = BufWriter::new(child.stdin.take().context("redis-cli has no input")?);
    let (commands, knowledge) = write(&mut input)?;
    // Its end tells redis-cli that this was all.
    drop(input.into_inner().context("redis-cli stopped reading")?);
    let output = child.wait_with_output().context("cannot wait for redis-cli")?;
    let report = String::from_utf8_lossy(&output.stdout);
    if !report.contains(&format!("errors: 0, replies: {commands}\n")) {
        bail!("{commands} commands were piped, and redis-cli says: {report}");
    }
    Ok(knowledge)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::resp::write_command;
    use crate::server::Server;

    #[test]
    fn what_is_piped_arrives() {
        let server = Server::start(Path::new("redis-server"), &[]).unwrap();
        let set = |output: &mut dyn Write| {
            let mut request = Vec::new();
            write_command(&mut request, &[b"SET", b"key", b"value"]);
            output.write_all(&request)?;
            Ok((1, ()))
        };
        pipe(server.port(), set).unwrap();
        let port = server.port().to_string();
        assert_eq!(run(&["-p", &port, "GET", "key"]).unwrap(), "value\n");
    }

    #[test]
    fn errors_are_noticed() {
        let server = Server::start(Path::new("redis-server"), &[]).unwrap();
        let get = |output: &mut dyn Write| {
            output.write_all(b"*1\r\n$3\r\nGET\r\n")?;
            Ok((1, ()))
        };
        assert!(pipe(server.port(), get).is_err());
        assert!(run(&["-p", "1", "PING"]).is_err());
    }
}
