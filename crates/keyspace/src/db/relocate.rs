//! Moving all that a database holds, bit by bit.
#![forbid(unsafe_code)]

use std::ops::ControlFlow;

use heapwalk::Relocate;

use super::{Contents, Db, reindex};
use crate::entry::{Entry, IndexedEntry};
use crate::hash::KeyHasher;
use crate::module_value::{Defrag, DefragBy};
use crate::table::{Pointer, Table};

/// Buckets that a mover is asked about in advance: some 30 entries. More would be cheaper to ask about, but reading
/// their headers, each a cache miss or two, takes time in which nobody looks at the clock.
const BATCH: usize = 8;

/// What a walk has come to since it was last asked: see [`Keyspace::relocate`](crate::Keyspace::relocate).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Relocated {
    /// Keys of which a block was moved.
    pub keys_moved: u64,
    /// Keys that stayed where they are.
    pub keys_left: u64,
}

/// Where in a database a walk through all of its blocks has come to. Kept with the blocks, so that it goes where
/// they go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// At this block of the dictionary's array of buckets.
    KeysArray(usize),
    /// At this cursor of a scan of the dictionary.
    Keys(u64),
    /// At this block of the index's array of buckets.
    IndexArray(usize),
    /// At this cursor of a scan of the index.
    Index(u64),
    /// At the end.
    Done,
}

/// A module's value that the walk has come to, and that isn't done.
#[derive(Debug)]
pub(super) struct Unfinished {
    key: Box<[u8]>,
    /// Where in the value its type goes on.
    cursor: u64,
}

impl Walk {
    pub(super) const BEGIN: Walk = Walk::KeysArray(0);
}

impl Db {
    pub(crate) fn begin_walk(&mut self) {
        self.contents.walk = Walk::BEGIN;
        self.contents.unfinished = None;
    }

    pub(crate) fn is_walk_done(&self) -> bool {
        self.contents.walk == Walk::Done
    }

    /// Whether the walk is within a value that its module isn't done with.
    pub(crate) fn is_within_value(&self) -> bool {
        self.contents.unfinished.is_some()
    }

    /// Goes on with the walk by a few blocks; not to the end of them if `is_over` says so. This is database `number`.
    pub(crate) fn relocate<R: Relocate + ?Sized>(
        &mut self,
        number: usize,
        mover: &mut R,
        is_over: &mut impl FnMut(&R) -> bool,
        relocated: &mut Relocated,
    ) {
        let Db { contents: Contents { keys, expiring, walk, unfinished }, hasher } = self;
        *walk = match *walk {
            Walk::KeysArray(number) if keys.relocate_array(number, mover) => Walk::KeysArray(number + 1),
            Walk::KeysArray(_) => Walk::Keys(0),
            Walk::Keys(cursor) => {
                let mut batch = KeysBatch { db: number, keys, expiring, hasher, unfinished, relocated };
                batch.relocate(cursor, mover, is_over)
            }
            Walk::IndexArray(number) if expiring.relocate_array(number, mover) => {
                Walk::IndexArray(number + 1)
            }
            Walk::IndexArray(_) => Walk::Index(0),
            Walk::Index(cursor) => match relocate_index(expiring, cursor, mover, is_over) {
                0 => Walk::Done,
                next => Walk::Index(next),
            },
            Walk::Done => Walk::Done,
        };
    }
}

/// The dictionary's entries and children, a batch of buckets at a time.
struct KeysBatch<'w> {
    db: usize,
    keys: &'w mut Table<Entry>,
    expiring: &'w mut Table<IndexedEntry>,
    hasher: &'w KeyHasher,
    unfinished: &'w mut Option<Unfinished>,
    relocated: &'w mut Relocated,
}

impl KeysBatch<'_> {
    /// Has what should move of a batch moved; says where the walk goes on.
    fn relocate<R: Relocate + ?Sized>(
        &mut self,
        mut cursor: u64,
        mover: &mut R,
        is_over: &mut impl FnMut(&R) -> bool,
    ) -> Walk {
        let after = |cursor| if cursor == 0 { Walk::IndexArray(0) } else { Walk::Keys(cursor) };
        let end = self.keys.skip(cursor, BATCH);
        let (mut shown, mut has_modules) = (0, false);
        let is_worthwhile = mover.foresee(&mut |visitor| {
            self.keys.measure_chains(cursor, BATCH, visitor, |entry, visitor| {
                shown += 1;
                has_modules |= entry.module().is_some();
                entry.measure(visitor)
            })
        });
        // What modules' values consist of hasn't been shown.
        if !is_worthwhile && !has_modules {
            self.relocated.keys_left += shown;
            return after(end);
        }
        loop {
            let next = self.relocate_chain(cursor, mover, is_over);
            if self.unfinished.is_some() {
                return Walk::Keys(cursor);
            }
            cursor = next;
            if cursor == end || cursor == 0 || is_over(mover) {
                return after(cursor);
            }
        }
    }

    /// The entries of one bucket. Where the walk is within a module's value, it goes on there: those before were done.
    fn relocate_chain<R: Relocate + ?Sized>(
        &mut self,
        cursor: u64,
        mover: &mut R,
        is_over: &mut impl FnMut(&R) -> bool,
    ) -> u64 {
        let Self { db, keys, expiring, hasher, unfinished, relocated } = self;
        let mut resumed = unfinished.take();
        keys.relocate_chain(cursor, mover, |entry, mover| {
            let begin = match &resumed {
                Some(value) if *value.key != *entry.as_ref().key() => return,
                Some(_) => resumed.take().map_or(0, |value| value.cursor),
                None if unfinished.is_some() => return,
                None => 0,
            };
            let mut defrag = DefragBy::new(mover, is_over, begin);
            if !entry.defrag_module(*db, &mut defrag) {
                let cursor = *defrag.cursor();
                **unfinished = Some(Unfinished { key: entry.as_ref().key().into(), cursor });
                return;
            }
            let id = entry.as_ref().id();
            if !entry.relocate(mover) {
                relocated.keys_left += 1;
                return;
            }
            relocated.keys_moved += 1;
            let entry = entry.as_ref();
            if entry.expiry().is_some() && !entry.is_same(id) {
                reindex(expiring, hasher.hash(entry.key()), id, entry);
            }
        })
    }
}

/// Has the index's children moved, a batch of buckets at a time; gives the cursor for the next, 0 at the end.
fn relocate_index<P: Pointer, R: Relocate + ?Sized>(
    index: &mut Table<P>,
    mut cursor: u64,
    mover: &mut R,
    is_over: &mut impl FnMut(&R) -> bool,
) -> u64 {
    let end = index.skip(cursor, BATCH);
    let is_worthwhile = mover.foresee(&mut |visitor| {
        index.measure_chains(cursor, BATCH, visitor, |_, _| ControlFlow::Continue(()))
    });
    if !is_worthwhile {
        return end;
    }
    loop {
        cursor = index.relocate_chain(cursor, mover, |_, _| ());
        if cursor == end || cursor == 0 || is_over(mover) {
            return cursor;
        }
    }
}
