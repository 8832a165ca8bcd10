//! The sizes of small blocks, remembered, for allocators whose own answer takes a call.

use std::hint::cold_path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Requests between two multiples of this are met as the upper one is.
pub(super) const STEP: usize = 8;

/// The largest request up to which steps are that small. Above it classes are multiples of [`WIDE_STEP`]:
/// allocators keep what a class wastes to an eighth.
const NARROW: usize = 4096;

/// What steps are above that.
const WIDE_STEP: usize = 128;

/// Where the wide steps begin in a table.
const WIDE: usize = NARROW / STEP + 1;

/// The number of requests to be remembered for those up to `largest`, a multiple of [`WIDE_STEP`].
pub(super) const fn entries(largest: usize) -> usize {
    WIDE + (largest - NARROW) / WIDE_STEP
}

/// The usable size of the blocks that each small request is met with, in so many [`entries`].
///
/// It is there before it is needed: a thread fills it, or finds it filled, before its first block is
/// counted ([`Backend::prepare`](super::Backend::prepare)). So the answer takes no branch.
pub(super) struct ClassTable<const ENTRIES: usize> {
    sizes: [AtomicU32; ENTRIES],
    filled: AtomicBool,
}

impl<const ENTRIES: usize> ClassTable<ENTRIES> {
    pub(super) const fn new() -> Self {
        Self { sizes: [const { AtomicU32::new(0) }; ENTRIES], filled: AtomicBool::new(false) }
    }

    /// Has the table filled when it returns, by `ask`: it gives the usable size of the blocks for a
    /// request, the same for all requests between two steps.
    pub(super) fn fill(&self, ask: fn(usize) -> usize) {
        if self.filled.load(Ordering::Acquire) {
            return;
        }
        // Threads that come here at once store the same.
        for (index, size) in self.sizes.iter().enumerate().skip(1) {
            let request = if index < WIDE { index * STEP } else { NARROW + (index - WIDE + 1) * WIDE_STEP };
            let class = u32::try_from(ask(request)).expect("a small block is not that large");
            size.store(class, Ordering::Relaxed);
        }
        self.filled.store(true, Ordering::Release);
    }

    /// The usable size of the blocks for a request that a layout may make; `None` past the largest that is
    /// remembered. The calling thread has had the table filled.
    #[inline(always)]
    pub(super) fn class_of(&self, size: usize) -> Option<usize> {
        // Sums without overflow, as a layout's size is at most `isize::MAX`.
        let index = if size <= NARROW {
            size.wrapping_add(STEP - 1) / STEP
        } else {
            cold_path();
            (WIDE * WIDE_STEP - NARROW - 1).wrapping_add(size) / WIDE_STEP
        };
        // Relaxed: this thread filled it, or saw that it had been.
        let class = self.sizes.get(index)?.load(Ordering::Relaxed);
        debug_assert_ne!(class, 0, "filled before it is asked");
        Some(class as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_classes_are_asked_once_and_large_ones_never() {
        const LARGEST: usize = 16 * 1024;
        fn class(size: usize) -> usize {
            size.next_multiple_of(if size <= NARROW { 64 } else { 256 })
        }
        let table = ClassTable::<{ entries(LARGEST) }>::new();
        table.fill(class);
        table.fill(|_| 7777);
        for size in 1..=LARGEST {
            assert_eq!(table.class_of(size), Some(class(size)), "{size}");
        }
        assert_eq!(table.class_of(LARGEST + 1), None);
        assert_eq!(table.class_of(isize::MAX as usize), None);
    }
}
