//! The calls of the C standard and of POSIX.

use std::ffi::{c_int, c_void};
use std::ptr;

use tikv_jemalloc_sys as ffi;

use crate::allocate;
use crate::convert::pointer;
use crate::jemalloc::extended::je_mallocx;

/// C's `malloc`.
#[unsafe(no_mangle)]
pub extern "C" fn je_malloc(size: usize) -> *mut c_void {
    allocate::ztrymalloc(size)
}

/// C's `calloc`.
#[unsafe(no_mangle)]
pub extern "C" fn je_calloc(num: usize, size: usize) -> *mut c_void {
    pointer(zmalloc::ztrycalloc_num(num, size))
}

/// C's `realloc`; to no bytes it frees.
///
/// # Safety
/// `ptr` is null or a live block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_realloc(ptr: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: passed on.
    unsafe { allocate::ztryrealloc(ptr, size) }
}

/// C's `free`.
///
/// # Safety
/// `ptr` is null or a live block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_free(ptr: *mut c_void) {
    // SAFETY: passed on.
    unsafe { allocate::zfree(ptr) }
}

/// C's `aligned_alloc`. Null also if the alignment is no power of two.
#[unsafe(no_mangle)]
pub extern "C" fn je_aligned_alloc(alignment: usize, size: usize) -> *mut c_void {
    if alignment.is_power_of_two() {
        // SAFETY: the size is not 0.
        unsafe { je_mallocx(size.max(1), ffi::MALLOCX_ALIGN(alignment)) }
    } else {
        ptr::null_mut()
    }
}

/// POSIX's `posix_memalign`: 0, or an error number with `*memptr` unchanged.
///
/// # Safety
/// `memptr` is valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_posix_memalign(memptr: *mut *mut c_void, alignment: usize, size: usize) -> c_int {
    if !alignment.is_power_of_two() || alignment < size_of::<*mut c_void>() {
        return libc::EINVAL;
    }
    let block = je_aligned_alloc(alignment, size);
    if block.is_null() {
        return libc::ENOMEM;
    }
    // SAFETY: passed on.
    unsafe { memptr.write(block) };
    0
}

/// Bytes that a block occupies, 0 for null.
///
/// # Safety
/// `ptr` is null or a live block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_malloc_usable_size(ptr: *mut c_void) -> usize {
    // SAFETY: passed on.
    unsafe { allocate::zmalloc_size(ptr) }
}
