//! Who may use the engine, and when.
//!
//! The functions of the API reach the engine that called the module, by a pointer that is lent to the thread for as
//! long as the module runs. While such a function uses the engine it is not lent: a callback that the engine makes
//! meanwhile (a value is freed, say) finds none, unless the engine lends itself again. So there are never two ways to
//! the engine at the same time.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::Engine;

use crate::child_process;

thread_local! {
    static LENT: Cell<*mut Engine> = const { Cell::new(ptr::null_mut()) };
    /// See [`stamp`]; 0 where the thread has none yet.
    static STAMP: Cell<u64> = const { Cell::new(0) };
    /// In a child process, how many calls of `lend` it is within, of those that its parent isn't; 0 in any other.
    static WITHIN: Cell<usize> = const { Cell::new(0) };
}

/// Puts back what was lent before, also when a panic passes.
struct Restore(*mut Engine);

impl Drop for Restore {
    fn drop(&mut self) {
        LENT.set(self.0);
    }
}

/// Between two calls that give the same, on whichever threads, nobody can have changed the engine of this thread but by
/// [`peek`], which changes nothing. None has been used yet where it is 0.
pub(crate) fn stamp() -> u64 {
    STAMP.get()
}

/// Makes the stamp another one, which no thread ever had.
fn changed() {
    /// How many stamps a thread has for itself.
    const SHARE: u64 = 1 << 40;
    static NEXT: AtomicU64 = AtomicU64::new(SHARE);
    let stamp = match STAMP.get() {
        0 => NEXT.fetch_add(SHARE, Ordering::Relaxed),
        stamp => stamp + 1,
    };
    STAMP.set(stamp);
}

/// Says that this process is a child from now on, which ends where the innermost call of `lend` does that it is within.
/// What a module has been called for is its parent's affair.
pub(crate) fn end_with_this_call() {
    WITHIN.set(1);
}

/// Notes that a call of `lend` begins in a child process, and in the end, that it ends.
struct Within;

impl Within {
    #[inline]
    fn begin() -> Self {
        if WITHIN.get() != 0 {
            WITHIN.set(WITHIN.get() + 1);
        }
        Self
    }
}

impl Drop for Within {
    #[inline]
    fn drop(&mut self) {
        let calls = WITHIN.get();
        if calls == 1 {
            child_process::exit_astray();
        }
        WITHIN.set(calls.saturating_sub(1));
    }
}

/// Lends the engine to this thread while `body` runs.
pub(crate) fn lend<R>(engine: &mut Engine, body: impl FnOnce() -> R) -> R {
    changed();
    let _restore = Restore(LENT.replace(engine));
    let _within = Within::begin();
    body()
}

/// Puts an engine in the place of the one that is lent to this thread, which is given back; NULL is none. For
/// [`Gil`](crate::gil::Gil), which sees to it that the engine is there and nobody else's.
pub(crate) fn set(engine: *mut Engine) -> *mut Engine {
    changed();
    LENT.replace(engine)
}

/// Uses the engine that is lent to this thread; `None` where none is.
pub(crate) fn with_engine<R>(body: impl FnOnce(&mut Engine) -> R) -> Option<R> {
    /// Whoever looks next may find something else, also when a panic passes.
    struct Changed;

    impl Drop for Changed {
        fn drop(&mut self) {
            changed();
        }
    }

    let engine = LENT.replace(ptr::null_mut());
    let (_restore, _changed) = (Restore(engine), Changed);
    // A callback without an engine goes by what was seen before no more than one after it.
    changed();
    // SAFETY: `lend` borrows the engine mutably for as long as the pointer is in its place, and `Gil` has it for
    // itself; it is taken out of its place for as long as the reference is used.
    unsafe { engine.as_mut() }.map(body)
}

/// Looks at the engine that is lent to this thread; `None` where none is. `body` calls no module.
pub(crate) fn peek<R>(body: impl FnOnce(&Engine) -> R) -> Option<R> {
    let engine = LENT.replace(ptr::null_mut());
    let _restore = Restore(engine);
    // SAFETY: as for `with_engine`.
    unsafe { engine.as_ref() }.map(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::Options;

    #[test]
    fn there_is_one_way_to_the_engine() {
        let mut engine = Engine::open(Options::default());
        assert!(with_engine(|_| ()).is_none());
        lend(&mut engine, || {
            with_engine(|engine| {
                assert!(with_engine(|_| ()).is_none(), "in use");
                lend(engine, || assert!(with_engine(|_| ()).is_some(), "lent again"));
                assert!(with_engine(|_| ()).is_none());
            });
            assert!(with_engine(|_| ()).is_some());
        });
        assert!(with_engine(|_| ()).is_none());
    }

    #[test]
    fn a_stamp_lasts_until_the_engine_is_used() {
        let mut engine = Engine::open(Options::default());
        let mut last = 0;
        let mut is_new = || std::mem::replace(&mut last, stamp()) != stamp();
        lend(&mut engine, || {
            assert!(is_new());
            assert!(peek(|engine| engine.database_count()).is_some() && !is_new());
            with_engine(|engine| {
                assert!(is_new(), "it is in use");
                lend(engine, || assert!(is_new()));
                assert!(peek(|_| ()).is_none(), "in use");
            });
            assert!(is_new(), "what was lent meanwhile has a stamp of its own");
        });
        assert!(peek(|_| ()).is_none());
        lend(&mut engine, || assert!(is_new(), "it was somebody else's meanwhile"));
        let here = stamp();
        let elsewhere = std::thread::spawn(|| {
            assert_eq!(stamp(), 0);
            with_engine(|_| ());
            stamp()
        });
        let elsewhere = elsewhere.join().expect("it didn't panic");
        assert!(elsewhere != 0 && elsewhere.abs_diff(here) > 1 << 39);
    }
}
