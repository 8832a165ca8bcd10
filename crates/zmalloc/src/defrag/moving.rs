//! Moving one block.

use std::alloc::{self, Layout};
use std::hint::black_box;
use std::ptr::NonNull;

use crate::backend::{Backend, ByAddress, Imp};
use crate::ledger::{self, diversion};
use crate::request;

/// Moves a block to a new one, allocated past the thread's cache, and frees the old one likewise. Returns
/// the new one, or `None` with the old one unchanged if there is no memory for it, or none of the same
/// usable size. [`used_memory`](crate::used_memory) is the same afterwards.
///
/// Whether it should move is another question: [`Survey`](super::Survey).
///
/// # Safety
/// The block is live, of `ZMalloc`, and of this layout, whose size is not 0. If a block is returned, it
/// has taken the old one's place, which is no longer live.
#[must_use = "the old block is gone if there is a new one"]
pub unsafe fn relocate(block: NonNull<u8>, layout: Layout) -> Option<NonNull<u8>> {
    // SAFETY: the size is not 0, as the caller promises.
    let operation = || unsafe { Imp::allocate_uncached(layout, false) };
    let new = if ledger::thread_is_listed() { operation() } else { request::allocate(layout, operation) };
    let new = NonNull::new(new)?;
    // SAFETY: both blocks are live.
    if !Imp::GOOD_SIZE_IS_EXACT && unsafe { Imp::usable_size(new) != Imp::usable_size(block) } {
        // SAFETY: it is live, and nobody else's.
        unsafe { free(new) };
        return None;
    }
    // SAFETY: both are live, different, and of this layout; the old one is freed once and not used any
    // more, as the caller promises.
    unsafe {
        new.copy_from_nonoverlapping(block, layout.size());
        free(block);
    }
    Some(new)
}

/// Frees a block past the thread's cache.
///
/// # Safety
/// The block is live.
unsafe fn free(block: NonNull<u8>) {
    // SAFETY: passed on.
    let operation = || unsafe { Imp::free_uncached(block) };
    if ledger::thread_is_listed() { operation() } else { request::free(operation) }
}

/// Whether Rust's global allocator is `ZMalloc`, and nothing that stands in front of it and hands out
/// parts of its blocks.
///
/// Allocates a block to find out.
pub fn is_global_allocator() -> bool {
    let layout = Layout::new::<[u64; 3]>();
    diversion::divert(|| {
        // SAFETY: the size is not 0; the block is freed with its layout, once.
        unsafe {
            // So that the compiler can't do without the block.
            let block = black_box(alloc::alloc(layout));
            let ours = !block.is_null() && diversion::was_last(block, layout);
            if !block.is_null() {
                alloc::dealloc(block, layout);
            }
            ours
        }
    })
}
