//! jemalloc's own calls, with flags: alignment, zeros, thread cache, arena.

use std::ffi::{c_int, c_void};

use tikv_jemalloc_sys as ffi;
use zmalloc::raw;

/// Allocates at least `size` bytes as the flags say, or returns null.
///
/// # Safety
/// `size` is not 0; a thread cache or arena in the flags exists.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_mallocx(size: usize, flags: c_int) -> *mut c_void {
    // SAFETY: passed on, to both.
    unsafe { raw::allocate(|| ffi::nallocx(size, flags), || ffi::mallocx(size, flags).cast()).cast() }
}

/// Resizes as the flags say, or returns null with the block unchanged.
///
/// # Safety
/// `ptr` is a live block, `size` is not 0; a thread cache or arena in the flags exists.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_rallocx(ptr: *mut c_void, size: usize, flags: c_int) -> *mut c_void {
    // SAFETY: passed on, to all; the block is live while the sizes are asked for.
    unsafe {
        raw::resize(
            || (ffi::malloc_usable_size(ptr), ffi::nallocx(size, flags)),
            || ffi::rallocx(ptr, size, flags).cast(),
        )
        .cast()
    }
}

/// Resizes where the block is, to at least `size` bytes and, if it can be had, `extra` more.
/// Returns what the block occupies then. While a limit is set it doesn't grow.
///
/// # Safety
/// `ptr` is a live block, `size` is not 0, and `size + extra` doesn't overflow.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_xallocx(ptr: *mut c_void, size: usize, extra: usize, flags: c_int) -> usize {
    if raw::runs_at_once() {
        // SAFETY: passed on.
        return unsafe { ffi::xallocx(ptr, size, extra, flags) };
    }
    // SAFETY: passed on.
    let mut usable = unsafe { ffi::malloc_usable_size(ptr) };
    // What grows in place would have to be asked of the limit before anybody knows whether it can.
    raw::free(|| {
        let room = usable.saturating_sub(size);
        // SAFETY: passed on. The size is not more than it was before, so not 0 either, nor is it
        // together with what is extra.
        usable = unsafe { ffi::xallocx(ptr, size.min(usable), extra.min(room), flags) };
    });
    usable
}

/// Bytes that a block occupies.
///
/// # Safety
/// `ptr` is a live block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_sallocx(ptr: *const c_void, flags: c_int) -> usize {
    // SAFETY: passed on.
    unsafe { ffi::sallocx(ptr, flags) }
}

/// Bytes that a block would occupy, 0 if there can't be one.
///
/// # Safety
/// `size` is not 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_nallocx(size: usize, flags: c_int) -> usize {
    // SAFETY: passed on.
    unsafe { ffi::nallocx(size, flags) }
}

/// Frees as the flags say.
///
/// # Safety
/// `ptr` is a live block; a thread cache in the flags exists.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_dallocx(ptr: *mut c_void, flags: c_int) {
    // SAFETY: passed on.
    raw::free(|| unsafe { ffi::dallocx(ptr, flags) });
}

/// Frees as the flags say, for a caller that knows the size.
///
/// # Safety
/// As `je_dallocx`; `size` is what was asked for, what the block occupies, or between the two.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_sdallocx(ptr: *mut c_void, size: usize, flags: c_int) {
    // SAFETY: passed on.
    raw::free(|| unsafe { ffi::sdallocx(ptr, size, flags) });
}
