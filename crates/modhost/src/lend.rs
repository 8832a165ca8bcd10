//! Who may use the engine, and when.
//!
//! The functions of the API reach the engine that called the module, by a pointer that is lent to the thread for as
//! long as the module runs. While such a function uses the engine it is not lent: a callback that the engine makes
//! meanwhile (a value is freed, say) finds none, unless the engine lends itself again. So there are never two ways to
//! the engine at the same time.

use std::cell::Cell;
use std::ptr;

use engine::Engine;

thread_local! {
    static LENT: Cell<*mut Engine> = const { Cell::new(ptr::null_mut()) };
}

/// Puts back what was lent before, also when a panic passes.
struct Restore(*mut Engine);

impl Drop for Restore {
    fn drop(&mut self) {
        LENT.set(self.0);
    }
}

/// Lends the engine to this thread while `body` runs.
pub(crate) fn lend<R>(engine: &mut Engine, body: impl FnOnce() -> R) -> R {
    let _restore = Restore(LENT.replace(engine));
    body()
}

/// Puts an engine in the place of the one that is lent to this thread, which is given back; NULL is none. For
/// [`Gil`](crate::gil::Gil), which sees to it that the engine is there and nobody else's.
pub(crate) fn set(engine: *mut Engine) -> *mut Engine {
    LENT.replace(engine)
}

/// Uses the engine that is lent to this thread; `None` where none is.
pub(crate) fn with_engine<R>(body: impl FnOnce(&mut Engine) -> R) -> Option<R> {
    let engine = LENT.replace(ptr::null_mut());
    let _restore = Restore(engine);
    // SAFETY: `lend` borrows the engine mutably for as long as the pointer is in its place, and `Gil` has it for
    // itself; it is taken out of its place for as long as the reference is used.
    unsafe { engine.as_mut() }.map(body)
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
}
