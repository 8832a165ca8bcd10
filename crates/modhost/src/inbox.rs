//! What modules leave for the thread that runs commands, from whichever thread.

use std::ffi::c_void;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use engine::Engine;
use module_abi::types::EventLoopOneShotFunc;

use crate::blocked::Blocked;
use crate::lend::lend;
use crate::slot::Slot;

/// A function that is to be called once.
pub(crate) struct OneShot {
    pub(crate) slot: &'static Slot,
    pub(crate) function: EventLoopOneShotFunc,
    pub(crate) data: *mut c_void,
}

// SAFETY: the module's own pointer is only handed back to it.
unsafe impl Send for OneShot {}

/// Something to be done.
enum Letter {
    Unblocked(Arc<Blocked>),
    OneShot(OneShot),
}

/// The letters of a host, in the order in which they came.
#[derive(Default)]
pub(crate) struct Inbox {
    letters: Mutex<Vec<Letter>>,
    /// Whether there may be any.
    is_used: AtomicBool,
}

/// What keeps others from leaving letters.
pub(crate) struct Held<'i>(
    #[expect(dead_code, reason = "it is held, and not used")] MutexGuard<'i, Vec<Letter>>,
);

impl fmt::Debug for Inbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("letters", &self.letters().len()).finish_non_exhaustive()
    }
}

impl Inbox {
    fn letters(&self) -> MutexGuard<'_, Vec<Letter>> {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps others from leaving anything.
    pub(crate) fn hold(&self) -> Held<'_> {
        Held(self.letters())
    }

    /// Says whether nobody else has left something since the thread last looked, which it will do again then.
    fn leave(&self, letter: Letter) -> bool {
        self.letters().push(letter);
        !self.is_used.swap(true, Ordering::AcqRel)
    }

    /// Leaves a client whose wait is to end. The caller wakes the thread if that is asked for.
    #[must_use]
    pub(crate) fn unblocked(&self, blocked: Arc<Blocked>) -> bool {
        self.leave(Letter::Unblocked(blocked))
    }

    /// Leaves a function that is to be called. The caller wakes the thread if that is asked for.
    #[must_use]
    pub(crate) fn one_shot(&self, one_shot: OneShot) -> bool {
        self.leave(Letter::OneShot(one_shot))
    }

    /// Drops what a module that is going wanted called.
    pub(crate) fn forget(&self, slot: &Slot) {
        self.letters().retain(|letter| match letter {
            Letter::OneShot(one_shot) => one_shot.slot.index() != slot.index(),
            Letter::Unblocked(_) => true,
        });
    }

    /// Whether somebody has left something.
    pub(crate) fn is_used(&self) -> bool {
        self.is_used.load(Ordering::Acquire)
    }

    /// Does what is there; what is left meanwhile waits for the next time.
    pub(crate) fn attend(&self, engine: &mut Engine) {
        if !self.is_used.swap(false, Ordering::AcqRel) {
            return;
        }
        let letters = std::mem::take(&mut *self.letters());
        for letter in letters {
            match letter {
                Letter::Unblocked(blocked) => blocked.finish(engine),
                // SAFETY: the module's function is given the data that it is for; the module is loaded, as what one
                // that goes has left is dropped.
                Letter::OneShot(OneShot { function, data, .. }) => lend(engine, || unsafe { function(data) }),
            }
        }
    }
}
