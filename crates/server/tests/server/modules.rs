//! Modules that the configuration names, and that clients load.

use std::process::Command;

use rustix::process::Signal;

use crate::support::{Client, Server, compile_bare, run};

#[test]
fn a_module_comes_with_the_configuration() {
    let directory = tempfile::tempdir().expect("a directory");
    let library = compile_bare(directory.path(), "module");
    let configuration = directory.path().join("redis.conf");
    let path = library.display().to_string();
    std::fs::write(&configuration, format!("loadmodule {path} one\n")).expect("writable");
    let name = configuration.display().to_string();
    let server = Server::start_in(directory, &[&name, "--enable-module-command", "local"], b"");
    let mut client = Client::connect(server.port());
    assert_eq!(client.call(&["bare.answer"]), b":71\r\n");
    assert!(client.text(&["INFO", "modules"]).contains("module:name=bare,ver=1,api=1"));
    assert_eq!(client.call(&["CONFIG", "REWRITE"]), b"+OK\r\n");
    let rewritten = std::fs::read_to_string(&configuration).expect("readable");
    assert!(rewritten.lines().any(|line| line == format!("loadmodule {path} one")), "{rewritten}");
    assert_eq!(client.call(&["MODULE", "UNLOAD", "bare"]), b"+OK\r\n");
    assert_eq!(client.call(&["CONFIG", "REWRITE"]), b"+OK\r\n");
    let rewritten = std::fs::read_to_string(&configuration).expect("readable");
    assert!(!rewritten.contains("loadmodule"), "{rewritten}");
    assert_eq!(client.call(&["MODULE", "LOAD", &path]), b"+OK\r\n");
    assert_eq!(client.call(&["bare.answer", "x"]), b":72\r\n");
    let log = server.stop(Signal::TERM).log;
    assert!(log.contains(&format!("Module 'bare' loaded from {path}")), "{log}");
}

#[test]
fn a_module_that_cannot_be_loaded_ends_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let library = compile_bare(directory.path(), "module").display().to_string();
    for (words, reason) in
        [(&["/nowhere.so"][..], "execute permissions"), (&[&*library, "a", "b"], "its OnLoad answered 1")]
    {
        let options = ["--port", "0", "--unixsocket", "socket", "--loadmodule"];
        let output = run(&[&options, words].concat(), directory.path());
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        let log = String::from_utf8(output.stdout).expect("text");
        assert!(log.contains(reason) && log.contains("server aborting"), "{log}");
    }
}

/// A module binds to its own names and to what it asks for; to whatever the program exported it could bind by accident.
#[test]
fn the_program_offers_no_symbols() {
    let program = env!("CARGO_BIN_EXE_zmalloc-server");
    let output = Command::new("nm").args(["-D", "--defined-only", program]).output().expect("nm runs");
    let symbols = String::from_utf8(output.stdout).expect("text");
    let offered: Vec<_> = symbols.lines().collect();
    assert!(offered.is_empty(), "{offered:?}");
}
