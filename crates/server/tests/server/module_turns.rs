//! Modules whose commands let others have their turn, and those that have child processes, in a server that runs.

use std::path::Path;

use rustix::process::Signal;

use crate::module_events::with;
use crate::support::{Client, Oracle, Server, compile, wait_for};

/// Has a client's command run until it is stopped; waits until others are told that the server is busy.
fn begin_work(worker: &mut Client, other: &mut Client) {
    assert_eq!(other.call(&["CONFIG", "SET", "busy-reply-threshold", "1", "hz", "100"]), b"+OK\r\n");
    worker.send(b"yielder.through clients 0 at_work\r\n");
    wait_for("the server is busy", || other.call(&["PING"]).starts_with(b"-BUSY").then_some(()));
}

/// What clients are told while a command of another runs, and after it.
fn told_meanwhile(connect: impl Fn() -> Client) -> Vec<String> {
    let (mut worker, mut other) = (connect(), connect());
    begin_work(&mut worker, &mut other);
    // Whoever comes now is served as well.
    let mut late = connect();
    let mut told = Vec::new();
    for line in [
        "PING",
        "SET k v",
        "GET k",
        "nonsense",
        "MULTI",
        "SET k v",
        "EXEC",
        "MULTI",
        "DISCARD",
        "SUBSCRIBE c",
        "UNSUBSCRIBE",
        "yielder.inside",
        "yielder.work none 1",
        "yielder.stop",
    ] {
        let args: Vec<&str> = line.split(' ').collect();
        let reply = if line.len() % 2 == 0 { other.call(&args) } else { late.call(&args) };
        told.push(format!("{line}: {}", String::from_utf8_lossy(&reply)));
    }
    told.push(String::from_utf8_lossy(&worker.reply()).into_owned());
    for line in [&["PING"][..], &["GET", "through"], &["GET", "k"], &["yielder.inside"]] {
        told.push(String::from_utf8_lossy(&late.call(line)).into_owned());
    }
    told
}

#[test]
fn others_are_told_what_redis_tells_them() {
    let directory = tempfile::tempdir().expect("a directory");
    let library = compile(directory.path(), "yielder");
    let library = library.to_str().expect("a path in UTF-8");
    let oracle = Oracle::start_with(&["--loadmodule", library]);
    let server = Server::start(&["--loadmodule", library]);
    assert_eq!(told_meanwhile(|| server.connect()), told_meanwhile(|| oracle.connect()));
}

#[test]
fn requests_are_kept_until_the_command_is_done() {
    let (server, mut worker) = with("yielder");
    let mut others: Vec<Client> = (0..4).map(|_| server.connect()).collect();
    assert_eq!(worker.call(&["CONFIG", "SET", "busy-reply-threshold", "1", "hz", "500"]), b"+OK\r\n");
    for _ in 0..5 {
        worker.send(b"yielder.work none 20\r\nyielder.inside\r\n");
        for other in &mut others {
            other.send(b"yielder.inside\r\nPING\r\n");
        }
        for other in &mut others {
            assert_eq!(other.reply(), b":0\r\n");
            assert_eq!(other.reply(), b"+PONG\r\n");
        }
        assert_eq!(worker.reply(), b"+done\r\n");
        assert_eq!(worker.reply(), b":0\r\n");
    }
}

#[test]
fn clients_come_and_go_meanwhile() {
    let (server, mut worker) = with("yielder");
    let mut other = server.connect();
    begin_work(&mut worker, &mut other);
    for _ in 0..50 {
        let mut passing = server.connect();
        assert!(passing.call(&["GET", "x"]).starts_with(b"-BUSY at_work"));
    }
    let large = format!("*2\r\n$4\r\nPING\r\n$200000\r\n{}\r\n", "x".repeat(200_000));
    other.send(large.as_bytes());
    assert!(other.reply().starts_with(b"-BUSY"));
    // What the worker's client sends meanwhile waits for the reply.
    worker.send(b"PING\r\n");
    assert_eq!(other.call(&["yielder.stop"]), b":1\r\n");
    assert_eq!(worker.reply(), b"+stopped\r\n");
    assert_eq!(worker.reply(), b"+PONG\r\n");
}

#[test]
fn a_worker_that_goes_meanwhile_is_closed_when_its_command_is_done() {
    let (server, mut worker) = with("yielder");
    let mut other = server.connect();
    begin_work(&mut worker, &mut other);
    worker.vanish();
    assert_eq!(other.call(&["yielder.stop"]), b":1\r\n");
    wait_for("the worker is gone", || {
        other.text(&["INFO", "clients"]).contains("connected_clients:1\r").then_some(())
    });
}

#[test]
fn the_server_ends_when_the_command_is_done() {
    let (server, mut worker) = with("yielder");
    let mut other = server.connect();
    begin_work(&mut worker, &mut other);
    server.signal(Signal::TERM);
    wait_for("the signal has come", || server.has_no_pending_signal().then_some(()));
    assert_eq!(other.call(&["yielder.stop"]), b":1\r\n");
    assert_eq!(worker.reply(), b"+stopped\r\n");
    assert_eq!(server.wait().status.code(), Some(0));
}

/// What SHUTDOWN does while a command of another lets others in: the replies, and whether the server ends.
fn shut_down_meanwhile(connect: impl Fn() -> Client) -> Vec<String> {
    let (mut worker, mut other, mut third) = (connect(), connect(), connect());
    begin_work(&mut worker, &mut other);
    let mut told = Vec::new();
    for line in ["SHUTDOWN", "SHUTDOWN SAVE", "SHUTDOWN NOW FORCE", "SHUTDOWN NOSAVE SAVE", "SHUTDOWN ABORT"]
    {
        let args: Vec<&str> = line.split(' ').collect();
        told.push(format!("{line}: {}", String::from_utf8_lossy(&third.call(&args))));
    }
    third.send(b"SHUTDOWN NOSAVE\r\n");
    // The command that was at work never replies.
    for client in [&mut third, &mut other, &mut worker] {
        told.push(String::from_utf8_lossy(&client.read_to_end()).into_owned());
    }
    told
}

#[test]
fn a_command_that_lets_others_in_is_ended_with_the_server_as_in_redis() {
    let directory = tempfile::tempdir().expect("a directory");
    let library = compile(directory.path(), "yielder");
    let library = library.to_str().expect("a path in UTF-8");
    let oracle = Oracle::start_with(&["--loadmodule", library]);
    let theirs = shut_down_meanwhile(|| oracle.connect());
    let options = ["--loadmodule", library, "--unixsocket", "socket", "--pidfile", "pid"];
    let server = Server::start_in(tempfile::tempdir().expect("a directory"), &options, b"");
    assert_eq!(shut_down_meanwhile(|| server.connect()), theirs);
    let files = ["socket", "pid"].map(|name| server.directory().join(name));
    let ended = server.wait();
    assert_eq!(ended.status.code(), Some(0));
    assert!(files.iter().all(|file| !file.exists()) && ended.log.contains("bye bye"), "{}", ended.log);
}

/// The descriptors of a process that lead to sockets.
fn sockets_of(pid: &str) -> usize {
    let directory = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("a process");
    let target = |file: std::fs::DirEntry| std::fs::read_link(file.path()).unwrap_or_default();
    let files = directory.map(|file| target(file.expect("a descriptor")));
    files.filter(|path| path.to_string_lossy().starts_with("socket:")).count()
}

#[test]
fn a_child_process_has_no_part_in_what_the_server_does() {
    let directory = tempfile::tempdir().expect("a directory");
    let library = compile(directory.path(), "forker");
    let library = library.to_str().expect("a path in UTF-8").to_owned();
    let options = [
        "--loadmodule",
        &library,
        "--unixsocket",
        "socket",
        "--pidfile",
        "pid",
        "--jemalloc-bg-thread",
        "yes",
    ];
    let server = Server::start_in(directory, &options, b"");
    let mut client = server.connect();
    let mut other = server.connect();
    assert_eq!(client.call(&["SET", "k", "before"]), b"+OK\r\n");
    // A value that is freed by a thread: the child has none.
    assert_eq!(client.call(&["SET", "large", &"x".repeat(1 << 20)]), b"+OK\r\n");
    assert_eq!(client.call(&["UNLINK", "large"]), b":1\r\n");
    assert_eq!(client.call(&["forker.fork", "exit", "0"]), b":1\r\n");
    let pid = client.text(&["forker.pid"]);
    wait_for("the child has told of itself", || {
        client.text(&["INFO"]).contains("current_fork_perc:25.00").then_some(())
    });
    // The signals of the server are watched with two sockets, which the child leaves alone.
    assert!(sockets_of(&pid) <= 3, "{}", sockets_of(&pid));
    // A connection that the server closes is closed at once, though the child is still there.
    assert_eq!(other.call(&["QUIT"]), b"+OK\r\n");
    assert_eq!(other.read_to_end(), b"");
    assert_eq!(client.call(&["forker.go"]), b"+OK\r\n");
    wait_for("the child has ended", || {
        client.text(&["INFO"]).contains("module_fork_in_progress:0").then_some(())
    });
    assert_eq!(client.text(&["GET", "k"]), "before");
    assert!(server.log().contains("the child is at work"));
    assert!(server.log().contains(&format!("{pid}:C ")), "{}", server.log());
    assert!(server.directory().join("socket").exists() && server.directory().join("pid").exists());
    assert_eq!(client.call(&["forker.fork", "exit", "0"]), b":1\r\n");
    let pid = client.text(&["forker.pid"]);
    let stopped = server.stop(Signal::TERM);
    assert_eq!(stopped.status.code(), Some(0));
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "{}", stopped.log);
}
