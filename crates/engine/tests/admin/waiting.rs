//! CLIENT PAUSE UNPAUSE UNBLOCK REPLY NO-TOUCH, WAIT, and what clients hold.

use std::time::Duration;

use engine::Close;

use crate::{SYNTAX, Session, number};

fn advance(session: &mut Session, milliseconds: u64) {
    session.engine.clock_mut().advance(Duration::from_millis(milliseconds));
    session.engine.attend();
}

#[test]
fn a_pause_keeps_commands_until_it_ends() {
    let mut session = Session::new();
    let other = session.accept("a:1");
    session.check(&[("CLIENT PAUSE 100 WRITE", "+OK"), ("CLIENT PAUSE 50", "+OK")]);
    session.engine.receive(other, b"SET a 1\r\nGET a\r\n");
    assert_eq!(session.engine.output(other), b"");
    // The shorter pause has made it stricter, and not shorter.
    advance(&mut session, 99);
    assert_eq!(session.engine.output(other), b"");
    advance(&mut session, 1);
    assert_eq!(session.engine.output(other), b"+OK\r\n$1\r\n1\r\n");
    session.check(&[("CLIENT PAUSE 100 WRITE", "+OK"), ("GET a", "$1")]);
    for line in ["SET a 2", "PUBLISH a b", "FLUSHALL"] {
        let writer = session.accept("a:2");
        session.engine.receive(writer, format!("{line}\r\n").as_bytes());
        assert_eq!(session.engine.output(writer), b"", "{line}");
        session.engine.disconnect(writer);
    }
    session.check(&[("CLIENT UNPAUSE", "+OK"), ("GET a", "$1"), ("CLIENT UNPAUSE", "+OK")]);
}

#[test]
fn data_stands_still_during_a_pause() {
    let mut session = Session::new();
    session.check(&[("SET a 1 PX 10", "+OK"), ("CLIENT PAUSE 1000 WRITE", "+OK")]);
    advance(&mut session, 10);
    session.engine.tick();
    session.check(&[
        ("GET a", "nil"),
        ("DBSIZE", ":1"),
        ("CLIENT UNPAUSE", "+OK"),
        ("GET a", "nil"),
        ("DBSIZE", ":0"),
    ]);
}

#[test]
fn wait_waits_for_replicas_that_never_come() {
    let mut session = Session::new();
    let id = session.accept("a:1");
    session.check(&[("WAIT 0 0", ":0"), ("WAIT x 1", "-ERR value is not an integer or out of range")]);
    session.engine.receive(id, b"WAIT 1 50\r\nPING\r\n");
    let info = session.text("INFO clients");
    assert_eq!((number(&info, "blocked_clients"), number(&info, "clients_in_timeout_table")), (1.0, 1.0));
    advance(&mut session, 50);
    assert_eq!(session.engine.output(id), b":0\r\n+PONG\r\n");
    assert_eq!(number(&session.text("INFO clients"), "blocked_clients"), 0.0);
    session.check(&[("CLIENT UNBLOCK 2", ":0"), ("CLIENT UNBLOCK 99", ":0")]);
}

#[test]
fn replies_can_be_done_without() {
    let mut session = Session::new();
    let id = session.accept("a:1");
    session.engine.receive(
        id,
        b"CLIENT REPLY OFF\r\nPING\r\nNONSENSE\r\nMULTI\r\nPING\r\nEXEC\r\nCLIENT REPLY SKIP\r\n",
    );
    assert_eq!(session.engine.output(id), b"");
    session.engine.receive(id, b"CLIENT REPLY ON\r\nPING\r\nCLIENT REPLY SKIP\r\nECHO a\r\nECHO b\r\n");
    assert_eq!(session.engine.output(id), b"+OK\r\n+PONG\r\n$1\r\nb\r\n");
    session.check(&[("CLIENT REPLY x", SYNTAX)]);
}

#[test]
fn no_touch_leaves_access_times_alone() {
    let mut session = Session::new();
    session.check(&[("SET a 1", "+OK")]);
    advance(&mut session, 60_000);
    session.check(&[
        ("CLIENT NO-TOUCH maybe", SYNTAX),
        ("CLIENT NO-TOUCH ON", "+OK"),
        ("GET a", "$1"),
        ("OBJECT IDLETIME a", ":60"),
        ("TOUCH a", ":1"),
        ("OBJECT IDLETIME a", ":0"),
    ]);
    advance(&mut session, 5_000);
    session.check(&[("CLIENT NO-TOUCH OFF", "+OK"), ("GET a", "$1"), ("OBJECT IDLETIME a", ":0")]);
}

#[test]
fn clients_that_hold_most_are_closed() {
    let mut session = Session::new();
    let [spared, large, small] = ["a:1", "a:2", "a:3"].map(|address| session.accept(address));
    session.call_as(spared, "CLIENT NO-EVICT ON");
    let half = format!("*2\r\n$4\r\nECHO\r\n$300000\r\n{}", "x".repeat(200_000));
    session.engine.receive(spared, half.as_bytes());
    session.engine.receive(large, half.as_bytes());
    session.check(&[("CONFIG SET maxmemory-clients 300kb", "+OK")]);
    session.engine.tick();
    let closing = |session: &Session| [spared, large, small].map(|id| session.engine.closing(id));
    assert_eq!(closing(&session), [None, Some(Close::Now), None]);
    assert_eq!(session.engine.take_doomed(), [large]);
    session.engine.disconnect(large);
    assert_eq!(number(&session.text("INFO stats"), "evicted_clients"), 1.0);
    // And at once when a client grows.
    session.engine.receive(small, half.as_bytes());
    assert_eq!(session.engine.take_doomed(), [small]);
    assert_eq!(session.engine.closing(spared), None);
    // A share is one of the limit on all memory, where there is one.
    session.engine.disconnect(small);
    session.check(&[("CONFIG SET maxmemory-clients 1%", "+OK")]);
    let large = session.accept("a:4");
    session.engine.receive(large, half.as_bytes());
    session.engine.tick();
    assert_eq!(session.engine.closing(large), None);
    session.check(&[("CONFIG SET maxmemory 30mb maxmemory-policy noeviction", "+OK")]);
    session.engine.tick();
    assert_eq!(session.engine.closing(large), Some(Close::Now));
}
