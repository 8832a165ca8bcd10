//! Which keys go.

use engine::config::MaxmemoryPolicy::{self, *};

use crate::session::{Check, Session};

pub(crate) const CHECKS: &[Check] = &[
    ("samples_of_everything_make_the_order_exact", samples_of_everything_make_the_order_exact),
    ("volatile_policies_spare_keys_without_expiry", volatile_policies_spare_keys_without_expiry),
    ("recently_used_keys_survive_default_samples", recently_used_keys_survive_default_samples),
    ("often_used_keys_survive_default_samples", often_used_keys_survive_default_samples),
    ("a_candidate_that_is_used_is_none", a_candidate_that_is_used_is_none),
    ("a_clock_that_is_set_back_makes_no_key_old", a_clock_that_is_set_back_makes_no_key_old),
    ("random_policies_favour_none", random_policies_favour_none),
    ("a_new_policy_forgets_the_candidates_of_the_old", a_new_policy_forgets_the_candidates_of_the_old),
];

/// As many keys as most checks use, and about what one of them takes.
const KEYS: u64 = 400;
const KEY_BYTES: usize = 680;

fn set(session: &mut Session, key: u64) {
    session.ok(&format!("SET {key} {}", "v".repeat(540)));
}

/// The keys below [`KEYS`] that are no more. Not an access to any; the limit is lifted, so that no more go.
fn gone(session: &mut Session) -> Vec<u64> {
    session.ok("CONFIG SET maxmemory 0");
    let databases: Vec<Vec<u64>> = (0..2)
        .map(|db| {
            session.ok(&format!("SELECT {db}"));
            (0..KEYS).filter(|key| session.exists(&key.to_string())).collect()
        })
        .collect();
    session.ok("SELECT 0");
    (0..KEYS).filter(|key| databases.iter().all(|keys| !keys.contains(key))).collect()
}

/// Keys whose numbers are the order in which they are to go, half of them in another database.
fn in_order(policy: MaxmemoryPolicy) -> Session {
    let mut session = Session::new(policy);
    session.ok(&format!("CONFIG SET maxmemory-samples {} lfu-log-factor 0", 10 * KEYS));
    // They are made in another order than they are to go in.
    for step in 0..KEYS {
        let key = step * 7 % KEYS;
        session.ok(&format!("SELECT {}", key % 2));
        set(&mut session, key);
        if policy.is_volatile() {
            let expiry = if policy == VolatileTtl { 1000 + key } else { 1000 + (KEYS - key) };
            session.call(&format!("EXPIRE {key} {expiry}"));
        }
    }
    for key in 0..KEYS {
        session.advance(u64::from(!policy.is_lfu()));
        session.ok(&format!("SELECT {}", key % 2));
        // Under LRU once is enough; at this factor each access counts, up to 255.
        let accesses = if policy.is_lfu() { key / 2 } else { u64::from(policy != VolatileTtl) };
        for _ in 0..accesses {
            session.call(&format!("GET {key}"));
        }
    }
    session.ok("SELECT 0");
    session
}

/// With samples of all keys the approximations are exact: who went are those who were to go first.
fn samples_of_everything_make_the_order_exact() {
    for policy in [AllkeysLru, VolatileLru, AllkeysLfu, VolatileLfu, VolatileTtl] {
        let mut session = in_order(policy);
        let mut before = 0;
        for part in [1, 10, 100] {
            session.limit_below_use(part * KEY_BYTES);
            session.call("PING");
            let gone = gone(&mut session);
            assert_eq!(gone.len() as u64, session.info("evicted_keys"), "{policy:?}");
            let counts = part * 9 / 10..=part * 12 / 10 + 1;
            assert!(counts.contains(&(gone.len() - before)), "{policy:?}: {} of {part}", gone.len());
            before = gone.len();
            // Two neighbours have the same frequency.
            let last = gone.len() as u64 + u64::from(policy.is_lfu());
            assert!(gone.iter().all(|&key| key < last), "{policy:?}: {gone:?}");
        }
    }
}

fn volatile_policies_spare_keys_without_expiry() {
    for policy in [VolatileLru, VolatileLfu, VolatileRandom, VolatileTtl] {
        let mut session = Session::new(policy);
        for key in 0..KEYS {
            set(&mut session, key);
            session.advance(1);
            if key % 4 == 3 {
                session.call(&format!("EXPIRE {key} 100000"));
            }
        }
        session.limit_below_use(50 * KEY_BYTES);
        session.call("PING");
        let gone = gone(&mut session);
        assert!((45..60).contains(&gone.len()), "{policy:?}: {}", gone.len());
        assert!(gone.iter().all(|key| key % 4 == 3), "{policy:?}: {gone:?}");
        session.limit_below_use(100 * KEY_BYTES);
        session.call("PING");
        assert_eq!(session.size() as u64, KEYS * 3 / 4, "{policy:?}: all that can go is gone, nothing else");
    }
}

/// A third of the keys is used all the time; then half of the others has to go.
fn recently_used_keys_survive_default_samples() {
    for policy in [AllkeysLru, VolatileLru] {
        let mut session = Session::new(policy);
        for key in 0..KEYS {
            set(&mut session, key);
            session.call(&format!("EXPIRE {key} 100000"));
        }
        session.advance(60);
        (0..KEYS).filter(|key| key % 3 == 0).for_each(|key| _ = session.call(&format!("GET {key}")));
        session.limit_below_use(KEYS as usize / 3 * KEY_BYTES);
        session.call("PING");
        let gone = gone(&mut session);
        assert!(gone.len() as u64 >= KEYS * 3 / 10);
        let hot = gone.iter().filter(|&key| key % 3 == 0).count();
        assert!(hot <= 2, "{hot} of {} that went had just been used", gone.len());
    }
}

fn often_used_keys_survive_default_samples() {
    for policy in [AllkeysLfu, VolatileLfu] {
        let mut session = Session::new(policy);
        for key in 0..KEYS {
            set(&mut session, key);
            session.call(&format!("EXPIRE {key} 100000"));
        }
        for _ in 0..200 {
            (0..KEYS).filter(|key| key % 3 == 0).for_each(|key| _ = session.call(&format!("GET {key}")));
        }
        // The others are the last to have been used.
        (0..KEYS).filter(|key| key % 3 != 0).for_each(|key| _ = session.call(&format!("GET {key}")));
        session.limit_below_use(KEYS as usize / 3 * KEY_BYTES);
        session.call("PING");
        let gone = gone(&mut session);
        assert!(gone.len() as u64 >= KEYS * 3 / 10);
        let hot = gone.iter().filter(|&key| key % 3 == 0).count();
        assert!(hot <= 2, "{hot} of {} that went had often been used", gone.len());
    }
}

/// After the first eviction the pool is full of old keys; all but one are used before the next.
fn a_candidate_that_is_used_is_none() {
    let mut session = in_order(AllkeysLru);
    session.limit_below_use(1);
    session.call("PING");
    assert_eq!(gone(&mut session), [0]);
    session.advance(1);
    for key in (1..KEYS).filter(|&key| key != 9) {
        session.ok(&format!("SELECT {}", key % 2));
        session.call(&format!("GET {key}"));
    }
    session.limit_below_use(1);
    session.call("PING");
    assert_eq!(gone(&mut session), [0, 9]);
}

fn random_policies_favour_none() {
    for policy in [AllkeysRandom, VolatileRandom] {
        let mut session = Session::new(policy);
        for key in 0..KEYS {
            session.ok(&format!("SELECT {}", key % 2));
            set(&mut session, key);
            session.call(&format!("EXPIRE {key} 100000"));
            session.advance(1);
        }
        session.limit_below_use(KEYS as usize / 2 * KEY_BYTES);
        session.call("PING");
        let gone = gone(&mut session);
        assert!(gone.len() as u64 >= KEYS / 2 - 20);
        // A draw without putting back: five standard deviations at most.
        let drawn = gone.len() as f64;
        let deviation = (drawn * 0.25 * (1.0 - drawn / KEYS as f64)).sqrt();
        for (what, is_of) in [
            ("old", (|key| key < KEYS / 2) as fn(u64) -> bool),
            ("in the first database", |key| key % 2 == 0),
        ] {
            let count = gone.iter().filter(|&&key| is_of(key)).count() as f64;
            assert!(
                (count - drawn / 2.0).abs() < 5.0 * deviation,
                "{policy:?}: {count} of {drawn} are {what}"
            );
        }
    }
}

/// The system's clock is corrected by a minute; what was used just before is no old key.
fn a_clock_that_is_set_back_makes_no_key_old() {
    let mut session = in_order(AllkeysLru);
    let now = session.engine.clock().now_ms();
    session.engine.clock_mut().set(now - 60_000);
    session.limit_below_use(10 * KEY_BYTES);
    session.call("PING");
    let gone = gone(&mut session);
    assert!(gone.len() >= 9 && gone.iter().all(|&key| key < 12), "{gone:?}");
}

/// Deadlines and access times rank in opposite orders here.
fn a_new_policy_forgets_the_candidates_of_the_old() {
    let mut session = in_order(VolatileLru);
    session.limit_below_use(1);
    session.call("PING");
    session.ok("CONFIG SET maxmemory 0 maxmemory-policy volatile-ttl");
    session.limit_below_use(1);
    session.call("PING");
    assert_eq!(gone(&mut session), [0, KEYS - 1]);
}
