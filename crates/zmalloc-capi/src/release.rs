//! Memory given back: to the operating system, and to the C library where it is its own.

use std::ffi::{c_int, c_void};

use crate::allocate;

/// Gives unused pages back to the system. 0, or -1 if the allocator can't be told to.
#[unsafe(no_mangle)]
pub extern "C" fn jemalloc_purge() -> c_int {
    if zmalloc::purge().is_ok() { 0 } else { -1 }
}

/// Starts or stops the allocator's own threads, if it has such.
#[unsafe(no_mangle)]
pub extern "C" fn set_jemalloc_bg_thread(enable: c_int) {
    // Redis's function has no way to say that there are none.
    let _ = zmalloc::set_background_thread(enable != 0);
}

/// Lets the system take the whole pages within a block, whose content is lost.
///
/// # Safety
/// `ptr` is null or a live block, which nobody reads before it is written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmadvise_dontneed(ptr: *mut c_void) {
    let Some(page) = zmalloc::process::page_size() else { return };
    // SAFETY: passed on.
    let end = ptr.addr() + unsafe { allocate::zmalloc_size(ptr) };
    let first = ptr.addr().next_multiple_of(page);
    let end = end - end % page;
    if first < end {
        // SAFETY: the pages lie within a live block, whose content the caller gives up. If the
        // system refuses, they stay.
        unsafe { libc::madvise(ptr.with_addr(first), end - first, libc::MADV_DONTNEED) };
    }
}

/// In Valkey since 8.1: with the size that the block was asked for, or 0 if the caller doesn't know it.
/// A block of at most half a page, which can hold no whole one, isn't looked up.
///
/// # Safety
/// As `zmadvise_dontneed`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmadvise_dontneed_2(ptr: *mut c_void, size_hint: usize) {
    let is_small = size_hint != 0 && zmalloc::process::page_size().is_some_and(|page| size_hint <= page / 2);
    if !is_small {
        // SAFETY: passed on.
        unsafe { zmadvise_dontneed(ptr) };
    }
}

/// Frees what the C library allocated, such as a line of `getline`.
///
/// # Safety
/// `ptr` is null or a live block of the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zlibc_free(ptr: *mut c_void) {
    // SAFETY: passed on.
    unsafe { libc::free(ptr) }
}

#[cfg_attr(all(target_os = "linux", target_env = "gnu"), path = "release/glibc.rs")]
#[cfg_attr(not(all(target_os = "linux", target_env = "gnu")), path = "release/other.rs")]
mod trim;

/// Has the C library give unused pages back to the system, if it can.
#[unsafe(no_mangle)]
pub extern "C" fn zlibc_trim() {
    trim::trim();
}
