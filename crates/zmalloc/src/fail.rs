//! Failures on demand, for tests: requests of the calling thread that are refused though there is
//! memory.
//!
//! ```
//! use zmalloc::{ZMalloc, fail};
//!
//! #[global_allocator]
//! static ALLOC: ZMalloc = ZMalloc::new();
//!
//! let mut list = vec![1, 2, 3];
//! let injected = fail::inject(fail::Plan::Nth(1));
//! assert!(list.try_reserve(1_000).is_err());
//! assert_eq!(injected.failures(), 1);
//! drop(injected);
//! assert_eq!(list, [1, 2, 3]);
//! assert!(list.try_reserve(1_000).is_ok());
//! ```
//!
//! A request that is chosen to fail takes the course of a real failure: memory is given back, and
//! it is attempted again, in vain. Then null or `None` is returned, or the handler is called. It
//! concerns all that allocates through this crate on that thread, so an operation that can't report
//! a failure, such as `Vec::push`, will end the program.
//!
//! Nothing of this costs a program that doesn't use it: the first injection puts threads on the
//! longer way that a limit needs too.

use std::cell::Cell;
use std::marker::PhantomData;

use crate::ledger;

/// Which requests fail. A request is an allocation or a resize, of any size but 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The one with this number, counted from 1, and no other.
    Nth(u64),
    /// Each one whose number is a multiple of this. None if it is 0.
    OneIn(u64),
    /// Each one of more than this many bytes.
    Above(usize),
}

#[derive(Clone, Copy)]
struct Progress {
    plan: Option<Plan>,
    requests: u64,
    failures: u64,
}

impl Progress {
    const NONE: Self = Self { plan: None, requests: 0, failures: 0 };
}

thread_local! {
    static PROGRESS: Cell<Progress> = const { Cell::new(Progress::NONE) };
}

/// The injection; it ends when this is dropped.
#[derive(Debug)]
#[must_use = "the injection ends when this is dropped"]
pub struct Injected {
    /// It belongs to its thread.
    _not_send: PhantomData<*const ()>,
}

/// From now on the calling thread's requests fail as planned.
///
/// # Panics
/// If another injection is in force on this thread.
pub fn inject(plan: Plan) -> Injected {
    let before = PROGRESS.replace(Progress { plan: Some(plan), ..Progress::NONE });
    assert!(before.plan.is_none(), "another injection is in force on this thread");
    ledger::watch_threads();
    Injected { _not_send: PhantomData }
}

impl Injected {
    /// How many requests there were since it began.
    pub fn requests(&self) -> u64 {
        PROGRESS.get().requests
    }

    /// How many of them were made to fail.
    pub fn failures(&self) -> u64 {
        PROGRESS.get().failures
    }
}

impl Drop for Injected {
    fn drop(&mut self) {
        PROGRESS.set(Progress::NONE);
    }
}

/// Whether requests of the calling thread have to be looked at.
pub(crate) fn is_planned() -> bool {
    PROGRESS.get().plan.is_some()
}

/// Whether a request of this size on the calling thread is to fail.
pub(crate) fn chooses(size: usize) -> bool {
    let mut progress = PROGRESS.get();
    let Some(plan) = progress.plan else {
        return false;
    };
    progress.requests += 1;
    let chosen = match plan {
        Plan::Nth(number) => progress.requests == number,
        Plan::OneIn(number) => number != 0 && progress.requests.is_multiple_of(number),
        Plan::Above(limit) => size > limit,
    };
    progress.failures += u64::from(chosen);
    PROGRESS.set(progress);
    chosen
}
