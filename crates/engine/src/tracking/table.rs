//! Which clients have read which keys. Keys go by name alone, whatever their database, as in Redis.

use std::hash::BuildHasher;

use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use smallvec::SmallVec;

use crate::client::ClientId;
use crate::names::{Seeded, block};

/// The clients that have read one key, in order.
pub(super) type Readers = SmallVec<[ClientId; 1]>;

/// The keys that clients have read, each until it changes.
#[derive(Debug)]
pub(super) struct Table {
    slots: HashTable<Slot>,
    hasher: Seeded,
    items: usize,
    /// The bytes of names and of lists of readers too long to stand in the table.
    bytes: usize,
}

#[derive(Debug)]
struct Slot {
    key: Box<[u8]>,
    readers: Readers,
}

impl Slot {
    fn memory(&self) -> usize {
        let spilled =
            if self.readers.spilled() { self.readers.capacity() * size_of::<ClientId>() } else { 0 };
        block(self.key.len()) + block(spilled)
    }
}

impl Table {
    pub(super) fn new(hasher: &Seeded) -> Self {
        Self { slots: HashTable::new(), hasher: hasher.clone(), items: 0, bytes: 0 }
    }

    pub(super) fn keys(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn items(&self) -> usize {
        self.items
    }

    pub(super) fn memory(&self) -> usize {
        self.bytes + block(self.slots.allocation_size())
    }

    /// Notes that a client has read a key.
    pub(super) fn add(&mut self, key: &[u8], id: ClientId) {
        let Self { slots, hasher, items, bytes } = self;
        let hash = |key: &[u8]| hasher.hash_one(key);
        let mut slot = match slots.entry(hash(key), |slot| *slot.key == *key, |slot| hash(&slot.key)) {
            Entry::Occupied(slot) => slot,
            Entry::Vacant(place) => place.insert(Slot { key: key.into(), readers: Readers::new() }),
        };
        let slot = slot.get_mut();
        let before = if slot.readers.is_empty() { 0 } else { slot.memory() };
        if let Err(at) = slot.readers.binary_search(&id) {
            slot.readers.insert(at, id);
            *items += 1;
        }
        *bytes += slot.memory() - before;
    }

    /// Forgets a key; gives those who had read it.
    pub(super) fn take(&mut self, key: &[u8]) -> Option<Readers> {
        let hash = self.hasher.hash_one(key);
        let (slot, _) = self.slots.find_entry(hash, |slot| *slot.key == *key).ok()?.remove();
        self.forget(&slot);
        Some(slot.readers)
    }

    /// Forgets a key, any, which `chance`, 64 random bits, decides.
    pub(super) fn take_any(&mut self, chance: u64) -> Option<(Box<[u8]>, Readers)> {
        let buckets = self.slots.num_buckets();
        let first = usize::try_from(chance % (buckets.max(1) as u64)).unwrap_or(0);
        let at = (first..buckets).chain(0..first).find(|&at| self.slots.get_bucket(at).is_some())?;
        let (slot, _) = self.slots.get_bucket_entry(at).ok()?.remove();
        self.forget(&slot);
        Some((slot.key, slot.readers))
    }

    fn forget(&mut self, slot: &Slot) {
        self.items -= slot.readers.len();
        self.bytes -= slot.memory();
        if self.slots.len() * 4 < self.slots.capacity() {
            let hasher = &self.hasher;
            self.slots.shrink_to(self.slots.len() * 2, |slot| hasher.hash_one(&*slot.key));
        }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::new(&self.hasher);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn id(number: u64) -> ClientId {
        ClientId { slot: number as usize, id: number }
    }

    #[test]
    fn agrees_with_a_map_of_sets() {
        let mut rng = crate::Rng::seeded(5);
        let mut table = Table::new(&Seeded::new([7; 16]));
        let mut model: BTreeMap<Vec<u8>, BTreeSet<ClientId>> = BTreeMap::new();
        for step in 0..20_000 {
            let key = rng.below(300).to_string().into_bytes();
            match rng.below(8) {
                0 => {
                    let expected = model.remove(&key).map(|ids| ids.into_iter().collect::<Vec<_>>());
                    assert_eq!(table.take(&key).map(|readers| readers.to_vec()), expected);
                }
                1 => match table.take_any(rng.next_u64()) {
                    Some((key, readers)) => {
                        let expected = model.remove(&*key).expect("a key that was added");
                        assert!(expected.iter().eq(readers.iter()));
                    }
                    None => assert!(model.is_empty()),
                },
                _ => {
                    let reader = id(rng.below(40));
                    table.add(&key, reader);
                    model.entry(key).or_default().insert(reader);
                }
            }
            assert_eq!(table.keys(), model.len());
            assert_eq!(table.items(), model.values().map(BTreeSet::len).sum::<usize>());
            if step % 1000 == 0 {
                let bytes: usize = table.slots.iter().map(Slot::memory).sum();
                assert_eq!(table.bytes, bytes);
            }
        }
        while table.take_any(rng.next_u64()).is_some() {}
        assert_eq!((table.bytes, table.items), (0, 0));
    }
}
