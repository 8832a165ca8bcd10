//! Modules that misbehave take the server down, as they do redis-server, and no file with it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;

use rustix::process::Signal;

use crate::support::{
    Oracle, Server, compile_bare, has_no_pending_signal, signal, wait_for, wait_until_busy,
};

/// The name and bytes of every file in a directory, but for the log.
type Files = BTreeMap<String, Vec<u8>>;

fn files(directory: &Path) -> Files {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry"));
    let named = entries.map(|entry| (entry.file_name().into_string().expect("UTF-8"), entry.path()));
    named
        .filter(|(name, _)| name != "log")
        .map(|(name, path)| (name, fs::read(path).expect("a file")))
        .collect()
}

/// A server with the module, a configuration file and a file of users, both of which it has written.
fn server() -> (Server, Files) {
    let directory = tempfile::tempdir().expect("a directory");
    let library = compile_bare(directory.path(), "misbehaving");
    let configuration = directory.path().join("redis.conf");
    fs::write(directory.path().join("users.acl"), "user default on nopass ~* &* +@all\n").expect("writable");
    let lines = format!("aclfile users.acl\nloadmodule {}\n", library.display());
    fs::write(&configuration, lines).expect("writable");
    let server = Server::start_in(directory, &[&configuration.display().to_string()], b"");
    let mut client = server.connect();
    assert_eq!(client.call(&["ACL", "SETUSER", "ada", "on", ">secret", "+get"]), b"+OK\r\n");
    assert_eq!(client.call(&["ACL", "SAVE"]), b"+OK\r\n");
    assert_eq!(client.call(&["CONFIG", "SET", "maxmemory", "100mb"]), b"+OK\r\n");
    assert_eq!(client.call(&["CONFIG", "REWRITE"]), b"+OK\r\n");
    let files = files(server.directory());
    let text = |name: &str| String::from_utf8_lossy(&files[name]).into_owned();
    assert!(text("redis.conf").contains("maxmemory 100mb") && text("users.acl").contains("user ada on"));
    (server, files)
}

/// What becomes of redis-server with the module by this command.
fn end_of_redis(command: &str) -> ExitStatus {
    let directory = tempfile::tempdir().expect("a directory");
    let library = compile_bare(directory.path(), "misbehaving");
    let redis = Oracle::start_with(&["--loadmodule", &library.display().to_string()]);
    let mut client = redis.connect();
    client.send(format!("{command}\r\n").as_bytes());
    assert_eq!(client.read_to_end(), b"", "{command}");
    redis.wait()
}

#[test]
fn a_module_that_dies_takes_the_server_along() {
    for (command, signal) in [("aborts", Signal::ABORT), ("faults", Signal::SEGV), ("overruns", Signal::SEGV)]
    {
        let command = format!("misbehaving.{command}");
        let (server, before) = server();
        let library = server.directory().join("misbehaving.so");
        let mut client = server.connect();
        client.send(format!("{command}\r\n").as_bytes());
        assert_eq!(client.read_to_end(), b"", "{command}");
        let stopped = server.wait();
        assert_eq!(stopped.status.signal(), Some(signal.as_raw()), "{command}: {}", stopped.log);
        // Where memory is overrun Redis's crash report may wait for ever for a lock of the allocator.
        if command != "misbehaving.overruns" {
            assert_eq!(end_of_redis(&command).signal(), stopped.status.signal(), "{command}");
        }
        assert_eq!(
            files(stopped.directory.path()),
            before,
            "{command}: no file has changed, and there is no other"
        );
        assert!(stopped.log.contains("crash report begins"), "{}", stopped.log);
        if command != "misbehaving.overruns" {
            // What is overrun may be what the report would show.
            for text in [&*command, "module:name=misbehaving,", &format!(" in {}+0x", library.display())] {
                assert!(stopped.log.contains(text), "no '{text}' in:\n{}", stopped.log);
            }
            assert!(stopped.log.contains("crash report ends"), "{}", stopped.log);
        }
    }
}

#[test]
fn a_death_within_config_rewrite_leaves_the_file() {
    let (server, before) = server();
    let mut client = server.connect();
    assert_eq!(client.call(&["misbehaving.arms"]), b":1\r\n");
    client.send(b"CONFIG REWRITE\r\n");
    assert_eq!(client.read_to_end(), b"");
    let stopped = server.wait();
    assert_eq!(stopped.status.signal(), Some(Signal::ABORT.as_raw()), "{}", stopped.log);
    assert_eq!(files(stopped.directory.path()), before);
    assert!(stopped.log.contains("misbehaving.so+0x"), "{}", stopped.log);
}

/// Has a process that a module keeps busy asked to end, and then told to; it has ended when it was.
fn ask_and_tell(pid: u32) {
    wait_until_busy(pid);
    signal(pid, Signal::TERM);
    wait_for("the signal is delivered", || has_no_pending_signal(pid).then_some(()));
    // It can't end while the command runs.
    wait_until_busy(pid);
    signal(pid, Signal::INT);
}

#[test]
fn a_module_that_loops_is_ended_as_in_redis() {
    let directory = tempfile::tempdir().expect("a directory");
    let library = compile_bare(directory.path(), "misbehaving");
    let redis = Oracle::start_with(&["--loadmodule", &library.display().to_string()]);
    let mut client = redis.connect();
    client.send(b"misbehaving.loops\r\n");
    ask_and_tell(redis.pid());
    let theirs = redis.wait();

    let (server, before) = server();
    let mut client = server.connect();
    client.send(b"misbehaving.loops\r\n");
    ask_and_tell(server.pid());
    let stopped = server.wait();
    assert_eq!(stopped.status.code(), Some(1), "{}", stopped.log);
    assert_eq!(theirs.code(), stopped.status.code());
    assert_eq!(files(stopped.directory.path()), before);
}

#[test]
fn a_module_that_loops_can_be_killed() {
    let (server, before) = server();
    let mut client = server.connect();
    client.send(b"misbehaving.loops\r\n");
    wait_until_busy(server.pid());
    let stopped = server.stop(Signal::KILL);
    assert_eq!(stopped.status.signal(), Some(Signal::KILL.as_raw()));
    assert_eq!(files(stopped.directory.path()), before);
}
