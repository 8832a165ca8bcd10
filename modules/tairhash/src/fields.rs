//! The fields of a hash, in an order that a scan can resume, with an index of those that expire.
//!
//! Fields are ordered by a keyed hash of their names. A scan's cursor is a hash: whatever is added or
//! removed meanwhile, fields that are there throughout are before it or after it, and returned once.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use heapwalk::HeapWalk;

/// A field.
#[derive(Clone, Debug, PartialEq, Eq, HeapWalk)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: Vec<u8>,
    /// Its value.
    pub(crate) value: Vec<u8>,
    /// Counts changes; clients may set it. Never negative.
    pub(crate) version: i64,
    /// When it expires, in milliseconds since 1970; 0 is never, as in the encoding.
    pub(crate) deadline: i64,
}

impl Field {
    /// Whether it counts as gone, though it may still be stored.
    pub(crate) fn is_expired(&self, now: i64) -> bool {
        self.deadline != 0 && self.deadline <= now
    }
}

/// Fields by hash; different names of one hash stand side by side.
type Bucket = Vec<Field>;

/// A hash.
#[derive(Clone, Debug, Default, HeapWalk)]
pub(crate) struct Fields {
    buckets: BTreeMap<u64, Bucket>,
    /// When the fields of a bucket expire. An entry for each deadline of each bucket.
    deadlines: BTreeSet<(i64, u64)>,
    length: usize,
}

/// The hash of a name: 63 bits, so that a cursor is a positive integer.
fn hash(name: &[u8]) -> u64 {
    static KEY: OnceLock<RandomState> = OnceLock::new();
    // 0 is where a scan begins, and no hash.
    (KEY.get_or_init(RandomState::new).hash_one(name) >> 1).max(1)
}

impl Fields {
    /// Number of fields that are stored, expired ones too.
    pub(crate) fn len(&self) -> usize {
        self.length
    }

    /// Whether nothing is stored.
    pub(crate) fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// All stored fields, in the order of a scan.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Field> {
        self.buckets.values().flatten()
    }

    /// A field that hasn't expired.
    pub(crate) fn get(&self, name: &[u8], now: i64) -> Option<&Field> {
        let bucket = self.buckets.get(&hash(name))?;
        bucket.iter().find(|field| field.name == name && !field.is_expired(now))
    }

    /// Stores a field, in place of one of the same name.
    pub(crate) fn insert(&mut self, field: Field) {
        let hash = hash(&field.name);
        let bucket = self.buckets.entry(hash).or_default();
        let deadline = field.deadline;
        let old = match bucket.iter_mut().find(|stored| stored.name == field.name) {
            Some(stored) => std::mem::replace(stored, field).deadline,
            None => {
                bucket.reserve_exact(1);
                bucket.push(field);
                self.length += 1;
                0
            }
        };
        self.forget(hash, old);
        if deadline != 0 {
            self.deadlines.insert((deadline, hash));
        }
    }

    /// Removes a field, expired or not.
    pub(crate) fn remove(&mut self, name: &[u8]) -> Option<Field> {
        let hash = hash(name);
        let bucket = self.buckets.get_mut(&hash)?;
        let index = bucket.iter().position(|field| field.name == name)?;
        let field = bucket.swap_remove(index);
        if bucket.is_empty() {
            self.buckets.remove(&hash);
        }
        self.length -= 1;
        self.forget(hash, field.deadline);
        Some(field)
    }

    /// Takes a deadline out of the index unless another field of the bucket has it too.
    fn forget(&mut self, hash: u64, deadline: i64) {
        let still = self
            .buckets
            .get(&hash)
            .is_some_and(|bucket| bucket.iter().any(|field| field.deadline == deadline));
        if deadline != 0 && !still {
            self.deadlines.remove(&(deadline, hash));
        }
    }

    /// The next deadline of all.
    pub(crate) fn next_deadline(&self) -> Option<i64> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Removes fields that have expired, `most` at most, and returns their names.
    pub(crate) fn remove_expired(&mut self, now: i64, most: usize) -> Vec<Vec<u8>> {
        let mut names = Vec::new();
        while names.len() < most
            && let Some(&(deadline, hash)) = self.deadlines.first()
            && deadline <= now
        {
            let bucket = &self.buckets[&hash];
            let field = bucket.iter().find(|field| field.deadline == deadline);
            let name = field.expect("an entry of the index has its field").name.clone();
            self.remove(&name);
            names.push(name);
        }
        names
    }

    /// Whether one of these fields has expired and is stored still.
    pub(crate) fn holds_expired(&self, names: &[&[u8]], now: i64) -> bool {
        let is_expired = |name: &&[u8]| {
            let bucket = self.buckets.get(&hash(name));
            bucket.is_some_and(|fields| fields.iter().any(|f| f.name == **name && f.is_expired(now)))
        };
        // Mostly nothing is due at all.
        self.next_deadline().is_some_and(|deadline| deadline <= now) && names.iter().any(is_expired)
    }

    /// Removes those of these fields that have expired, and returns their names.
    pub(crate) fn remove_if_expired(&mut self, names: &[&[u8]], now: i64) -> Vec<Vec<u8>> {
        let mut removed = Vec::new();
        for name in names {
            if self.holds_expired(&[name], now) {
                removed.extend(self.remove(name).map(|field| field.name));
            }
        }
        removed
    }

    /// Visits fields from a cursor on, until `count` were looked at; returns the next cursor, 0 at
    /// the end. Names of one hash are visited together, so it may be a few more.
    pub(crate) fn scan(&self, cursor: u64, count: usize, mut visit: impl FnMut(&Field)) -> u64 {
        let mut seen = 0;
        for (hash, bucket) in self.buckets.range(cursor..) {
            if seen >= count {
                return *hash;
            }
            bucket.iter().for_each(&mut visit);
            seen += bucket.len();
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn field(name: u8, value: u8, deadline: i64) -> Field {
        Field { name: vec![name], value: vec![value], version: 1, deadline }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u8, u8, i64),
        Remove(u8),
        RemoveIfExpired(u8, i64),
        Expire(i64, usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0u8..30, any::<u8>(), 0i64..20).prop_map(|(name, value, at)| Step::Insert(name, value, at)),
            2 => (0u8..30).prop_map(Step::Remove),
            2 => (0u8..30, 0i64..20).prop_map(|(name, now)| Step::RemoveIfExpired(name, now)),
            1 => (0i64..20, 0usize..5).prop_map(|(now, most)| Step::Expire(now, most)),
        ];
        prop::collection::vec(step, 0..150)
    }

    proptest! {
        #[test]
        fn fields_agree_with_a_map(steps in steps()) {
            let mut fields = Fields::default();
            let mut model: HashMap<u8, Field> = HashMap::new();
            for step in steps {
                match step {
                    Step::Insert(name, value, at) => {
                        fields.insert(field(name, value, at));
                        model.insert(name, field(name, value, at));
                    }
                    Step::Remove(name) => prop_assert_eq!(fields.remove(&[name]), model.remove(&name)),
                    Step::RemoveIfExpired(name, now) => {
                        let is_expired = model.get(&name).is_some_and(|field| field.is_expired(now));
                        let expected = if is_expired { vec![vec![name]] } else { vec![] };
                        prop_assert_eq!(fields.remove_if_expired(&[&[name], &[name]], now), expected);
                        model.retain(|other, _| *other != name || !is_expired);
                    }
                    Step::Expire(now, most) => {
                        let due = model.values().filter(|field| field.is_expired(now)).count();
                        let names = fields.remove_expired(now, most);
                        prop_assert_eq!(names.len(), due.min(most));
                        for name in names {
                            prop_assert!(model.remove(&name[0]).unwrap().is_expired(now));
                        }
                    }
                }
                prop_assert_eq!(fields.len(), model.len());
                let next = model.values().map(|field| field.deadline).filter(|at| *at != 0).min();
                prop_assert_eq!(fields.next_deadline(), next);
                for name in 0u8..30 {
                    let expected = model.get(&name).filter(|field| !field.is_expired(10));
                    prop_assert_eq!(fields.get(&[name], 10), expected);
                }
            }
        }

        /// What is there throughout a scan is returned once, whatever else comes and goes.
        #[test]
        fn a_scan_misses_nothing(
            changes in prop::collection::vec((any::<bool>(), 100u8..200), 0..100),
            count in 1usize..7,
        ) {
            let mut fields = Fields::default();
            (0..60).for_each(|name| fields.insert(field(name, 0, 0)));
            let mut seen = HashMap::<u8, usize>::new();
            let (mut cursor, mut changes) = (0, changes.into_iter());
            loop {
                cursor = fields.scan(cursor, count, |field| *seen.entry(field.name[0]).or_default() += 1);
                if cursor == 0 {
                    break;
                }
                match changes.next() {
                    Some((true, name)) => fields.insert(field(name, 0, 0)),
                    Some((false, name)) => drop(fields.remove(&[name])),
                    None => {}
                }
            }
            prop_assert!((0..60).all(|name| seen.get(&name) == Some(&1)));
        }
    }
}
