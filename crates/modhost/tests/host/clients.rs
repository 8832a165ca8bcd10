//! Clients by their numbers, keys of commands, and small questions, as redis-server answers them.

use crate::oracle::same;
use crate::values::both;

#[test]
fn clients_are_known_by_their_numbers() {
    let (mut ours, mut theirs) = both("clients", &[]);
    same(
        &mut ours,
        &mut theirs,
        "clients.user 0
        clients.user 12345
        clients.name 0
        clients.name 12345
        clients.name 0 good
        clients.name 0
        client getname
        clients.name 12345 name
        clients.name 0 bad\tname
        clients.name 0
        clients.info 0 1
        clients.info 0 0
        clients.info 0 2
        clients.info 12345 1
        select 5
        clients.info 0 1
        clients.certificate 0
        clients.certificate 12345
        multi
        clients.info 0 1
        exec",
    );
}

#[test]
fn keys_of_commands_are_found() {
    let (mut ours, mut theirs) = both("clients", &[]);
    same(
        &mut ours,
        &mut theirs,
        "clients.keys get a
        clients.keys set a b
        clients.keys set a b get
        clients.keys mset a b c d
        clients.keys mset a b c
        clients.keys del a b c
        clients.keys get
        clients.keys ping
        clients.keys nosuch
        clients.keys object encoding k
        clients.keys object nosuch k",
    );
    same(&mut ours, &mut theirs, "clients.flags set a b\nclients.flags set a b get");
    // Redis 7.0 tells flags only where they depend on the arguments.
    assert_eq!(ours.raw("clients.flags get a"), "*1|:17|", "it is read, and its value given");
    assert_eq!(ours.raw("clients.flags del a b"), "*2|:136|:136|");
    let memory = ours.report("clients").memory;
    assert_eq!((memory.live, memory.blocks), (0, 0), "what was handed over was freed");
}

#[test]
fn latencies_are_noted() {
    let (mut ours, mut theirs) = both("clients", &[]);
    let mut last = |threshold: &str, ms: &str| {
        let lines = [
            format!("config set latency-monitor-threshold {threshold}"),
            format!("clients.latency event {ms}"),
        ];
        same(&mut ours, &mut theirs, &lines.join("\n"));
        // The time is each server's own.
        let tail = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes)[32..].replace("\r\n", "|");
        let ask: [&[u8]; 2] = [b"LATENCY", b"LATEST"];
        let (ours, theirs) = (tail(ours.bytes(&ask)), tail(theirs.bytes(&ask)));
        assert_eq!(ours, theirs, "{ms} ms at a threshold of {threshold}");
        ours
    };
    assert_eq!(last("0", "5"), ":5|:5|");
    assert_eq!(last("100000", "99999"), ":5|:5|", "too short");
    assert_eq!(last("100000", "100000"), ":100000|:100000|");
    assert_eq!(last("0", "-5"), ":100000|:100000|");
}

#[test]
fn sizes_and_flags_are_plausible() {
    let (mut ours, mut theirs) = both("clients", &[]);
    same(&mut ours, &mut theirs, "clients.sizes");
    assert_eq!(ours.report("clients").memory.blocks, 0);
}
