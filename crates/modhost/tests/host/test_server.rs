//! The server that authors of modules test theirs with.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::Reply;
use engine::config::LogLevel;
use modhost::{Leak, TestError, TestServer};

use crate::support::{Server, compile};

fn bulk(text: &str) -> Reply {
    Reply::Bulk(text.as_bytes().to_vec())
}

/// What rows must hold, by a naive model.
type Rows = BTreeMap<String, Vec<String>>;

/// Calls a command of the module `rows`, and has the model do the same, unless memory was refused: then nothing
/// changes. Says whether it was.
fn step(server: &mut TestServer, rows: &mut Rows, line: &str) -> bool {
    let words: Vec<&str> = line.split(' ').collect();
    let reply = server.call(&words);
    if reply == Reply::Error(b"OOM the module was refused memory".to_vec()) {
        return true;
    }
    let row = rows.entry(words[1].to_owned()).or_default();
    let expected = match words[0] {
        "rows.push" => {
            row.extend(words[2..].iter().map(|&text| text.to_owned()));
            Reply::Integer(row.len() as i64)
        }
        "rows.pop" => row.pop().map_or(Reply::Null, |text| bulk(&text)),
        _ => Reply::Integer(i64::from(!std::mem::take(row).is_empty())),
    };
    assert_eq!(reply, expected, "{line}");
    false
}

#[test]
fn whichever_allocation_fails_values_stay_whole() {
    // Texts of several size classes, in rows that grow and move.
    let script = [
        "rows.push a 1 2 3",
        "rows.push b 1",
        "rows.push a 4",
        "rows.push b 2 3 4 5 6 7 8 9",
        &format!("rows.push c {0} {0}", "x".repeat(300)),
        "rows.pop b",
        "rows.pop c",
        "rows.pop none",
        &format!("rows.push a {}", "y".repeat(5000)),
        "unlink b",
    ];
    let mut server = Server::with("rows");
    let server = &mut *server;
    let empty = server.memory("rows");
    let mut nth = 0;
    loop {
        nth += 1;
        server.fail_allocation("rows", nth).expect("loaded");
        let mut rows = Rows::new();
        let refused = script.iter().filter(|line| step(server, &mut rows, line)).count();
        let has_failed = server.take_failure("rows").expect("loaded");
        assert_eq!(refused, usize::from(has_failed), "the command that met it says so, and no other");
        for (key, row) in &rows {
            let row = row.iter().map(|text| bulk(text)).collect();
            assert_eq!(server.call(&["rows.all", key]), Reply::Array(row), "{key}, allocation {nth}");
        }
        server.call(&["flushall"]);
        let memory = server.memory("rows");
        assert_eq!((memory.live, memory.blocks), (empty.live, empty.blocks), "allocation {nth}");
        if !has_failed {
            break;
        }
    }
    // Three rows are made; each of six commands that push takes a block for all places, and one for each of 16 texts.
    assert_eq!(nth - 1, 3 + 6 + 16);
    server.assert_no_leaks();
}

#[test]
fn an_onload_that_fails_leaves_nothing_and_says_why() {
    let mut server = Server::new();
    let library = compile(server.directory(), "rows", &[]);
    for nth in 1..=2 {
        server.fail_allocation_on_load(nth);
        let error = TestServer::load(&mut server, &library).expect_err("there is no memory");
        let TestError::NotLoaded { path, log } = &error else { panic!("{error:?}") };
        assert_eq!(path, &library);
        assert_eq!(log[0].text, "<rows> there is no memory to begin with");
        assert_eq!(log[0].level, LogLevel::Warning);
        assert!(error.to_string().contains("OnLoad answered 1"), "{error}");
    }
    assert_eq!(server.leaks().expect("it rests"), []);
    server.fail_allocation_on_load(3);
    assert_eq!(TestServer::load(&mut server, &library).expect("two were enough"), "rows");
    assert!(!server.take_failure("rows").expect("loaded"));
    server.fail_allocation_on_load(0);
}

#[test]
fn what_a_module_leaves_is_told() {
    let mut server = Server::with("basics");
    let held = server.call("basics.hold 1000");
    let Reply::Integer(bytes) = held else { panic!("{held:?}") };
    server.unload("basics").expect("it may go");
    let by_size = vec![(bytes as usize, 1)];
    let leak = Leak { module: "basics".to_owned(), bytes, blocks: 1, by_size, stays: None };
    let told = format!("Module basics leaves behind what nobody will free: {leak}");
    assert_eq!(server.leaks().expect("it rests"), [leak]);
    assert!(server.log().iter().any(|line| line.text == told));
    server.assert_no_leaks();
}

#[test]
fn a_module_that_stays_is_held_against_its_beginning() {
    let mut server = Server::with("boxes");
    server.call("boxes.set k text");
    assert_eq!(server.leaks().expect("it rests"), [], "values go first");
    let mut server = Server::with("basics");
    server.call("basics.hold 1000");
    server.call("basics.hold 0");
    server.assert_no_leaks();
    assert!(matches!(server.unload("basics"), Err(TestError::NoModule(name)) if name == "basics"));
}

#[test]
fn leaks_are_asserted() {
    let leaks = std::panic::catch_unwind(|| {
        let mut server = Server::with("basics");
        server.call("basics.hold 100");
        server.assert_no_leaks();
    });
    let text = leaks.expect_err("it leaks").downcast::<String>().expect("a text");
    let expected = "the module basics leaves 104 bytes in 1 block: 1 block of 104 bytes";
    assert_eq!(*text, expected.replace("104", &usable(100)));
}

/// The usable size of a block of so many bytes.
fn usable(bytes: usize) -> String {
    zmalloc::zmalloc_usable(bytes).len().to_string()
}

#[test]
fn servers_have_modules_of_their_own() {
    let mut first = Server::new();
    let library = compile(first.directory(), "notes", &[]);
    let mut second = Server::new();
    for (server, text) in [(&mut first, "one"), (&mut second, "two")] {
        assert_eq!(TestServer::load(server, &library).expect("loaded"), "notes");
        server.call(&format!("note.put {text}"));
    }
    assert_eq!((first.call("note.get"), second.call("note.get")), (bulk("one"), bulk("two")));
    first.assert_no_leaks();
    assert_eq!(second.call("note.get"), bulk("two"), "though the first has unloaded it");
}

/// More loads than a process has room for at once.
#[test]
fn room_is_given_back() {
    let mut server = Server::new();
    let library = compile(server.directory(), "notes", &[]);
    for round in 0..2 * modhost::SLOTS {
        TestServer::load(&mut server, &library).unwrap_or_else(|error| panic!("round {round}: {error}"));
        server.call("note.put text");
        server.assert_no_leaks();
    }
}

#[test]
fn time_runs_only_by_hand() {
    let mut server = Server::with("corners");
    assert_eq!(server.raw("corners.timers"), "+OK|");
    server.call("set short text px 150");
    for key in 0..1000 {
        server.call(&format!("set k{key} text px {}", 10_000 + key));
    }
    server.advance(Duration::from_millis(149));
    assert_eq!(server.raw("corners.timers ?"), "$7|0early |");
    assert_eq!(server.call("dbsize"), Reply::Integer(1001));
    server.advance(Duration::from_millis(51));
    assert_eq!(server.raw("corners.timers ?"), "$13|0early 0late |");
    assert_eq!(server.call("dbsize"), Reply::Integer(1000));
    server.advance(Duration::from_millis(10_000 - 200 + 499));
    assert_eq!(server.engine.database_size(0), 500, "all that are due are gone, and no other");
}

#[test]
fn calls_wait_for_threads() {
    let mut server = Server::with("waiters");
    let server = &mut *server;
    let expected = Reply::Array(vec![bulk("waiters.thread"), Reply::Integer(2), bulk("from the thread")]);
    for _ in 0..10 {
        assert_eq!(server.call(&["waiters.thread", "word"]), expected);
    }
    let clients: Vec<_> = (0..10).map(|_| server.connect().expect("a client")).collect();
    for &client in &clients {
        server.send(client, &["waiters.thread", "word"]).expect("it is open");
    }
    server.settle().expect("threads end");
    for client in clients {
        assert_eq!(server.poll_reply(client).expect("whole"), Some(expected.clone()));
        assert_eq!(server.poll_reply(client).expect("whole"), None);
    }
    server.assert_no_leaks();
}

#[test]
fn clients_that_block_are_served_later() {
    let mut server = Server::with("waiters");
    let server = &mut *server;
    let client = server.connect().expect("a client");
    server.send(client, &["waiters.keys", "100", "k"]).expect("it is open");
    server.settle().expect("it waits for a key, not for the module");
    assert_eq!(server.poll_reply(client).expect("whole"), None);
    assert!(matches!(server.try_call(client, &["ping"]), Err(TestError::Unread(1))));
    server.advance(Duration::from_millis(100));
    assert_eq!(server.reply(client).expect("its time is up"), Reply::Simple("TIMEOUT".to_owned()));
    server.send(client, &["waiters.keys", "0", "k"]).expect("it is open");
    server.disconnect(client);
    assert!(matches!(server.send(client, &["ping"]), Err(TestError::Closed)));
    server.assert_no_leaks();
}

#[test]
fn the_event_loop_runs() {
    let mut server = Server::with("looper");
    assert_eq!(server.raw("looper.watch"), "+OK|");
    server.raw("looper.write ab");
    server.settle().expect("what was written is read");
    assert_eq!(server.raw("looper.counts"), "*4|:2|$2|ab|:1|:0|");
    server.raw("looper.shoot");
    server
        .run_until("both are called", |server| {
            server.call(&["looper.counts"])
                != Reply::Array(vec![Reply::Integer(2), bulk("ab"), Reply::Integer(1), Reply::Integer(0)])
        })
        .expect("the loop turns");
}

#[test]
fn messages_and_replies_are_told_apart() {
    let mut server = Server::with("basics");
    let server = &mut *server;
    let client = server.connect().expect("a client");
    server.try_call(client, &["hello", "3"]).expect("a reply");
    server.try_call(client, &["client", "tracking", "on"]).expect("a reply");
    assert_eq!(server.try_call(client, &["get", "k"]).expect("a reply"), Reply::Null);
    server.call(&["set", "k", "v"]);
    assert_eq!(server.try_call(client, &["get", "k"]).expect("a reply"), bulk("v"));
    let pushes = server.take_pushes(client).expect("whole");
    assert_eq!(pushes, [Reply::Push(vec![bulk("invalidate"), Reply::Array(vec![bulk("k")])])]);
    let kinds = server.try_call(client, &["basics.replies"]).expect("a reply");
    assert!(matches!(&kinds, Reply::Array(all) if all[8] == Reply::Boolean(true)), "{kinds:?}");
    assert!(matches!(server.try_call(client, &["client", "reply", "off"]), Err(TestError::NoReply { .. })));
    assert_eq!(
        server.try_call(client, &["client", "reply", "on"]).expect("a reply"),
        Reply::Simple("OK".to_owned())
    );
    assert_eq!(server.try_call(client, &["quit"]).expect("a reply"), Reply::Simple("OK".to_owned()));
    assert!(matches!(server.try_call(client, &["ping"]), Err(TestError::Closed)));
}

#[test]
fn what_is_wrong_is_said() {
    let mut server = TestServer::new();
    let error = server.load("/nowhere.so").expect_err("it isn't there");
    assert!(error.to_string().starts_with("/nowhere.so: "), "{error}");
    let error = server.load(file!().replace("crates/modhost/", "")).expect_err("it is no module");
    assert!(error.to_string().contains("does not have execute permissions"), "{error}");
    let error = server.fail_allocation("none", 1).expect_err("not loaded");
    assert_eq!(error.to_string(), "there is no module none");
    let error =
        TestServer::with_configuration("maxmemory 10mb\nmaxmemory-policy none").expect_err("no policy");
    assert!(error.to_string().contains("at line 2"), "{error}");
    let mut small = TestServer::with_configuration("maxmemory 7mb").expect("a limit");
    assert_eq!(
        small.call(&["config", "get", "maxmemory"]),
        Reply::Array(vec![bulk("maxmemory"), bulk("7340032")])
    );
}

#[test]
fn threads_log_to_their_server() {
    let mut server = Server::with("telling");
    let is_told = |server: &TestServer, text: &str| server.log().iter().any(|line| line.text.contains(text));
    server.call("telling.start");
    server
        .run_until("the thread ends", |server| is_told(server, "<telling> the thread is done"))
        .expect("it does");
    assert_eq!(server.call("get thread"), bulk("200"));
    assert!(is_told(&server, "Module 'telling' loaded from "));
    assert!(!is_told(&Server::new(), "telling"));
}
