//! Functions that return a block by its address, and those that free one.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use crate::convert::{block, pointer};
use crate::hot;

/// Allocates, or calls the handler.
#[unsafe(no_mangle)]
pub extern "C" fn zmalloc(size: usize) -> *mut c_void {
    hot::allocate(size, long_way::zmalloc)
}

/// Allocates zeroed memory, or calls the handler.
#[unsafe(no_mangle)]
pub extern "C" fn zcalloc(size: usize) -> *mut c_void {
    hot::allocate_zeroed(size, long_way::zcalloc)
}

/// Allocates so many zeroed elements of a size, or calls the handler.
#[unsafe(no_mangle)]
pub extern "C" fn zcalloc_num(num: usize, size: usize) -> *mut c_void {
    zmalloc::zcalloc_num(num, size).as_ptr().cast()
}

/// Resizes, or calls the handler. To no bytes: frees, and returns null.
///
/// # Safety
/// `ptr` is null or a live block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zrealloc(ptr: *mut c_void, size: usize) -> *mut c_void {
    if size == 0 && !ptr.is_null() {
        // SAFETY: passed on.
        unsafe { zfree(ptr) };
        return ptr::null_mut();
    }
    // SAFETY: passed on.
    unsafe { zmalloc::zrealloc(block(ptr), size) }.as_ptr().cast()
}

/// Allocates, or returns null.
#[unsafe(no_mangle)]
pub extern "C" fn ztrymalloc(size: usize) -> *mut c_void {
    hot::allocate(size, long_way::ztrymalloc)
}

/// Allocates zeroed memory, or returns null.
#[unsafe(no_mangle)]
pub extern "C" fn ztrycalloc(size: usize) -> *mut c_void {
    hot::allocate_zeroed(size, long_way::ztrycalloc)
}

/// Resizes, or returns null with the block unchanged. To no bytes: frees, and returns null.
///
/// # Safety
/// `ptr` is null or a live block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ztryrealloc(ptr: *mut c_void, size: usize) -> *mut c_void {
    if size == 0 && !ptr.is_null() {
        // SAFETY: passed on.
        unsafe { zfree(ptr) };
        return ptr::null_mut();
    }
    // SAFETY: passed on.
    pointer(unsafe { zmalloc::ztryrealloc(block(ptr), size) })
}

/// Allocates past the thread's cache, or calls the handler.
#[unsafe(no_mangle)]
pub extern "C" fn zmalloc_no_tcache(size: usize) -> *mut c_void {
    zmalloc::zmalloc_no_tcache(size).as_ptr().cast()
}

/// Duplicates a string, or calls the handler.
///
/// # Safety
/// `s` is a string that ends with NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zstrdup(s: *const c_char) -> *mut c_char {
    // SAFETY: the caller promises a string.
    zmalloc::zstrdup(unsafe { CStr::from_ptr(s) }).as_ptr()
}

/// Frees. Over jemalloc no size is looked up.
///
/// # Safety
/// `ptr` is null or a live block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zfree(ptr: *mut c_void) {
    // SAFETY: passed on.
    unsafe { hot::free(ptr) }
}

/// Frees past the thread's cache.
///
/// # Safety
/// `ptr` is null or a live block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zfree_no_tcache(ptr: *mut c_void) {
    // SAFETY: passed on.
    unsafe { zmalloc::zfree_no_tcache(block(ptr)) }
}

/// Bytes that a block occupies, 0 for null.
///
/// # Safety
/// `ptr` is null or a live block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmalloc_size(ptr: *mut c_void) -> usize {
    // SAFETY: passed on.
    unsafe { zmalloc::zmalloc_usable_size(block(ptr)) }
}

/// Bytes that may be used of a block: all that it occupies.
///
/// # Safety
/// `ptr` is null or a live block.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmalloc_usable_size(ptr: *mut c_void) -> usize {
    // SAFETY: passed on.
    unsafe { zmalloc_size(ptr) }
}

/// Returns the block as it is. The header's attribute tells the compiler its new size.
#[unsafe(no_mangle)]
pub extern "C" fn extend_to_usable(ptr: *mut c_void, _size: usize) -> *mut c_void {
    ptr
}

/// What the functions above do where the short way isn't open.
mod long_way {
    use std::ffi::c_void;

    use crate::convert::pointer;
    use crate::hot::begin_long_way;

    #[cold]
    pub(super) extern "C" fn zmalloc(size: usize) -> *mut c_void {
        begin_long_way();
        zmalloc::zmalloc(size).as_ptr().cast()
    }

    #[cold]
    pub(super) extern "C" fn zcalloc(size: usize) -> *mut c_void {
        begin_long_way();
        zmalloc::zcalloc(size).as_ptr().cast()
    }

    #[cold]
    pub(super) extern "C" fn ztrymalloc(size: usize) -> *mut c_void {
        begin_long_way();
        pointer(zmalloc::ztrymalloc(size))
    }

    #[cold]
    pub(super) extern "C" fn ztrycalloc(size: usize) -> *mut c_void {
        begin_long_way();
        pointer(zmalloc::ztrycalloc(size))
    }
}
