//! A mutex that never allocates and that handlers of `fork` can hold across it.
//!
//! The standard library's may allocate on some systems, which would be a call into ourselves, and
//! can't be unlocked without its guard.

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};

/// A value in a static, behind a POSIX mutex.
pub(crate) struct Lock<T> {
    mutex: UnsafeCell<libc::pthread_mutex_t>,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached through a guard only, which exists at most once at a time.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { mutex: UnsafeCell::new(libc::PTHREAD_MUTEX_INITIALIZER), value: UnsafeCell::new(value) }
    }

    /// Waits for the lock. It must not be held by the calling thread. `'static`, as a mutex in use
    /// may not move.
    pub(crate) fn lock(&'static self) -> Guard<T> {
        // SAFETY: an initialised mutex that never moves. Locking a default mutex can only fail by
        // a misuse that is excluded: it is initialised and never destroyed.
        unsafe { libc::pthread_mutex_lock(self.mutex.get()) };
        Guard { lock: self }
    }

    /// Takes up a guard that was given to `mem::forget`.
    ///
    /// # Safety
    /// The calling thread, or in a child of `fork` the thread that forked, has forgotten a guard of
    /// this lock, and this is called once for it.
    pub(crate) unsafe fn resume(&'static self) -> Guard<T> {
        Guard { lock: self }
    }
}

/// The right to the value of a [`Lock`], until it is dropped.
pub(crate) struct Guard<T: 'static> {
    lock: &'static Lock<T>,
}

impl<T> Deref for Guard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the mutex is held, and the reference borrows the only guard.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the mutex is held, and the reference borrows the only guard exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        // SAFETY: the mutex is held by this thread, or by its image in the parent of a fork.
        unsafe { libc::pthread_mutex_unlock(self.lock.mutex.get()) };
    }
}
