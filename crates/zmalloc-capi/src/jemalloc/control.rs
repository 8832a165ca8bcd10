//! jemalloc's control tree and report, passed on as they are.

use std::ffi::{c_char, c_int, c_void};

use tikv_jemalloc_sys as ffi;

/// Reads and writes a node of the control tree by name. 0, or an error number.
///
/// # Safety
/// As in jemalloc's manual.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_mallctl(
    name: *const c_char,
    oldp: *mut c_void,
    oldlenp: *mut usize,
    newp: *mut c_void,
    newlen: usize,
) -> c_int {
    // SAFETY: passed on.
    unsafe { ffi::mallctl(name, oldp, oldlenp, newp, newlen) }
}

/// Looks the numbers of a name up. 0, or an error number.
///
/// # Safety
/// As in jemalloc's manual.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_mallctlnametomib(
    name: *const c_char,
    mibp: *mut usize,
    miblenp: *mut usize,
) -> c_int {
    // SAFETY: passed on.
    unsafe { ffi::mallctlnametomib(name, mibp, miblenp) }
}

/// Reads and writes a node of the control tree by numbers. 0, or an error number.
///
/// # Safety
/// As in jemalloc's manual.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_mallctlbymib(
    mib: *const usize,
    miblen: usize,
    oldp: *mut c_void,
    oldlenp: *mut usize,
    newp: *mut c_void,
    newlen: usize,
) -> c_int {
    // SAFETY: passed on.
    unsafe { ffi::mallctlbymib(mib, miblen, oldp, oldlenp, newp, newlen) }
}

/// What takes a piece of the report, a string, with what the caller gave for it.
pub type WriteCallback = unsafe extern "C" fn(opaque: *mut c_void, piece: *const c_char);

/// Writes jemalloc's report, piece by piece, to the callback, or to standard error without one.
///
/// # Safety
/// As in jemalloc's manual.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_malloc_stats_print(
    write_cb: Option<WriteCallback>,
    cbopaque: *mut c_void,
    opts: *const c_char,
) {
    // SAFETY: passed on.
    unsafe { ffi::malloc_stats_print(write_cb, cbopaque, opts) }
}
