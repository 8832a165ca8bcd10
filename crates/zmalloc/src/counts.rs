//! Allocations counted by the size of their blocks, on demand, over any back end.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::backend::{Backend, Imp};
use crate::ledger;

/// Up to this size classes are [`STEP`] bytes apart; above it there are four for each doubling.
const NARROW: usize = 128;
const STEP: usize = 16;

/// The number of classes: those up to [`NARROW`], and four for each doubling up to `isize::MAX`.
const CLASSES: usize = NARROW / STEP + 4 * (usize::BITS - 1 - NARROW.ilog2()) as usize;

static ON: AtomicBool = AtomicBool::new(false);

static COUNTS: [AtomicU64; CLASSES] = [const { AtomicU64::new(0) }; CLASSES];

/// How many blocks of a range of sizes were allocated while allocations were counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AllocationCount {
    /// The largest usable size of the range, in bytes. The range begins after that of the one before.
    pub largest: usize,
    /// Allocations, and resizes, that ended with such a block.
    pub allocations: u64,
}

/// Has allocations counted by the usable size of their blocks from now on, or no longer.
///
/// Every allocation and every resize through this crate counts, on each thread, over every back end.
/// Operations that are under way on other threads, one a thread, may be missed. Before the first call
/// this costs nothing; while it is on, each operation takes the longer way that a limit needs too, and
/// an atomic addition; once it is off again, what a limit costs.
///
/// ```
/// use zmalloc::{ZMalloc, allocation_counts, count_allocations};
///
/// #[global_allocator]
/// static ALLOC: ZMalloc = ZMalloc::new();
///
/// count_allocations(true);
/// let blocks: Vec<_> = (0..1_000).map(|_| Box::new([0_u8; 300])).collect();
/// count_allocations(false);
/// let class = allocation_counts().into_iter().find(|class| class.largest >= 300).unwrap();
/// assert!(class.largest <= 384 && class.allocations >= 1_000);
/// # drop(blocks);
/// ```
pub fn count_allocations(on: bool) {
    ON.store(on, Ordering::Relaxed);
    ledger::end_quotas();
}

/// The counts so far, of all ranges with any, smallest sizes first. Ranges are 16 bytes wide up to 128
/// bytes, and a quarter of a power of two above. Counts only rise; they stay when counting ends.
pub fn allocation_counts() -> Vec<AllocationCount> {
    let all = COUNTS.iter().enumerate();
    let counts = all.map(|(class, count)| AllocationCount {
        largest: largest_of(class),
        allocations: count.load(Ordering::Relaxed),
    });
    counts.filter(|count| count.allocations != 0).collect()
}

/// Whether allocations are counted, so that each has to be looked at.
pub(crate) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// Counts a block that was allocated or resized, if that is asked for.
#[inline]
pub(crate) fn note(block: NonNull<u8>) {
    if is_on() {
        // SAFETY: the callers have just got it from the back end.
        let size = unsafe { Imp::usable_size(block) };
        COUNTS[class_of(size)].fetch_add(1, Ordering::Relaxed);
    }
}

/// The class of a size that isn't 0.
fn class_of(size: usize) -> usize {
    if size <= NARROW {
        return (size - 1) / STEP;
    }
    let doubling = (size - 1).ilog2();
    let quarter = ((size - 1) >> (doubling - 2)) & 3;
    NARROW / STEP + 4 * (doubling - NARROW.ilog2()) as usize + quarter
}

/// The largest size of a class.
fn largest_of(class: usize) -> usize {
    let Some(above) = class.checked_sub(NARROW / STEP) else {
        return (class + 1) * STEP;
    };
    let quarter = (NARROW / 4) << (above / 4);
    quarter * (4 + above % 4 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_has_its_class() {
        let sizes = (1..=5000).chain((13..63).flat_map(|shift| {
            let power = 1_usize << shift;
            [power - 1, power, power + 1, power + power / 4, power + power / 4 + 1]
        }));
        for size in sizes {
            let class = class_of(size);
            assert!(size <= largest_of(class), "{size} is past {}", largest_of(class));
            assert!(class == 0 || size > largest_of(class - 1), "{size} in {class}");
        }
        assert_eq!(class_of(isize::MAX as usize), CLASSES - 1);
    }

    #[test]
    fn ranges_are_as_described() {
        let ends: Vec<_> = (0..14).map(largest_of).collect();
        assert_eq!(ends, [16, 32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384]);
    }
}
