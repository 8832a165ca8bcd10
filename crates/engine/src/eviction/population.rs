//! The keys that may go, in all databases, and random choices among them.

use keyspace::{Db, EntryRef, Keyspace};

use crate::config::MaxmemoryPolicy;
use crate::rng::Rng;

/// The keys that a policy may evict: all of them, or those that have an expiry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Population<'k> {
    keyspace: &'k Keyspace,
    is_volatile: bool,
}

impl<'k> Population<'k> {
    pub(super) fn of(keyspace: &'k Keyspace, policy: MaxmemoryPolicy) -> Self {
        Self { keyspace, is_volatile: policy.is_volatile() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.keyspace.iter().map(|db| self.len_of(db)).sum()
    }

    fn len_of(&self, db: &Db) -> usize {
        if self.is_volatile { db.expires_len() } else { db.len() }
    }

    /// The number of a database, with chances in proportion to its keys; `None` when there is no key.
    pub(super) fn draw_database(&self, rng: &mut Rng) -> Option<usize> {
        let len = self.len();
        if len == 0 {
            return None;
        }
        let mut at = rng.below(len as u64) as usize;
        self.keyspace.iter().position(|db| {
            let len = self.len_of(db);
            let is_here = at < len;
            at = at.saturating_sub(len);
            is_here
        })
    }

    /// A key of a database, each as likely as the others; `None` when it has none.
    pub(super) fn draw_key(&self, index: usize, rng: &mut Rng) -> Option<EntryRef<'k>> {
        let db = self.keyspace.db(index);
        let mut random = || rng.next_u64();
        if self.is_volatile { db.random_expiring(&mut random) } else { db.random(&mut random) }
    }

    /// Gives at least `count` keys to `each` with the numbers of their databases, and all keys where there are no
    /// more. A key can be given twice.
    ///
    /// The keys come by the bucket, so that a sample costs few cache misses.
    pub(super) fn sample(&self, count: usize, rng: &mut Rng, mut each: impl FnMut(usize, EntryRef<'k>)) {
        if self.len() <= count {
            return self.for_each(each);
        }
        let mut given = 0;
        while given < count
            && let Some(index) = self.draw_database(rng)
        {
            let db = self.keyspace.db(index);
            let mut random = || rng.next_u64();
            let give = |entry| {
                given += 1;
                each(index, entry);
            };
            if self.is_volatile {
                db.sample_expiring(&mut random, give);
            } else {
                db.sample(&mut random, give);
            }
        }
    }

    fn for_each(&self, mut each: impl FnMut(usize, EntryRef<'k>)) {
        for (index, db) in self.keyspace.iter().enumerate() {
            if !self.is_volatile {
                db.for_each(|entry| each(index, entry));
                continue;
            }
            let mut cursor = 0;
            loop {
                cursor = db.scan_expires(cursor, |entry| each(index, entry));
                if cursor == 0 {
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use keyspace::{Expiry, StringValue};

    use super::*;

    /// Three databases, the second empty; every third key has an expiry.
    fn keyspace() -> Keyspace {
        let mut keyspace = Keyspace::new(3, [1; 16]);
        for (index, keys) in [(0, 200_i64), (2, 100)] {
            for number in 0..keys {
                let expiry = if number % 3 == 0 { Expiry::At(number) } else { Expiry::Never };
                let key = format!("{index}:{number}");
                keyspace.db_mut(index).set(key.as_bytes(), StringValue::Int(number), expiry, 0);
            }
        }
        keyspace
    }

    /// How often each key came up in samples of at least `count`.
    fn frequencies(policy: MaxmemoryPolicy, count: usize, rounds: usize) -> HashMap<Vec<u8>, u32> {
        let keyspace = keyspace();
        let population = Population::of(&keyspace, policy);
        let (mut rng, mut frequencies) = (Rng::seeded(5), HashMap::new());
        for _ in 0..rounds {
            let mut given = 0;
            population.sample(count, &mut rng, |index, entry| {
                assert!(entry.key().starts_with(index.to_string().as_bytes()));
                *frequencies.entry(entry.key().to_vec()).or_insert(0) += 1;
                given += 1;
            });
            assert!(given >= count.min(population.len()));
        }
        frequencies
    }

    /// The databases' tables aren't equally full, which makes a difference of some percent between them.
    #[test]
    fn samples_favour_no_key_much() {
        for (policy, keys) in [(MaxmemoryPolicy::AllkeysLru, 300), (MaxmemoryPolicy::VolatileLru, 101)] {
            let frequencies = frequencies(policy, 5, 20_000);
            assert_eq!(frequencies.len(), keys);
            let mean = f64::from(frequencies.values().sum::<u32>()) / keys as f64;
            for (key, count) in frequencies {
                let ratio = f64::from(count) / mean;
                assert!((0.75..1.35).contains(&ratio), "{}: {ratio}", key.escape_ascii());
            }
        }
    }

    #[test]
    fn a_sample_of_everything_is_everything_once() {
        for (policy, keys) in [(MaxmemoryPolicy::AllkeysLfu, 300), (MaxmemoryPolicy::VolatileTtl, 101)] {
            for count in [keys, usize::MAX] {
                let frequencies = frequencies(policy, count, 1);
                assert_eq!(frequencies.len(), keys);
                assert!(frequencies.values().all(|&count| count == 1));
            }
        }
    }

    #[test]
    fn a_random_key_comes_from_any_database_by_its_size() {
        let keyspace = keyspace();
        for (policy, share) in
            [(MaxmemoryPolicy::AllkeysRandom, 200.0 / 300.0), (MaxmemoryPolicy::VolatileRandom, 67.0 / 101.0)]
        {
            let population = Population::of(&keyspace, policy);
            let (mut rng, mut first, rounds) = (Rng::seeded(5), 0, 20_000);
            for _ in 0..rounds {
                let index = population.draw_database(&mut rng).expect("there are keys");
                let key = population.draw_key(index, &mut rng).expect("it has keys");
                assert!(!policy.is_volatile() || key.expiry().is_some());
                first += u32::from(index == 0);
            }
            let drawn = f64::from(first) / f64::from(rounds);
            assert!((drawn - share).abs() < 0.02, "{drawn}, not {share}");
        }
        let empty = Keyspace::new(2, [1; 16]);
        assert_eq!(
            Population::of(&empty, MaxmemoryPolicy::AllkeysRandom).draw_database(&mut Rng::seeded(1)),
            None
        );
    }
}
