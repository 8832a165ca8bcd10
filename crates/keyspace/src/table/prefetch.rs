//! Hints to the processor, so that the memory accesses of several lookups overlap.
#![allow(unsafe_code)]

use super::bucket::Tags;
use super::{Pointer, Table};

/// How far behind an element's first byte the last one is likely to be that a look-up reads.
const BEYOND: usize = 40;

impl<P: Pointer> Table<P> {
    /// Begins to load the bucket of `hash`.
    #[inline]
    pub(crate) fn prefetch_bucket(&self, hash: u64) {
        if self.len > 0 {
            load(self.segments.bucket(self.index(hash)).as_ptr().cast());
        }
    }

    /// Begins to load what the element of `hash` points at, if its bucket has one that may be it. The
    /// bucket is read, so this is worth its while some time after [`Table::prefetch_bucket`].
    #[inline]
    pub(crate) fn prefetch_element(&self, hash: u64) {
        if self.len == 0 {
            return;
        }
        // SAFETY: a primary bucket of this table, which is borrowed and so doesn't change.
        let bucket = unsafe { self.segments.bucket(self.index(hash)).as_ref() };
        for slot in bucket.tags().matching(Tags::of_hash(hash)) {
            let word = bucket.word(slot);
            if word.may_have(hash) {
                let element = word.pointer().as_ptr().cast::<u8>().cast_const();
                load(element);
                // A small entry often begins in one line and ends in the next.
                load(element.wrapping_add(BEYOND));
                return;
            }
        }
        if let Some(child) = bucket.child() {
            load(child.as_ptr().cast());
        }
    }
}

/// Begins to load the cache line at `address`.
#[cfg(target_arch = "x86_64")]
#[inline]
fn load(address: *const u8) {
    use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
    // SAFETY: SSE is part of x86_64, and a prefetch reads nothing that the program can see and never
    // faults.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) };
}

/// Does nothing: the processor has no such instruction that stable Rust offers.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
fn load(_address: *const u8) {}
