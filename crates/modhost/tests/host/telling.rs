//! Notifications, events, messages, shared functions and threads.

use std::time::{Duration, Instant};

use engine::Reply;

use crate::support::{Server, compile};

#[test]
fn modules_are_told_of_changes() {
    let mut server = Server::with("telling");
    server.raw("telling.last");
    server.call("set k v");
    assert_eq!(server.raw("telling.last"), "$9|0 8 set k|");
    assert_eq!(server.raw("get changes"), "$1|1|", "it is told once, and not of what it does itself");
    server.call("select 3");
    server.call("del k");
    assert_eq!(server.raw("telling.last"), "$0||", "nothing was deleted");
    server.call("set k v");
    server.call("expire k 10");
    assert_eq!(server.raw("telling.last"), "$12|3 4 expire k|");
    assert_eq!(server.raw("telling.tell x"), "+OK|");
    assert_eq!(server.raw("telling.last"), "$10|3 4 told x|");
    assert_eq!(server.raw("module unload telling"), "+OK|");
    server.call("set k v");
}

#[test]
fn modules_are_told_of_each_other_and_share_functions() {
    let mut server = Server::with("telling");
    assert_eq!(server.raw("telling.last"), "$0||", "a module isn't told of itself");
    server.load("basics", &[]).expect("loaded");
    assert_eq!(server.raw("telling.last"), "$12|9 0 basics 3|");
    server.call("module unload basics");
    assert_eq!(server.raw("telling.last"), "$12|9 1 basics 3|");
}

#[test]
fn what_is_shared_keeps_its_module() {
    let mut server = Server::with("telling");
    let user = compile(server.directory(), "user", &[]);
    server.load_file(&user, &[]).expect("loaded");
    assert_eq!(server.report("telling").used_by, ["user"]);
    assert_eq!(server.report("user").using, ["telling"]);
    assert_eq!(
        server.raw("module unload telling"),
        "-ERR Error unloading module: the module exports APIs used by other modules. Please unload them first and try \
         again.|"
    );
    assert_eq!(server.raw("module unload user"), "+OK|");
    assert_eq!(server.raw("module unload telling"), "+OK|");
}

#[test]
fn messages_are_published() {
    let mut server = Server::with("telling");
    let other = server.engine.connect().expect("a client");
    server.engine.execute(other, &[b"SUBSCRIBE", b"news"]);
    assert_eq!(server.call("telling.publish news hello"), Reply::Integer(10));
    let output = String::from_utf8_lossy(server.engine.output(other)).into_owned();
    assert!(output.ends_with("$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n"), "{output}");
}

#[test]
fn threads_take_the_engine_while_it_waits() {
    let mut server = Server::with("telling");
    server.call("telling.start");
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        server.turn();
        if server.call("get thread") == Reply::Bulk(b"200".to_vec()) {
            break;
        }
        assert!(Instant::now() < deadline, "the thread gets its turns");
    }
}
