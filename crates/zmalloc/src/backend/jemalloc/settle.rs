//! Having the next allocations go fast where many slabs have come to have room.
//!
//! An arena keeps the slabs with room of each size class in a heap that puts its work off: one of the next
//! allocations that go on to another slab sorts all of them, which takes milliseconds where they are tens of
//! thousands. So have that done ahead of time, on a thread that nobody waits for.

use std::ptr::NonNull;

use tikv_jemalloc_sys as ffi;

use super::{control, statistics};
use crate::error::ControlError;

/// The arena that the calling thread allocates from.
pub(super) fn arena_of_thread() -> Result<usize, ControlError> {
    control::read_name::<u32>(c"thread.arena").map(|arena| arena as usize)
}

/// From how many slabs with room on sorting them takes time.
const MANY: usize = 1000;

/// How many slabs are gone on to. Most of the sorting is done by the tenth, but not always.
const SLABS: usize = 100;

/// Has each size class of which an arena may have many slabs with room go on to some of them.
pub(super) fn settle(arena: usize) -> Result<(), ControlError> {
    let flags = ffi::MALLOCX_ARENA(arena) | ffi::MALLOCX_TCACHE_NONE;
    let mut blocks = Vec::new();
    for class in statistics::size_classes()?.into_iter().filter(|class| class.nonfull_slabs >= MANY) {
        for _ in 0..SLABS * class.blocks_per_slab {
            // SAFETY: the size is not 0, and the arena one that a thread allocates from.
            blocks.extend(NonNull::new(unsafe { ffi::mallocx(class.size, flags) }));
        }
        for block in blocks.drain(..) {
            // SAFETY: it was allocated above, and is freed once.
            unsafe { ffi::dallocx(block.as_ptr(), ffi::MALLOCX_TCACHE_NONE) };
        }
    }
    Ok(())
}
