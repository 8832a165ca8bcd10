//! The dictionary: a hash table of cache-line buckets that grows and shrinks one bucket at a time.
//!
//! # Linear hashing
//! With 2^n + p primary buckets, p < 2^n, an element lives in the bucket that the low n + 1 bits of
//! its hash name, if there is one, else in the one that the low n bits name. To grow, bucket p is
//! split in two by bit n of the hashes: the elements that have it go to the new bucket 2^n + p. To
//! shrink, the last bucket is merged back into the one it was split from. Neither ever rehashes the
//! table or pauses, and the load stays the same at every size.
//!
//! # Buckets
//! ```text
//!   0       8      16      24      32      40      48      56        63     64
//!   | word0 | word1 | word2 | word3 | word4 | word5 | word6 | 7 tags | link |
//!                                                     or child
//!   word: 16 bits of the hash, 48 bits of pointer
//! ```
//! A lookup reads one line, compares the 7 tags at once, and follows a pointer only if the tag and the
//! 16 hash bits in the word (8 + 16 bits, less those that name the bucket) are equal: a key that is
//! not there costs no read of an entry, as good as always. Where more than 7 elements share a bucket,
//! the last word becomes a link to a child bucket, allocated by itself.
//!
//! The 16 bits in a word are bits 10 to 25 of the hash. They are the ones that decide the splits
//! of a table with 2^10 to 2^26 buckets, so that splitting reads no keys up to some 285 million
//! elements. Below that the table is small enough to be in the cache.
//!
//! # Load
//! The budget is 16 bytes of table to an element, children included, which is four elements to a
//! bucket of 64 bytes. Growth is controlled by exactly that: a bucket is split whenever there are more
//! than [`GROW_LOAD`] = 4.25 elements per bucket, *counting children as buckets*, so that the table
//! takes 64 / 4.25 = 15.06 bytes per element at every size, and the rest of the budget covers the
//! last segment's unused part, the directory, and the first segment's room. In linear hashing the
//! buckets not yet split in this round hold up to twice as many elements as the others, and most
//! children hang there. Counting primary buckets alone would make the table smaller at some sizes and
//! too large at others; counting children spends the whole budget on short chains at each.
//! The test `load_and_hops` measures what results: from 100,000 to 1,000,000 elements, so over more
//! than three rounds of splits, finding an element reads 1.07 to 1.15 buckets, and an element takes at most
//! 15.41 bytes of table (15.16 at 300,000, 15.09 at 1,000,000).
//! Buckets are merged below [`SHRINK_LOAD`] = 3, far enough from growth that a table which
//! oscillates doesn't split and merge the same buckets.
//!
//! # Order of scans
//! A cursor is a position in the order of the hashes with their bits reversed. In that order each
//! bucket, whatever the table's size, covers one contiguous range, splitting a bucket divides its range
//! and merging joins two; so a scan that goes through the ranges in order, giving all elements of a
//! bucket at each step, gives every element that stays, however the table changes between two steps.
//!
//! # Moving
//! Every block (directory, segment, child, entry) is reachable from the table through exactly one
//! pointer, so each can be moved: `relocate`. A walk goes through directory and segments by their numbers
//! and through the chains by the cursor of a scan, so it misses none of those that stay.
#![allow(unsafe_code)]

mod bucket;
mod pointer;
mod prefetch;
mod relocate;
mod sample;
mod scan;
mod segments;
#[cfg(test)]
mod tests;

pub(crate) use pointer::Pointer;

use crate::hash::KeyHash;
use bucket::{Bucket, CHILD, Tags, WINDOW_START, Word};
use segments::Segments;
use std::alloc::Layout;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// Elements per bucket, children counted, above which the table grows: a numerator and denominator.
const GROW_LOAD: (usize, usize) = (17, 4);

/// Elements per bucket, children counted, below which the table shrinks.
const SHRINK_LOAD: (usize, usize) = (3, 1);

/// Splits or merges that one insertion or removal may take. Two, since one may not be enough: the
/// bucket next in turn can have a child that a split leaves in place.
const STEPS: usize = 2;

/// A dictionary of pointers to blocks that hold their key.
///
/// Hashes are the caller's: where a method takes one, it is that of the key in question, under a hash
/// function that stays the same as long as the table holds anything. A wrong one makes elements
/// unfindable but is not a matter of memory safety.
pub(crate) struct Table<P: Pointer> {
    segments: Segments,
    children: usize,
    len: usize,
    /// The most buckets that any chain has had since the table was last empty.
    longest_chain: u32,
    elements: PhantomData<P>,
}

// SAFETY: the table is the only way to its buckets, and its elements may themselves be sent.
unsafe impl<P: Pointer + Send> Send for Table<P> {}
// SAFETY: through a shared reference buckets are only read, and elements only handed out as shared
// references.
unsafe impl<P: Pointer + Sync> Sync for Table<P> {}

/// Where an element is: a bucket, which is in the chain of the element's hash, and a slot of it.
/// Valid until the table is next changed, other than by replacing pointers.
#[derive(Clone, Copy)]
struct Location {
    bucket: NonNull<Bucket>,
    slot: usize,
}

impl Location {
    /// Lets `change` have the element, and keeps what it leaves there, also if it panics.
    ///
    /// # Safety
    /// The location is valid, of a table of these elements that is borrowed mutably for nothing but this, and holds
    /// an element.
    #[inline]
    unsafe fn update<P: Pointer, R>(self, change: impl FnOnce(&mut P) -> R) -> R {
        /// Puts the element back on the way out.
        struct Out<P: Pointer> {
            element: Option<P>,
            word: Word,
            location: Location,
        }
        impl<P: Pointer> Drop for Out<P> {
            #[inline]
            fn drop(&mut self) {
                if let Some(element) = self.element.take() {
                    let word = self.word.with_pointer(element.into_raw());
                    // SAFETY: the location is valid, by the word of `update`'s caller.
                    unsafe { self.location.bucket.as_mut() }.set_word(self.location.slot, word);
                }
            }
        }
        // SAFETY: the location is valid, by the caller's word.
        let word = unsafe { self.bucket.as_ref() }.word(self.slot);
        // SAFETY: the word is one of `into_raw`, and is overwritten before the table is used again.
        let element = unsafe { P::from_raw(word.pointer()) };
        let mut out = Out { element: Some(element), word, location: self };
        change(out.element.as_mut().expect("put in just now"))
    }
}

impl<P: Pointer> Table<P> {
    /// A table without elements, which has no memory but itself.
    pub(crate) const fn new() -> Table<P> {
        Table { segments: Segments::new(), children: 0, len: 0, longest_chain: 0, elements: PhantomData }
    }

    /// The number of elements.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The bytes of the buckets and their directory, without what the elements point at; `usable`
    /// tells how many bytes a block of a layout takes.
    pub(crate) fn memory_usage(&self, usable: impl Fn(Layout) -> usize) -> usize {
        self.children * usable(CHILD) + self.segments.memory_usage(usable)
    }

    /// The element with `hash` for which `is_it` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is_it: impl Fn(P::Ref<'_>) -> bool) -> Option<P::Ref<'_>> {
        let location = self.locate(hash, is_it)?;
        // SAFETY: the table has not changed since.
        let word = unsafe { location.bucket.as_ref() }.word(location.slot);
        // SAFETY: the words of elements are of `into_raw`, and while the table is borrowed they stay.
        Some(unsafe { P::borrow(word.pointer()) })
    }

    /// The slot of the element with `hash` for which `is_it` holds.
    #[inline]
    pub(crate) fn find_slot(&mut self, hash: u64, is_it: impl Fn(P::Ref<'_>) -> bool) -> Option<Slot<'_, P>> {
        let location = self.locate(hash, is_it)?;
        Some(Slot { table: self, hash, location })
    }

    /// The slot of the element with `hash` for which `is_it` holds, or else the table, so that one
    /// can be added.
    #[inline]
    pub(crate) fn find_or_vacant(
        &mut self,
        hash: u64,
        is_it: impl Fn(P::Ref<'_>) -> bool,
    ) -> Result<Slot<'_, P>, &mut Table<P>> {
        match self.locate(hash, is_it) {
            Some(location) => Ok(Slot { table: self, hash, location }),
            None => Err(self),
        }
    }

    /// Adds an element, which must not be in the table; `hash_of` hashes elements that are.
    #[inline]
    pub(crate) fn insert(&mut self, hash: u64, element: P, hash_of: impl Fn(P::Ref<'_>) -> u64) {
        if self.segments.len() == 0 {
            self.segments.push();
        }
        let head = self.segments.bucket(self.index(hash));
        self.push(head, Word::new(element.into_raw(), hash), Tags::of_hash(hash));
        self.len += 1;
        for _ in 0..STEPS {
            if self.len * GROW_LOAD.1 <= (self.segments.len() + self.children) * GROW_LOAD.0 {
                break;
            }
            self.split(&hash_of);
        }
    }

    /// Calls `each` with every element, in no order.
    pub(crate) fn for_each<'t>(&'t self, mut each: impl FnMut(P::Ref<'t>)) {
        for index in 0..self.segments.len() {
            self.for_each_in_chain(self.segments.bucket(index), &mut each);
        }
    }

    fn for_each_in_chain<'t>(&'t self, head: NonNull<Bucket>, each: &mut impl FnMut(P::Ref<'t>)) {
        let mut next = Some(head);
        while let Some(bucket) = next {
            // SAFETY: a bucket of this table, which is borrowed and so doesn't change.
            let bucket = unsafe { bucket.as_ref() };
            for (word, _) in bucket.elements() {
                // SAFETY: the words of elements are of `into_raw`, and stay while the table is borrowed.
                each(unsafe { P::borrow(word.pointer()) });
            }
            next = bucket.child();
        }
    }

    /// The number of the bucket that elements with `hash` belong to, where there is any bucket.
    #[inline]
    fn index(&self, hash: u64) -> usize {
        let buckets = self.segments.len();
        let mask = buckets.next_power_of_two() - 1;
        let index = hash as usize & mask;
        if index < buckets { index } else { index & (mask >> 1) }
    }

    #[inline]
    fn locate(&self, hash: u64, is_it: impl Fn(P::Ref<'_>) -> bool) -> Option<Location> {
        if self.len == 0 {
            return None;
        }
        let tag = Tags::of_hash(hash);
        let mut bucket = self.segments.bucket(self.index(hash));
        loop {
            // SAFETY: a bucket of this table, which is borrowed and so doesn't change.
            let this = unsafe { bucket.as_ref() };
            for slot in this.tags().matching(tag) {
                let word = this.word(slot);
                // SAFETY: the words of elements are of `into_raw`, and stay while the table is borrowed.
                if word.may_have(hash) && is_it(unsafe { P::borrow(word.pointer()) }) {
                    return Some(Location { bucket, slot });
                }
            }
            bucket = this.child()?;
        }
    }

    fn push(&mut self, head: NonNull<Bucket>, word: Word, tag: u8) {
        // SAFETY: `head` is a primary bucket of this table, which is borrowed mutably.
        let (grown, buckets) = unsafe { bucket::push(head, word, tag) };
        self.children += usize::from(grown);
        self.longest_chain = self.longest_chain.max(buckets);
    }

    /// Adds a primary bucket, and moves to it what belongs there.
    fn split(&mut self, hash_of: &impl Fn(P::Ref<'_>) -> u64) {
        let new = self.segments.len();
        let bit = new.ilog2();
        self.segments.push();
        let source = self.segments.bucket(new - (1 << bit));
        let target = self.segments.bucket(new);
        self.distribute(source, |word| {
            let set = if (WINDOW_START..WINDOW_START + u16::BITS).contains(&bit) {
                word.window() >> (bit - WINDOW_START) & 1 == 1
            } else {
                // SAFETY: the words of elements are of `into_raw`, and the reference ends here.
                hash_of(unsafe { P::borrow(word.pointer()) }) >> bit & 1 == 1
            };
            if set { target } else { source }
        });
    }

    /// Takes the last primary bucket away, and moves what it holds to the one it was split from.
    fn merge(&mut self) {
        let last = self.segments.len() - 1;
        if last > 0 {
            let target = self.segments.bucket(last - (1 << last.ilog2()));
            self.distribute(self.segments.bucket(last), |_| target);
        }
        self.segments.pop();
    }

    /// Empties the chain of `head` and adds each element to the chain that `target_of` says, which
    /// may be that of `head` again.
    fn distribute(&mut self, head: NonNull<Bucket>, target_of: impl Fn(Word) -> NonNull<Bucket>) {
        // SAFETY: a primary bucket of this table, which is borrowed mutably. What it held lives on in
        // the copy, and is reached through that alone.
        let mut content = unsafe { head.replace(Bucket::EMPTY) };
        loop {
            for (word, tag) in content.elements() {
                self.push(target_of(word), word, tag);
            }
            let Some(child) = content.child() else { break };
            // SAFETY: the child's only link was in the bucket just emptied; its content is taken before
            // it is freed, once.
            unsafe {
                content = child.read();
                bucket::free_child(child);
            }
            self.children -= 1;
        }
    }

    /// Takes out the element at `location`, which is that of `hash` and valid.
    fn remove_at(&mut self, hash: u64, location: Location) -> P {
        let head = self.segments.bucket(self.index(hash));
        // SAFETY: the location is in the chain of `hash`, holds an element, and the table is borrowed
        // mutably.
        let (word, freed) = unsafe { bucket::remove(head, location.bucket, location.slot) };
        self.children -= usize::from(freed);
        self.len -= 1;
        for _ in 0..STEPS {
            let buckets = self.segments.len() + self.children;
            if self.len * SHRINK_LOAD.1 >= buckets * SHRINK_LOAD.0
                || (self.segments.len() == 1 && self.len > 0)
            {
                break;
            }
            self.merge();
        }
        if self.len == 0 {
            self.longest_chain = 0;
        }
        // SAFETY: the word is one of `into_raw`, and the table has it no more.
        unsafe { P::from_raw(word.pointer()) }
    }
}

impl<P: Pointer> Drop for Table<P> {
    fn drop(&mut self) {
        for index in 0..self.segments.len() {
            // SAFETY: a primary bucket of this table, which nobody refers to any more; its segment is
            // freed without a look at its contents.
            let mut content = unsafe { self.segments.bucket(index).read() };
            loop {
                for (word, _) in content.elements() {
                    // SAFETY: the word is one of `into_raw`, and is not looked at again.
                    drop(unsafe { P::from_raw(word.pointer()) });
                }
                let Some(child) = content.child() else { break };
                // SAFETY: the child's only link was in the bucket just dropped; its content is taken
                // before it is freed, once.
                unsafe {
                    content = child.read();
                    bucket::free_child(child);
                }
            }
        }
    }
}

/// An element's place in a table.
pub(crate) struct Slot<'t, P: Pointer> {
    table: &'t mut Table<P>,
    hash: u64,
    location: Location,
}

impl<'t, P: Pointer> Slot<'t, P> {
    /// The hash that the element was found by.
    #[inline]
    pub(crate) fn hash(&self) -> KeyHash {
        KeyHash(self.hash)
    }

    fn word(&self) -> Word {
        // SAFETY: the location stays valid while the slot borrows the table.
        unsafe { self.location.bucket.as_ref() }.word(self.location.slot)
    }

    /// The element.
    #[inline]
    pub(crate) fn get(&self) -> P::Ref<'_> {
        // SAFETY: the words of elements are of `into_raw`, and while this is borrowed they stay.
        unsafe { P::borrow(self.word().pointer()) }
    }

    /// The element, as long as the table stays borrowed.
    #[inline]
    pub(crate) fn into_ref(self) -> P::Ref<'t> {
        // SAFETY: as in `get`, and the table stays borrowed by the lifetime of the reference.
        unsafe { P::borrow(self.word().pointer()) }
    }

    /// Lets `change` have the element, and keeps what it leaves there, also if it panics.
    #[inline]
    pub(crate) fn update<R>(&mut self, change: impl FnOnce(&mut P) -> R) -> R {
        // SAFETY: the location stays valid while the slot borrows the table, mutably.
        unsafe { self.location.update(change) }
    }

    /// Takes the element out of the table.
    #[inline]
    pub(crate) fn remove(self) -> P {
        self.table.remove_at(self.hash, self.location)
    }
}
