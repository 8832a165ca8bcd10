//! TIME SHUTDOWN.

use std::time::Duration;

use engine::{Close, Shutdown};

use crate::{SYNTAX, Session, arity};

#[test]
fn time_is_the_data_clock() {
    let mut session = Session::new();
    assert_eq!(session.ask("TIME"), "[$1700000000 $123000]");
    session.engine.clock_mut().advance(Duration::from_micros(900_007));
    assert_eq!(session.ask("TIME"), "[$1700000001 $23007]");
    assert_eq!(session.ask("TIME zone"), arity("time"));
}

#[test]
fn shutdown_says_nothing_and_ends_the_pipeline() {
    for (line, now, force) in [
        ("SHUTDOWN", false, false),
        ("shutdown nosave", false, false),
        ("SHUTDOWN NOSAVE NOW", true, false),
        ("SHUTDOWN NOW FORCE", true, true),
        ("SHUTDOWN SAVE SAVE FORCE", false, true),
    ] {
        let mut session = Session::new();
        session.engine.receive(session.id, format!("PING\r\n{line}\r\nPING\r\n").as_bytes());
        assert_eq!(session.engine.output(session.id), b"+PONG\r\n", "{line}");
        assert_eq!(session.closing(), Some(Close::AfterReply));
        assert_eq!(session.engine.take_shutdown(), Some(Shutdown { now, force }), "{line}");
        assert_eq!(session.engine.take_shutdown(), None);
    }
}

#[test]
fn shutdown_refuses() {
    let mut session = Session::new();
    session.check(&[
        ("SHUTDOWN NONSENSE", SYNTAX),
        ("SHUTDOWN SAVE NOSAVE", SYNTAX),
        ("SHUTDOWN ABORT NOW", SYNTAX),
        ("SHUTDOWN FORCE ABORT", SYNTAX),
        ("SHUTDOWN NOSAVE ABORT", SYNTAX),
        ("SHUTDOWN ABORT", "-ERR No shutdown in progress."),
        // Nothing can be saved, so that this can't be obeyed.
        ("SHUTDOWN SAVE", "-ERR Errors trying to SHUTDOWN. Check logs."),
    ]);
    assert_eq!(session.engine.take_shutdown(), None);
    assert_eq!(session.closing(), None);
}

#[test]
fn shutdown_can_be_taken_back_until_its_owner_has_seen_it() {
    let mut session = Session::new();
    let other = session.accept("a:1");
    session.call_as(other, "SHUTDOWN");
    session.check(&[("SHUTDOWN ABORT", "+OK"), ("SHUTDOWN ABORT", "-ERR No shutdown in progress.")]);
    assert_eq!(session.engine.take_shutdown(), None);
}
