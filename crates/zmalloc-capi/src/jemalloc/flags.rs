//! Redis 8's forms with jemalloc's flags, which it uses for arenas and thread caches of its own.

use std::ffi::{c_int, c_void};
use std::ptr;

use zmalloc::raw;

use crate::jemalloc::extended::{je_dallocx, je_mallocx, je_rallocx};

/// What a request for no bytes is met with.
const SMALLEST: usize = size_of::<usize>();

/// Allocates as the flags say, or calls the handler.
///
/// # Safety
/// A thread cache or arena in the flags exists.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmalloc_with_flags(size: usize, flags: c_int) -> *mut c_void {
    let wanted = if size == 0 { SMALLEST } else { size };
    // SAFETY: not 0; the rest is passed on.
    let block = unsafe { je_mallocx(wanted, flags) };
    if block.is_null() {
        raw::fail(size);
    }
    block
}

/// Resizes as the flags say, or calls the handler. To no bytes: frees, and returns null.
///
/// # Safety
/// `ptr` is null or a live block; a thread cache or arena in the flags exists.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zrealloc_with_flags(ptr: *mut c_void, size: usize, flags: c_int) -> *mut c_void {
    if ptr.is_null() {
        // SAFETY: passed on.
        return unsafe { zmalloc_with_flags(size, flags) };
    }
    if size == 0 {
        // SAFETY: passed on.
        unsafe { zfree_with_flags(ptr, flags) };
        return ptr::null_mut();
    }
    // SAFETY: neither is 0 or null; the rest is passed on.
    let block = unsafe { je_rallocx(ptr, size, flags) };
    if block.is_null() {
        raw::fail(size);
    }
    block
}

/// Frees as the flags say.
///
/// # Safety
/// `ptr` is null or a live block; a thread cache in the flags exists.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zfree_with_flags(ptr: *mut c_void, flags: c_int) {
    if !ptr.is_null() {
        // SAFETY: not null; the rest is passed on.
        unsafe { je_dallocx(ptr, flags) }
    }
}
