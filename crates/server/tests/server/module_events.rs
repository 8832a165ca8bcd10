//! Modules in a server that runs: what they have watched, and what their threads do.

use crate::support::{Client, Oracle, Server, compile, wait_for};

/// A server with a module, and a client of it.
pub(crate) fn with(name: &str) -> (Server, Client) {
    let directory = tempfile::tempdir().expect("a directory");
    let library = compile(directory.path(), name);
    let library = library.to_str().expect("a path in UTF-8").to_owned();
    let server = Server::start_in(directory, &["--loadmodule", &library], b"");
    let client = server.connect();
    (server, client)
}

#[test]
fn a_descriptor_is_told_of_as_long_as_it_is_ready() {
    let (server, mut client) = with("looper");
    assert_eq!(client.call(&["looper.watch"]), b"+OK\r\n");
    // The module reads a byte each time that it is told.
    for text in ["abc", "defg"] {
        assert_eq!(client.call(&["looper.write", text]), b"+OK\r\n");
    }
    let expected = b"*4\r\n:7\r\n$7\r\nabcdefg\r\n:1\r\n:0\r\n";
    wait_for("all of it is read", || (client.call(&["looper.counts"]) == expected).then_some(()));
    assert_eq!(client.call(&["looper.shoot"]), b":0\r\n");
    wait_for("both functions are called", || {
        client.call(&["looper.counts"]).ends_with(b":11\r\n").then_some(())
    });
    drop(server);
}

/// How often a module is told of a descriptor when its other end sends three bytes and is closed.
fn told_until_the_end(client: &mut Client) -> Vec<u8> {
    let wait_for_count = |client: &mut Client, what: &str, is_right: &dyn Fn(&str) -> bool| {
        wait_for(what, || is_right(&client.text(&["looper.counts"])).then_some(()));
    };
    for turn in 1..=2 {
        assert_eq!(client.call(&["looper.watch"]), b"+OK\r\n");
        let is_writable = format!(":{turn}\r\n:0");
        wait_for_count(client, "the other end is writable", &|counts| counts.ends_with(&is_writable));
        assert_eq!(client.call(&["looper.write", "abc"]), b"+OK\r\n");
        if turn == 1 {
            wait_for_count(client, "all is read", &|counts| counts.contains("\n:3\r\n"));
        }
        assert_eq!(client.call(&["looper.write"]), b"+OK\r\n");
        let is_told = format!("\n:{}\r\n", turn * 4);
        wait_for_count(client, "the end is told", &|counts| counts.contains(&is_told));
    }
    // Were it told once more, it would be by now.
    for _ in 0..20 {
        client.call(&["PING"]);
    }
    client.call(&["looper.counts"])
}

#[test]
fn the_end_of_a_descriptor_is_told_as_by_redis_server() {
    let directory = tempfile::tempdir().expect("a directory");
    let library = compile(directory.path(), "looper");
    let library = library.to_str().expect("a path in UTF-8");
    let oracle = Oracle::start_with(&["--loadmodule", library]);
    let server = Server::start(&["--loadmodule", library]);
    assert_eq!(told_until_the_end(&mut server.connect()), told_until_the_end(&mut oracle.connect()));
}

#[test]
fn threads_reply_while_the_server_sleeps() {
    let (server, mut client) = with("waiters");
    for _ in 0..20 {
        let reply = client.call(&["waiters.thread", "x"]);
        assert!(reply.ends_with(b"from the thread\r\n"), "{}", String::from_utf8_lossy(&reply));
    }
    let mut others: Vec<Client> = (0..8).map(|_| server.connect()).collect();
    for client in &mut others {
        client.send(b"waiters.answer\r\nwaiters.answer\r\nPING\r\n");
    }
    for client in &mut others {
        assert!(client.reply().starts_with(b"*4\r\n"));
        assert!(client.reply().starts_with(b"*4\r\n"));
        assert_eq!(client.reply(), b"+PONG\r\n");
    }
    assert_eq!(client.call(&["get", "turns"]), b"$2\r\n48\r\n");
    assert_eq!(client.call(&["waiters.hold", "20"]), b"+TIMEOUT\r\n");
}
