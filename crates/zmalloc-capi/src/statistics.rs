//! Figures: of the ledger, of the allocator, and of the operating system.

use std::ffi::{CStr, c_char, c_int, c_long, c_longlong, c_uint};

use crate::convert::set;

mod proc;

#[cfg_attr(zmalloc_over_jemalloc, path = "statistics/jemalloc.rs")]
#[cfg_attr(not(zmalloc_over_jemalloc), path = "statistics/none.rs")]
mod allocator;

/// What the allocator says of the whole process, or of one arena. In bytes.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    allocated: usize,
    active: usize,
    resident: usize,
    retained: usize,
    muzzy: usize,
    small_fragmentation: usize,
}

/// Bytes in live blocks, each at its usable size.
#[unsafe(no_mangle)]
pub extern "C" fn zmalloc_used_memory() -> usize {
    zmalloc::used_memory()
}

/// The highest that the bytes in use were seen to be, this moment included.
#[unsafe(no_mangle)]
pub extern "C" fn zmalloc_peak_memory() -> usize {
    zmalloc::peak_memory()
}

/// Sets the most bytes that may be in use; 0 for no limit.
#[unsafe(no_mangle)]
pub extern "C" fn zmalloc_set_limit(bytes: usize) {
    zmalloc::set_limit((bytes != 0).then_some(bytes));
}

/// The allocator's name and version.
#[unsafe(no_mangle)]
pub extern "C" fn zmalloc_backend() -> *const c_char {
    BACKEND.as_ptr().cast()
}

/// [`zmalloc::BACKEND`] with a NUL at the end.
static BACKEND: [u8; zmalloc::BACKEND.len() + 1] = {
    let mut name = [0; zmalloc::BACKEND.len() + 1];
    let mut index = 0;
    while index < zmalloc::BACKEND.len() {
        name[index] = zmalloc::BACKEND.as_bytes()[index];
        index += 1;
    }
    name
};

/// Bytes of the process that are in physical memory. Where the system doesn't tell, the bytes in
/// use, as in Redis.
#[unsafe(no_mangle)]
pub extern "C" fn zmalloc_get_rss() -> usize {
    zmalloc::process::rss().unwrap_or_else(zmalloc::used_memory)
}

/// Bytes of physical memory in the machine, 0 if unknown.
#[unsafe(no_mangle)]
pub extern "C" fn zmalloc_get_memory_size() -> usize {
    zmalloc::process::physical_memory().unwrap_or(0)
}

/// Bytes in pages that a process (-1: this one) has written and shares with no other, 0 if unknown.
#[unsafe(no_mangle)]
pub extern "C" fn zmalloc_get_private_dirty(pid: c_long) -> usize {
    proc::smaps_sum(b"Private_Dirty:", pid).unwrap_or(0)
}

/// The sum of the lines of a process's smaps (-1: this one) that begin so, 0 if there are none.
///
/// # Safety
/// `field` is a string that ends with NUL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmalloc_get_smap_bytes_by_field(field: *mut c_char, pid: c_long) -> usize {
    // SAFETY: the caller promises a string.
    let field = unsafe { CStr::from_ptr(field) };
    proc::smaps_sum(field.to_bytes(), pid).unwrap_or(0)
}

/// Reads a field of `/proc/self/stat` by its number, counted from 1. Returns whether it was read.
///
/// # Safety
/// `res` is valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn get_proc_stat_ll(i: c_int, res: *mut c_longlong) -> c_int {
    match usize::try_from(i).ok().and_then(proc::stat_field) {
        Some(value) => {
            // SAFETY: passed on.
            unsafe { set(res, value) };
            1
        }
        None => 0,
    }
}

/// In Redis 6.2 to 7.2: what the allocator says of the whole process. Returns whether it does.
///
/// # Safety
/// Each pointer is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmalloc_get_allocator_info(
    allocated: *mut usize,
    active: *mut usize,
    resident: *mut usize,
) -> c_int {
    let figures = allocator::of_process(true);
    // SAFETY: passed on.
    unsafe { write(figures, [allocated, active, resident]) }
}

/// In Redis 7.4 and Valkey from 8.1 on.
///
/// # Safety
/// Each pointer is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmalloc_get_allocator_info_5(
    allocated: *mut usize,
    active: *mut usize,
    resident: *mut usize,
    retained: *mut usize,
    muzzy: *mut usize,
) -> c_int {
    let figures = allocator::of_process(true);
    // SAFETY: passed on.
    unsafe { write(figures, [allocated, active, resident, retained, muzzy]) }
}

/// In Valkey 8.0.
///
/// # Safety
/// Each pointer is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmalloc_get_allocator_info_6(
    allocated: *mut usize,
    active: *mut usize,
    resident: *mut usize,
    retained: *mut usize,
    muzzy: *mut usize,
    frag_smallbins_bytes: *mut usize,
) -> c_int {
    let figures = allocator::of_process(true);
    // SAFETY: passed on.
    unsafe { write(figures, [allocated, active, resident, retained, muzzy, frag_smallbins_bytes]) }
}

/// In Redis 8: with 0 for `refresh_stats` the figures are those of the last refresh.
///
/// # Safety
/// Each pointer is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmalloc_get_allocator_info_7(
    refresh_stats: c_int,
    allocated: *mut usize,
    active: *mut usize,
    resident: *mut usize,
    retained: *mut usize,
    muzzy: *mut usize,
    frag_smallbins_bytes: *mut usize,
) -> c_int {
    let figures = allocator::of_process(refresh_stats != 0);
    // SAFETY: passed on.
    unsafe { write(figures, [allocated, active, resident, retained, muzzy, frag_smallbins_bytes]) }
}

/// The same for the small blocks of one arena.
///
/// # Safety
/// Each pointer is null or valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn zmalloc_get_allocator_info_by_arena(
    arena: c_uint,
    refresh_stats: c_int,
    allocated: *mut usize,
    active: *mut usize,
    resident: *mut usize,
    frag_smallbins_bytes: *mut usize,
) -> c_int {
    let figures = allocator::of_arena(arena, refresh_stats != 0);
    let none = std::ptr::null_mut();
    // SAFETY: passed on.
    unsafe { write(figures, [allocated, active, resident, none, none, frag_smallbins_bytes]) }
}

/// Writes figures, in the order of their fields, to as many places; zeros if there are none.
/// Returns whether there are.
///
/// # Safety
/// Each place is null or valid for a write.
unsafe fn write<const N: usize>(figures: Option<Figures>, places: [*mut usize; N]) -> c_int {
    let values = figures.unwrap_or_default();
    let values = [
        values.allocated,
        values.active,
        values.resident,
        values.retained,
        values.muzzy,
        values.small_fragmentation,
    ];
    for (place, value) in places.into_iter().zip(values) {
        // SAFETY: passed on.
        unsafe { set(place, value) };
    }
    c_int::from(figures.is_some())
}
