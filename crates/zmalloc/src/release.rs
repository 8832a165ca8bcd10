//! Giving memory back to the operating system: when, by whom, and how much at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::backend::{Control, Imp};
use crate::error::ControlError;

/// Gives memory back to the operating system: returns what the calling thread caches to the common
/// heap, then releases every unused page of every arena.
///
/// What other threads hold in their caches stays there; they can call [`flush_thread_cache`].
/// Takes time in proportion to the memory given back.
///
/// # Errors
/// If the allocator cannot be told to.
pub fn purge() -> Result<(), ControlError> {
    Imp::purge()
}

/// Returns the blocks that the calling thread has freed, and its cache still holds, to the common
/// heap.
///
/// [`used_memory`](crate::used_memory) does not change: it does not count them in the first place.
///
/// # Errors
/// If the allocator cannot be told to.
pub fn flush_thread_cache() -> Result<(), ControlError> {
    Imp::flush_thread_cache()
}

/// Lets threads of the allocator's own give unused pages back in the background, or stops them. By
/// default the program's threads do it, in passing.
///
/// Stopping them waits for what they are at. While a [`Cycle`](crate::defrag::Cycle) moves data they rest;
/// this then says whether they go on afterwards.
///
/// # Errors
/// If the allocator was built without such threads, or one cannot be started.
pub fn set_background_thread(on: bool) -> Result<(), ControlError> {
    match &mut *takeover() {
        Some(takeover) => {
            takeover.resumes = on;
            Ok(())
        }
        None => Imp::set_background_thread(on),
    }
}

/// Whether there are such threads, or are to be again after a [`Takeover`].
pub(crate) fn has_background_thread() -> bool {
    takeover().as_ref().map_or_else(|| Imp::background_thread().unwrap_or(false), |before| before.resumes)
}

/// While it lives, the allocator's background threads rest, and somebody else gives unused pages back.
///
/// There may be several; all end with the last. What the allocator's settings were is restored then, but
/// for those made meanwhile past this crate.
#[derive(Debug)]
pub(crate) struct Takeover(());

/// What the takeovers that live have changed.
struct Before {
    takeovers: usize,
    /// Whether the background threads go on afterwards.
    resumes: bool,
    /// How soon each arena gave unused pages back, by its index: those arenas that did, and not at once.
    decay_times: Vec<(usize, isize)>,
}

static BEFORE: Mutex<Option<Before>> = Mutex::new(None);

fn takeover() -> MutexGuard<'static, Option<Before>> {
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Takeover {
    /// How soon unused pages are due until they are [held back](Self::hold_back). A jemalloc arena gives
    /// up to two hundredths of them back at a time, a two-hundredth of this time apart.
    pub(crate) const DUE_WITHIN: Duration = Duration::from_millis(200);

    /// Begins one. Waits for what the background threads are at.
    ///
    /// # Errors
    /// If the allocator has no such threads and settings, or can't change them for a lack of memory.
    pub(crate) fn begin() -> Result<Self, ControlError> {
        let mut before = takeover();
        match &mut *before {
            Some(before) => before.takeovers += 1,
            None => *before = Some(Before::take_over()?),
        }
        Ok(Self(()))
    }

    /// Gives those unused pages back that are due, but for those that another thread is giving back.
    ///
    /// # Errors
    /// If the allocator can't be told to.
    pub(crate) fn purge_due(&self) -> Result<(), ControlError> {
        Imp::purge_due()
    }

    /// From now on unused pages are kept, but for [`purge`](Self::purge): so no thread gives them back in
    /// the midst of something else. Waits for those that do.
    pub(crate) fn hold_back(&self) {
        if let Some(before) = &*takeover() {
            for &(arena, _) in &before.decay_times {
                // Where that fails, pages go on being given back in passing.
                let _ = Imp::set_decay_time(arena, -1);
            }
        }
    }

    /// Gives every unused page back.
    ///
    /// # Errors
    /// If the allocator can't be told to.
    pub(crate) fn purge(&self) -> Result<(), ControlError> {
        Imp::purge_unused()
    }
}

impl Drop for Takeover {
    fn drop(&mut self) {
        let mut before = takeover();
        if let Some(last) = before.take_if(|before| before.takeovers == 1) {
            last.restore();
        } else if let Some(before) = &mut *before {
            before.takeovers -= 1;
        }
    }
}

impl Before {
    fn take_over() -> Result<Self, ControlError> {
        let resumes = Imp::background_thread()?;
        let mut decay_times = Imp::decay_times()?;
        decay_times.retain(|(_, time)| *time > 0);
        let before = Self { takeovers: 1, resumes, decay_times };
        if let Err(error) = before.apply() {
            before.restore();
            return Err(error);
        }
        Ok(before)
    }

    fn apply(&self) -> Result<(), ControlError> {
        Imp::set_background_thread(false)?;
        let soon = Takeover::DUE_WITHIN.as_millis() as isize;
        self.decay_times.iter().try_for_each(|&(arena, time)| Imp::set_decay_time(arena, time.min(soon)))
    }

    /// Puts all back. What can't be put back, for a lack of memory, stays as it is.
    fn restore(self) {
        for (arena, time) in self.decay_times {
            let _ = Imp::set_decay_time(arena, time);
        }
        if self.resumes {
            let _ = Imp::set_background_thread(true);
        }
    }
}

#[cfg(all(test, not(zmalloc_model)))]
mod tests {
    use super::*;

    #[test]
    fn a_takeover_restores_what_was_when_the_last_ends() {
        let Ok(times) = Imp::decay_times() else {
            assert_eq!(Takeover::begin().unwrap_err(), ControlError::UNSUPPORTED);
            return;
        };
        assert!(times.iter().any(|(_, time)| *time > 0), "{times:?}");
        set_background_thread(true).unwrap();

        let first = Takeover::begin().unwrap();
        let within = Takeover::DUE_WITHIN.as_millis() as isize;
        assert!(!Imp::background_thread().unwrap() && has_background_thread());
        assert!(Imp::decay_times().unwrap().iter().all(|(_, time)| *time <= within));
        let second = Takeover::begin().unwrap();
        first.hold_back();
        assert!(Imp::decay_times().unwrap().iter().all(|(_, time)| *time <= 0));
        drop(first);
        assert!(!Imp::background_thread().unwrap());
        second.purge().unwrap();
        drop(second);
        assert!(Imp::background_thread().unwrap());
        // An arena that came into use meanwhile has one of its own.
        assert!(times.iter().all(|time| Imp::decay_times().unwrap().contains(time)), "{times:?}");

        // What is said meanwhile counts afterwards.
        let third = Takeover::begin().unwrap();
        set_background_thread(false).unwrap();
        assert!(!has_background_thread());
        drop(third);
        assert!(!Imp::background_thread().unwrap());
    }
}
