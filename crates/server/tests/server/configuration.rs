//! Files, options, the standard input, and directives that change while the server runs.

use std::fs;

use crate::support::{Client, Server, free_port, run};

fn get(client: &mut Client, directive: &str) -> String {
    let reply = client.call(&["CONFIG", "GET", directive]);
    let text = String::from_utf8(reply).expect("text");
    text.split("\r\n").nth(4).unwrap_or_else(|| panic!("no {directive}: {text}")).to_owned()
}

#[test]
fn a_later_source_overrides_an_earlier_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let conf = "include inc/*.conf\ntimeout 10\nhz 20\nmaxclients 100\n";
    fs::write(directory.path().join("redis.conf"), conf).expect("writable");
    fs::create_dir(directory.path().join("inc")).expect("writable");
    fs::write(directory.path().join("inc/a.conf"), "timeout 1\ndatabases 3\ntcp-keepalive 7\n")
        .expect("writable");
    fs::write(directory.path().join("inc/b.conf"), "databases 4\n").expect("writable");
    let server =
        Server::start_in(directory, &["redis.conf", "-", "--maxclients", "102"], b"hz 21\nmaxclients 101");
    let mut client = server.connect();
    let expected =
        [("tcp-keepalive", "7"), ("databases", "4"), ("timeout", "10"), ("hz", "21"), ("maxclients", "102")];
    for (directive, value) in expected {
        assert_eq!(get(&mut client, directive), value, "{directive}");
    }
}

#[test]
fn an_unusable_configuration_is_refused_by_name_and_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| fs::write(directory.path().join(name), text).expect("writable");
    write("unknown.conf", "# a comment\n\nport 1\nno-such-directive 3\n");
    write("value.conf", "port zero\n");
    write("quotes.conf", "dir \"/tmp\n");
    write("outer.conf", "timeout 1\ninclude unknown.conf\n");
    write("lost.conf", "include none.conf\n");
    let cases: [(&[&str], &[&str]); 9] = [
        (&["unknown.conf"], &["at line 4", ">>> 'no-such-directive 3'", "Bad directive"]),
        (&["value.conf"], &["at line 1", ">>> 'port zero'", "integer"]),
        (&["quotes.conf"], &["at line 1", "Unbalanced quotes"]),
        (&["outer.conf"], &["unknown.conf", "line 4", "no-such-directive"]),
        (&["lost.conf"], &["line 1", "none.conf"]),
        (&["--no-such-directive", "3"], &["no-such-directive", "Bad directive"]),
        (&["--port"], &["port", "wrong number of arguments"]),
        (&["none.conf"], &["can't open config file", "none.conf"]),
        (&["--dir", "/no/such/directory"], &["dir", "/no/such/directory"]),
    ];
    for (arguments, expected) in cases {
        let output = run(arguments, directory.path());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let text = String::from_utf8(output.stderr).expect("text");
        for part in expected {
            assert!(text.contains(part), "{arguments:?}: no '{part}' in:\n{text}");
        }
    }
}

#[test]
fn dir_is_entered_and_shown_in_full() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::create_dir(directory.path().join("data")).expect("writable");
    let full = directory.path().canonicalize().expect("a path").join("data");
    let server = Server::start_in(directory, &["--dir", "data", "--pidfile", "pid"], b"");
    assert_eq!(get(&mut server.connect(), "dir"), full.to_str().expect("text"));
    assert!(full.join("pid").exists());
}

#[test]
fn the_port_can_change_and_clients_stay() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let port = free_port();
    assert_eq!(client.call(&["CONFIG", "SET", "port", &port.to_string()]), b"+OK\r\n");
    assert_eq!(Client::connect(port).call(&["PING"]), b"+PONG\r\n");
    assert_eq!(client.call(&["PING"]), b"+PONG\r\n");
    std::net::TcpStream::connect(("127.0.0.1", server.port())).expect_err("the old port is closed");
}

#[test]
fn a_change_that_fails_changes_nothing() {
    let (server, other) = (Server::start(&[]), Server::start(&[]));
    let mut client = server.connect();
    let taken = other.port().to_string();
    let hz = get(&mut client, "hz");
    for pairs in [
        &["port", taken.as_str()][..],
        &["hz", "50", "port", &taken],
        &["hz", "50", "bind", "192.0.2.1"],
        &["hz", "50", "maxclients", "2000000000"],
    ] {
        let reply = client.text(&[&["CONFIG", "SET"], pairs].concat());
        assert!(reply.starts_with("ERR CONFIG SET failed"), "{pairs:?}: {reply}");
        assert_eq!(get(&mut client, "hz"), hz);
        assert_eq!(get(&mut client, "port"), server.port().to_string());
        assert_eq!(server.connect().call(&["PING"]), b"+PONG\r\n", "after {pairs:?}");
    }
}

#[test]
fn rewrite_keeps_the_file_and_what_was_set() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("redis.conf");
    fs::write(&path, "# mine\ntimeout 10\n").expect("writable");
    let server = Server::start_in(directory, &["redis.conf"], b"");
    let mut client = server.connect();
    assert_eq!(client.call(&["CONFIG", "SET", "timeout", "20", "maxclients", "77"]), b"+OK\r\n");
    assert_eq!(client.call(&["CONFIG", "REWRITE"]), b"+OK\r\n");
    let text = fs::read_to_string(&path).expect("readable");
    for line in ["# mine", "timeout 20", "maxclients 77"] {
        assert!(text.lines().any(|found| found == line), "no '{line}' in:\n{text}");
    }
    let reply = Server::start(&[]).connect().text(&["CONFIG", "REWRITE"]);
    assert!(reply.starts_with("ERR "), "without a file: {reply}");
}

#[test]
fn the_log_level_can_change() {
    let server = Server::start(&["--loglevel", "warning"]);
    let mut client = server.connect();
    assert!(!server.log().contains("Accepted"));
    assert_eq!(client.call(&["CONFIG", "SET", "loglevel", "verbose"]), b"+OK\r\n");
    assert_eq!(server.connect().call(&["PING"]), b"+PONG\r\n");
    assert!(server.log().contains("Accepted 127.0.0.1:"), "{}", server.log());
}
