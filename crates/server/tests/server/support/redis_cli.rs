//! Redis's own command-line client.

use std::io::Write;
use std::process::{Command, Stdio};

use super::Server;

/// Runs it with these arguments and this on its standard input, and gives what it prints.
pub(crate) fn redis_cli(server: &Server, arguments: &[&str], input: &[u8]) -> String {
    let mut child = Command::new("redis-cli")
        .args(["-p", &server.port().to_string()])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("redis-cli is installed");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input).expect("redis-cli reads");
    drop(stdin);
    let output = child.wait_with_output().expect("redis-cli ends");
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
