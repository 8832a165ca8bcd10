//! Threads made by the C library, for which the standard library allocates nothing: what such a
//! thread leaves in the ledger is what its body did.

use std::ffi::c_void;
use std::ptr;

/// A thread that has been started.
pub(crate) struct RawThread(libc::pthread_t);

impl RawThread {
    /// Starts a thread that calls `body` with `argument`.
    pub(crate) fn start<T>(body: extern "C" fn(*mut c_void) -> *mut c_void, argument: &T) -> Self {
        let mut thread = 0;
        // SAFETY: the body takes what it is given; whoever passes a reference joins the thread
        // before the reference ends.
        let errno = unsafe {
            libc::pthread_create(
                &raw mut thread,
                ptr::null(),
                body,
                ptr::from_ref(argument).cast_mut().cast(),
            )
        };
        assert_eq!(errno, 0, "no thread");
        Self(thread)
    }

    /// Waits until the thread has ended, its destructors included.
    pub(crate) fn join(self) {
        // SAFETY: the thread exists and is joined once.
        assert_eq!(unsafe { libc::pthread_join(self.0, ptr::null_mut()) }, 0);
    }

    /// Runs a thread from beginning to end.
    pub(crate) fn run<T>(body: extern "C" fn(*mut c_void) -> *mut c_void, argument: &T) {
        Self::start(body, argument).join();
    }
}

/// A key whose destructor is called with the value that an ending thread has set.
pub(crate) fn new_key(destructor: unsafe extern "C" fn(*mut c_void)) -> libc::pthread_key_t {
    let mut key = 0;
    // SAFETY: the key is there to be written, and the destructor is one.
    let errno = unsafe { libc::pthread_key_create(&raw mut key, Some(destructor)) };
    assert_eq!(errno, 0, "no key");
    key
}

/// Sets the calling thread's value for a key.
pub(crate) fn set(key: libc::pthread_key_t, value: *const c_void) {
    // SAFETY: the key exists.
    let errno = unsafe { libc::pthread_setspecific(key, value) };
    assert_eq!(errno, 0, "no value set");
}
