//! The lock that threads of modules take to use the engine.
//!
//! The thread that runs commands has the engine, and lays it down while it waits for events. Meanwhile a thread of a
//! module may take it; then the first one waits until it is laid down again. What the modules of a host share otherwise
//! is here too: when the first of their timers is due, and what they leave for that thread.

use std::cell::Cell;
use std::fmt;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use engine::Engine;
use tracing::Dispatch;

use crate::areas::forks::Forked;
use crate::child_process;
use crate::inbox::{self, Inbox};
use crate::lend;

/// Has the thread that runs commands turn to its loop.
type Wake = Box<dyn Fn() + Send + Sync>;

/// Where the engine of a host lies while nobody uses it.
#[derive(Default)]
pub(crate) struct Gil {
    laid_down: Mutex<Place>,
    /// The engine was laid down.
    is_free: Condvar,
    wake: OnceLock<Wake>,
    /// When the first timer of a module is due, in milliseconds since 1970; 0 where none is known of.
    next_timer: AtomicI64,
    pub(crate) inbox: Inbox,
    /// The child process of one of the modules, if there is one. Only whoever has the engine looks here.
    pub(crate) child: Mutex<Option<Forked>>,
    /// Where the lines go that modules log, whichever thread writes them; where `tracing` sends them if none is set.
    pub(crate) log: OnceLock<Dispatch>,
}

/// What keeps threads that don't have the engine away from all that a host shares with them.
pub(crate) type Held<'g> = (MutexGuard<'g, Place>, inbox::Held<'g>);

/// Where the engine lies, if it does.
#[derive(Default)]
pub(crate) struct Place(Option<NonNull<Engine>>);

// SAFETY: whoever takes the pointer out has the engine for itself until it is put back: `while_idle` borrows it for as
// long as it may be there.
unsafe impl Send for Place {}

thread_local! {
    /// Whether this thread has taken the engine from the one that runs commands.
    static IS_TAKEN: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread has taken the engine from the one that runs commands.
pub(crate) fn is_taken_here() -> bool {
    IS_TAKEN.get()
}

impl fmt::Debug for Gil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gil").finish_non_exhaustive()
    }
}

impl Gil {
    /// Says that a timer is due then.
    pub(crate) fn expect_timer(&self, due: i64) {
        let next = self.next_timer.load(Ordering::Relaxed);
        if next == 0 || due < next {
            self.next_timer.store(due.max(1), Ordering::Relaxed);
        }
    }

    /// When the first timer is due, if there is one.
    pub(crate) fn next_timer(&self) -> Option<i64> {
        Some(self.next_timer.load(Ordering::Relaxed)).filter(|due| *due != 0)
    }

    /// Forgets when the first timer is due.
    pub(crate) fn forget_timers(&self) {
        self.next_timer.store(0, Ordering::Relaxed);
    }

    /// Keeps threads that don't have the engine away from what is here.
    pub(crate) fn hold(&self) -> Held<'_> {
        (self.place(), self.inbox.hold())
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.laid_down.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the engine, and takes it.
    fn take(&self) -> NonNull<Engine> {
        let mut place = self.place();
        loop {
            if let Some(engine) = place.0.take() {
                return engine;
            }
            place = self.is_free.wait(place).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lay_down(&self, engine: NonNull<Engine>) {
        self.place().0 = Some(engine);
        self.is_free.notify_one();
    }

    /// Lets threads use the engine while `body` runs.
    pub(crate) fn while_idle<R>(&self, engine: &mut Engine, body: impl FnOnce() -> R) -> R {
        /// Takes the engine back, also when a panic passes.
        struct TakeBack<'g>(&'g Gil);

        impl Drop for TakeBack<'_> {
            fn drop(&mut self) {
                self.0.take();
            }
        }

        self.wake.get_or_init(|| engine.waker());
        self.lay_down(NonNull::from(engine));
        let _take_back = TakeBack(self);
        body()
    }

    /// Takes the engine for this thread, which has none; waits for it.
    pub(crate) fn lock(&self) {
        self.lend(self.take());
    }

    /// Gives this thread the engine that it has taken. It sees the time that it is then.
    fn lend(&self, mut engine: NonNull<Engine>) {
        // SAFETY: it was taken, so nobody else has it.
        unsafe { engine.as_mut() }.clock_mut().refresh();
        lend::set(engine.as_ptr());
        IS_TAKEN.set(true);
    }

    /// Takes the engine for this thread, if it can be had at once; says whether it was.
    pub(crate) fn try_lock(&self) -> bool {
        let taken = self.place().0.take();
        if let Some(engine) = taken {
            self.lend(engine);
        }
        taken.is_some()
    }

    /// Lays down the engine that this thread has taken. What it has left for others to do is done at once.
    pub(crate) fn unlock(&self) {
        if let Some(engine) = NonNull::new(lend::set(ptr::null_mut())) {
            IS_TAKEN.set(false);
            self.lay_down(engine);
            self.wake();
        }
    }

    /// Has the thread that runs commands turn to its loop.
    pub(crate) fn wake(&self) {
        // A child process has no such thread.
        if let Some(wake) = self.wake.get().filter(|_| !child_process::is_child()) {
            wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;
    use crate::lend::with_engine;
    use engine::Options;

    #[test]
    fn threads_take_turns() {
        const ROUNDS: usize = 300;
        let gil = Arc::new(Gil::default());
        let mut engine = Engine::open(Options::default());
        let client = engine.connect().expect("a client");
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let gil = Arc::clone(&gil);
                thread::spawn(move || {
                    for _ in 0..ROUNDS {
                        gil.lock();
                        with_engine(|engine| engine.call(client, &[b"INCR", b"turns"])).expect("it is ours");
                        gil.unlock();
                        assert!(with_engine(|_| ()).is_none());
                    }
                })
            })
            .collect();
        while !threads.iter().all(thread::JoinHandle::is_finished) {
            gil.while_idle(&mut engine, thread::yield_now);
            assert!(!gil.try_lock(), "the engine is in use");
            engine.call(client, &[b"INCR", b"mine"]);
        }
        threads.into_iter().for_each(|thread| thread.join().expect("no panic"));
        let total = engine.call(client, &[b"GET", b"turns"]);
        assert_eq!(total.as_bytes(), Some((4 * ROUNDS).to_string().as_bytes()));
    }
}
