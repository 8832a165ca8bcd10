//! C's pointers and sizes to Rust's and back.

use std::ffi::c_void;
use std::ptr::{self, NonNull};

/// A pointer to a block that may be null.
#[inline(always)]
pub(crate) fn block(pointer: *mut c_void) -> Option<NonNull<u8>> {
    NonNull::new(pointer.cast())
}

/// The pointer that stands for a block, or for none.
#[inline(always)]
pub(crate) fn pointer(block: Option<NonNull<u8>>) -> *mut c_void {
    block.map_or(ptr::null_mut(), |block| block.as_ptr().cast())
}

/// Writes a result where the caller wants it, if it wants it.
///
/// # Safety
/// `place` is null, or valid for a write.
#[inline(always)]
pub(crate) unsafe fn set<T>(place: *mut T, value: T) {
    if !place.is_null() {
        // SAFETY: not null, hence valid, as the caller promises.
        unsafe { place.write(value) }
    }
}

/// Writes a block's size where the caller wants it, 0 for none, and returns the pointer.
///
/// # Safety
/// As [`set`].
#[inline(always)]
pub(crate) unsafe fn with_size(block: Option<NonNull<[u8]>>, place: *mut usize) -> *mut c_void {
    // SAFETY: passed on.
    unsafe { set(place, block.map_or(0, NonNull::len)) };
    pointer(block.map(NonNull::cast))
}
