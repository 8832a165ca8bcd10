//! What an allocation and a free do on a thread in each of its states: a table of two functions.
//!
//! A back end that counts by itself has functions that need nothing around them on a listed thread. So a
//! thread has a pointer to a table in which they stand, and an operation calls what it finds there,
//! which costs one instruction more than to call the back end. On a thread in any other state it finds
//! functions that look before they do.

use std::ffi::{c_int, c_void};
use std::ptr;

use super::quota;
use super::thread::{self, State};
use crate::backend::{Backend, Direct, Imp};
use crate::global;

/// What operations do on a thread in a state.
///
/// The functions are for blocks whose layout has a [direct size](Backend::direct_size).
#[repr(C)]
pub(crate) struct Dispatch {
    /// At the table's own address, for those who look at nothing else.
    pub(super) state: State,
    direct: Direct,
}

/// Of a thread whose operations need nothing but to be done.
static LISTED: Dispatch = Dispatch {
    state: State::Listed,
    direct: match Imp::DIRECT {
        Some(direct) => direct,
        None => LOOKING,
    },
};

/// Of a watched one, whose operations may have a quota.
static WATCHED: Dispatch =
    Dispatch { state: State::Watched, direct: Direct { allocate: draw, deallocate: draw_back } };

static UNKNOWN: Dispatch = Dispatch { state: State::Unknown, direct: LOOKING };
static DETACHED: Dispatch = Dispatch { state: State::Detached, direct: LOOKING };
static DIVERTED: Dispatch = Dispatch { state: State::Diverted, direct: LOOKING };

/// Where every operation takes the long way.
const LOOKING: Direct = Direct { allocate: decline, deallocate: global::deallocate_the_long_way };

impl Dispatch {
    /// The table of a state.
    pub(super) const fn of(state: State) -> &'static Self {
        match state {
            State::Unknown => &UNKNOWN,
            State::Listed => &LISTED,
            State::Detached => &DETACHED,
            State::Watched => &WATCHED,
            State::Diverted => &DIVERTED,
        }
    }

    /// Allocates a block of a layout with this direct size, or returns null with nothing changed: then
    /// the long way is to be taken, whether or not there was an attempt.
    ///
    /// # Safety
    /// The size is not 0, and this is the table of the calling thread.
    #[inline(always)]
    pub(crate) unsafe fn allocate(&self, size: usize) -> *mut u8 {
        // SAFETY: passed on.
        unsafe { (self.direct.allocate)(size) }.cast()
    }

    /// Frees a block of a layout with this direct size.
    ///
    /// # Safety
    /// The block is live and of such a layout, and this is the table of the calling thread.
    #[inline(always)]
    pub(crate) unsafe fn deallocate(&self, block: *mut u8, size: usize) {
        // SAFETY: passed on.
        unsafe { (self.direct.deallocate)(block.cast(), size, 0) }
    }
}

unsafe extern "C" fn decline(_size: usize) -> *mut c_void {
    ptr::null_mut()
}

/// Allocates what the quota covers.
unsafe extern "C" fn draw(size: usize) -> *mut c_void {
    match Imp::DIRECT {
        Some(direct) if thread::with_node(|node| quota::covers_allocation(node, size)) => {
            // SAFETY: passed on.
            unsafe { (direct.allocate)(size) }
        }
        _ => ptr::null_mut(),
    }
}

/// Frees what the quota covers, and by the long way what it doesn't.
unsafe extern "C" fn draw_back(block: *mut c_void, size: usize, flags: c_int) {
    match Imp::DIRECT {
        Some(direct) if thread::with_node(|node| quota::covers_free(node, size)) => {
            // SAFETY: passed on.
            unsafe { (direct.deallocate)(block, size, flags) }
        }
        // SAFETY: passed on.
        _ => unsafe { global::deallocate_the_long_way(block, size, flags) },
    }
}
