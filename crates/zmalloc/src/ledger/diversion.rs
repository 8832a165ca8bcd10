//! A moment in which what a thread allocates and frees through Rust's global allocator leaves the
//! thread's cache out.
//!
//! For code that can't say so itself: a collection that is built anew to move it. It costs the usual way
//! of an operation nothing, because all that the usual way looks out for is a thread that is not listed.

use std::alloc::Layout;
use std::cell::Cell;

use super::thread::{self, State};

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
    /// The address and the layout of the last block allocated while it was on.
    static LAST: Cell<Option<(usize, Layout)>> = const { Cell::new(None) };
}

/// Runs `body` with the calling thread's operations diverted. What it allocates is freed as usual.
pub(crate) fn divert<R>(body: impl FnOnce() -> R) -> R {
    /// Ends it, also if `body` unwinds.
    struct End;

    impl Drop for End {
        fn drop(&mut self) {
            ON.set(false);
            thread::with_node(|node| node.exchange_state(State::Diverted, State::Listed));
        }
    }

    if ON.replace(true) {
        return body();
    }
    let _end = End;
    LAST.set(None);
    thread::with_node(|node| {
        node.exchange_state(State::Listed, State::Diverted);
        // A watched thread stays watched, and has no quick way left.
        node.quota.withdraw();
    });
    body()
}

/// Whether the calling thread's operations are diverted. Asked by those that take the long way, as they
/// all do then.
pub(crate) fn is_on() -> bool {
    ON.get()
}

/// Remembers what was allocated.
pub(crate) fn note(block: *mut u8, layout: Layout) {
    LAST.set(Some((block.addr(), layout)));
}

/// Whether the block at this address, of this layout, is the last that was allocated while diverted.
pub(crate) fn was_last(block: *mut u8, layout: Layout) -> bool {
    LAST.get() == Some((block.addr(), layout))
}
