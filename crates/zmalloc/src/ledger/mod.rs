//! The ledger: how many bytes are in use, exactly, at the price of one load an operation.
//!
//! The back end counts by itself, for each thread apart. So the ledger keeps no counter on the fast
//! path; it keeps a list of the threads whose counters are to be read, and the total of those that
//! have ended. [`used_memory`] adds them up.
//!
//! A thread is in one of four states (`thread`):
//!
//! - *unknown*, from its beginning until it first allocates or frees: that operation puts it on the
//!   list, whichever it is, so a thread that only frees is counted as well. Counters are added up
//!   from where they began, so nothing that was counted before is lost;
//! - *listed*, nearly always: an operation finds the thread listed, and runs;
//! - *detached*, once a destructor of thread-specific data has moved its figures to the total and
//!   taken it off the list. Destructors that run later may still allocate and free: each such
//!   operation adds the difference it made to the total itself. So the order of destructors does
//!   not matter, and none has to be run twice;
//! - *watched*, instead of listed, from the first limit on (or soft mark, reclaimer or injected
//!   failure), and where the back end has no quick way to tell a block's size: its operations take the
//!   long way. Making it so is all that another thread does, and all that the quick way has to look out
//!   for is that the thread is not listed (`budget`).
//!
//! Over a back end that counts by itself a watched thread has a quick way as well, within a quota
//! (`quota`), and a free is a call of the function that the thread has for it (`dispatch`).
//!
//! A listed thread can also be *diverted* for a moment, which sends its operations the long way past its
//! cache (`diversion`).
//!
//! Rises that nobody reads are noticed all the same (`peak`).
//!
//! A child of `fork` has one thread; the others' figures are moved to the total (`fork`).

use std::alloc::Layout;
use std::hint::cold_path;

mod budget;
mod dispatch;
pub(crate) mod diversion;
#[cfg_attr(all(test, zmalloc_model), path = "model/ending.rs")]
mod ending;
mod fork;
#[cfg_attr(all(test, zmalloc_model), path = "model/lock.rs")]
pub(crate) mod lock;
#[cfg(all(test, zmalloc_model))]
pub(crate) mod model;
mod peak;
mod quota;
mod registry;
mod thread;

use self::budget::BUDGET;
pub(crate) use self::dispatch::Dispatch;
use self::thread::State;
use crate::backend::{Backend, Imp};
use crate::request::Refusal;
use crate::sync::atomic::AtomicU8;

/// Whether an operation of the calling thread needs nothing but to be done, as its counters are
/// read. If not, it must be run by [`admitted`] or [`released`].
#[inline(always)]
pub(crate) fn thread_is_listed() -> bool {
    thread::with_node(|node| node.state() == State::Listed)
}

/// The same of an allocation of a block of a layout with this [direct size](Backend::direct_size), which
/// a watched thread may have a quota for.
#[inline(always)]
pub(crate) fn runs_allocation(direct_size: usize) -> bool {
    thread::with_node(|node| {
        node.state() == State::Listed || {
            cold_path();
            quota::covers_allocation(node, direct_size)
        }
    })
}

/// How the calling thread frees such a block.
#[inline(always)]
pub(crate) fn dispatch() -> &'static Dispatch {
    thread::dispatch()
}

/// Where the calling thread's state is: the byte [`LISTED`] if [`thread_is_listed`], and another one if
/// not.
pub(crate) fn place_of_state() -> *const AtomicU8 {
    thread::place_of_state()
}

/// See [`place_of_state`].
pub(crate) const LISTED: u8 = State::Listed as u8;

/// Whether an allocation by the calling thread, which isn't listed, needs nothing but to be done all
/// the same. If so, it is to be done now; if it fails, it must be tried again by [`admitted`].
#[inline]
pub(crate) fn allows_allocation(layout: Layout) -> bool {
    thread::with_node(|node| quota::allows_allocation(node, layout))
}

/// Whether a free by the calling thread, which isn't listed, needs nothing but to be done.
#[inline]
pub(crate) fn allows_free(layout: Layout) -> bool {
    thread::with_node(|node| quota::allows_free(node, layout))
}

/// Runs an operation of the back end that makes a block of the layout live, or returns null, on a
/// thread in any state, and sees to it that it is counted and that the limit holds. `usable` is what
/// the block that it takes the place of occupies, or 0.
///
/// A block that moves is there twice for a moment, so one that changes its size must find room for
/// all of the new one.
pub(crate) fn admitted(
    layout: Layout,
    usable: usize,
    operation: impl FnOnce() -> *mut u8,
) -> Result<*mut u8, Refusal> {
    match thread::enlist() {
        State::Listed | State::Diverted => Ok(operation()),
        // If the counters can't be had now, a later operation finds them with this one counted.
        // That would be too late for the limit.
        State::Unknown if limit().is_some() => Err(Refusal::BackEnd),
        State::Unknown => Ok(operation()),
        State::Detached => {
            let new = (usable == 0 || usable != Imp::good_size(layout)).then_some(layout);
            registry::add_difference(new, operation)
        }
        State::Watched => thread::with_node(|node| {
            // Until it is granted anew: the program may allocate meanwhile.
            node.quota.withdraw();
            if usable == 0 || usable != Imp::good_size(layout) {
                budget::admit(node, layout)?;
            }
            let block = operation();
            if block.is_null() || usable != 0 || !Imp::GOOD_SIZE_IS_EXACT {
                budget::settle(node);
            }
            quota::grant(node);
            Ok(block)
        }),
    }
}

/// Runs an operation of the back end that frees, likewise.
pub(crate) fn released(operation: impl FnOnce()) {
    match thread::enlist() {
        State::Listed | State::Diverted | State::Unknown => operation(),
        State::Detached => {
            // Nothing is refused that asks for no block.
            let _ = registry::add_difference(None, operation);
        }
        State::Watched => {
            operation();
            thread::with_node(|node| {
                budget::settle(node);
                quota::grant(node);
            });
        }
    }
}

/// Has every operation of every thread take the long way from now on.
pub(crate) fn watch_threads() {
    registry::watched(|| ());
    thread::with_node(|node| node.quota.withdraw());
}

/// The same, and ends what quotas threads have: an operation that begins after this takes the long way
/// for as long as no quota is granted.
pub(crate) fn end_quotas() {
    registry::watched(|| BUDGET.set_limit(BUDGET.limit()));
}

/// Sets the most bytes that may be in use: [`used_memory`] doesn't rise past it. `None` for no limit.
///
/// A request that would pass it is refused as if there were no memory: after the program's
/// [reclaimers](crate::oom::Reclaimer) were called, `try_reserve` and its like report an error, and
/// what cannot report one ends the program. No race between threads can pass it, as each thread
/// draws from one budget before it allocates. What threads have drawn in advance only they can use: at
/// most a 512th of the limit each, but up to 64 KiB in any case and never more than 256 KiB. So a
/// request may be refused when there is less than that left for each other thread. A block that grows
/// or shrinks into another size class must find room for the new one beside the old one, since both are
/// there while it is moved.
///
/// If more is in use than a new limit allows, new requests are refused until enough has been freed.
/// Operations that are under way on other threads while a limit is set, one a thread, are not held up
/// by it: a program that needs its limit to be absolute from the start sets it before it starts
/// threads.
///
/// Where the back end can't tell a block's size in advance ([`GOOD_SIZE_IS_EXACT`] is false), a block
/// must find room for the largest size that it could turn out to have. So the limit holds there too,
/// and a request may be refused with that much left: some words for a small block; for a
/// large one 64 KiB and the alignment, and over mimalloc an eighth of its size as well.
///
/// [`GOOD_SIZE_IS_EXACT`]: crate::GOOD_SIZE_IS_EXACT
///
/// Before the first limit this costs nothing. From then on allocations and frees take some more
/// instructions each, even if the limit is removed.
pub fn set_limit(limit: Option<usize>) {
    registry::watched(|| BUDGET.set_limit(limit));
}

/// The limit set by [`set_limit`], in bytes.
pub fn limit() -> Option<usize> {
    BUDGET.limit()
}

/// Sets a mark, in bytes in use, at which a function of the program is called, so that it can do
/// something about its memory before the limit is there. `None` for no mark. It needs no limit.
///
/// The function is called with the bytes in use, counting what threads have drawn in advance (see
/// [`set_limit`]), by the thread whose allocation reaches the mark, before that allocation. So it is
/// called early, never late: for each thread by at most as much as with this mark for a limit. It is
/// called again only when use has been a sixteenth below the mark in between. It must not wait for locks
/// that the thread may hold; it may allocate and free. A panic in it ends the program.
pub fn set_soft_mark(mark: Option<(usize, fn(used: usize))>) {
    registry::watched(|| BUDGET.set_mark(mark));
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
/// Takes a lock for as long as it takes to read two counters for each thread.
pub fn used_memory() -> usize {
    let used = registry::in_use();
    if used > peak::highest() {
        registry::survey();
    }
    used
}

/// The most bytes that were in use at any moment, between operations, whether or not anybody looked:
/// under-read by less than 64 KiB for each thread that there was at that moment, and by what other
/// threads freed while it was being found out, but never above the truth.
///
/// Over jemalloc that holds from the first call of this function on, as it has jemalloc report every
/// 64 KiB that a thread allocates, for some 150 instructions. A program that is going to ask for its
/// peak calls it once at its start. Until then, and over a jemalloc that can't report (before 5.3), the
/// peak is the highest figure that [`used_memory`] has found. Over other allocators it always holds.
pub fn peak_memory() -> usize {
    peak::begin();
    registry::survey();
    peak::highest()
}
