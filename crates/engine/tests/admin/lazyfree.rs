//! Which settings have large values freed on a thread.

use std::time::Duration;

use crate::{Session, number};

/// A value that is worth a thread.
const LARGE: usize = 200_000;

/// What ends the life of a value at `key`, in commands.
struct Death {
    setting: &'static str,
    commands: &'static [&'static str],
}

const DEATHS: &[Death] = &[
    Death { setting: "lazyfree-lazy-user-del", commands: &["DEL key"] },
    Death { setting: "lazyfree-lazy-server-del", commands: &["SET key small"] },
    Death { setting: "lazyfree-lazy-server-del", commands: &["SET key small KEEPTTL"] },
    Death { setting: "lazyfree-lazy-server-del", commands: &["MSET key small other small"] },
    Death { setting: "lazyfree-lazy-server-del", commands: &["SET other small", "RENAME other key"] },
    Death { setting: "lazyfree-lazy-server-del", commands: &["SET other small", "COPY other key REPLACE"] },
    Death { setting: "lazyfree-lazy-server-del", commands: &["GETDEL key"] },
    Death { setting: "lazyfree-lazy-user-flush", commands: &["FLUSHDB"] },
    Death { setting: "lazyfree-lazy-user-flush", commands: &["FLUSHALL"] },
    Death { setting: "lazyfree-lazy-expire", commands: &["PEXPIRE key -1"] },
    Death { setting: "lazyfree-lazy-expire", commands: &["PEXPIRE key 1", "advance", "EXISTS key"] },
    Death { setting: "lazyfree-lazy-expire", commands: &["PEXPIRE key 1", "advance", "tick"] },
    Death { setting: "lazyfree-lazy-eviction", commands: &["CONFIG SET maxmemory 1", "PING"] },
];

/// How many objects the thread has freed, when it has none left to free.
fn freed(session: &mut Session) -> f64 {
    loop {
        let text = session.text("INFO memory");
        if number(&text, "lazyfree_pending_objects") == 0.0 {
            return number(&text, "lazyfreed_objects");
        }
        std::thread::yield_now();
    }
}

fn die(session: &mut Session, value: usize, death: &Death) {
    session.call(&format!("SET key {}", "x".repeat(value)));
    for command in death.commands {
        match *command {
            "advance" => session.engine.clock_mut().advance(Duration::from_millis(1)),
            "tick" => _ = session.engine.tick(),
            command => assert!(!session.call(command).is_error(), "{command}"),
        }
    }
    session.call("CONFIG SET maxmemory 0");
}

#[test]
fn each_setting_has_values_freed_on_the_thread() {
    for death in DEATHS {
        for (is_lazy, count) in [("no", 0.0), ("yes", 1.0)] {
            let mut session = Session::configured(|config| {
                config.maxmemory_policy = engine::config::MaxmemoryPolicy::AllkeysLru;
            });
            session.check(&[(&format!("CONFIG SET {} {is_lazy}", death.setting), "+OK")]);
            die(&mut session, LARGE, death);
            assert_eq!(freed(&mut session), count, "{} {is_lazy}, {:?}", death.setting, death.commands);
            session.check(&[("CONFIG RESETSTAT", "+OK")]);
            assert_eq!(freed(&mut session), 0.0);
            if !death.setting.ends_with("flush") {
                die(&mut session, 100, death);
                assert_eq!(freed(&mut session), 0.0, "a small value isn't worth it: {:?}", death.commands);
            }
        }
    }
}

#[test]
fn unlink_and_async_need_no_setting() {
    let mut session = Session::new();
    for (command, count) in [("UNLINK key", 1.0), ("FLUSHDB ASYNC", 2.0), ("FLUSHALL ASYNC", 3.0)] {
        session.call(&format!("SET key {}", "x".repeat(LARGE)));
        session.call(command);
        assert_eq!(freed(&mut session), count, "{command}");
    }
    session.check(&[
        ("CONFIG SET lazyfree-lazy-user-flush yes", "+OK"),
        ("SET key x", "+OK"),
        ("FLUSHALL SYNC", "+OK"),
    ]);
    assert_eq!(freed(&mut session), 3.0);
}

#[test]
fn an_expiry_that_is_kept_outlives_the_value() {
    for setting in ["no", "yes"] {
        let mut session = Session::new();
        session.check(&[(&format!("CONFIG SET lazyfree-lazy-server-del {setting}"), "+OK")]);
        session.call(&format!("SET key {} PX 5000", "x".repeat(LARGE)));
        session.check(&[("SET key small KEEPTTL", "+OK"), ("PTTL key", ":5000"), ("GET key", "$small")]);
        session.call(&format!("SET key {} PX 5000", "x".repeat(LARGE)));
        session.check(&[("SET key small", "+OK"), ("PTTL key", ":-1")]);
        session.call(&format!("SET key {} PX 5000", "x".repeat(LARGE)));
        session.engine.clock_mut().advance(Duration::from_secs(5));
        session.check(&[("SET key small KEEPTTL", "+OK"), ("PTTL key", ":-1"), ("GET key", "$small")]);
    }
}
