//! The ledger: how many bytes are in use, exactly, at the price of one comparison an operation.
//!
//! The back end counts by itself, for each thread apart. So the ledger keeps no counter on the fast
//! path; it keeps a list of the threads whose counters are to be read, and the total of those that
//! have ended. [`used_memory`] adds them up.
//!
//! A thread is in one of three states (`thread`):
//!
//! - *unknown*, from its beginning until it first allocates or frees: that operation puts it on the
//!   list, whichever it is, so a thread that only frees is counted as well. Counters are added up
//!   from where they began, so nothing that was counted before is lost;
//! - *listed*, nearly always: an operation finds the thread listed, and runs;
//! - *detached*, once a destructor of thread-specific data has moved its figures to the total and
//!   taken it off the list. Destructors that run later may still allocate and free: each such
//!   operation adds the difference it made to the total itself. So the order of destructors does
//!   not matter, and none has to be run twice.
//!
//! A child of `fork` has one thread; the others' figures are moved to the total (`fork`).

use std::sync::atomic::{AtomicUsize, Ordering};

mod fork;
pub(crate) mod lock;
mod registry;
mod thread;

use self::thread::State;

/// Whether the calling thread's counters are read, so that an operation needs nothing but to be
/// done. If not, it must be run by [`counted`].
#[inline(always)]
pub(crate) fn thread_is_listed() -> bool {
    thread::state() == State::Listed
}

/// Runs one operation of the back end on a thread in any state and sees to it that it is counted.
pub(crate) fn counted<R>(operation: impl FnOnce() -> R) -> R {
    match thread::enlist() {
        // If the counters can't be had now, a later operation finds them with this one counted.
        State::Listed | State::Unknown => operation(),
        State::Detached => registry::add_difference(operation),
    }
}

/// Bytes in live blocks, each at its usable size: exact whenever no other thread is allocating or
/// freeing.
///
/// While others do, the figure is never below what was in use when the call began, less what was
/// freed since, and exceeds it at most by what was allocated while the call ran, and by the blocks,
/// at most one a thread, that are being freed at that moment.
///
/// Counts what went through [`ZMalloc`](crate::ZMalloc). Blocks that C code takes from the C library
/// are not in it; they are if another crate of the program has jemalloc replace `malloc`, on
/// threads that also allocate in Rust.
///
/// Takes a lock for as long as it takes to read two counters for each thread. Also raises
/// [`peak_memory`] if need be.
pub fn used_memory() -> usize {
    let used = registry::in_use();
    if used > PEAK.load(Ordering::Relaxed) {
        PEAK.fetch_max(used, Ordering::Relaxed);
    }
    used
}

/// The most bytes that [`used_memory`] has returned so far, this moment included.
///
/// So the program decides how closely peaks are seen: a server that calls [`used_memory`] before
/// each command that may allocate, or in a timer, sees them as closely as that.
pub fn peak_memory() -> usize {
    used_memory().max(PEAK.load(Ordering::Relaxed))
}

static PEAK: AtomicUsize = AtomicUsize::new(0);
