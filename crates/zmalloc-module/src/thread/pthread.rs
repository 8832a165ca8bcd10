//! Any other system: the identifier that POSIX threads have.

/// The identifier of the thread.
#[inline]
pub(super) fn thread_pointer() -> usize {
    // SAFETY: has no preconditions.
    unsafe { libc::pthread_self() as usize }
}
