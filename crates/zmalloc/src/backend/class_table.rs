//! The sizes of small blocks, remembered, for allocators whose own answer takes a call.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// The largest request that is remembered.
pub(super) const LARGEST: usize = 4096;

/// Requests between two multiples of this are met as the upper one is.
pub(super) const STEP: usize = 8;

/// The usable size of the blocks that each small request is met with.
///
/// It is there before it is needed: a thread fills it, or finds it filled, before its first block is
/// counted ([`Backend::prepare`](super::Backend::prepare)). So the answer takes no branch.
pub(super) struct ClassTable {
    sizes: [AtomicU32; LARGEST / STEP + 1],
    filled: AtomicBool,
}

impl ClassTable {
    pub(super) const fn new() -> Self {
        Self { sizes: [const { AtomicU32::new(0) }; LARGEST / STEP + 1], filled: AtomicBool::new(false) }
    }

    /// Has the table filled when it returns, by `ask`: it gives the usable size of the blocks for a
    /// request, the same for all requests between two multiples of [`STEP`].
    pub(super) fn fill(&self, ask: fn(usize) -> usize) {
        if self.filled.load(Ordering::Acquire) {
            return;
        }
        // Threads that come here at once store the same.
        for (index, size) in self.sizes.iter().enumerate().skip(1) {
            let class = u32::try_from(ask(index * STEP)).expect("a small block is not that large");
            size.store(class, Ordering::Relaxed);
        }
        self.filled.store(true, Ordering::Release);
    }

    /// The usable size of the blocks for a request that a layout may make; `None` past [`LARGEST`]. The calling
    /// thread has had the table filled.
    #[inline(always)]
    pub(super) fn class_of(&self, size: usize) -> Option<usize> {
        // Relaxed: this thread filled it, or saw that it had been.
        let class = self.sizes.get(size.wrapping_add(STEP - 1) / STEP)?.load(Ordering::Relaxed);
        debug_assert_ne!(class, 0, "filled before it is asked");
        Some(class as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_classes_are_asked_once_and_large_ones_never() {
        let table = ClassTable::new();
        table.fill(|size| size.next_multiple_of(64));
        table.fill(|_| 7777);
        for size in 1..=LARGEST {
            assert_eq!(table.class_of(size), Some(size.next_multiple_of(64)));
        }
        assert_eq!(table.class_of(LARGEST + 1), None);
        assert_eq!(table.class_of(isize::MAX as usize), None);
    }
}
