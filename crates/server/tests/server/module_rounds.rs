//! Modules that come and go many times, and ten threads of one: nothing of them stays.

use crate::support::{Client, Server, compile, wait_for};

/// Modules, each with commands, by spaces.
const GUESTS: &[(&str, &[&str])] = &[
    ("notes", &["note.put a-note-that-is-kept", "note.put another", "note.get"]),
    (
        "basics",
        &[
            "basics.append k more",
            "basics.call set k v",
            "basics.mixed k",
            "basics.hold 9000",
            "basics.hold 0",
        ],
    ),
    ("waiters", &["waiters.thread a b", "waiters.answer", "waiters.call get k"]),
    ("dicts", &["set k v", "dicts.automatic", "dicts.scan 0"]),
    ("events", &["set k v", "events.notify ring k", "flushdb", "events.counts"]),
    ("configs", &["config set configs.number 4", "configs.show"]),
];

fn run(client: &mut Client, line: &str) -> Vec<u8> {
    let words: Vec<&str> = line.split(' ').collect();
    let reply = client.call(&words);
    assert_ne!(reply[0], b'-', "{line}: {}", reply.escape_ascii());
    reply
}

fn server() -> Server {
    Server::start(&["--enable-module-command", "yes"])
}

#[test]
fn modules_come_and_go() {
    const FEW: usize = 5;
    const ROUNDS: usize = 30;
    let server = server();
    let mut client = server.connect();
    for &(name, script) in GUESTS {
        let library = compile(server.directory(), name).display().to_string();
        let mut before = 0;
        for round in 0..FEW + ROUNDS {
            if round == FEW {
                before = client.info("used_memory");
            }
            run(&mut client, &format!("module load {library}"));
            script.iter().for_each(|line| drop(run(&mut client, line)));
            run(&mut client, "flushall");
            run(&mut client, &format!("module unload {name}"));
        }
        client.wait_for_memory(before);
        assert_eq!(run(&mut client, "memory modules"), b"*0\r\n");
    }
    let log = server.log();
    assert!(!log.contains("they are lost"), "{log}");
    assert_eq!(log.matches("loaded from").count(), GUESTS.len() * (FEW + ROUNDS));
}

/// A process has room for 256 modules at once; those that have gone give theirs back.
#[test]
fn a_thousand_loads_find_room() {
    let server = server();
    let library = compile(server.directory(), "notes").display().to_string();
    let mut client = server.connect();
    for _ in 0..1000 {
        run(&mut client, &format!("module load {library}"));
        run(&mut client, "note.put text");
        run(&mut client, "module unload notes");
    }
}

#[test]
fn ten_threads_and_a_client_take_turns() {
    let server = server();
    let library = compile(server.directory(), "crowd").display().to_string();
    let mut client = server.connect();
    run(&mut client, &format!("module load {library}"));
    assert_eq!(run(&mut client, "crowd.start 10"), b":10\r\n");
    for count in 1..=500 {
        assert_eq!(run(&mut client, "incr own"), format!(":{count}\r\n").into_bytes());
    }
    wait_for("the threads have had turns", || {
        (run(&mut client, "crowd.turns").len() > b":999\r\n".len()).then_some(())
    });
    wait_for("the threads end", || (run(&mut client, "crowd.stop") == b":0\r\n").then_some(()));
    let turns = run(&mut client, "crowd.turns");
    let counted = run(&mut client, "get turns");
    let text = turns.strip_prefix(b":").expect("a number");
    assert!(counted.ends_with(text), "{} of {}", counted.escape_ascii(), turns.escape_ascii());
    run(&mut client, "module unload crowd");
    assert!(!server.log().contains("they are lost"), "{}", server.log());
}
