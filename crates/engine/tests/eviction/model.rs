//! Random commands under a limit, beside a model that knows which keys there were.

use std::collections::BTreeMap;

use engine::config::MaxmemoryPolicy::{self, *};
use engine::{Reply, Rng};

use crate::session::{Check, Session};

pub(crate) const CHECKS: &[Check] =
    &[("memory_stays_within_the_limit", || POLICIES.iter().for_each(|&policy| run(policy)))];

const POLICIES: [MaxmemoryPolicy; 8] = [
    Noeviction,
    AllkeysLru,
    VolatileLru,
    AllkeysLfu,
    VolatileLfu,
    AllkeysRandom,
    VolatileRandom,
    VolatileTtl,
];

const STEPS: u64 = 12_000;
const ROOM: usize = 1 << 20;
/// The most that a command's own reply and arguments may still take when it is done.
const SLACK: usize = 1024;

/// A key as it was last written: the length of its value, whose bytes follow from the key, and whether it expires.
#[derive(Clone, Copy, Debug)]
struct Written {
    len: usize,
    is_volatile: bool,
}

fn value(key: u64, len: usize) -> String {
    let letter = char::from(b'a' + (key % 26) as u8);
    String::from_iter(std::iter::repeat_n(letter, len))
}

/// Mostly small values, some that have a block of their own.
fn length(rng: &mut Rng) -> usize {
    let most = [20, 200, 2_000, 20_000][rng.below(4) as usize];
    1 + rng.below(most) as usize
}

fn run(policy: MaxmemoryPolicy) {
    let mut session = Session::new(policy);
    let mut rng = Rng::seeded(9);
    let mut model: BTreeMap<u64, Written> = BTreeMap::new();
    let limit = session.limit_above_use(ROOM);
    let mut refused = 0;
    for step in 0..STEPS {
        let key = rng.below(2_000);
        let is_refused = match rng.below(10) {
            0..=5 => {
                let written = Written { len: length(&mut rng), is_volatile: rng.below(2) == 0 };
                let ttl = if written.is_volatile { " EX 100000" } else { "" };
                let reply = session.call(&format!("SET {key} {}{ttl}", value(key, written.len)));
                write(&mut model, key, written, &reply)
            }
            6 => {
                let len = length(&mut rng);
                let reply = session.call(&format!("APPEND {key} {}", value(key, len)));
                let is_refused = matches!(reply, Reply::Error(_));
                if let Reply::Integer(total) = reply {
                    // It was evicted just before if it is shorter than it should be.
                    let before = model.get(&key).copied().filter(|_| total as usize > len);
                    let is_volatile = before.is_some_and(|before| before.is_volatile);
                    assert_eq!(total as usize, len + before.map_or(0, |before| before.len));
                    model.insert(key, Written { len: total as usize, is_volatile });
                }
                is_refused
            }
            7 => {
                if session.call(&format!("PERSIST {key}")) == Reply::Integer(1) {
                    model.get_mut(&key).expect("it was written").is_volatile = false;
                }
                false
            }
            8 => {
                session.call(&format!("DEL {key}"));
                model.remove(&key);
                false
            }
            _ => {
                session.call(&format!("GET {key}"));
                session.advance(1);
                false
            }
        };
        refused += u64::from(is_refused);
        if is_refused {
            let spares_some = policy == Noeviction || policy.is_volatile();
            assert!(spares_some, "{policy:?}: step {step} is refused, although every key can go");
        } else if policy != Noeviction && step % 8 == 0 {
            settle(&mut session, policy, limit);
        }
        if step % 1_000 == 999 {
            compare(&mut session, policy, &mut model);
        }
    }
    compare(&mut session, policy, &mut model);
    let evicted = session.info("evicted_keys");
    assert_eq!(evicted > 0, policy != Noeviction, "{policy:?}: {evicted} evicted");
    assert!(refused > 0 || policy != Noeviction, "the limit is reached");
}

/// Notes a write that was heard; says whether it was refused.
fn write(model: &mut BTreeMap<u64, Written>, key: u64, written: Written, reply: &Reply) -> bool {
    match reply {
        Reply::Simple(_) => {
            model.insert(key, written);
            false
        }
        Reply::Error(text) if text.starts_with(b"OOM ") => true,
        other => panic!("{other:?}"),
    }
}

/// The next command, whatever it is, finds memory within the limit, unless nothing can go any more.
fn settle(session: &mut Session, policy: MaxmemoryPolicy, limit: usize) {
    session.call("PING");
    let used = zmalloc::used_memory();
    if used > limit + SLACK {
        let text = session.engine.info_text(&["keyspace"]);
        let can_go = text.split(',').any(|part| part.starts_with("expires=") && part != "expires=0");
        assert!(policy.is_volatile() && !can_go, "{policy:?}: {used} of {limit}; {text}");
    }
}

/// What is there is as it was written, and what is not could go. Takes what was evicted out of the model.
fn compare(session: &mut Session, policy: MaxmemoryPolicy, model: &mut BTreeMap<u64, Written>) {
    // Looking must not evict.
    let limit = session.info("maxmemory");
    session.ok("CONFIG SET maxmemory 0");
    let mut gone = Vec::new();
    for (&key, written) in model.iter() {
        match session.call(&format!("GET {key}")) {
            Reply::Bulk(bytes) => assert!(bytes == value(key, written.len).as_bytes(), "{policy:?}: {key}"),
            Reply::Null => {
                let could_go = written.is_volatile || policy != Noeviction && !policy.is_volatile();
                assert!(could_go, "{policy:?}: {key} {written:?}");
                gone.push(key);
            }
            other => panic!("{other:?}"),
        }
    }
    for key in gone {
        model.remove(&key);
    }
    assert_eq!(session.size() as usize, model.len(), "{policy:?}");
    session.ok(&format!("CONFIG SET maxmemory {limit}"));
}
