//! The peak: the most bytes that were ever in use, also if nobody was looking.
//!
//! A thread has a *mark*: its balance may rise to it without a new peak being possible. A *survey*
//! sets the marks. It reads all counters, which tells whether this moment is a new peak, and gives
//! each thread an equal share of what is missing to the peak on top of its balance:
//!
//! > marks of the threads + mark of those that have ended <= peak
//!
//! The back end tells a thread when it has allocated [`RISE`] bytes since it last did. A thread that
//! finds its balance past its mark then takes a survey. So each thread's balance can be past its mark
//! by less than [`RISE`] unnoticed, and the peak is under-read by less than that for each thread. Once a
//! program has been at its peak and is well below it, the shares are large and surveys are rare.
//!
//! A survey lowers the marks of threads that run meanwhile. First it sets them to the lowest value;
//! then it reads the counters. Of a thread that allocates at that time either the survey sees the
//! allocation, or the thread sees its mark lowered, and waits for the survey.

use crate::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering, fence};
use std::cell::Cell;

use super::registry::{self, Threads};
use super::thread::{self, State};
use crate::backend::{CountsPerThread, Imp};

/// The bytes by which a thread's balance may be past its mark unnoticed.
pub(super) const RISE: u64 = 64 * 1024;

/// The highest figure that is known to have been in use.
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// Whether the back end was asked to tell of rises.
static ASKED: AtomicBool = AtomicBool::new(false);

/// A thread's mark, in its node.
pub(super) struct Mark {
    /// How high the thread's balance may be. Written with the list of threads locked; the thread
    /// itself reads it without.
    height: AtomicI64,
    /// What the survey that is going on has read. With the list of threads locked.
    pub(super) allocated: Cell<u64>,
    /// Likewise.
    pub(super) deallocated: Cell<u64>,
}

impl Mark {
    pub(super) const fn new() -> Self {
        Self { height: AtomicI64::new(i64::MAX), allocated: Cell::new(0), deallocated: Cell::new(0) }
    }

    pub(super) fn height(&self) -> i64 {
        self.height.load(Ordering::Relaxed)
    }

    /// Sets the mark. The list of threads is locked.
    pub(super) fn set(&self, height: i64) {
        self.height.store(height, Ordering::Relaxed);
    }
}

/// The highest figure so far.
pub(super) fn highest() -> usize {
    PEAK.load(Ordering::Relaxed)
}

/// Takes note of a figure that is known to have been in use. Returns the highest.
pub(super) fn raise(figure: usize) -> usize {
    PEAK.fetch_max(figure, Ordering::Relaxed).max(figure)
}

/// Has rises noticed from now on, if the back end can tell of them.
pub(super) fn begin() {
    if !ASKED.load(Ordering::Relaxed) && Imp::tell_of_rises(RISE, rose) {
        ASKED.store(true, Ordering::Relaxed);
        registry::threads().begin_surveys();
    }
}

/// The same with the list locked, for a back end that tells of rises for nothing.
pub(super) fn begin_with(threads: &mut Threads) {
    if Imp::tell_of_rises(RISE, rose) {
        ASKED.store(true, Ordering::Relaxed);
        threads.begin_surveys();
    }
}

/// The calling thread may have risen by [`RISE`]. Called by the back end within an operation.
fn rose() {
    thread::with_node(|node| {
        // A thread that isn't listed has no mark. Nor can it be one that has the list locked.
        if !matches!(node.state(), State::Listed | State::Watched | State::Diverted) {
            return;
        }
        // After the counters were written, before the mark is read: a survey does the reverse.
        fence(Ordering::SeqCst);
        if node.balance() > node.mark.height() {
            registry::survey_for(node);
        }
    });
}
