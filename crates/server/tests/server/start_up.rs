//! From the command line to the log's last line.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::Command;
use std::{io::Read, io::Write};

use rustix::process::Signal;

use crate::support::{Server, free_port, run, wait_for};

#[test]
fn version_is_one_line_with_the_fields_of_redis_server() {
    let directory = tempfile::tempdir().expect("a directory");
    for option in ["--version", "-v"] {
        let output = run(&[option], directory.path());
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).expect("text");
        assert_eq!(text.lines().count(), 1, "{text}");
        for field in [concat!("v=", env!("CARGO_PKG_VERSION")), "redis=7.4.0", "malloc=jemalloc-", "bits="] {
            assert!(text.split(' ').any(|word| word.starts_with(field)), "{field} is not in {text}");
        }
    }
}

#[test]
fn help_shows_how_it_is_called() {
    let directory = tempfile::tempdir().expect("a directory");
    for option in ["--help", "-h"] {
        let output = run(&[option], directory.path());
        assert!(output.status.success());
        assert!(output.stdout.starts_with(b"Usage: zmalloc-server"));
    }
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let server = Server::start(&[]);
    let port = server.port().to_string();
    let output = run(&["--port", &port, "--bind", "127.0.0.1"], server.directory());
    assert_eq!(output.status.code(), Some(1));
    let log = String::from_utf8(output.stdout).expect("text");
    let about: Vec<_> = log.lines().filter(|line| line.contains(&port)).collect();
    assert_eq!(about.len(), 1, "{log}");
    assert!(about[0].contains(&format!("Failed listening on port {port}")), "{log}");
    assert!(about[0].contains("already in use"), "{log}");
    assert!(!log.lines().next().expect("a line").contains("already in use"), "{log}");
}

#[test]
fn a_server_must_listen_somewhere() {
    let directory = tempfile::tempdir().expect("a directory");
    let output = run(&["--port", "0"], directory.path());
    assert_eq!(output.status.code(), Some(1));
    let log = String::from_utf8(output.stdout).expect("text");
    assert!(log.contains("not listen anywhere"), "{log}");
}

#[test]
fn sigterm_and_sigint_end_it_cleanly() {
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT")] {
        let server = Server::start(&["--pidfile", "server.pid", "--unixsocket", "server.sock"]);
        let pid_file = server.directory().join("server.pid");
        assert_eq!(fs::read_to_string(&pid_file).expect("a pid file"), format!("{}\n", server.pid()));
        let _idle = server.connect();
        let stopped = server.stop(signal);
        assert_eq!(stopped.status.code(), Some(0));
        let expected = [name, "User requested shutdown", "bye bye"];
        let mut rest = stopped.log.as_str();
        for text in expected {
            let at = rest.find(text).unwrap_or_else(|| panic!("no {text} in its place in:\n{}", stopped.log));
            rest = &rest[at..];
        }
        let left: Vec<_> = fs::read_dir(stopped.directory.path())
            .expect("a directory")
            .map(|entry| entry.expect("an entry").file_name())
            .collect();
        assert_eq!(left, ["log"], "the pid file and the socket are removed");
    }
}

#[test]
fn a_second_sigint_ends_it_at_once() {
    let server = Server::start(&["--enable-debug-command", "yes"]);
    let mut client = server.connect();
    client.send(b"DEBUG SLEEP 3600\r\n");
    wait_for("the server sleeps", || server.is_sleeping().then_some(()));
    server.signal(Signal::INT);
    wait_for("the first signal has been delivered", || server.has_no_pending_signal().then_some(()));
    let stopped = server.stop(Signal::INT);
    assert_eq!(stopped.status.code(), Some(1), "{}", stopped.log);
}

#[test]
fn sighup_is_ignored() {
    let server = Server::start(&[]);
    server.signal(Signal::HUP);
    assert_eq!(server.connect().call(&["PING"]), b"+PONG\r\n");
}

#[test]
fn shutdown_ends_it_without_a_reply() {
    for arguments in [&["SHUTDOWN"][..], &["SHUTDOWN", "NOSAVE"], &["SHUTDOWN", "NOW", "FORCE"]] {
        let server = Server::start(&[]);
        let mut client = server.connect();
        client.send(format!("{}\r\n", arguments.join(" ")).as_bytes());
        assert_eq!(client.read_to_end(), b"");
        let stopped = server.wait();
        assert_eq!(stopped.status.code(), Some(0));
        assert!(stopped.log.contains("bye bye"), "{}", stopped.log);
    }
}

#[test]
fn a_unix_socket_serves_with_its_permissions() {
    let server = Server::start(&["--unixsocket", "server.sock", "--unixsocketperm", "700"]);
    let path = server.directory().join("server.sock");
    assert_eq!(fs::metadata(&path).expect("a socket").permissions().mode() & 0o777, 0o700);
    let mut stream = UnixStream::connect(&path).expect("it listens");
    stream.write_all(b"PING\r\n").expect("it reads");
    let mut reply = [0; 7];
    stream.read_exact(&mut reply).expect("it answers");
    assert_eq!(&reply, b"+PONG\r\n");
    let list = server.connect().text(&["CLIENT", "LIST"]);
    assert!(list.contains("addr=server.sock:0"), "{list}");
}

#[test]
fn a_socket_left_behind_is_replaced_and_another_file_is_not() {
    let directory = tempfile::tempdir().expect("a directory");
    drop(UnixListener::bind(directory.path().join("server.sock")).expect("a socket"));
    let server = Server::start_in(directory, &["--unixsocket", "server.sock"], b"");
    UnixStream::connect(server.directory().join("server.sock")).expect("it listens");

    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("precious"), "text").expect("writable");
    let output = run(&["--port", "0", "--unixsocket", "precious"], directory.path());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read_to_string(directory.path().join("precious")).expect("still there"), "text");
}

#[test]
fn a_pid_file_that_cannot_be_written_is_only_a_warning() {
    let server = Server::start(&["--pidfile", "no/such/directory/pid"]);
    assert!(server.log().contains("Can't write the pid file"), "{}", server.log());
    assert_eq!(server.connect().call(&["PING"]), b"+PONG\r\n");
}

/// What Redis's own test harness does: a file of settings, the pid and the ready line on the standard output, an
/// inline PING with a stray newline, SELECT 9, and SIGTERM.
#[test]
fn redis_test_harness_can_start_and_stop_it() {
    const SETTINGS: &str = "\
        always-show-logo yes\nnotify-keyspace-events KEA\ndaemonize no\npidfile redis.pid\ntimeout 0\n\
        loglevel verbose\nlogfile ''\ndatabases 16\nlatency-monitor-threshold 1\nsave ''\n\
        appendonly no\nappendfsync everysec\nno-appendfsync-on-rewrite no\nactiverehashing yes\n\
        enable-protected-configs yes\nenable-debug-command yes\nenable-module-command yes\n\
        propagation-error-behavior panic\nunixsocket socket\ndir ./inside\n";
    let directory = tempfile::tempdir().expect("a directory");
    fs::create_dir(directory.path().join("inside")).expect("writable");
    let settings = SETTINGS.replace("latency-monitor-threshold 1\n", "").replace("KEA", "\"\"");
    fs::write(directory.path().join("redis.conf"), settings).expect("writable");
    let server = Server::start_in(directory, &["redis.conf"], b"");
    let log = server.log();
    let (_, after) = log.split_once(&format!(" PID: {}", server.pid())).expect("the process's number");
    assert!(after.contains("Server initialized"), "{log}");
    assert!(server.directory().join("inside/socket").exists());
    let mut client = server.connect();
    client.send(b"PING\r\n\n");
    assert_eq!(client.reply(), b"+PONG\r\n");
    assert_eq!(client.call(&["select", "9"]), b"+OK\r\n");
    assert!(client.text(&["INFO"]).contains("\r\nmem_allocator:jemalloc"));
    assert_eq!(server.stop(Signal::TERM).status.code(), Some(0));
}

#[test]
fn the_log_goes_to_a_file_at_the_level_asked_for() {
    let directory = tempfile::tempdir().expect("a directory");
    let port = free_port();
    let path = directory.path().join("server.log");
    let mut child = Command::new(env!("CARGO_BIN_EXE_zmalloc-server"))
        .args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--logfile",
            "server.log",
            "--loglevel",
            "warning",
        ])
        .current_dir(directory.path())
        .spawn()
        .expect("the server starts");
    wait_for("the server listens", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, Signal::TERM).expect("it runs");
    assert!(child.wait().expect("a child").success());
    let log = fs::read_to_string(path).expect("a log");
    assert!(log.contains("bye bye"), "{log}");
    assert!(!log.contains("Ready to accept"), "that is a notice:\n{log}");
}
