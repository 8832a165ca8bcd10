//! What a server that dies leaves in its log.

use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;

use crate::support::{Server, Stopped};

fn assert_reported(stopped: &Stopped, signal: Signal, expected: &[&str]) {
    assert_eq!(stopped.status.signal(), Some(signal.as_raw()), "{}", stopped.log);
    for text in ["crash report begins", "crash report ends", "redis_version:7.4.0", "used_memory:"]
        .iter()
        .chain(expected)
    {
        assert!(stopped.log.contains(text), "no '{text}' in:\n{}", stopped.log);
    }
}

#[test]
fn a_fault_inside_a_command_names_the_command() {
    for (what, signal) in [("SEGFAULT", Signal::SEGV), ("PANIC", Signal::ABORT)] {
        let server = Server::start(&["--enable-debug-command", "yes"]);
        let mut client = server.connect();
        // INFO in the report is a second old at most; there is one as soon as the first client is served.
        assert_eq!(client.call(&["PING"]), b"+PONG\r\n");
        client.send(format!("DEBUG {what}\r\n").as_bytes());
        assert_eq!(client.read_to_end(), b"");
        assert_reported(&server.wait(), signal, &["DEBUG", what]);
    }
}

#[test]
fn a_fatal_signal_from_outside_is_reported() {
    for signal in [Signal::SEGV, Signal::BUS, Signal::ABORT] {
        let server = Server::start(&[]);
        assert_eq!(server.connect().call(&["PING"]), b"+PONG\r\n");
        assert_reported(&server.stop(signal), signal, &["no command"]);
    }
}

#[test]
fn without_reports_a_fault_still_ends_the_server() {
    let server = Server::start(&["--crash-log-enabled", "no", "--enable-debug-command", "yes"]);
    let mut client = server.connect();
    client.send(b"DEBUG SEGFAULT\r\n");
    assert_eq!(client.read_to_end(), b"");
    assert_eq!(server.wait().status.signal(), Some(Signal::SEGV.as_raw()));
}

#[test]
fn reports_can_be_switched_off() {
    let server = Server::start(&["--crash-log-enabled", "no"]);
    assert_eq!(server.connect().call(&["PING"]), b"+PONG\r\n");
    let stopped = server.stop(Signal::ABORT);
    assert_eq!(stopped.status.signal(), Some(Signal::ABORT.as_raw()));
    assert!(!stopped.log.contains("crash report"), "{}", stopped.log);
}
