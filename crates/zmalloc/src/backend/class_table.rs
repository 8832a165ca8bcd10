//! The size classes of small requests, remembered, for allocators whose own answer takes a call.

use std::sync::atomic::{AtomicU16, Ordering};

/// The largest request that is remembered.
const LARGEST: usize = 1024;

/// Sizes between two multiples of this are in the class of the upper one.
const STEP: usize = 8;

/// The usable size of the blocks that each small request is met from; 0 where it has not been asked
/// yet.
pub(super) struct ClassTable([AtomicU16; LARGEST / STEP + 1]);

impl ClassTable {
    pub(super) const fn new() -> Self {
        Self([const { AtomicU16::new(0) }; LARGEST / STEP + 1])
    }

    /// The class of a request of at most `LARGEST` bytes, as `ask` gives it, which must be a pure
    /// function; `None` for a larger one.
    #[inline(always)]
    pub(super) fn class_of(&self, size: usize, ask: fn(usize) -> usize) -> Option<usize> {
        let place = self.0.get(size.div_ceil(STEP))?;
        // Relaxed: whoever fills it in, the value is the same.
        match place.load(Ordering::Relaxed) {
            0 => Some(Self::fill(place, size, ask)),
            class => Some(usize::from(class)),
        }
    }

    #[cold]
    fn fill(place: &AtomicU16, size: usize, ask: fn(usize) -> usize) -> usize {
        let class = ask(size);
        // One that doesn't fit is asked for each time.
        place.store(u16::try_from(class).unwrap_or(0), Ordering::Relaxed);
        class
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_classes_are_asked_once_and_large_ones_never() {
        let table = ClassTable::new();
        for size in 1..=LARGEST {
            assert_eq!(
                table.class_of(size, |size| size.next_multiple_of(STEP)),
                Some(size.next_multiple_of(8))
            );
        }
        for size in 1..=LARGEST {
            assert_eq!(table.class_of(size, |_| 7777), Some(size.next_multiple_of(8)));
        }
        assert_eq!(table.class_of(LARGEST + 1, |size| size), None);
        assert_eq!(table.class_of(usize::MAX, |size| size), None);
    }
}
