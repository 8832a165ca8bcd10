//! MEMORY USAGE DOCTOR STATS PURGE MALLOC-STATS.

use std::collections::HashMap;
use std::time::Duration;

use engine::Reply;

use crate::{NOT_AN_INTEGER, SYNTAX, Session, arity};

fn usage(session: &mut Session, key: &str) -> usize {
    match session.call(&format!("MEMORY USAGE {key}")) {
        Reply::Integer(bytes) => usize::try_from(bytes).expect("not negative"),
        other => panic!("{key}: {other:?}"),
    }
}

#[test]
fn usage_is_what_a_key_costs() {
    let mut session = Session::new();
    session.call("SET small 1234567");
    session.call(&format!("SET large {}", "x".repeat(100_000)));
    assert!(usage(&mut session, "large") >= 100_000);
    assert!(usage(&mut session, "large") < 110_000);
    assert!(usage(&mut session, "small") < 64);
    let forever = usage(&mut session, "small");
    session.call("PEXPIRE small 100");
    assert!(usage(&mut session, "small") > forever);
    session.engine.clock_mut().advance(Duration::from_millis(100));
    // It is there until somebody looks.
    assert!(usage(&mut session, "small") > forever);
    session.check(&[("GET small", "nil"), ("MEMORY USAGE small", "nil")]);
}

#[test]
fn usage_checks_its_options_first() {
    let mut session = Session::new();
    session.call("SET key value");
    let bytes = format!(":{}", usage(&mut session, "key"));
    session.check(&[
        ("MEMORY USAGE key SAMPLES 0", &bytes),
        ("MEMORY USAGE key samples 5 SAMPLES 7", &bytes),
        ("MEMORY USAGE none", "nil"),
        ("MEMORY USAGE none SAMPLES -1", SYNTAX),
        ("MEMORY USAGE none SAMPLES x", NOT_AN_INTEGER),
        ("MEMORY USAGE key SAMPLES", SYNTAX),
        ("MEMORY USAGE key NONSENSE 1", SYNTAX),
        ("MEMORY USAGE key SAMPLES 1 NONSENSE 1", SYNTAX),
        ("MEMORY USAGE", &arity("memory|usage")),
        ("MEMORY", &arity("memory")),
        ("MEMORY NONSENSE", "-ERR unknown subcommand 'NONSENSE'. Try MEMORY HELP."),
    ]);
    session.call("HELLO 3");
    session.check(&[("MEMORY USAGE none", "nil")]);
}

/// The pairs of MEMORY STATS, which RESP2 writes as a flat array.
fn stats(session: &mut Session) -> HashMap<String, Reply> {
    let name = |reply: &Reply| String::from_utf8(reply.as_bytes().expect("a name").to_vec()).expect("ASCII");
    match session.call("MEMORY STATS") {
        Reply::Array(flat) => flat.chunks(2).map(|pair| (name(&pair[0]), pair[1].clone())).collect(),
        Reply::Map(pairs) => pairs.into_iter().map(|(key, value)| (name(&key), value)).collect(),
        other => panic!("{other:?}"),
    }
}

fn integer(stats: &HashMap<String, Reply>, name: &str) -> i64 {
    match stats.get(name) {
        Some(Reply::Integer(number)) => *number,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn stats_are_of_the_ledger_and_the_tables() {
    let mut session = Session::new();
    for version in [2, 3] {
        session.call(&format!("HELLO {version}"));
        session.call("FLUSHALL");
        assert!(!stats(&mut session).contains_key("db.0"));
        session.call("SET forever 1");
        let one = stats(&mut session);
        session.call("SET short 1 PX 1000");
        let two = stats(&mut session);
        assert_eq!((integer(&one, "keys.count"), integer(&two, "keys.count")), (1, 2));
        let expires = |stats: &HashMap<String, Reply>| match &stats["db.0"] {
            Reply::Array(flat) => flat[3].clone(),
            Reply::Map(pairs) => pairs[1].1.clone(),
            other => panic!("{other:?}"),
        };
        assert_eq!(expires(&one), Reply::Integer(0));
        assert_ne!(expires(&two), Reply::Integer(0));
        assert!(integer(&two, "peak.allocated") >= integer(&two, "total.allocated"));
        assert!(integer(&two, "overhead.total") > integer(&two, "startup.allocated"));
        let dataset = integer(&two, "total.allocated") - integer(&two, "overhead.total");
        assert_eq!(integer(&two, "dataset.bytes"), dataset.max(0));
        let since = integer(&two, "total.allocated") - integer(&two, "startup.allocated");
        assert_eq!(integer(&two, "keys.bytes-per-key"), since.max(0) / 2);
        assert_eq!(matches!(two["fragmentation"], Reply::Double(_)), version == 3);
        for name in
            ["allocator.allocated", "allocator-fragmentation.ratio", "rss-overhead.bytes", "clients.normal"]
        {
            assert!(two.contains_key(name), "{name}");
        }
    }
    assert_eq!(session.ask("MEMORY STATS x"), arity("memory|stats"));
}

#[test]
fn the_doctor_speaks() {
    let mut session = Session::new();
    assert!(session.text("MEMORY DOCTOR").ends_with(".\n"));
    session.call("HELLO 3");
    assert!(matches!(session.call("MEMORY DOCTOR"), Reply::Verbatim(kind, _) if kind == "txt"));
    assert_eq!(session.ask("MEMORY DOCTOR x"), arity("memory|doctor"));
}

#[test]
fn the_allocator_purges_and_reports() {
    let mut session = Session::new();
    session.check(&[
        ("MEMORY PURGE", "+OK"),
        ("MEMORY PURGE x", &arity("memory|purge")),
        ("MEMORY MALLOC-STATS x", &arity("memory|malloc-stats")),
    ]);
    assert_eq!(session.text("MEMORY MALLOC-STATS").split_whitespace().next(), Some("___"));
    session.call("HELLO 3");
    assert!(matches!(session.call("MEMORY MALLOC-STATS"), Reply::Verbatim(kind, _) if kind == "txt"));
}
