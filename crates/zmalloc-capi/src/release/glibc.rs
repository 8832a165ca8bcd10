//! The GNU C library.

pub(super) fn trim() {
    // SAFETY: takes any number of bytes to leave at the end of the heap.
    unsafe { libc::malloc_trim(0) };
}
