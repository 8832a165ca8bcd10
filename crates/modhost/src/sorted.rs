//! Keys in their order, with an address each, in blocks that a module is charged for.
//!
//! Entries lie in chunks of at most [`LONGEST`], the chunks in their order in one list; so a key is found by two binary
//! searches, and one that is added moves the rest of its chunk only.

use std::ffi::c_void;

use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec;

use crate::charge::{Charge, DICTIONARY};
use crate::slot::Slot;

type Charged = Charge<DICTIONARY>;

/// How many entries a chunk has at most. One that would have more is split.
const LONGEST: usize = 64;

/// Neighbours that have no more than this together are made one.
const SHORTEST: usize = LONGEST / 4;

/// Keys in their order.
#[derive(Debug)]
pub(crate) struct Sorted {
    /// None of them is empty.
    chunks: Vec<Vec<Entry, Charged>, Charged>,
    len: usize,
}

#[derive(Debug)]
struct Entry {
    key: Box<[u8], Charged>,
    value: *mut c_void,
}

/// Where an entry is: the number of its chunk, and its own within that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(usize, usize);

impl Sorted {
    /// No keys. The module will be charged for those to come.
    pub(crate) fn new(slot: &Slot) -> Self {
        Self { chunks: Vec::new_in(Charge::to(slot)), len: 0 }
    }

    /// The number of keys.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The bytes that there is room for entries in, the texts of the keys left out.
    pub(crate) fn overhead(&self) -> usize {
        let chunks = self.chunks.iter().map(|chunk| chunk.capacity() * size_of::<Entry>()).sum::<usize>();
        self.chunks.capacity() * size_of::<Vec<Entry, Charged>>() + chunks
    }

    /// Where a key is, or where it would be.
    fn search(&self, key: &[u8]) -> Result<Place, Place> {
        let begun = self.chunks.partition_point(|chunk| *chunk[0].key <= *key);
        let Some(number) = begun.checked_sub(1) else { return Err(Place(0, 0)) };
        let found = self.chunks[number].binary_search_by(|entry| (*entry.key).cmp(key));
        found.map(|index| Place(number, index)).map_err(|index| Place(number, index))
    }

    /// What goes with a key.
    pub(crate) fn get(&self, key: &[u8]) -> Option<*mut c_void> {
        self.search(key).ok().map(|Place(chunk, index)| self.chunks[chunk][index].value)
    }

    /// Puts a key in, unless it is there: then `Err` is what goes with it.
    pub(crate) fn insert(&mut self, key: &[u8], value: *mut c_void) -> Result<(), &mut *mut c_void> {
        match self.search(key) {
            Ok(Place(chunk, index)) => Err(&mut self.chunks[chunk][index].value),
            Err(place) => {
                self.add(place, key, value);
                Ok(())
            }
        }
    }

    fn add(&mut self, Place(mut number, mut index): Place, key: &[u8], value: *mut c_void) {
        let charge = *self.chunks.allocator();
        if self.chunks.is_empty() {
            self.chunks.push(Vec::new_in(charge));
        } else if self.chunks[number].len() == LONGEST {
            let half = LONGEST / 2;
            let upper = self.chunks[number].split_off(half);
            self.chunks[number].shrink_to_fit();
            self.chunks.insert(number + 1, upper);
            if index > half {
                (number, index) = (number + 1, index - half);
            }
        }
        let mut bytes = Vec::with_capacity_in(key.len(), charge);
        bytes.extend_from_slice(key);
        self.chunks[number].insert(index, Entry { key: bytes.into_boxed_slice(), value });
        self.len += 1;
    }

    /// Takes a key out; gives what went with it.
    pub(crate) fn remove(&mut self, key: &[u8]) -> Option<*mut c_void> {
        let Place(number, index) = self.search(key).ok()?;
        let Entry { value, .. } = self.chunks[number].remove(index);
        self.len -= 1;
        self.tidy(number);
        Some(value)
    }

    /// A chunk has become shorter: it may go, or join the next one.
    fn tidy(&mut self, number: usize) {
        let len = self.chunks[number].len();
        let next = self.chunks.get(number + 1).map_or(LONGEST, Vec::len);
        if len == 0 {
            self.chunks.remove(number);
        } else if len + next <= SHORTEST {
            let mut upper = self.chunks.remove(number + 1);
            self.chunks[number].append(&mut upper);
        }
        if self.chunks.is_empty() {
            self.chunks.shrink_to_fit();
        }
    }

    /// The key in a place, which is one of an entry.
    pub(crate) fn key(&self, Place(chunk, index): Place) -> &[u8] {
        &self.chunks[chunk][index].key
    }

    /// The first key.
    pub(crate) fn first(&self) -> Option<Place> {
        self.at_or_next(Place(0, 0))
    }

    /// The last key.
    pub(crate) fn last(&self) -> Option<Place> {
        self.previous(Place(self.chunks.len(), 0))
    }

    /// A key.
    pub(crate) fn at(&self, key: &[u8]) -> Option<Place> {
        self.search(key).ok()
    }

    /// The first key behind this one.
    pub(crate) fn after(&self, key: &[u8]) -> Option<Place> {
        match self.search(key) {
            Ok(Place(chunk, index)) => self.at_or_next(Place(chunk, index + 1)),
            Err(place) => self.at_or_next(place),
        }
    }

    /// The last key before this one.
    pub(crate) fn before(&self, key: &[u8]) -> Option<Place> {
        self.previous(self.search(key).unwrap_or_else(|place| place))
    }

    /// The entry in a place, or the first behind it.
    fn at_or_next(&self, Place(chunk, index): Place) -> Option<Place> {
        let is_here = self.chunks.get(chunk)?.len() > index;
        if is_here {
            Some(Place(chunk, index))
        } else {
            self.chunks.get(chunk + 1).map(|_| Place(chunk + 1, 0))
        }
    }

    fn previous(&self, Place(chunk, index): Place) -> Option<Place> {
        if let Some(index) = index.checked_sub(1) {
            return Some(Place(chunk, index));
        }
        let chunk = chunk.checked_sub(1)?;
        Some(Place(chunk, self.chunks[chunk].len() - 1))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::ptr;

    use super::*;
    use crate::slot;

    /// Everything that can be asked about a key, of the list and of a plain map.
    fn compare(sorted: &Sorted, model: &BTreeMap<std::vec::Vec<u8>, usize>, key: &[u8]) {
        use std::ops::Bound::{Excluded, Unbounded};
        let found = |place: Option<Place>| place.map(|place| sorted.key(place));
        let of = |entry: Option<(&std::vec::Vec<u8>, &usize)>| entry.map(|(key, _)| key.clone());
        assert_eq!(sorted.get(key).map(|value| value.addr()), model.get(key).copied());
        assert_eq!(found(sorted.at(key)), model.get(key).map(|_| key));
        let after = model.range::<[u8], _>((Excluded(key), Unbounded)).next();
        let before = model.range::<[u8], _>((Unbounded, Excluded(key))).next_back();
        assert_eq!(found(sorted.after(key)).map(<[u8]>::to_vec), of(after));
        assert_eq!(found(sorted.before(key)).map(<[u8]>::to_vec), of(before));
        assert_eq!(found(sorted.first()).map(<[u8]>::to_vec), of(model.first_key_value()));
        assert_eq!(found(sorted.last()).map(<[u8]>::to_vec), of(model.last_key_value()));
        assert_eq!(sorted.len(), model.len());
    }

    #[test]
    fn it_is_a_map_in_its_order_and_leaves_nothing() {
        let slot = slot::slot(crate::SLOTS - 2);
        let mut sorted = Sorted::new(slot);
        let mut model = BTreeMap::new();
        let mut state = 7_u64;
        for round in 0..12_000_usize {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let key = format!("{}", (state >> 33) % 700).into_bytes();
            // More come than go, then the other way round.
            if (state >> 50) % 3 != round as u64 / 6000 {
                let fresh =
                    sorted.insert(&key, ptr::without_provenance_mut(round)).map_err(|value| value.addr());
                assert_eq!(fresh.err(), model.get(&key).copied());
                model.entry(key.clone()).or_insert(round);
            } else {
                assert_eq!(sorted.remove(&key).map(|value| value.addr()), model.remove(&key));
            }
            if round % 7 == 0 {
                compare(&sorted, &model, &key);
            }
        }
        for key in model.keys().cloned().collect::<std::vec::Vec<_>>() {
            sorted.remove(&key);
            model.remove(&key);
            compare(&sorted, &model, &key);
        }
        assert_eq!(slot.counters().census().live, 0);
        sorted.insert(b"", ptr::null_mut()).expect("it is new");
        assert_ne!(slot.counters().census().live, 0);
        drop(sorted);
        assert_eq!(slot.counters().census().by_size, []);
    }
}
