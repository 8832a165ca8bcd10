//! Other C libraries with `malloc_usable_size`: musl, bionic, FreeBSD's, DragonFly's, and what a
//! sanitizer puts in the place of any.

use std::ptr::NonNull;

use crate::error::ControlError;

/// # Safety
/// `block` is live.
#[inline]
pub(super) unsafe fn usable_size(block: NonNull<u8>) -> usize {
    // SAFETY: the caller promises that the block is live.
    unsafe { libc::malloc_usable_size(block.as_ptr().cast()) }
}

/// There is nothing to find out.
pub(super) fn prepare() {}

/// Sizes are always told alike.
pub(super) fn has_quick_way() -> bool {
    true
}

/// # Safety
/// `block` is live.
#[inline]
pub(super) unsafe fn size_on_quick_way(block: NonNull<u8>) -> usize {
    // SAFETY: passed on.
    unsafe { usable_size(block) }
}

/// The bytes that a block for `size` has at least.
#[inline]
pub(super) const fn at_least(size: usize) -> usize {
    size
}

/// The bytes that a block for `size` has at most: size classes are a quarter apart, the least of them up
/// to 48 bytes, and pages are of 64 KiB at most.
#[inline]
pub(super) const fn at_most(size: usize) -> usize {
    const PAGE: usize = 64 * 1024;
    let rounding = if size < PAGE { 48 } else { PAGE };
    size.saturating_add(size / 4 + rounding)
}

/// There is no call for it.
pub(super) fn purge() -> Result<(), ControlError> {
    Err(ControlError::UNSUPPORTED)
}

/// There is none that can be had as text.
pub(super) fn report() -> Option<String> {
    None
}
