//! Keeps the pool whole in a child of `fork`: every class is locked across it, so that no thread
//! that the child doesn't have can leave one locked there.
//!
//! The locks are taken before those of the back end, as they are by allocations: the C library
//! takes its own when all handlers have run.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};

use super::class::{self, CLASSES};

static HANDLED: AtomicBool = AtomicBool::new(false);

/// Has the handlers run at every `fork` from now on. Called before the first lock is taken.
#[inline(always)]
pub(super) fn ensure_handled() {
    if !HANDLED.load(Ordering::Relaxed) {
        install();
    }
}

#[cold]
fn install() {
    if !HANDLED.swap(true, Ordering::Relaxed) {
        // SAFETY: the handlers are functions of the right kind. It fails for lack of memory only;
        // then a child may find a class locked if another thread was allocating.
        unsafe { libc::pthread_atfork(Some(before), Some(after), Some(after)) };
    }
}

unsafe extern "C" fn before() {
    mem::forget(class::lock_all());
}

unsafe extern "C" fn after() {
    for class in &CLASSES {
        // SAFETY: `before` has forgotten a guard of each on this thread, or on the one that this
        // thread of a child is the image of; one handler after a fork runs in each process.
        drop(unsafe { class.resume() });
    }
}
