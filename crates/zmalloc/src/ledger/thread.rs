//! What the ledger keeps for each thread, in the thread's own storage.

use crate::sync::atomic::{AtomicI64, AtomicPtr, AtomicU8, Ordering, fence};
use crate::sync::thread_local;
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;

use super::dispatch::Dispatch;
use super::peak::Mark;
use super::quota::Quota;
use super::registry;
use crate::backend::{Backend, CountsPerThread, Imp, ThreadCounters};

/// Where a thread stands with the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum State {
    /// It has not allocated or freed yet.
    Unknown = 0,
    /// Its counters are read with all others.
    Listed = 1,
    /// It adds what it does to the total itself.
    Detached = 2,
    /// Listed, and each of its operations takes the long way, past the limit.
    Watched = 3,
    /// Listed, and each of its operations takes the long way, which leaves the thread's cache out.
    Diverted = 4,
}

impl State {
    #[inline(always)]
    const fn of(byte: u8) -> Self {
        match byte {
            byte if byte == Self::Listed as u8 => Self::Listed,
            byte if byte == Self::Watched as u8 => Self::Watched,
            byte if byte == Self::Detached as u8 => Self::Detached,
            byte if byte == Self::Diverted as u8 => Self::Diverted,
            _ => Self::Unknown,
        }
    }
}

/// A thread's place in the list of threads.
///
/// `previous` and `next` are read and written under the registry's lock only, by any thread. So are
/// `counters`, except that the thread itself, the only one that writes it, reads it without. `state`
/// is looked at without the lock as well, by its own thread on each operation; that makes it the
/// place where another thread can have a thread take the slow path. `ceiling` is written by whoever
/// makes the thread a watched one, under the lock; after that it is the thread's own.
// In this order, so that what every operation reads is at the node's own address.
#[repr(C)]
pub(super) struct Node {
    /// A [`State`].
    state: AtomicU8,
    /// What goes with the state, which is one of [`Dispatch::of`]. Where it is another state's for a
    /// moment, the thread does once more what it did before.
    dispatch: AtomicPtr<Dispatch>,
    /// Set when the node is put on the list.
    pub(super) counters: Cell<Option<ThreadCounters>>,
    pub(super) previous: Cell<*const Node>,
    pub(super) next: Cell<*const Node>,
    ceiling: AtomicI64,
    /// The era of the limit that the ceiling belongs to. The thread's own.
    era: Cell<u32>,
    /// What the thread may do by the quick way when it is watched.
    pub(super) quota: Quota,
    /// How high the balance may rise before the peak is looked at.
    pub(super) mark: Mark,
}

impl Node {
    const fn new() -> Self {
        Self {
            state: AtomicU8::new(State::Unknown as u8),
            dispatch: AtomicPtr::new(table(State::Unknown)),
            counters: Cell::new(None),
            previous: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
            ceiling: AtomicI64::new(0),
            era: Cell::new(0),
            quota: Quota::new(),
            mark: Mark::new(),
        }
    }

    #[inline(always)]
    pub(super) fn state(&self) -> State {
        // Relaxed: its own thread reads what it wrote itself, or that it is watched.
        State::of(self.state.load(Ordering::Relaxed))
    }

    pub(super) fn set_state(&self, state: State) {
        self.state.store(state as u8, Ordering::Relaxed);
        self.dispatch.store(table(state), Ordering::Relaxed);
    }

    /// Changes the state, if it is the one given. Called by the thread itself.
    pub(super) fn exchange_state(&self, from: State, to: State) {
        // Not by a plain store: another thread may be making this a watched one.
        // If it fails there is nothing to change. So with the table, though the state be changed since.
        let _ = self.state.compare_exchange(from as u8, to as u8, Ordering::Relaxed, Ordering::Relaxed);
        let (from, to) = (table(from), table(to));
        let _ = self.dispatch.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Makes a thread on the list a watched one, with its balance as the ceiling. Returns the
    /// balance.
    pub(super) fn watch(&self) -> i64 {
        let balance = self.balance();
        self.ceiling.store(balance, Ordering::Relaxed);
        // With the ceiling: `enlist` has the other half.
        self.state.store(State::Watched as u8, Ordering::Release);
        self.dispatch.store(table(State::Watched), Ordering::Release);
        balance
    }

    /// Bytes that the thread has allocated less those that it has freed; 0 if it is not listed.
    pub(super) fn balance(&self) -> i64 {
        self.counters.get().map_or(0, registry::balance)
    }

    pub(super) fn ceiling(&self) -> i64 {
        self.ceiling.load(Ordering::Relaxed)
    }

    pub(super) fn era(&self) -> u32 {
        self.era.get()
    }

    pub(super) fn set_era(&self, era: u32) {
        self.era.set(era);
    }

    /// How far the thread's balance may rise. Asked by the thread itself, when watched.
    #[inline]
    pub(super) fn room(&self) -> i64 {
        self.ceiling() - self.balance()
    }

    /// Raises the ceiling, or lowers it. Called by the thread itself, when watched.
    pub(super) fn raise_ceiling(&self, bytes: i64) {
        self.ceiling.store(self.ceiling() + bytes, Ordering::Relaxed);
    }
}

/// What goes with a state, as an atomic pointer holds it. Nothing is written through it.
const fn table(state: State) -> *mut Dispatch {
    ptr::from_ref(Dispatch::of(state)).cast_mut()
}

thread_local! {
    // Initialised by the compiler and never dropped, so that reaching it is one address
    // computation, on a thread's first operation and in its last destructor alike.
    static NODE: Node = const { Node::new() };
}

/// How the calling thread frees.
#[inline(always)]
pub(super) fn dispatch() -> &'static Dispatch {
    // The pointer leaves `with` as it is: a reference would be looked at once more, as `with` has null
    // stand for a variable that was dropped.
    let dispatch = NODE.with(|node| node.dispatch.load(Ordering::Relaxed));
    // SAFETY: nothing but addresses of statics is ever written there, which never change.
    unsafe { &*dispatch }
}

/// Where the calling thread's state is. It stays there as the node does.
pub(super) fn place_of_state() -> *const AtomicU8 {
    NODE.with(|node| ptr::from_ref(&node.state))
}

/// The calling thread's node. It stays where it is until the thread's memory is taken down, which
/// is after [`thread_ends`] has run.
pub(super) fn node() -> *const Node {
    NODE.with(ptr::from_ref)
}

/// Calls `body` with the calling thread's node.
#[inline(always)]
pub(super) fn with_node<R>(body: impl FnOnce(&Node) -> R) -> R {
    NODE.with(body)
}

/// Puts the calling thread on the list if it is unknown. Returns its state, which is still unknown
/// if the back end had no memory for the thread's counters.
pub(super) fn enlist() -> State {
    NODE.with(|node| {
        let state = node.state();
        if state != State::Unknown {
            // Whoever made this a watched thread has set its ceiling before.
            fence(Ordering::Acquire);
            return state;
        }
        Imp::prepare();
        if !Imp::has_quick_way() {
            registry::watched(|| ());
        }
        let Some(counters) = Imp::thread_counters() else {
            return State::Unknown;
        };
        // Without a destructor to take it off again the thread must not be on the list.
        if registry::set_destructor(node) {
            registry::list(node, counters);
        } else {
            registry::retire_unlisted(counters);
            node.set_state(State::Detached);
        }
        node.state()
    })
}

/// The destructor: the thread ends, as far as the ledger is concerned.
pub(super) unsafe extern "C" fn thread_ends(node: *mut c_void) {
    // SAFETY: the system passes what `set_destructor` was given, on the thread that gave it: this
    // thread's node, which still exists while destructors of thread-specific data run.
    let node = unsafe { &*node.cast_const().cast::<Node>() };
    registry::unlist(node);
    node.quota.withdraw();
    node.set_state(State::Detached);
}
