//! Databases against maps, with a piece of a walk between any two changes.

use std::collections::BTreeMap;

use keyspace::{EntryRef, Expiry, Keyspace, NumberBuffer, Relocated, StringValue};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::movers::{Choice, Mover};

const DATABASES: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Set(usize, u16, Vec<u8>, Option<i64>),
    Remove(usize, u16),
    Append(usize, u16, Vec<u8>),
    SetExpiry(usize, u16, Option<i64>),
    /// Many keys at once, so that the table grows by much.
    Fill(usize, u16, u16),
    /// And shrinks again.
    Thin(usize, u16),
    Swap(usize, usize),
    Clear(usize),
    Begin,
    /// A piece of the walk that ends after the mover has been asked about so many blocks.
    Walk(Choice, usize),
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<i64>().prop_map(|value| value.to_string().into_bytes()),
        (0usize..70).prop_map(|len| vec![b'v'; len]),
        (480usize..3000).prop_map(|len| vec![b'V'; len]),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let db = || 0..DATABASES;
    let key = || 0u16..200;
    let choice = prop_oneof![
        4 => Just(Choice::All),
        4 => (2usize..9).prop_map(Choice::Each),
        2 => (0usize..200).prop_map(Choice::Only),
        1 => Just(Choice::Nothing),
        1 => Just(Choice::NothingAhead),
    ];
    let step = prop_oneof![
        20 => (db(), key(), value(), any::<Option<i64>>())
            .prop_map(|(db, key, value, expiry)| Step::Set(db, key, value, expiry)),
        10 => (db(), key()).prop_map(|(db, key)| Step::Remove(db, key)),
        10 => (db(), key(), value()).prop_map(|(db, key, tail)| Step::Append(db, key, tail)),
        10 => (db(), key(), any::<Option<i64>>()).prop_map(|(db, key, expiry)| Step::SetExpiry(db, key, expiry)),
        3 => (db(), 0u16..3000, 0u16..3000).prop_map(|(db, from, count)| Step::Fill(db, from, count)),
        2 => (db(), 2u16..20).prop_map(|(db, of)| Step::Thin(db, of)),
        3 => (db(), db()).prop_map(|(first, second)| Step::Swap(first, second)),
        1 => db().prop_map(Step::Clear),
        3 => Just(Step::Begin),
        30 => (choice, 0usize..400).prop_map(|(choice, patience)| Step::Walk(choice, patience)),
    ];
    proptest::collection::vec(step, 0..80)
}

type Model = Vec<BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>>;

fn key(number: u16) -> Vec<u8> {
    format!("key:{number}").into_bytes()
}

fn parts(entry: EntryRef<'_>) -> (Vec<u8>, Option<i64>) {
    (entry.string().as_bytes(&mut NumberBuffer::new()).to_vec(), entry.expiry())
}

fn take(step: Step, keyspace: &mut Keyspace, model: &mut Model) {
    match step {
        Step::Set(db, number, value, expiry) => {
            set(keyspace, model, db, number, &value, expiry);
        }
        Step::Remove(db, number) => {
            let removed = keyspace.db_mut(db).remove(&key(number));
            assert_eq!(removed.map(|entry| parts(entry.as_ref())), model[db].remove(&key(number)));
        }
        Step::Append(db, number, tail) => {
            if let Some(mut entry) = keyspace.db_mut(db).find_mut(&key(number)) {
                entry.append(&tail);
                model[db].get_mut(&key(number)).expect("in both").0.extend(tail);
            }
        }
        Step::SetExpiry(db, number, expiry) => {
            if let Some(mut entry) = keyspace.db_mut(db).find_mut(&key(number)) {
                entry.set_expiry(expiry);
                model[db].get_mut(&key(number)).expect("in both").1 = expiry;
            }
        }
        Step::Fill(db, from, count) => {
            for number in from..from + count {
                let expiry = number.is_multiple_of(3).then_some(i64::from(number));
                set(keyspace, model, db, number, &key(number), expiry);
            }
        }
        Step::Thin(db, of) => {
            let goes = |key: &[u8]| !(key.len() + usize::from(key[key.len() - 1])).is_multiple_of(of.into());
            let keys: Vec<_> = model[db].keys().filter(|key| goes(key)).cloned().collect();
            for key in keys {
                assert!(keyspace.db_mut(db).remove(&key).is_some());
                model[db].remove(&key);
            }
        }
        Step::Swap(first, second) => {
            keyspace.swap(first, second);
            model.swap(first, second);
        }
        Step::Clear(db) => {
            assert_eq!(keyspace.db_mut(db).clear().len(), model[db].len());
            model[db].clear();
        }
        Step::Begin => keyspace.begin_walk(),
        Step::Walk(choice, patience) => walk(keyspace, choice, patience),
    }
}

fn set(
    keyspace: &mut Keyspace,
    model: &mut Model,
    db: usize,
    number: u16,
    value: &[u8],
    expiry: Option<i64>,
) {
    let when = expiry.map_or(Expiry::Never, Expiry::At);
    keyspace.db_mut(db).set(&key(number), StringValue::encode(value), when, 0);
    model[db].insert(key(number), (value.to_vec(), expiry));
}

/// A piece of a walk, which changes nothing that the ledger counts.
fn walk(keyspace: &mut Keyspace, choice: Choice, patience: usize) {
    let mut mover = Mover::new(choice);
    // What the mover remembers isn't the keyspace's.
    mover.addresses.reserve(2 * (patience + 4000));
    let mut relocated = Relocated::default();
    let before = zmalloc::used_memory();
    let is_over = |mover: &Mover| mover.asked >= patience;
    let _ = keyspace.relocate(&mut mover, is_over, &mut relocated);
    assert_eq!(zmalloc::used_memory(), before);
    assert!(relocated.keys_moved as usize <= mover.moved);
    assert!((relocated.keys_moved + relocated.keys_left) as usize <= mover.asked);
}

fn check(keyspace: &Keyspace, model: &Model) {
    for (db, model) in keyspace.iter().zip(model) {
        assert_eq!(db.len(), model.len());
        for (key, expected) in model {
            assert_eq!(&parts(db.find(key).expect("the key is there")), expected);
        }
        let mut expiring = BTreeMap::new();
        let mut cursor = 0;
        loop {
            cursor = db.scan_expires(cursor, |entry| _ = expiring.insert(entry.key().to_vec(), parts(entry)));
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(expiring.len(), db.expires_len());
        assert!(expiring.iter().eq(model.iter().filter(|(_, (_, expiry))| expiry.is_some())));
    }
}

pub(crate) fn any_walk_leaves_everything_as_it_is() {
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) });
    let test = |steps: Vec<Step>| {
        let mut keyspace = Keyspace::new(DATABASES, [3; 16]);
        let mut model = vec![BTreeMap::new(); DATABASES];
        for step in steps {
            let is_walk = matches!(step, Step::Walk(..));
            take(step, &mut keyspace, &mut model);
            if is_walk {
                check(&keyspace, &model);
            }
        }
        check(&keyspace, &model);
        Ok(())
    };
    runner.run(&steps(), test).unwrap_or_else(|error| panic!("{error}"));
}
