//! One database: its keys, and which of them expire.
#![allow(unsafe_code)]

mod entry_mut;
mod relocate;
#[cfg(test)]
mod tests;

pub use entry_mut::{EntryMut, Lookup, VacantEntry};
pub use relocate::Relocated;

use crate::entry::{Entry, EntryId, EntryRef, IndexedEntry};
use crate::hash::{KeyHash, KeyHasher};
use crate::string::StringValue;
use crate::table::Table;
use relocate::{Unfinished, Walk};
use std::alloc::Layout;

/// What becomes of a key's expiry when its value is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expiry {
    /// An expiry that the key has stays.
    Keep,
    /// The key has none.
    Never,
    /// The key expires at this time, in milliseconds since the Unix epoch.
    At(i64),
}

/// A database: a dictionary of keys, and beside it an index of those that have an expiry.
///
/// It has no clock: an expiry is a number that is stored, and a key past it is there until it is
/// removed.
///
/// Invariant: `expiring` holds exactly the entries of `keys` that have an expiry, where they are.
#[derive(Debug)]
pub struct Db {
    contents: Contents,
    hasher: KeyHasher,
}

/// All that was in a database, taken out of it. Dropping it frees the memory, on whatever thread that
/// is done.
pub struct Contents {
    // Dropped first; that doesn't look at the entries.
    expiring: Table<IndexedEntry>,
    keys: Table<Entry>,
    /// Where the walk that moves blocks has come to.
    walk: Walk,
    /// The value within which that is.
    unfinished: Option<Unfinished>,
}

impl Contents {
    fn new() -> Contents {
        Contents { expiring: Table::new(), keys: Table::new(), walk: Walk::BEGIN, unfinished: None }
    }

    /// The number of keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Contents")
            .field("keys", &self.keys.len())
            .field("expiring", &self.expiring.len())
            .finish()
    }
}

impl Db {
    /// A database without keys, which has no memory but itself.
    pub fn new(hasher: KeyHasher) -> Db {
        Db { contents: Contents::new(), hasher }
    }

    /// The number of keys.
    #[inline]
    pub fn len(&self) -> usize {
        self.contents.keys.len()
    }

    /// Whether there are no keys.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of keys that have an expiry.
    #[inline]
    pub fn expires_len(&self) -> usize {
        self.contents.expiring.len()
    }

    /// The hash of `key`, for the methods that take one.
    #[inline]
    pub fn hash_key(&self, key: &[u8]) -> KeyHash {
        self.hasher.hash(key)
    }

    /// Begins to load the memory that a lookup of a key with `hash` reads first.
    #[inline]
    pub fn prefetch_bucket(&self, hash: KeyHash) {
        self.contents.keys.prefetch_bucket(hash.0);
    }

    /// Begins to load the entry of a key with `hash`, if there is one; some time after
    /// [`Db::prefetch_bucket`].
    #[inline]
    pub fn prefetch_entry(&self, hash: KeyHash) {
        self.contents.keys.prefetch_element(hash.0);
    }

    /// The entry of `key`.
    #[inline]
    pub fn find(&self, key: &[u8]) -> Option<EntryRef<'_>> {
        self.find_hashed(self.hash_key(key), key)
    }

    /// The entry of `key`, whose hash is `hash`.
    #[inline]
    pub fn find_hashed(&self, hash: KeyHash, key: &[u8]) -> Option<EntryRef<'_>> {
        self.contents.keys.find(hash.0, |entry| entry.key() == key)
    }

    /// The entry of `key`, to be changed.
    #[inline]
    pub fn find_mut(&mut self, key: &[u8]) -> Option<EntryMut<'_>> {
        self.find_mut_hashed(self.hash_key(key), key)
    }

    /// The entry of `key`, whose hash is `hash`, to be changed.
    #[inline]
    pub fn find_mut_hashed(&mut self, hash: KeyHash, key: &[u8]) -> Option<EntryMut<'_>> {
        let Contents { keys, expiring, .. } = &mut self.contents;
        let slot = keys.find_slot(hash.0, |entry| entry.key() == key)?;
        Some(EntryMut::new(slot, expiring, &self.hasher))
    }

    /// The entry of a key that is known by its `hash` alone, to be changed. Where two keys share a hash of
    /// 64 bits it is that of either.
    #[inline]
    pub fn find_mut_by_hash(&mut self, hash: KeyHash) -> Option<EntryMut<'_>> {
        let Db { contents: Contents { keys, expiring, .. }, hasher } = self;
        let slot = keys.find_slot(hash.0, |entry| hasher.hash(entry.key()) == hash)?;
        Some(EntryMut::new(slot, expiring, hasher))
    }

    /// The place of `key`, with or without an entry, found with one hash and one probe.
    #[inline]
    pub fn lookup<'k>(&mut self, key: &'k [u8]) -> Lookup<'_, 'k> {
        self.lookup_hashed(self.hash_key(key), key)
    }

    /// The place of `key`, whose hash is `hash`.
    #[inline]
    pub fn lookup_hashed<'k>(&mut self, hash: KeyHash, key: &'k [u8]) -> Lookup<'_, 'k> {
        let Db { contents: Contents { keys, expiring, .. }, hasher } = self;
        match keys.find_or_vacant(hash.0, |entry| entry.key() == key) {
            Ok(slot) => Lookup::Occupied(EntryMut::new(slot, expiring, hasher)),
            Err(keys) => Lookup::Vacant(VacantEntry::new(keys, expiring, hasher, hash, key)),
        }
    }

    /// Sets the value of `key`, which is added if it is not there; gives whether it was. The access
    /// clock becomes `clock` in either case.
    ///
    /// # Panics
    /// If `key` is longer than `u32::MAX` bytes.
    pub fn set(&mut self, key: &[u8], value: StringValue<'_>, expiry: Expiry, clock: u32) -> bool {
        match self.lookup(key) {
            Lookup::Occupied(mut entry) => {
                entry.set(value, expiry);
                entry.set_clock(clock);
                true
            }
            Lookup::Vacant(place) => {
                let expiry = match expiry {
                    Expiry::At(time) => Some(time),
                    Expiry::Keep | Expiry::Never => None,
                };
                place.insert(value, expiry, clock);
                false
            }
        }
    }

    /// Adds `entry` under its key; gives the entry that had the key before.
    pub fn insert_entry(&mut self, entry: Entry) -> Option<Entry> {
        let replaced = self.remove(entry.as_ref().key());
        let hash = self.hash_key(entry.as_ref().key());
        let Db { contents: Contents { keys, expiring, .. }, hasher } = self;
        insert(keys, expiring, hasher, hash, entry);
        replaced
    }

    /// Takes the entry of `key` out.
    pub fn remove(&mut self, key: &[u8]) -> Option<Entry> {
        Some(self.find_mut(key)?.remove())
    }

    /// Gives the entry of `from` the key `to`; gives the entry that had that key before. `None` where
    /// there is no key `from`.
    ///
    /// # Panics
    /// If `to` is longer than `u32::MAX` bytes.
    pub fn rename(&mut self, from: &[u8], to: &[u8]) -> Option<Option<Entry>> {
        let entry = self.remove(from)?.rekey(to);
        Some(self.insert_entry(entry))
    }

    /// A key, each with the same chance; `random` gives uniform random bits.
    pub fn random(&self, random: &mut impl FnMut() -> u64) -> Option<EntryRef<'_>> {
        self.contents.keys.random(random)
    }

    /// A key that has an expiry, each with the same chance; `random` gives uniform random bits.
    pub fn random_expiring(&self, random: &mut impl FnMut() -> u64) -> Option<EntryRef<'_>> {
        self.contents.expiring.random(random)
    }

    /// Gives a few keys (those of one bucket, one to a handful) to `each`, or none where there is none.
    /// Every key has the same chance to be among them, and so it has where draws are repeated until
    /// enough keys have been given; `random` gives uniform random bits. Cheaper than as many calls of
    /// [`Db::random`].
    pub fn sample<'a>(&'a self, random: &mut impl FnMut() -> u64, each: impl FnMut(EntryRef<'a>)) {
        self.contents.keys.sample(random, each);
    }

    /// As [`Db::sample`], but only of the keys that have an expiry.
    pub fn sample_expiring<'a>(&'a self, random: &mut impl FnMut() -> u64, each: impl FnMut(EntryRef<'a>)) {
        self.contents.expiring.sample(random, each);
    }

    /// Gives a few keys (those of one bucket, none to a handful) to `each`, and the cursor for the next
    /// call. A scan begins with cursor 0 and is over when 0 comes back. Every key that is there from
    /// the first call to the last is given at least once, whatever changes between calls.
    pub fn scan<'a>(&'a self, cursor: u64, each: impl FnMut(EntryRef<'a>)) -> u64 {
        self.contents.keys.scan(cursor, each)
    }

    /// As [`Db::scan`], but only the keys that have an expiry.
    pub fn scan_expires<'a>(&'a self, cursor: u64, each: impl FnMut(EntryRef<'a>)) -> u64 {
        self.contents.expiring.scan(cursor, each)
    }

    /// Gives every key to `each`, in no order.
    pub fn for_each<'a>(&'a self, each: impl FnMut(EntryRef<'a>)) {
        self.contents.keys.for_each(each);
    }

    /// Takes everything out.
    pub fn clear(&mut self) -> Contents {
        std::mem::replace(&mut self.contents, Contents::new())
    }

    /// The bytes of the dictionary and the index, without the entries; `usable` tells how many bytes a
    /// block of a layout takes.
    pub fn memory_overhead(&self, usable: impl Fn(Layout) -> usize) -> usize {
        self.contents.keys.memory_usage(&usable) + self.contents.expiring.memory_usage(&usable)
    }

    /// As [`Db::memory_overhead`], of the index of keys that have an expiry alone.
    pub fn expires_memory_overhead(&self, usable: impl Fn(Layout) -> usize) -> usize {
        self.contents.expiring.memory_usage(usable)
    }
}

/// Adds `entry`, whose key is not there.
fn insert(
    keys: &mut Table<Entry>,
    expiring: &mut Table<IndexedEntry>,
    hasher: &KeyHasher,
    hash: KeyHash,
    entry: Entry,
) {
    if entry.as_ref().expiry().is_some() {
        index(expiring, hasher, hash, entry.as_ref());
    }
    keys.insert(hash.0, entry, |entry| hasher.hash(entry.key()).0);
}

/// Adds `entry` to the index.
fn index(expiring: &mut Table<IndexedEntry>, hasher: &KeyHasher, hash: KeyHash, entry: EntryRef<'_>) {
    // SAFETY: the table beside owns the entry, or is given it at once. Before the entry is removed or
    // has moved, or right after while nothing reads the index, it is changed: in `EntryMut` and
    // `relocate`, the only ways to either. Both tables are borrowed
    // together, so no reference from one outlives a change through the other.
    let indexed = unsafe { IndexedEntry::new(entry) };
    expiring.insert(hash.0, indexed, |entry| hasher.hash(entry.key()).0);
}

/// Takes the entry that is or was at `id` out of the index.
fn unindex(expiring: &mut Table<IndexedEntry>, hash: KeyHash, id: EntryId) {
    let slot = expiring.find_slot(hash.0, |entry| entry.is_same(id));
    slot.expect("an indexed entry").remove();
}

/// Tells the index that the entry that was at `id` is now `entry`.
fn reindex(expiring: &mut Table<IndexedEntry>, hash: KeyHash, id: EntryId, entry: EntryRef<'_>) {
    // SAFETY: as in `index`.
    let moved = unsafe { IndexedEntry::new(entry) };
    let slot = expiring.find_slot(hash.0, |entry| entry.is_same(id));
    slot.expect("an indexed entry").update(|indexed| *indexed = moved);
}
