//! DEBUG.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use engine::Reply;
use engine::config::Protection;

use crate::{Session, arity, field, show};

fn session(enable_debug_command: Protection) -> Session {
    Session::configured(|config| config.enable_debug_command = enable_debug_command)
}

#[test]
fn only_those_who_may() {
    let refused = "-ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can \
                   run it from a local connection, otherwise you need to set this option in the configuration file, \
                   and then restart the server.";
    for (protection, own, near, far) in [
        (Protection::No, refused, refused, refused),
        (Protection::Local, "+OK", "+OK", refused),
        (Protection::Yes, "+OK", "+OK", "+OK"),
    ] {
        let mut session = session(protection);
        let clients =
            [(session.id, own), (session.accept("127.0.0.1:1"), near), (session.accept("10.0.0.1:1"), far)];
        for (id, expected) in clients {
            assert_eq!(show(&session.call_as(id, "DEBUG SLEEP 0")), expected, "{protection:?}");
        }
        assert_eq!(session.ask("DEBUG"), arity("debug"));
    }
}

#[test]
fn unknown_ones_and_wrong_numbers_of_arguments() {
    let mut session = session(Protection::Yes);
    for line in
        ["NONSENSE", "NONSENSE 1", "SLEEP", "sleep 0 0", "OBJECT", "OBJECT key fast", "HELP me", "PANIC now"]
    {
        let name = line.split(' ').next().expect("a word");
        let error =
            format!("-ERR unknown subcommand or wrong number of arguments for '{name}'. Try DEBUG HELP.");
        assert_eq!(session.ask(&format!("DEBUG {line}")), error);
    }
    let Reply::Array(lines) = session.call("DEBUG HELP") else { panic!("HELP is a list") };
    assert!(lines.iter().all(|line| matches!(line, Reply::Simple(_))));
}

#[test]
fn sleep_sleeps() {
    let mut session = session(Protection::Yes);
    let start = Instant::now();
    session.check(&[("DEBUG SLEEP 0.02", "+OK")]);
    assert!(start.elapsed() >= Duration::from_millis(20));
    session.check(&[
        ("DEBUG SLEEP -1", "+OK"),
        ("DEBUG SLEEP nonsense", "+OK"),
        ("DEBUG SLEEP nan", "+OK"),
        ("DEBUG SLEEP inf", "+OK"),
    ]);
}

#[test]
fn object_tells_how_a_value_is_stored() {
    let mut session = session(Protection::Yes);
    session.call("SET number 12");
    session.call("SET text abc PX 5000");
    session.engine.clock_mut().advance(Duration::from_secs(3));
    let line = session.text("DEBUG OBJECT number");
    assert!(line.starts_with("Value refcount:1 encoding:int serializedlength:2 bytes:"), "{line}");
    assert!(line.ends_with(" lru_seconds_idle:3"), "{line}");
    assert!(session.text("DEBUG OBJECT text").contains(" encoding:embstr "));
    session.engine.clock_mut().advance(Duration::from_secs(2));
    session.check(&[("DEBUG OBJECT text", "-ERR no such key"), ("DEBUG OBJECT none", "-ERR no such key")]);
}

#[test]
fn crashes_are_offered_as_far_as_the_program_has_them() {
    let mut session = session(Protection::Yes);
    session.check(&[("DEBUG SEGFAULT", "-ERR DEBUG SEGFAULT is not available in this program")]);
    assert!(catch_unwind(AssertUnwindSafe(|| session.call("DEBUG PANIC"))).is_err());
}

#[test]
fn active_expiry_can_be_stopped() {
    let mut session = session(Protection::Yes);
    session.call("SET key value PX 1");
    session.check(&[("DEBUG SET-ACTIVE-EXPIRE 0", "+OK")]);
    session.engine.clock_mut().advance(Duration::from_secs(1));
    session.engine.tick();
    assert!(session.text("INFO keyspace").contains("db0:keys=1,expires=1"));
    session.check(&[("DEBUG SET-ACTIVE-EXPIRE 1", "+OK")]);
    session.engine.tick();
    assert!(!session.text("INFO keyspace").contains("db0"));
    assert_eq!(field(&session.text("INFO stats"), "expired_keys"), "1");
}
