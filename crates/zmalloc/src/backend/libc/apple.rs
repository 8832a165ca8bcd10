//! Apple's C library.

use std::ptr::NonNull;

use crate::error::ControlError;

unsafe extern "C" {
    /// From `malloc/malloc.h`: asks a zone, or all of them for null, to give back this many bytes,
    /// or as many as it can for 0. Returns how many it gave.
    fn malloc_zone_pressure_relief(zone: *mut libc::malloc_zone_t, goal: usize) -> usize;
}

/// # Safety
/// `block` is live.
#[inline]
pub(super) unsafe fn usable_size(block: NonNull<u8>) -> usize {
    // SAFETY: the caller promises that the block is live.
    unsafe { libc::malloc_size(block.as_ptr().cast_const().cast()) }
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

/// The bytes that a block for `size` has at most: size classes are a quarter apart, and pages are of
/// 64 KiB at most.
#[inline]
pub(super) const fn at_most(size: usize) -> usize {
    const PAGE: usize = 64 * 1024;
    let rounding = if size < PAGE { 64 } else { PAGE };
    size.saturating_add(size / 4 + rounding)
}

/// Gives unused pages back, whether or not the system takes any.
pub(super) fn purge() -> Result<(), ControlError> {
    // SAFETY: null stands for all zones, 0 for as much as can be had.
    unsafe { malloc_zone_pressure_relief(std::ptr::null_mut(), 0) };
    Ok(())
}

/// There is none that can be had as text.
pub(super) fn report() -> Option<String> {
    None
}
