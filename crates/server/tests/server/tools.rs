//! Redis's own tools, unmodified.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::support::{Server, encode, redis_cli};

#[test]
fn redis_cli_sends_commands() {
    let server = Server::start(&[]);
    assert_eq!(redis_cli(&server, &["PING"], b""), "PONG\n");
    assert_eq!(redis_cli(&server, &["-3", "HELLO", "3"], b"").lines().next(), Some("server redis"));
    let session = redis_cli(&server, &[], b"SET greeting \"hello world\"\nGET greeting\nINCR greeting\n");
    assert_eq!(session, "OK\nhello world\nERR value is not an integer or out of range\n\n");
}

#[test]
fn redis_cli_loads_and_surveys() {
    const KEYS: usize = 20_000;
    let server = Server::start(&[]);
    let load: Vec<u8> = (0..KEYS)
        .flat_map(|n| encode(&[b"SET", format!("key:{n}").as_bytes(), &vec![b'v'; n % 50]]))
        .chain(encode(&[b"SET", b"longest", &[b'v'; 5_000]]))
        .collect();
    let report = redis_cli(&server, &["--pipe"], &load);
    assert!(report.contains("errors: 0, replies: 20001"), "{report}");
    for survey in ["--bigkeys", "--memkeys"] {
        let report = redis_cli(&server, &[survey], b"");
        assert!(report.contains("Sampled 20001 keys"), "{report}");
        assert!(
            report.lines().any(|line| line.starts_with("Biggest string found") && line.contains("longest")),
            "{report}"
        );
    }
    let keys = redis_cli(&server, &["--scan", "--pattern", "key:1*"], b"");
    assert_eq!(keys.lines().count(), 11_111);
}

#[test]
fn redis_cli_watches() {
    let server = Server::start(&[]);
    let figures = redis_cli(&server, &["--latency", "--csv", "-i", "0.1"], b"");
    assert_eq!(figures.trim().split(',').count(), 4, "{figures}");
    // It goes on until it is ended.
    let mut child = Command::new("redis-cli")
        .args(["-p", &server.port().to_string(), "--stat", "-i", "0.01"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("redis-cli is installed");
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines().take(4);
    let lines: Vec<String> = lines.map(|line| line.expect("text")).collect();
    child.kill().expect("it runs");
    child.wait().expect("it ends");
    assert!(lines[1].contains("keys") && lines[1].contains("requests"), "{lines:?}");
    assert_eq!(lines[2].split_whitespace().next(), Some("0"), "{lines:?}");
}

#[test]
fn redis_benchmark_runs() {
    let server = Server::start(&[]);
    let port = server.port().to_string();
    for options in
        [&["-t", "set,get,incr,mset,ping_inline,ping_mbulk", "-P", "16"][..], &["-t", "set,get", "-c", "500"]]
    {
        let output = Command::new("redis-benchmark")
            .args(["-p", &port, "-n", "5000", "--csv"])
            .args(options)
            .output()
            .expect("redis-benchmark is installed");
        let report = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{report}");
        assert_eq!(report.lines().count(), 1 + options[1].split(',').count(), "{report}");
        assert!(!report.to_lowercase().contains("error"), "{report}");
    }
}
