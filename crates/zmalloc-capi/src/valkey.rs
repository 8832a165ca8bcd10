//! Names that Valkey has of its own: it gives the most used functions of the family names that can't
//! clash with another library's, by macros in its `zmalloc.h`.

use std::ffi::c_void;

use zmalloc::Flags;

use crate::allocate;
use crate::convert::block;

/// Bytes in a cache line.
const CACHE_LINE: usize = 64;

/// As `zmalloc`, at the beginning of a cache line. The block may be freed as any other; resized, it
/// may move off its line.
#[unsafe(no_mangle)]
pub extern "C" fn zmalloc_cache_aligned(size: usize) -> *mut c_void {
    zmalloc::zmalloc_with_flags(size, Flags::NONE.align(CACHE_LINE)).as_ptr().cast()
}

/// As `zfree`, for a caller that knows what `zmalloc_size` says of the block.
///
/// # Safety
/// `ptr` is null or a live block that occupies `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zfree_with_size(ptr: *mut c_void, size: usize) {
    // SAFETY: passed on.
    unsafe { zmalloc::raw::zfree_with_size(block(ptr), size) }
}

/// `zmalloc` in Valkey.
#[unsafe(no_mangle)]
pub extern "C" fn valkey_malloc(size: usize) -> *mut c_void {
    allocate::zmalloc(size)
}

/// `zcalloc` in Valkey.
#[unsafe(no_mangle)]
pub extern "C" fn valkey_calloc(size: usize) -> *mut c_void {
    allocate::zcalloc(size)
}

/// `zrealloc` in Valkey.
///
/// # Safety
/// `ptr` is null or a live block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn valkey_realloc(ptr: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: passed on.
    unsafe { allocate::zrealloc(ptr, size) }
}

/// `zfree` in Valkey.
///
/// # Safety
/// `ptr` is null or a live block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn valkey_free(ptr: *mut c_void) {
    // SAFETY: passed on.
    unsafe { allocate::zfree(ptr) }
}

/// `zmalloc_cache_aligned` in Valkey.
#[unsafe(no_mangle)]
pub extern "C" fn valkey_malloc_cache_aligned(size: usize) -> *mut c_void {
    zmalloc_cache_aligned(size)
}
