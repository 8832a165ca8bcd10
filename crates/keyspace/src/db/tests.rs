//! Databases against two maps, and what a key costs.

use super::*;
use crate::number::NumberBuffer;
use crate::size_class::round_up;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn new_db() -> Db {
    Db::new(KeyHasher::new(*b"0123456789abcdef"))
}

/// A key's value, expiry and clock.
type Parts = (Vec<u8>, Option<i64>, u32);

#[derive(Clone, Debug)]
enum Step {
    Set(u8, Vec<u8>, Expiry, u32),
    Insert(u8, Vec<u8>, Option<i64>),
    Remove(u8),
    Append(u8, Vec<u8>),
    Range(u8, usize, Vec<u8>),
    SetExpiry(u8, Option<i64>),
    SetClock(u8, u32),
    Rename(u8, u8),
    Copy(u8, u8),
    Clear,
}

fn key(number: u8) -> Vec<u8> {
    format!("key:{number}").into_bytes()
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<i64>().prop_map(|value| value.to_string().into_bytes()),
        (0usize..70).prop_map(|len| vec![b'v'; len]),
        (480usize..1200).prop_map(|len| vec![b'V'; len]),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = || 0u8..120;
    let expiry = prop_oneof![Just(Expiry::Keep), Just(Expiry::Never), any::<i64>().prop_map(Expiry::At)];
    let step = prop_oneof![
        40 => (key(), value(), expiry, 0..=crate::MAX_CLOCK)
            .prop_map(|(key, value, expiry, clock)| Step::Set(key, value, expiry, clock)),
        20 => (key(), value(), any::<Option<i64>>()).prop_map(|(key, value, expiry)| Step::Insert(key, value, expiry)),
        20 => key().prop_map(Step::Remove),
        20 => (key(), value()).prop_map(|(key, tail)| Step::Append(key, tail)),
        10 => (key(), 0usize..600, value()).prop_map(|(key, offset, part)| Step::Range(key, offset, part)),
        20 => (key(), any::<Option<i64>>()).prop_map(|(key, expiry)| Step::SetExpiry(key, expiry)),
        5 => (key(), 0..=crate::MAX_CLOCK).prop_map(|(key, clock)| Step::SetClock(key, clock)),
        10 => (key(), key()).prop_map(|(from, to)| Step::Rename(from, to)),
        10 => (key(), key()).prop_map(|(from, to)| Step::Copy(from, to)),
        1 => Just(Step::Clear),
    ];
    proptest::collection::vec(step, 0..400)
}

fn parts(entry: EntryRef<'_>) -> Parts {
    (entry.string().as_bytes(&mut NumberBuffer::new()).to_vec(), entry.expiry(), entry.clock())
}

/// Takes one step in both; what they answer must be equal.
fn take(step: Step, db: &mut Db, model: &mut BTreeMap<Vec<u8>, Parts>) {
    match step {
        Step::Set(number, value, expiry, clock) => {
            let existed = db.set(&key(number), StringValue::encode(&value), expiry, clock);
            assert_eq!(existed, model.contains_key(&key(number)));
            let expiry = match expiry {
                Expiry::Keep => model.get(&key(number)).and_then(|(_, expiry, _)| *expiry),
                Expiry::Never => None,
                Expiry::At(time) => Some(time),
            };
            model.insert(key(number), (value, expiry, clock));
        }
        Step::Insert(number, value, expiry) => match db.lookup(&key(number)) {
            Lookup::Occupied(entry) => assert_eq!(parts(entry.into_ref()), model[&key(number)]),
            Lookup::Vacant(place) => {
                place.insert(StringValue::encode(&value), expiry, 3);
                assert!(model.insert(key(number), (value, expiry, 3)).is_none());
            }
        },
        Step::Remove(number) => {
            let removed = db.remove(&key(number));
            assert_eq!(removed.map(|entry| parts(entry.as_ref())), model.remove(&key(number)));
        }
        Step::Append(number, tail) => {
            let len = db.find_mut(&key(number)).map(|mut entry| entry.append(&tail));
            let expected = model.get_mut(&key(number)).map(|(text, ..)| {
                text.extend_from_slice(&tail);
                text.len()
            });
            assert_eq!(len, expected);
        }
        Step::Range(number, offset, part) => {
            let len = db.find_mut(&key(number)).map(|mut entry| entry.set_range(offset, &part));
            let expected = model.get_mut(&key(number)).map(|(text, ..)| {
                let end = offset + part.len();
                text.resize(text.len().max(end), 0);
                text[offset..end].copy_from_slice(&part);
                text.len()
            });
            assert_eq!(len, expected);
        }
        Step::SetExpiry(number, expiry) => {
            let found = db.find_mut(&key(number)).map(|mut entry| entry.set_expiry(expiry));
            assert_eq!(found, model.get_mut(&key(number)).map(|parts| parts.1 = expiry));
        }
        Step::SetClock(number, clock) => {
            let found = db.find_mut(&key(number)).map(|mut entry| entry.set_clock(clock));
            assert_eq!(found, model.get_mut(&key(number)).map(|parts| parts.2 = clock));
        }
        Step::Rename(from, to) => {
            let replaced = db.rename(&key(from), &key(to));
            let expected = model.remove(&key(from)).map(|parts| model.insert(key(to), parts));
            assert_eq!(replaced.map(|entry| entry.map(|entry| parts(entry.as_ref()))), expected);
        }
        Step::Copy(from, to) => {
            let copy = db.find(&key(from)).and_then(|entry| entry.duplicate(&key(to), |_| None));
            assert_eq!(copy.is_some(), model.contains_key(&key(from)));
            if let Some(copy) = copy {
                let replaced = db.insert_entry(copy).map(|entry| parts(entry.as_ref()));
                assert_eq!(replaced, model.insert(key(to), model[&key(from)].clone()));
            }
        }
        Step::Clear => {
            assert_eq!(db.clear().len(), model.len());
            model.clear();
        }
    }
}

fn check(db: &Db, model: &BTreeMap<Vec<u8>, Parts>) {
    assert_eq!(db.len(), model.len());
    assert_eq!(db.is_empty(), model.is_empty());
    let mut all = BTreeMap::new();
    db.for_each(|entry| assert!(all.insert(entry.key().to_vec(), parts(entry)).is_none()));
    assert_eq!(&all, model);
    let expiring: BTreeMap<_, _> = model.iter().filter(|(_, parts)| parts.1.is_some()).collect();
    assert_eq!(db.expires_len(), expiring.len());
    let (mut cursor, mut scanned) = (0, BTreeMap::new());
    loop {
        cursor = db.scan_expires(cursor, |entry| {
            // The index refers to the very entries, not to copies.
            assert!(db.find(entry.key()).unwrap().is_same(entry.id()));
            scanned.insert(entry.key().to_vec(), parts(entry));
        });
        if cursor == 0 {
            break;
        }
    }
    assert!(scanned.iter().eq(expiring));
    for number in 0..=255 {
        assert_eq!(db.find(&key(number)).map(parts), model.get(&key(number)).cloned());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn is_a_map_of_parts(steps in steps()) {
        let (mut db, mut model) = (new_db(), BTreeMap::new());
        for (number, step) in steps.into_iter().enumerate() {
            take(step, &mut db, &mut model);
            if number % 64 == 0 {
                check(&db, &model);
            }
        }
        check(&db, &model);
    }
}

#[test]
fn random_keys_are_of_the_kind_asked_for() {
    let mut db = new_db();
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state ^ (state >> 29)
    };
    assert!(db.random(&mut random).is_none() && db.random_expiring(&mut random).is_none());
    for number in 0..100 {
        let expiry = if number % 10 == 0 { Expiry::At(number) } else { Expiry::Never };
        db.set(number.to_string().as_bytes(), StringValue::Int(number), expiry, 0);
    }
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..2000 {
        seen.insert(db.random(&mut random).unwrap().key());
        assert!(db.random_expiring(&mut random).unwrap().expiry().is_some());
    }
    assert_eq!(seen.len(), 100);
    let (mut sampled, mut expiring) = (std::collections::BTreeSet::new(), 0);
    for _ in 0..2000 {
        db.sample(&mut random, |entry| _ = sampled.insert(entry.key().to_vec()));
        db.sample_expiring(&mut random, |entry| {
            assert!(entry.expiry().is_some());
            expiring += 1;
        });
    }
    assert_eq!(sampled.len(), 100);
    assert!(expiring >= 2000, "at least one in every sample");
}

#[test]
fn a_hash_alone_finds_its_key() {
    let mut db = new_db();
    for number in 0..1000 {
        db.set(number.to_string().as_bytes(), StringValue::Int(number), Expiry::At(number), 0);
    }
    for number in 0..1000 {
        let hash = db.hash_key(number.to_string().as_bytes());
        let entry = db.find_mut_by_hash(hash).expect("the key is there");
        assert_eq!(entry.get().string().to_integer(), Some(number));
        entry.remove();
        assert!(db.find_mut_by_hash(hash).is_none());
    }
    assert_eq!((db.len(), db.expires_len()), (0, 0));
}

/// A length past the address space panics after the integer has become text, in an entry that moved.
#[test]
fn a_change_that_panics_leaves_the_index_right() {
    let (mut db, mut model) = (new_db(), BTreeMap::new());
    take(Step::Insert(1, b"-1234567890123456789".to_vec(), Some(1)), &mut db, &mut model);
    let id = db.find(&key(1)).unwrap().id();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        db.find_mut(&key(1)).unwrap().set_range(usize::MAX - 1, b"x")
    }));
    assert!(outcome.is_err());
    assert!(!db.find(&key(1)).unwrap().is_same(id));
    check(&db, &model);
    take(Step::Remove(1), &mut db, &mut model);
    check(&db, &model);
}

#[test]
fn every_database_of_a_hasher_takes_the_same_hash() {
    let mut db = new_db();
    db.set(b"key", StringValue::Int(1), Expiry::Never, 0);
    let hash = new_db().hash_key(b"key");
    db.prefetch_bucket(hash);
    db.prefetch_entry(hash);
    assert!(db.find_hashed(hash, b"key").is_some() && db.find_mut_hashed(hash, b"key").is_some());
    assert!(matches!(db.lookup_hashed(hash, b"key"), Lookup::Occupied(_)));
    // The hash alone is never taken for the key.
    assert!(db.find_hashed(hash, b"other").is_none());
}

/// What keys of 16 bytes take on an allocator with the classes of `round_up`: their entry, and a share
/// of the dictionary and, with an expiry, of the index.
#[test]
fn keys_meet_their_budget() {
    let rows: [(&str, &[u8], Option<i64>, f64); 6] = [
        ("8 bytes", b"8 bytes!", None, 48.0),
        ("integer", b"-123456789012345678", None, 48.0),
        ("32 bytes", &[b'x'; 32], None, 76.0),
        ("100 bytes", &[b'x'; 100], None, 144.0),
        ("integer with expiry", b"1", Some(1), 72.0),
        ("16 bytes with expiry", &[b'x'; 16], Some(1), 80.0),
    ];
    let usable = |layout: Layout| round_up(layout.size());
    let mut db = new_db();
    for number in 1..=1_000_000u32 {
        let key = format!("key:{number:012}");
        db.set(key.as_bytes(), StringValue::Int(0), Expiry::At(1), 0);
        if number != 300_000 && number != 1_000_000 {
            continue;
        }
        let index = db.expires_memory_overhead(usable);
        let dictionary = db.memory_overhead(usable) - index;
        for (name, value, expiry, budget) in rows {
            let entry = Entry::new(key.as_bytes(), StringValue::encode(value), expiry, 0);
            let tables = dictionary + if expiry.is_some() { index } else { 0 };
            let bytes = entry.as_ref().memory_usage(usable) as f64 + tables as f64 / f64::from(number);
            println!("{number} keys, {name}: {bytes:.2} bytes each");
            assert!(bytes <= budget, "{number} keys, {name}: {bytes} > {budget}");
        }
    }
}
