//! A key's place in a database.
#![forbid(unsafe_code)]

use super::{Expiry, index, insert, reindex, unindex};
use crate::entry::{Entry, EntryId, EntryRef, IndexedEntry};
use crate::hash::{KeyHash, KeyHasher};
use crate::module_value::ModuleValue;
use crate::string::StringValue;
use crate::table::{Slot, Table};

/// What [`Db::lookup`](super::Db::lookup) finds.
#[derive(Debug)]
pub enum Lookup<'a, 'k> {
    /// The key is there.
    Occupied(EntryMut<'a>),
    /// The key is not there.
    Vacant(VacantEntry<'a, 'k>),
}

/// A key that is in a database, and all that can be done with it.
///
/// An entry that a change moves is found at its new place by the dictionary and the index of keys with
/// an expiry at once.
pub struct EntryMut<'a> {
    slot: Slot<'a, Entry>,
    expiring: &'a mut Table<IndexedEntry>,
    hasher: &'a KeyHasher,
}

impl<'a> EntryMut<'a> {
    #[inline]
    pub(super) fn new(
        slot: Slot<'a, Entry>,
        expiring: &'a mut Table<IndexedEntry>,
        hasher: &'a KeyHasher,
    ) -> EntryMut<'a> {
        EntryMut { slot, expiring, hasher }
    }

    /// The entry.
    #[inline]
    pub fn get(&self) -> EntryRef<'_> {
        self.slot.get()
    }

    /// The entry, as long as the database stays borrowed.
    #[inline]
    pub fn into_ref(self) -> EntryRef<'a> {
        self.slot.into_ref()
    }

    /// Sets the access clock, of which the low 24 bits count.
    #[inline]
    pub fn set_clock(&mut self, clock: u32) {
        // The clock is in the header, so the entry doesn't move.
        self.slot.update(|entry| entry.set_clock(clock));
    }

    /// Sets the value, and keeps the expiry.
    #[inline]
    pub fn set_string(&mut self, value: StringValue<'_>) {
        self.change(|entry| entry.set_string(value));
    }

    /// Sets value and expiry.
    #[inline]
    pub fn set(&mut self, value: StringValue<'_>, expiry: Expiry) {
        match expiry {
            Expiry::Keep => self.set_string(value),
            Expiry::Never => self.change(|entry| entry.set_string_and_expiry(value, None)),
            Expiry::At(time) => self.change(|entry| entry.set_string_and_expiry(value, Some(time))),
        }
    }

    /// Sets the time when the key expires, in milliseconds since the Unix epoch, or that it doesn't.
    pub fn set_expiry(&mut self, expiry: Option<i64>) {
        self.change(|entry| entry.set_expiry(expiry));
    }

    /// Puts another value into the place of a module's, which is given back. As [`Entry::replace_module`].
    ///
    /// # Panics
    /// If the key has a value of another kind.
    pub fn replace_module(&mut self, value: ModuleValue) -> ModuleValue {
        self.change(|entry| entry.replace_module(value))
    }

    /// Shows the text of the value, to be changed in place; its encoding becomes `raw`.
    ///
    /// # Panics
    /// If the value isn't a string.
    pub fn with_text_mut<R>(&mut self, change: impl FnOnce(&mut [u8]) -> R) -> R {
        self.change(|entry| {
            entry.set_range(0, b"");
            change(entry.text_mut())
        })
    }

    /// Takes the text out, in its block, if that is one for a text of `len` bytes. As [`Entry::take_text`].
    pub fn take_text(&mut self, len: usize) -> Option<Vec<u8>> {
        self.change(|entry| entry.take_text(len))
    }

    /// Adds `tail` to the text of the value; gives the new length. As [`Entry::append`].
    pub fn append(&mut self, tail: &[u8]) -> usize {
        self.change(|entry| entry.append(tail))
    }

    /// Overwrites the text of the value from `offset` on; gives the new length. As
    /// [`Entry::set_range`].
    ///
    /// # Panics
    /// If the new length is past `usize::MAX`.
    pub fn set_range(&mut self, offset: usize, part: &[u8]) -> usize {
        self.change(|entry| entry.set_range(offset, part))
    }

    /// Takes the entry out of the database.
    pub fn remove(self) -> Entry {
        let entry = self.slot.get();
        if entry.expiry().is_some() {
            unindex(self.expiring, self.slot.hash(), entry.id());
        }
        self.slot.remove()
    }

    /// Changes the entry, and lets the index know of a move or of an expiry that came or went, also
    /// if `change` panics.
    #[inline]
    fn change<R>(&mut self, change: impl FnOnce(&mut Entry) -> R) -> R {
        let before = self.slot.get();
        let (id, had_expiry) = (before.id(), before.expiry().is_some());
        let follower = IndexFollower { entry: self, id, had_expiry };
        follower.entry.slot.update(change)
    }
}

/// Brings the index up to date when it is dropped, after a change to the entry that was at `id`.
struct IndexFollower<'e, 'a> {
    entry: &'e mut EntryMut<'a>,
    id: EntryId,
    had_expiry: bool,
}

impl Drop for IndexFollower<'_, '_> {
    #[inline]
    fn drop(&mut self) {
        let EntryMut { slot, expiring, hasher } = &mut *self.entry;
        let (hash, after) = (slot.hash(), slot.get());
        match (self.had_expiry, after.expiry().is_some()) {
            (false, false) => {}
            (true, true) if after.is_same(self.id) => {}
            (true, true) => reindex(expiring, hash, self.id, after),
            (true, false) => unindex(expiring, hash, self.id),
            (false, true) => index(expiring, hasher, hash, after),
        }
    }
}

impl std::fmt::Debug for EntryMut<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.get().fmt(f)
    }
}

/// A key that is not in a database, where it would be.
pub struct VacantEntry<'a, 'k> {
    keys: &'a mut Table<Entry>,
    expiring: &'a mut Table<IndexedEntry>,
    hasher: &'a KeyHasher,
    hash: KeyHash,
    key: &'k [u8],
}

impl<'a, 'k> VacantEntry<'a, 'k> {
    #[inline]
    pub(super) fn new(
        keys: &'a mut Table<Entry>,
        expiring: &'a mut Table<IndexedEntry>,
        hasher: &'a KeyHasher,
        hash: KeyHash,
        key: &'k [u8],
    ) -> VacantEntry<'a, 'k> {
        VacantEntry { keys, expiring, hasher, hash, key }
    }

    /// Adds the key, with the time when it expires in milliseconds since the Unix epoch, if it does,
    /// and the access clock, of which the low 24 bits count.
    ///
    /// # Panics
    /// If the key is longer than `u32::MAX` bytes.
    #[inline]
    pub fn insert(self, value: StringValue<'_>, expiry: Option<i64>, clock: u32) {
        let entry = Entry::new(self.key, value, expiry, clock);
        insert(self.keys, self.expiring, self.hasher, self.hash, entry);
    }

    /// As [`VacantEntry::insert`], with a module's value.
    ///
    /// # Panics
    /// If the key is longer than `u32::MAX` bytes.
    pub fn insert_module(self, value: ModuleValue, expiry: Option<i64>, clock: u32) {
        let entry = Entry::from_module(self.key, value, expiry, clock);
        insert(self.keys, self.expiring, self.hasher, self.hash, entry);
    }
}

impl std::fmt::Debug for VacantEntry<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("VacantEntry")
            .field("key", &self.key.escape_ascii().to_string())
            .finish_non_exhaustive()
    }
}
