//! Freeing large values on a thread, so that the one that executes commands doesn't wait for it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};

/// A thread that drops what it is sent. It starts with the first thing to drop, and ends with its owner.
#[derive(Debug, Default)]
pub(crate) struct LazyFree {
    sender: Option<Sender<Garbage>>,
    counts: Arc<Counts>,
    /// Whether there is no thread, and none is to be started.
    stays_here: bool,
}

#[derive(Debug, Default)]
struct Counts {
    pending: AtomicU64,
    pending_bytes: AtomicU64,
    freed: AtomicU64,
}

struct Garbage {
    objects: u64,
    bytes: u64,
    contents: Box<dyn Send>,
}

impl fmt::Debug for Garbage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Garbage").field("objects", &self.objects).finish_non_exhaustive()
    }
}

impl LazyFree {
    /// Drops `contents`, which count as that many objects, on the thread; here and now if there can be no thread.
    /// `bytes` is how much memory that will free at least.
    pub(crate) fn drop_later(&mut self, objects: usize, bytes: usize, contents: impl Send + 'static) {
        let garbage = Garbage { objects: objects as u64, bytes: bytes as u64, contents: Box::new(contents) };
        self.counts.pending.fetch_add(garbage.objects, Ordering::Relaxed);
        self.counts.pending_bytes.fetch_add(garbage.bytes, Ordering::Relaxed);
        if self.sender.is_none() && !self.stays_here {
            self.sender = self.start();
        }
        match &self.sender {
            // The thread ends only when the sender is dropped, so sending can't fail but by its panic.
            Some(sender) => {
                if let Err(unsent) = sender.send(garbage) {
                    self.counts.free(unsent.0);
                }
            }
            None => self.counts.free(garbage),
        }
    }

    /// Objects that wait to be freed.
    pub(crate) fn pending(&self) -> u64 {
        self.counts.pending.load(Ordering::Acquire)
    }

    /// Bytes that wait to be freed; those of the object that is being freed still count.
    pub(crate) fn pending_bytes(&self) -> u64 {
        self.counts.pending_bytes.load(Ordering::Acquire)
    }

    /// Objects that have been freed.
    pub(crate) fn freed(&self) -> u64 {
        self.counts.freed.load(Ordering::Relaxed)
    }

    /// Has everything dropped here and now from now on: in a child process the thread is missing. What it had been sent
    /// stays where it is.
    pub(crate) fn stay_here(&mut self) {
        self.stays_here = true;
        // Saying goodbye to the thread could mean waiting for what it holds.
        std::mem::forget(self.sender.take());
    }

    /// Starts counting freed objects from 0 again.
    pub(crate) fn reset_freed(&mut self) {
        self.counts.freed.store(0, Ordering::Relaxed);
    }

    fn start(&self) -> Option<Sender<Garbage>> {
        let (sender, receiver) = channel::<Garbage>();
        let counts = Arc::clone(&self.counts);
        let run = move || receiver.into_iter().for_each(|garbage| counts.free(garbage));
        std::thread::Builder::new().name("lazyfree".into()).spawn(run).ok()?;
        Some(sender)
    }
}

impl Counts {
    fn free(&self, garbage: Garbage) {
        drop(garbage.contents);
        self.pending_bytes.fetch_sub(garbage.bytes, Ordering::Release);
        self.freed.fetch_add(garbage.objects, Ordering::Relaxed);
        self.pending.fetch_sub(garbage.objects, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    struct Tell(mpsc::Sender<std::thread::ThreadId>);

    impl Drop for Tell {
        fn drop(&mut self) {
            self.0.send(std::thread::current().id()).unwrap();
        }
    }

    #[test]
    fn garbage_is_dropped_elsewhere_and_counted() {
        let (told, heard) = mpsc::channel();
        let mut lazyfree = LazyFree::default();
        for _ in 0..3 {
            lazyfree.drop_later(2, 100, Tell(told.clone()));
        }
        for _ in 0..3 {
            assert_ne!(heard.recv().unwrap(), std::thread::current().id());
        }
        while lazyfree.pending() != 0 {
            std::thread::yield_now();
        }
        assert_eq!((lazyfree.freed(), lazyfree.pending_bytes()), (6, 0));
    }
}
