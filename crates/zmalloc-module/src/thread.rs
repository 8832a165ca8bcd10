//! Which thread is running, as cheaply as can be told.
//!
//! Thread-local variables would need a destructor to be of use, and a destructor that is registered
//! by a shared library keeps the library from being unloaded until the thread ends: a module could
//! never be unloaded from the server's main thread.

/// A number that no other running thread has. It is never 0, and a later thread may have it again.
pub(crate) fn id() -> usize {
    // SAFETY: has no preconditions.
    unsafe { libc::pthread_self() as usize }
}

/// A smaller number for the same thread, to spread threads over places; others may share it.
pub(crate) fn number() -> usize {
    spread(id())
}

/// The upper bits of a product: thread identifiers are addresses that differ in few bits.
pub(crate) fn spread(id: usize) -> usize {
    (id as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) as usize >> (usize::BITS - 16)
}
