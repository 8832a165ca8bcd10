//! An entry as an index refers to it.
#![allow(unsafe_code)]

use super::EntryRef;
use crate::table::Pointer;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// An entry that a database owns elsewhere, as the index of keys with an expiry holds it.
pub(crate) struct IndexedEntry {
    block: NonNull<u8>,
}

// SAFETY: only ever used through a table beside the one that owns the entry, and with it.
unsafe impl Send for IndexedEntry {}
// SAFETY: as above.
unsafe impl Sync for IndexedEntry {}

impl IndexedEntry {
    /// # Safety
    /// As long as this is in a table whose elements are looked at, the entry's block stays where it
    /// is; and it isn't changed while references that the table gave are used.
    pub(crate) unsafe fn new(entry: EntryRef<'_>) -> IndexedEntry {
        IndexedEntry { block: entry.block }
    }
}

// SAFETY: the pointer to an entry's block, as for `Entry`; nothing is owned. What `borrow` needs is
// what the caller of `new` promised.
unsafe impl Pointer for IndexedEntry {
    type Ref<'a> = EntryRef<'a>;

    #[inline]
    fn into_raw(self) -> NonNull<u8> {
        self.block
    }

    #[inline]
    unsafe fn from_raw(block: NonNull<u8>) -> IndexedEntry {
        IndexedEntry { block }
    }

    #[inline]
    unsafe fn borrow<'a>(block: NonNull<u8>) -> EntryRef<'a> {
        EntryRef { block, entry: PhantomData }
    }
}
