//! jemalloc: one look at the thread's state, then its own function. No size is looked up.

use std::ffi::c_void;

use tikv_jemalloc_sys as ffi;

use super::LongWay;
use crate::convert::block;

#[cfg_attr(all(target_os = "linux", target_arch = "x86_64"), path = "thread_linux_x86_64.rs")]
#[cfg_attr(not(all(target_os = "linux", target_arch = "x86_64")), path = "thread_other.rs")]
mod thread;

pub(crate) use self::thread::look_up;

/// Allocates, or has `otherwise` do it if that takes more, or fails.
///
/// No look at the size: jemalloc meets 0 with its smallest class, and refuses a size for which it
/// has no class, which none of more than half of the address space has, before it does anything.
#[inline(always)]
pub(crate) fn allocate(size: usize, otherwise: LongWay) -> *mut c_void {
    if thread::runs_at_once() {
        // SAFETY: `malloc` takes any size.
        let block = unsafe { ffi::malloc(size) };
        if !block.is_null() {
            return block;
        }
    }
    otherwise(size)
}

/// Allocates zeroed memory, likewise.
#[inline(always)]
pub(crate) fn allocate_zeroed(size: usize, otherwise: LongWay) -> *mut c_void {
    if thread::runs_at_once() {
        // SAFETY: `calloc` takes any sizes.
        let block = unsafe { ffi::calloc(1, size) };
        if !block.is_null() {
            return block;
        }
    }
    otherwise(size)
}

/// Frees.
///
/// # Safety
/// `ptr` is null or a live block.
#[inline(always)]
pub(crate) unsafe fn free(ptr: *mut c_void) {
    if thread::runs_at_once() {
        // SAFETY: `free` takes null and live blocks.
        unsafe { ffi::free(ptr) }
    } else {
        // SAFETY: passed on.
        unsafe { free_the_long_way(ptr) }
    }
}

/// # Safety
/// `ptr` is null or a live block.
#[cold]
unsafe extern "C" fn free_the_long_way(ptr: *mut c_void) {
    look_up();
    // SAFETY: passed on.
    unsafe { zmalloc::zfree(block(ptr)) }
}
