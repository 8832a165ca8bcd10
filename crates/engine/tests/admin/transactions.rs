//! MULTI EXEC DISCARD WATCH UNWATCH.

use crate::{Session, arity};

const ABORTED: &str = "-EXECABORT Transaction discarded because of previous errors.";

#[test]
fn what_is_queued_runs_at_once() {
    let mut session = Session::new();
    session.check(&[
        ("EXEC", "-ERR EXEC without MULTI"),
        ("DISCARD", "-ERR DISCARD without MULTI"),
        ("MULTI", "+OK"),
        ("SET a 1", "+QUEUED"),
        ("INCR a", "+QUEUED"),
        ("LPUSHX", "-ERR unknown command 'LPUSHX', with args beginning with: "),
        ("EXEC", ABORTED),
        ("EXISTS a", ":0"),
        ("MULTI", "+OK"),
        ("SET a x", "+QUEUED"),
        ("INCR a", "+QUEUED"),
        ("GET a", "+QUEUED"),
        ("EXEC", "[+OK -ERR value is not an integer or out of range $x]"),
        ("MULTI", "+OK"),
        ("MULTI", "-ERR MULTI calls can not be nested"),
        ("WATCH a", "-ERR WATCH inside MULTI is not allowed"),
        ("EXEC", "[]"),
        ("MULTI x", &arity("multi")),
    ]);
}

#[test]
fn errors_at_queueing_abort() {
    let mut session = Session::new();
    for (line, error) in [
        ("GET", arity("get")),
        ("SHUTDOWN", "-ERR Command not allowed inside a transaction".to_owned()),
        ("DISCARD x", arity("discard")),
    ] {
        session.check(&[("MULTI", "+OK"), (line, &error), ("PING", "+QUEUED"), ("EXEC", ABORTED)]);
    }
    let refused = "-EXECABORT Transaction discarded because of: wrong number of arguments for 'exec' command";
    session.check(&[("MULTI", "+OK"), ("EXEC x", refused), ("EXEC", "-ERR EXEC without MULTI")]);
    session.check(&[("MULTI", "+OK"), ("RESET", "+RESET"), ("EXEC", "-ERR EXEC without MULTI")]);
}

/// Has a second client do something between WATCH and EXEC; says whether EXEC ran.
fn runs_after(prepare: &str, watched: &str, change: &[&str]) -> bool {
    let mut session = Session::new();
    let other = session.accept("a:1");
    for line in prepare.split(';') {
        session.call_as(other, line);
    }
    session.call(watched);
    for line in change {
        match line.strip_prefix("wait ") {
            Some(milliseconds) => {
                let by = std::time::Duration::from_millis(milliseconds.parse().expect("a number"));
                session.engine.clock_mut().advance(by);
            }
            None => assert!(!session.call_as(other, line).is_error(), "{line}"),
        }
    }
    session.call("MULTI");
    session.call("PING");
    let runs = session.ask("EXEC") == "[+PONG]";
    session.check(&[("MULTI", "+OK"), ("EXEC", "[]")]);
    runs
}

#[test]
fn a_change_of_a_watched_key_prevents_exec() {
    let changes: &[&[&str]] = &[
        &["SET k 2"],
        &["SET k 1"],
        &["DEL k"],
        &["APPEND k x"],
        &["EXPIRE k 100"],
        &["FLUSHALL"],
        &["FLUSHDB"],
        &["RENAME k other"],
        &["SET other 1", "RENAME other k"],
        &["MOVE k 3"],
        &["SWAPDB 0 1"],
        &["PEXPIRE k 5", "wait 5"],
        &["MULTI", "SET k 5", "EXEC"],
    ];
    for change in changes {
        assert!(!runs_after("SET k 1", "WATCH k", change), "{change:?}");
        assert!(runs_after("SET k 1;SET unrelated 1", "WATCH nothing", change), "{change:?}");
    }
    for nothing in
        [&["GET k"][..], &["SELECT 1", "SET k 1"], &["SELECT 1", "FLUSHDB"], &["PERSIST k"], &["SWAPDB 1 2"]]
    {
        assert!(runs_after("SET k 1", "WATCH k", nothing), "{nothing:?}");
    }
}

#[test]
fn expiry_is_a_change_unless_it_came_before() {
    assert!(!runs_after("SET k 1 PX 10", "WATCH k", &["wait 10"]));
    assert!(!runs_after("SET k 1 PX 10", "WATCH k", &["wait 10", "GET k"]));
    let mut session = Session::new();
    let other = session.accept("a:1");
    session.check(&[("SET k 1 PX 10", "+OK")]);
    session.engine.clock_mut().advance(std::time::Duration::from_millis(10));
    // Nobody has looked, so that the key is still there; it was gone already for who watches it.
    session.check(&[("WATCH k", "+OK")]);
    session.call_as(other, "GET k");
    session.check(&[("MULTI", "+OK"), ("EXEC", "[]"), ("WATCH k", "+OK")]);
    session.call_as(other, "SET k 2");
    session.check(&[("MULTI", "+OK"), ("EXEC", "nil")]);
}

#[test]
fn unwatch_and_discard_forget() {
    for forget in [&["UNWATCH"][..], &["MULTI", "DISCARD"], &["MULTI", "EXEC"], &["RESET"]] {
        let mut session = Session::new();
        session.call("WATCH k");
        forget.iter().for_each(|line| _ = session.call(line));
        session.check(&[("SET k 1", "+OK"), ("MULTI", "+OK"), ("EXEC", "[]")]);
    }
}

#[test]
fn queued_arguments_count_as_the_clients_memory() {
    let mut session = Session::new();
    let memory = |session: &mut Session, id: u64| {
        let line = session.text(&format!("CLIENT LIST ID {id}"));
        let field = line.split(' ').find_map(|field| field.strip_prefix("multi-mem=")).expect("a field");
        field.parse::<usize>().expect("a number")
    };
    let other = session.accept("a:1");
    let before = memory(&mut session, other.number());
    session.call_as(other, "MULTI");
    session.call_as(other, &format!("SET k {}", "x".repeat(100_000)));
    assert_eq!(before, 0);
    assert!(memory(&mut session, other.number()) >= 100_000);
    session.call_as(other, "NONSENSE");
    let refused = memory(&mut session, other.number());
    // Nothing more is kept for an EXEC that can't succeed.
    session.call_as(other, &format!("SET k {}", "x".repeat(100_000)));
    assert_eq!(memory(&mut session, other.number()), refused);
    session.call_as(other, "DISCARD");
    assert_eq!(memory(&mut session, other.number()), 0);
}
