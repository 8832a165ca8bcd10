//! A block's size as the C library tells it.

use std::ptr::NonNull;

/// # Safety
/// `block` is live.
#[inline]
pub(in super::super) unsafe fn usable_size(block: NonNull<u8>) -> usize {
    // SAFETY: the caller promises that the block is live.
    unsafe { libc::malloc_usable_size(block.as_ptr().cast()) }
}

/// There is nothing to find out.
pub(in super::super) fn prepare() {}

/// Sizes are always told alike.
pub(in super::super) fn has_quick_way() -> bool {
    true
}

/// # Safety
/// `block` is live.
#[inline]
pub(in super::super) unsafe fn size_on_quick_way(block: NonNull<u8>) -> usize {
    // SAFETY: passed on.
    unsafe { usable_size(block) }
}
