//! Other allocators: the long way is the only one.

use std::ffi::c_void;

use super::LongWay;
use crate::convert::block;

/// Allocates.
#[inline(always)]
pub(crate) fn allocate(size: usize, otherwise: LongWay) -> *mut c_void {
    otherwise(size)
}

/// Allocates zeroed memory.
#[inline(always)]
pub(crate) fn allocate_zeroed(size: usize, otherwise: LongWay) -> *mut c_void {
    otherwise(size)
}

/// Frees.
///
/// # Safety
/// `ptr` is null or a live block.
#[inline(always)]
pub(crate) unsafe fn free(ptr: *mut c_void) {
    // SAFETY: passed on.
    unsafe { zmalloc::zfree(block(ptr)) }
}

/// There is nothing to be remembered.
pub(crate) fn look_up() {}
