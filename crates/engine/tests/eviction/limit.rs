//! When keys go, and when commands are refused.

use std::thread;
use std::time::Duration;

use engine::Reply;
use engine::config::MaxmemoryPolicy::{self, *};

use crate::session::{Check, Session};

pub(crate) const CHECKS: &[Check] = &[
    ("without_a_limit_nothing_goes", without_a_limit_nothing_goes),
    ("what_needs_memory_is_refused_when_nothing_can_go", what_needs_memory_is_refused_when_nothing_can_go),
    ("any_command_makes_room", any_command_makes_room),
    ("a_slice_ends_and_work_goes_on", a_slice_ends_and_work_goes_on),
    ("ticks_are_enough", ticks_are_enough),
    ("the_time_above_the_limit_is_counted", the_time_above_the_limit_is_counted),
    ("large_values_are_freed_on_the_thread", large_values_are_freed_on_the_thread),
    ("deleted_values_are_awaited", deleted_values_are_awaited),
    ("a_long_eviction_is_noted", a_long_eviction_is_noted),
];

const OOM: &[u8] = b"OOM command not allowed when used memory > 'maxmemory'.";

fn fill(session: &mut Session, keys: usize, bytes: usize) {
    let value = "v".repeat(bytes);
    (0..keys).for_each(|key| session.ok(&format!("SET key:{key} {value}")));
}

fn without_a_limit_nothing_goes() {
    let mut session = Session::new(AllkeysRandom);
    fill(&mut session, 1000, 1000);
    assert_eq!(session.engine.work(), None);
    assert_eq!(session.size(), 1000);
    assert_eq!((session.info("maxmemory"), session.info("evicted_keys")), (0, 0));
}

fn what_needs_memory_is_refused_when_nothing_can_go() {
    let policies = [Noeviction, VolatileLru, VolatileLfu, VolatileRandom, VolatileTtl];
    for policy in policies {
        let mut session = Session::new(policy);
        fill(&mut session, 100, 1000);
        session.limit_below_use(1);
        for line in ["SET a b", "APPEND key:1 x", "INCR n", "SETRANGE key:1 5 x", "MSET a b", "COPY key:1 b"]
        {
            assert_eq!(session.call(line), Reply::Error(OOM.to_vec()), "{policy:?} {line}");
        }
        assert_eq!(session.info("total_error_replies"), 6);
        // What needs none is heard, and can make room.
        assert_eq!(session.call("STRLEN key:1"), Reply::Integer(1000));
        assert_eq!(session.call("EXPIRE key:1 100"), Reply::Integer(1));
        let is_volatile = policy != Noeviction;
        assert_eq!(session.exists("key:1"), !is_volatile, "{policy:?}: what can go now goes");
        assert_eq!(session.call("DEL key:2 key:3"), Reply::Integer(2));
        session.ok("SET a b");
        assert_eq!(session.info("evicted_keys"), u64::from(is_volatile));
        // Arity comes first.
        session.limit_below_use(1);
        let arity = b"ERR wrong number of arguments for 'set' command".to_vec();
        assert_eq!(session.call("SET"), Reply::Error(arity));
    }
}

fn any_command_makes_room() {
    for line in ["PING", "GET nosuch", "SET a b", "CONFIG GET port", "FLUSHDB", "NONSENSE"] {
        let mut session = Session::new(AllkeysLru);
        fill(&mut session, 1000, 1000);
        let limit = session.limit_below_use(100_000);
        session.call(line);
        // An unknown command is answered before anything else is looked at.
        let is_heard = line != "NONSENSE";
        assert_eq!(zmalloc::used_memory() <= limit + 1000, is_heard, "{line}");
        if line == "PING" {
            let evicted = session.info("evicted_keys");
            assert!((90..=110).contains(&evicted), "{evicted} keys of 1,000 bytes for 100,000 bytes");
            assert_eq!(session.size() as u64, 1000 - evicted);
        }
    }
}

/// Without any time for it, a slice evicts one key.
fn a_slice_ends_and_work_goes_on() {
    let mut session = Session::configured(|config| {
        config.maxmemory_policy = AllkeysLru;
        config.maxmemory_eviction_tenacity = 0;
    });
    fill(&mut session, 1000, 1000);
    let limit = session.limit_below_use(100_000);
    // The command that follows runs although memory is still above the limit.
    session.ok("SET other x");
    assert_eq!(session.info("evicted_keys"), 1);
    let mut slices = 1;
    while let Some(wait) = session.engine.work() {
        assert_eq!(wait, Duration::ZERO);
        slices += 1;
        assert_eq!(session.info("evicted_keys"), slices);
    }
    assert!(zmalloc::used_memory() <= limit);
    assert!((90..=110).contains(&slices), "{slices}");
}

/// A program that never calls a command, nor works between ticks, gets below its limit as well.
fn ticks_are_enough() {
    let mut session = Session::new(AllkeysRandom);
    fill(&mut session, 1000, 1000);
    let limit = session.limit_below_use(100_000);
    session.engine.tick();
    assert!(zmalloc::used_memory() <= limit);
}

fn the_time_above_the_limit_is_counted() {
    const WHILE: Duration = Duration::from_millis(5);
    let mut session = Session::new(Noeviction);
    let times = |session: &mut Session| {
        session.info_at_once(["current_eviction_exceeded_time", "total_eviction_exceeded_time"])
    };
    assert_eq!(times(&mut session), [0, 0]);
    session.limit_below_use(1);
    session.call("PING");
    thread::sleep(WHILE);
    let [current, total] = times(&mut session);
    assert!(current >= 5 && total == current, "{current} {total}");
    session.limit_above_use(1 << 20);
    session.call("PING");
    let [current, total] = times(&mut session);
    assert!(current == 0 && total >= 5, "{current} {total}");
    session.limit_below_use(1);
    session.call("PING");
    thread::sleep(WHILE);
    let [current, longer] = times(&mut session);
    assert!(current >= 5 && longer >= total + 5, "{current} {longer}");
    session.ok("CONFIG RESETSTAT");
    let [current, total] = times(&mut session);
    assert_eq!(current, total);
    // No limit, no time above it.
    session.ok("CONFIG SET maxmemory 0");
    thread::sleep(WHILE);
    assert_eq!(times(&mut session)[0], 0);
}

fn lazy(policy: MaxmemoryPolicy) -> Session {
    let mut session = Session::new(policy);
    session.ok("CONFIG SET lazyfree-lazy-eviction yes");
    session
}

fn large_values_are_freed_on_the_thread() {
    const VALUE: usize = 200_000;
    for (mut session, is_lazy) in [(lazy(AllkeysLru), true), (Session::new(AllkeysLru), false)] {
        fill(&mut session, 50, VALUE);
        for round in 1..=4 {
            let limit = session.limit_below_use(VALUE * 7 / 2);
            session.call("PING");
            assert!(zmalloc::used_memory() <= limit, "the thread is waited for");
            // Not one more than it takes: what waits to be freed is as good as gone.
            assert_eq!(session.info("evicted_keys"), round * 4);
        }
        while session.info("lazyfree_pending_objects") != 0 {
            thread::yield_now();
        }
        assert_eq!(session.info("lazyfreed_objects"), if is_lazy { 16 } else { 0 });
    }
}

/// Nothing can go but what is going already.
fn deleted_values_are_awaited() {
    let mut session = Session::new(VolatileLru);
    for _ in 0..20 {
        fill(&mut session, 1, 40_000_000);
        session.ok("CONFIG SET maxmemory 0");
        let before = zmalloc::used_memory();
        session.call("UNLINK key:0");
        session.ok(&format!("CONFIG SET maxmemory {}", before - 20_000_000));
        session.ok("SET a b");
        session.ok("CONFIG SET maxmemory 0");
    }
    assert_eq!(session.info("evicted_keys"), 0);
}

/// Twenty thousand keys don't go within a millisecond.
fn a_long_eviction_is_noted() {
    let mut session = Session::new(AllkeysRandom);
    fill(&mut session, 20_000, 100);
    session.ok("CONFIG SET latency-monitor-threshold 1");
    session.limit_below_use(20_000 * 100);
    session.call("GET a");
    assert!(session.info("evicted_keys") > 10_000);
    let Reply::Array(samples) = session.call("LATENCY HISTORY eviction-cycle") else { panic!("no array") };
    assert!(!samples.is_empty());
}
