//! Keeps the ledger right in a child of `fork`.
//!
//! The child has one thread, the one that forked. The others' blocks are in the child's heap all
//! the same, so their figures are moved to the total there. The list is locked across the fork, so
//! that the child finds it whole and unlocked.
//!
//! A child made in another way (`vfork`, `clone`) runs no such handlers, and either allocates
//! nothing before it executes another program or is in the hands of whoever made it.

use std::mem;

use super::{registry, thread};

/// Has the handlers run at every `fork` from now on. Called once, with the list locked.
pub(super) fn install() {
    // SAFETY: the handlers are functions of the right kind. It fails for lack of memory only; then
    // a child counts as its parent did, with the threads that are gone on its list for ever.
    unsafe { libc::pthread_atfork(Some(before), Some(in_parent), Some(in_child)) };
}

unsafe extern "C" fn before() {
    // Should a handler that runs after this one allocate, the thread must not need the lock for it.
    thread::enlist();
    mem::forget(registry::threads_without_surveys());
}

unsafe extern "C" fn in_parent() {
    // SAFETY: `before` has forgotten the guard on this thread, and only one of the two handlers
    // after a fork runs in a process.
    let mut threads = unsafe { registry::resume_threads() };
    threads.survey_if_begun();
}

unsafe extern "C" fn in_child() {
    // SAFETY: as above; this thread is the image of the one that forgot the guard.
    let mut threads = unsafe { registry::resume_threads() };
    threads.retire_others();
    threads.survey_if_begun();
}
