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
