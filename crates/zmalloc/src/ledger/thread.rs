//! What the ledger keeps for each thread, in the thread's own storage.

use std::cell::Cell;
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicU8, Ordering};

use super::registry;
use crate::backend::{CountsPerThread, Imp, ThreadCounters};

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
}

impl State {
    #[inline(always)]
    fn from_byte(byte: u8) -> Self {
        match byte {
            0 => Self::Unknown,
            1 => Self::Listed,
            _ => Self::Detached,
        }
    }
}

/// A thread's place in the list of threads.
///
/// Everything but `state` is read and written under the registry's lock only, by any thread.
/// `state` is atomic because it is also looked at without the lock, by its own thread on each
/// operation; that makes it the place where another thread can have a thread take the slow path.
// In this order, so that the state, which every operation reads, is at the node's own address.
#[repr(C)]
pub(super) struct Node {
    state: AtomicU8,
    /// Set when the node is put on the list.
    pub(super) counters: Cell<Option<ThreadCounters>>,
    pub(super) previous: Cell<*const Node>,
    pub(super) next: Cell<*const Node>,
}

impl Node {
    const fn new() -> Self {
        Self {
            state: AtomicU8::new(State::Unknown as u8),
            counters: Cell::new(None),
            previous: Cell::new(ptr::null()),
            next: Cell::new(ptr::null()),
        }
    }

    #[inline(always)]
    pub(super) fn state(&self) -> State {
        // Relaxed: its own thread reads what it wrote itself.
        State::from_byte(self.state.load(Ordering::Relaxed))
    }

    pub(super) fn set_state(&self, state: State) {
        self.state.store(state as u8, Ordering::Relaxed);
    }
}

thread_local! {
    // Initialised by the compiler and never dropped, so that reaching it is one address
    // computation, on a thread's first operation and in its last destructor alike.
    static NODE: Node = const { Node::new() };
}

/// The calling thread's state.
#[inline(always)]
pub(super) fn state() -> State {
    NODE.with(Node::state)
}

/// The calling thread's node. It stays where it is until the thread's memory is taken down, which
/// is after [`thread_ends`] has run.
pub(super) fn node() -> *const Node {
    NODE.with(ptr::from_ref)
}

/// Puts the calling thread on the list if it is unknown. Returns its state, which is still unknown
/// if the back end had no memory for the thread's counters.
pub(super) fn enlist() -> State {
    NODE.with(|node| {
        if node.state() != State::Unknown {
            return node.state();
        }
        let Some(counters) = Imp::thread_counters() else {
            return State::Unknown;
        };
        // Without a destructor to take it off again the thread must not be on the list.
        if registry::set_destructor(node) {
            registry::list(node, counters);
        } else {
            registry::retire(counters);
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
    node.set_state(State::Detached);
}
