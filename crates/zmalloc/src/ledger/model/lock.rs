//! In place of `lock`: a lock that the model's scheduler knows of.

use std::cell::UnsafeCell;
use std::ops::{Deref, DerefMut};

use crate::sync::atomic::{AtomicBool, Ordering};

/// A value in a static, behind a flag.
pub(crate) struct Lock<T> {
    locked: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached through a guard only, which exists at most once at a time.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self { locked: AtomicBool::new(false), value: UnsafeCell::new(value) }
    }

    /// Waits for the lock.
    pub(crate) fn lock(&'static self) -> Guard<T> {
        // Each attempt lets another thread run.
        while self.locked.swap(true, Ordering::SeqCst) {}
        Guard { lock: self }
    }

    /// Takes up a guard that was given to `mem::forget`.
    ///
    /// # Safety
    /// The calling thread has forgotten a guard of this lock, and this is called once for it.
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
        // SAFETY: the flag is ours, and the reference borrows the only guard.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the flag is ours, and the reference borrows the only guard exclusively.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        self.lock.locked.store(false, Ordering::SeqCst);
    }
}
