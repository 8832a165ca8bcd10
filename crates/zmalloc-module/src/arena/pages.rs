//! Address space from the system: reserved at once, made usable piece by piece.

use std::ptr;

/// Bytes of a discarded range read as zero afterwards: so `madvise(2)` says of Linux, and of no
/// other system.
pub(super) const DISCARDED_IS_ZERO: bool = cfg!(target_os = "linux");

/// Reserves `length` bytes that can't be read or written yet and count against no limit of memory;
/// `None` when the system has not that much to give.
pub(super) fn reserve(length: usize) -> Option<usize> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
    // SAFETY: a new anonymous mapping at an address of the system's choice touches nothing of ours.
    let address = unsafe { libc::mmap(ptr::null_mut(), length, libc::PROT_NONE, flags, -1, 0) };
    (address != libc::MAP_FAILED).then_some(address as usize)
}

/// Makes a part of a reservation readable and writable; it reads as zero until it is written to.
///
/// # Safety
/// The range must be page-aligned and inside a reservation that isn't released.
pub(super) unsafe fn commit(address: usize, length: usize) -> bool {
    // SAFETY: the range is ours, as the caller promises.
    let result = unsafe { libc::mprotect(address as *mut _, length, libc::PROT_READ | libc::PROT_WRITE) };
    result == 0
}

/// Gives the memory of a range back and keeps the range.
///
/// # Safety
/// The range must be page-aligned and inside a reservation, and nobody may want what is in it.
pub(super) unsafe fn discard(address: usize, length: usize) -> bool {
    // SAFETY: the range is ours and its contents are nobody's, as the caller promises.
    let result = unsafe { libc::madvise(address as *mut _, length, libc::MADV_DONTNEED) };
    result == 0
}

/// Gives a range back, address space and all.
///
/// # Safety
/// The range must be page-aligned and inside a reservation, and nobody may use it from now on.
pub(super) unsafe fn release(address: usize, length: usize) {
    // SAFETY: the range is ours and unused, as the caller promises. A failure only leaves it mapped.
    unsafe { libc::munmap(address as *mut _, length) };
}
