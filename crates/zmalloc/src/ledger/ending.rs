//! How the ledger learns that a thread ends: by a destructor of thread-specific data.

use std::ptr;

use super::thread::{self, Node};

/// A key whose destructor is [`thread::thread_ends`]. It is never deleted.
#[derive(Clone, Copy)]
pub(super) struct Key(libc::pthread_key_t);

impl Key {
    /// A new key, or `None` if the system has no more of them.
    pub(super) fn new() -> Option<Self> {
        let mut key = 0;
        // SAFETY: `key` is there to be written, and the destructor is a function of the right kind.
        let errno = unsafe { libc::pthread_key_create(&raw mut key, Some(thread::thread_ends)) };
        (errno == 0).then_some(Self(key))
    }

    /// Has the destructor run for the calling thread, whose node this is. Returns whether it will be.
    pub(super) fn set(self, node: &Node) -> bool {
        // SAFETY: the key exists.
        unsafe { libc::pthread_setspecific(self.0, ptr::from_ref(node).cast()) == 0 }
    }
}
