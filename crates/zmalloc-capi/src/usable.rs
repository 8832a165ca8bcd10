//! The functions of `allocate`, with the block's usable size. It is set on every path: to 0 where
//! no block is returned.

use std::ffi::{CStr, c_char, c_void};
use std::ptr::{self, NonNull};

use crate::convert::{block, set, with_size};

/// As `zmalloc`.
///
/// # Safety
/// `usable` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmalloc_usable(size: usize, usable: *mut usize) -> *mut c_void {
    // SAFETY: passed on.
    unsafe { with_size(Some(zmalloc::zmalloc_usable(size)), usable) }
}

/// As `zcalloc`.
///
/// # Safety
/// `usable` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zcalloc_usable(size: usize, usable: *mut usize) -> *mut c_void {
    // SAFETY: passed on.
    unsafe { with_size(Some(zmalloc::zcalloc_usable(size)), usable) }
}

/// As `zrealloc`.
///
/// # Safety
/// `ptr` is null or a live block; `usable` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zrealloc_usable(ptr: *mut c_void, size: usize, usable: *mut usize) -> *mut c_void {
    // SAFETY: passed on; nobody asks for the old size.
    unsafe { zrealloc_usable2(ptr, size, usable, ptr::null_mut()) }
}

/// As `zrealloc`, with the old block's usable size, 0 if there was none.
///
/// # Safety
/// `ptr` is null or a live block; `usable` and `old_usable` are null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zrealloc_usable2(
    ptr: *mut c_void,
    size: usize,
    usable: *mut usize,
    old_usable: *mut usize,
) -> *mut c_void {
    // SAFETY: passed on; the closure resizes the block that it is given.
    unsafe { resize(ptr, size, usable, old_usable, |block| Some(zmalloc::zrealloc_usable(block, size))) }
}

/// As `ztrymalloc`.
///
/// # Safety
/// `usable` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ztrymalloc_usable(size: usize, usable: *mut usize) -> *mut c_void {
    // SAFETY: passed on.
    unsafe { with_size(zmalloc::ztrymalloc_usable(size), usable) }
}

/// As `ztrycalloc`.
///
/// # Safety
/// `usable` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ztrycalloc_usable(size: usize, usable: *mut usize) -> *mut c_void {
    // SAFETY: passed on.
    unsafe { with_size(zmalloc::ztrycalloc_usable(size), usable) }
}

/// As `ztryrealloc`.
///
/// # Safety
/// `ptr` is null or a live block; `usable` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ztryrealloc_usable(
    ptr: *mut c_void,
    size: usize,
    usable: *mut usize,
) -> *mut c_void {
    // SAFETY: passed on; nobody asks for the old size.
    unsafe { ztryrealloc_usable2(ptr, size, usable, ptr::null_mut()) }
}

/// As `ztryrealloc`, with the old block's usable size, 0 if there was none.
///
/// # Safety
/// `ptr` is null or a live block; `usable` and `old_usable` are null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ztryrealloc_usable2(
    ptr: *mut c_void,
    size: usize,
    usable: *mut usize,
    old_usable: *mut usize,
) -> *mut c_void {
    // SAFETY: passed on; the closure resizes the block that it is given.
    unsafe { resize(ptr, size, usable, old_usable, |block| zmalloc::ztryrealloc_usable(block, size)) }
}

/// Resizes by `operation`, or frees if there is a block that is to have no bytes.
///
/// # Safety
/// `ptr` is null or a live block; `usable` and `old_usable` are null or valid for a write.
unsafe fn resize(
    ptr: *mut c_void,
    size: usize,
    usable: *mut usize,
    old_usable: *mut usize,
    operation: impl FnOnce(Option<NonNull<u8>>) -> Option<NonNull<[u8]>>,
) -> *mut c_void {
    let old = block(ptr);
    if !old_usable.is_null() {
        // SAFETY: valid, as the caller promises of what is not null; so is the block.
        unsafe { old_usable.write(zmalloc::zmalloc_usable_size(old)) };
    }
    let new = if size == 0 && old.is_some() {
        // SAFETY: the caller promises that the block is live.
        unsafe { zmalloc::zfree(old) };
        None
    } else {
        operation(old)
    };
    // SAFETY: passed on.
    unsafe { with_size(new, usable) }
}

/// As `zfree`; `usable` becomes what the block occupied, 0 for null.
///
/// # Safety
/// `ptr` is null or a live block; `usable` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zfree_usable(ptr: *mut c_void, usable: *mut usize) {
    // SAFETY: passed on.
    unsafe { set(usable, zmalloc::zfree_usable(block(ptr))) }
}

/// As `zstrdup`.
///
/// # Safety
/// `s` is a string that ends with NUL; `usable` is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zstrdup_usable(s: *const c_char, usable: *mut usize) -> *mut c_char {
    // SAFETY: the caller promises a string.
    let copy = zmalloc::zstrdup(unsafe { CStr::from_ptr(s) });
    // SAFETY: the copy is a live block; the rest is passed on.
    unsafe { set(usable, zmalloc::zmalloc_usable_size(Some(copy.cast()))) };
    copy.as_ptr()
}
