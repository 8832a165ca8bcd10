//! What values take on the heap.

use std::alloc::Layout;
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::ptr::NonNull;

use heapwalk::{HeapAllocator, HeapSize, HeapWalk, Measure};

use crate::backend::{Backend, Imp};
use crate::tally::Tally;

/// What a value owns on the heap: the bytes by which [`used_memory`](crate::used_memory) would fall if it
/// were dropped, where the figures are [exact](HeapSize::is_exact).
///
/// Takes time in proportion to the number of blocks. A block with several owners (`Rc`, `Arc`) counts
/// once, for the first that is met.
///
/// On an allocator whose sizes don't follow from layouts ([`GOOD_SIZE_IS_EXACT`](crate::GOOD_SIZE_IS_EXACT)
/// is false) a block that a collection keeps to itself, such as a hash table, counts with the least that
/// it can take. So do all blocks if `ZMalloc` is not the global allocator: the figures are those that it
/// would have.
pub fn heap_size<T: HeapWalk + ?Sized>(value: &T) -> HeapSize {
    let are_ours = super::is_global_allocator();
    let mut sizes = Sizes { size: HeapSize::default(), are_ours, seen: HashSet::new() };
    // It never answers `Break`.
    let _ = value.measure(&mut sizes);
    sizes.size
}

/// Adds up usable sizes.
struct Sizes {
    size: HeapSize,
    /// Whether blocks are those of the back end, which can then be asked about them.
    are_ours: bool,
    seen: HashSet<NonNull<u8>>,
}

impl Measure for Sizes {
    unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> ControlFlow<()> {
        if Imp::GOOD_SIZE_IS_EXACT || !self.are_ours {
            return self.hidden(Some(block), layout, 1);
        }
        // SAFETY: the caller promises a live block of the global allocator, which is ours, and of this
        // layout.
        let bytes = unsafe { Imp::usable_size_of(block, layout) };
        self.size.bytes += bytes;
        self.size.most_bytes += bytes;
        self.size.blocks += 1;
        ControlFlow::Continue(())
    }

    fn hidden(&mut self, _inside: Option<NonNull<u8>>, layout: Layout, number: usize) -> ControlFlow<()> {
        self.bounded((layout, number), (layout, number))
    }

    fn bounded(&mut self, least: (Layout, usize), most: (Layout, usize)) -> ControlFlow<()> {
        self.size.bytes += least.1 * Imp::good_size(least.0);
        self.size.blocks += least.1;
        self.size.most_bytes += most.1 * Imp::good_size(most.0);
        ControlFlow::Continue(())
    }

    fn counts_shared(&mut self, shared: NonNull<u8>) -> bool {
        self.seen.insert(shared)
    }
}

// SAFETY: a tally's blocks are those of `ZMalloc`, and it keeps nothing about a single one. Its figures
// stay right as a block is only moved to one of the same usable size (`moving`).
unsafe impl HeapAllocator for &'static Tally {}
