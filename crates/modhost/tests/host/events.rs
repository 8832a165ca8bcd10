//! What modules are told of: changes of keys, and events of the server.

use std::time::Duration;

use crate::support::Server;

fn log(server: &mut Server) -> Vec<String> {
    let bytes = server.call("events.log");
    let text = String::from_utf8_lossy(bytes.as_bytes().expect("a text")).into_owned();
    text.lines().map(str::to_owned).collect()
}

/// What is told when a command is called.
fn told(server: &mut Server, line: &str) -> Vec<String> {
    log(server);
    server.call(line);
    log(server)
}

#[test]
fn keys_that_change() {
    let mut server = Server::with("events");
    assert_eq!(told(&mut server, "set k v ex 5"), ["set of k in 0, 8", "expire of k in 0, 4"]);
    assert_eq!(told(&mut server, "get none"), ["keymiss of none in 0, 800"]);
    server.call("select 3");
    assert_eq!(told(&mut server, "append a b"), ["append of a in 3, 8"]);
    assert_eq!(told(&mut server, "del a"), ["del of a in 3, 4"]);
    server.call("select 0");
    server.engine.clock_mut().advance(Duration::from_secs(6));
    assert_eq!(told(&mut server, "exists k"), ["expired of k in 0, 100", "keymiss of k in 0, 800"]);
    server.call("config set maxmemory-policy allkeys-random");
    server.call("set k v");
    let evicted = told(&mut server, "config set maxmemory 1");
    assert!(evicted.contains(&"evicted of k in 0, 200".to_owned()), "{evicted:?}");
}

#[test]
fn notifications_of_a_module_s_own() {
    let mut server = Server::with("events");
    assert_eq!(server.raw("events.notify ring k"), ":0|");
    assert_eq!(log(&mut server), ["mine: ring of k"]);
    server.call("config set notify-keyspace-events EKd");
    let listener = server.engine.connect().expect("a client");
    server.engine.call(listener, &[b"subscribe", b"__keyevent@0__:ring"]);
    assert_eq!(server.raw("events.notify ring k"), format!(":{}|", 1 | 2 | 1 << 13));
    let heard = String::from_utf8_lossy(server.engine.output(listener)).into_owned();
    assert!(heard.ends_with("$19\r\n__keyevent@0__:ring\r\n$1\r\nk\r\n"), "{heard}");
}

#[test]
fn what_is_put_off_is_done_after_the_command() {
    let mut server = Server::with("events");
    let job = ["incrby of triggered in 0, 8", "job in 0 makes 1 of triggered", "free triggered"];
    assert_eq!(told(&mut server, "set trigger x"), [&["set of trigger in 0, 8"], &job[..]].concat());
    log(&mut server);
    server.call("multi");
    server.call("set trigger y");
    server.call("set k v");
    server.call("exec");
    let told = log(&mut server);
    assert_eq!(told[..2], ["set of trigger in 0, 8", "set of k in 0, 8"]);
    assert_eq!(told[3], "job in 0 makes 2 of triggered");
}

#[test]
fn a_function_isn_t_told_of_what_it_does() {
    let mut server = Server::with("events");
    assert_eq!(told(&mut server, "set nested x"), ["set of nested in 0, 8"]);
    assert_eq!(server.raw("get inner"), "$1|v|");
}

#[test]
fn a_function_is_told_of_what_it_does_where_its_module_wants_that() {
    let mut server = Server::new();
    server.load("events", &["nested"]).expect("loaded");
    assert_eq!(told(&mut server, "set nested x"), ["set of nested in 0, 8", "set of inner in 0, 8"]);
    assert_eq!(told(&mut server, "set k v"), ["set of k in 0, 8"]);
}

#[test]
fn the_server_s_events() {
    let mut server = Server::with("events");
    assert_eq!(server.raw("events.supported"), "+OK|");
    assert_eq!(told(&mut server, "flushdb"), ["flush of 0 begins, sync 1", "flush of 0 ends, sync 1"]);
    assert_eq!(
        told(&mut server, "flushall async"),
        ["flush of -1 begins, sync 0", "flush of -1 ends, sync 0"]
    );
    server.call("events.quiet");
    assert_eq!(told(&mut server, "flushdb"), [""; 0]);
    assert_eq!(told(&mut server, "swapdb 1 2"), ["swap of 1 and 2"]);
    assert_eq!(told(&mut server, "config set timeout 7 HZ 10"), ["config timeout", "config hz"]);
    assert_eq!(told(&mut server, "config set timeout x"), [""; 0]);
    server.engine.tick();
    server.engine.tick();
    server.turn();
    assert_eq!(server.raw("events.counts"), "*3|:2|:1|:1|");
    server.announce_shutdown();
    assert_eq!(log(&mut server), ["shutdown 1"]);
}

#[test]
fn clients_that_come_and_go() {
    let mut server = Server::with("events");
    log(&mut server);
    let origin = engine::Origin { address: "10.1.2.3:4567".to_owned(), ..engine::Origin::default() };
    let client = server.engine.accept(origin).expect("a client");
    server.engine.call(client, &[b"select", b"5"]);
    server.engine.call(client, &[b"multi"]);
    server.engine.disconnect(client);
    server.engine.disconnect(client);
    assert_eq!(
        log(&mut server),
        [
            "client comes: version 1, address 10.1.2.3, db 0, flags 0",
            "client goes: version 1, address 10.1.2.3, db 5, flags 32"
        ]
    );
    // Calls of modules make no client that anybody is told of.
    assert_eq!(told(&mut server, "set trigger x").len(), 4);
}

#[test]
fn modules_that_come_and_go() {
    let mut server = Server::with("events");
    server.load("basics", &[]).expect("loaded");
    server.call("module unload basics");
    let log = log(&mut server);
    assert_eq!(log, ["module basics 3 loaded", "module basics 3 unloaded"], "and nobody of itself");
    server.call("module unload events");
    assert_eq!(server.raw("set k v"), "+OK|", "nobody is told any more");
}

#[test]
fn keys_before_they_go() {
    let mut server = Server::new();
    server.load("events", &["keys"]).expect("loaded");
    let mut going = |line: &str| {
        let told = told(&mut server, line);
        told.into_iter().filter(|line| line.contains(" is ")).collect::<Vec<_>>()
    };
    assert_eq!(going("set k 1"), [""; 0]);
    assert_eq!(going("set k 2"), ["k in 0 is overwritten: 1"]);
    assert_eq!(going("append k 2"), [""; 0]);
    assert_eq!(going("del k none"), ["k in 0 is deleted: 22"]);
    going("set k v");
    assert_eq!(going("rename k l"), ["k in 0 is deleted: v"]);
    assert_eq!(going("move l 2"), ["l in 0 is deleted: v"]);
    going("set a 1");
    going("set b 2");
    assert_eq!(going("copy a b replace"), ["b in 0 is deleted: 2"]);
    assert_eq!(going("unlink a"), ["a in 0 is deleted: 1"]);
    assert_eq!(going("expire b -1"), ["b in 0 is expired: 1"]);
    going("set a 1 px 5");
    going("set b 2 px 5");
    going("set c 3 px 5");
    server.engine.clock_mut().advance(Duration::from_secs(1));
    assert_eq!(told(&mut server, "get a")[0], "a in 0 is expired: 1");
    assert_eq!(told(&mut server, "set b 3")[0], "b in 0 is expired: 2");
    log(&mut server);
    server.engine.tick();
    assert_eq!(log(&mut server)[0], "c in 0 is expired: 3");
    server.call("config set maxmemory-policy allkeys-random");
    let evicted = told(&mut server, "config set maxmemory 1");
    assert!(evicted.contains(&"b in 0 is evicted: 3".to_owned()), "{evicted:?}");
}
