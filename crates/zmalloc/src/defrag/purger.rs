//! Giving back the pages that fall free while a pass is under way, on a thread that takes turns with the steps.
//!
//! The allocator's background threads give back at once what a tenth of a second has freed, which takes
//! milliseconds. A step beside them waits for their locks; and a thread that has waited for one may be put
//! behind them on their processor. So they rest during a pass, and a thread of ours gives back small portions,
//! never beside a step.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::backend::{Control, Imp};
use crate::release::{self, Takeover};
use crate::stats::AllocatorInfo;

/// How many bytes of pages a step may free, and how many may be free before the next one waits for the thread.
pub(super) const PORTION: usize = 512 << 10;

/// From how many bytes on the thread gives them back.
const LEAST: usize = PORTION / 4;

/// How often it looks how many there are.
const EVERY: Duration = Duration::from_micros(500);

/// After how many looks it gives back fewer.
const LOOKS: u32 = 100;

/// Gives pages back in place of the allocator's background threads, until it is dropped.
pub(super) struct Purger {
    turns: Arc<Turns>,
    thread: Thread,
}

/// Who may work: a step, or the thread.
pub(super) struct Turns {
    turn: Mutex<()>,
    /// The thread waits for its turn, which steps that follow each other would never leave it.
    is_wanted: AtomicBool,
    /// About how many bytes of pages the steps have freed since the thread's last turn.
    freed: AtomicUsize,
    ends: AtomicBool,
}

impl Purger {
    /// Starts the thread; `None` if there are no background threads to stand in for, or can't be another thread.
    pub(super) fn start() -> Option<Self> {
        if !release::has_background_thread() {
            return None;
        }
        let turns = Arc::new(Turns::new());
        let arena = Imp::arena_of_thread().ok();
        let its_turns = Arc::clone(&turns);
        let thread =
            thread::Builder::new().name("purger".into()).spawn(move || its_turns.take_over(arena)).ok()?;
        Some(Self { turns, thread: thread.thread().clone() })
    }

    pub(super) fn turns(&self) -> Arc<Turns> {
        Arc::clone(&self.turns)
    }
}

impl Drop for Purger {
    /// Doesn't wait for the thread.
    fn drop(&mut self) {
        self.turns.ends.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

impl Turns {
    /// The first turn is the thread's, so that no step runs beside the background threads.
    fn new() -> Self {
        Self {
            turn: Mutex::new(()),
            is_wanted: AtomicBool::new(true),
            freed: AtomicUsize::new(0),
            ends: AtomicBool::new(false),
        }
    }

    /// The turn for a step, which lasts as long as the guard; `None` while the thread has work to do.
    pub(super) fn step(&self) -> Option<MutexGuard<'_, ()>> {
        if self.is_wanted.load(Ordering::Acquire) || self.freed.load(Ordering::Relaxed) >= PORTION {
            return None;
        }
        match self.turn.try_lock() {
            Ok(turn) => Some(turn),
            // A walk that panicked has left nothing undone here.
            Err(TryLockError::Poisoned(turn)) => Some(turn.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// A step has freed about so many bytes of pages.
    pub(super) fn add_freed(&self, bytes: usize) {
        self.freed.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The thread. The steps will allocate from this arena.
    fn take_over(&self, arena: Option<usize>) {
        if let Ok(takeover) = Takeover::begin() {
            // What isn't done in advance is done when it is needed.
            let _ = arena.map(Imp::settle);
            self.drain(&takeover);
            self.purge(&takeover);
        }
        // What ends here early, for a lack of memory, must not keep the steps from going on.
        self.freed.store(0, Ordering::Relaxed);
        self.is_wanted.store(false, Ordering::Release);
    }

    /// Gives back what lay unused before: often far more than a portion, so as the allocator portions it.
    fn drain(&self, takeover: &Takeover) {
        let unused = AllocatorInfo::read().map_or(0, |info| info.dirty);
        if unused > PORTION {
            let until = Instant::now() + 2 * Takeover::DUE_WITHIN;
            while Instant::now() < until && !self.is_over() && takeover.purge_due().is_ok() {
                thread::park_timeout(EVERY);
            }
        }
        takeover.hold_back();
    }

    /// Gives back what the steps free.
    fn purge(&self, takeover: &Takeover) {
        let mut looks = LOOKS;
        while !self.is_over() {
            if looks == LOOKS || self.freed.load(Ordering::Relaxed) >= LEAST {
                looks = 0;
                self.is_wanted.store(true, Ordering::Release);
                let turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
                self.is_wanted.store(false, Ordering::Release);
                // What can't be given back now can be later.
                let _ = takeover.purge();
                self.freed.store(0, Ordering::Relaxed);
                drop(turn);
            }
            looks += 1;
            thread::park_timeout(EVERY);
        }
    }

    fn is_over(&self) -> bool {
        self.ends.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_turn_is_the_threads() {
        assert!(Turns::new().step().is_none());
    }

    #[test]
    fn a_step_waits_for_the_thread_and_while_there_is_a_portion_to_give_back() {
        let turns = Turns::new();
        turns.is_wanted.store(false, Ordering::Release);
        assert!(turns.step().is_some());
        turns.add_freed(PORTION - 1);
        assert!(turns.step().is_some());
        turns.add_freed(1);
        assert!(turns.step().is_none());
        turns.freed.store(0, Ordering::Relaxed);
        let its_turn = turns.turn.lock().unwrap();
        assert!(turns.step().is_none());
        drop(its_turn);
        assert!(turns.step().is_some());
    }

    #[test]
    fn a_walk_that_panics_does_not_end_all_turns() {
        let turns = Turns::new();
        turns.is_wanted.store(false, Ordering::Release);
        let panicked = thread::scope(|scope| {
            let walk = || {
                let _turn = turns.step().unwrap();
                panic!("on purpose");
            };
            scope.spawn(walk).join()
        });
        assert!(panicked.is_err());
        assert!(turns.step().is_some());
    }
}
