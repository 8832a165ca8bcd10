//! How a thread in each of its states frees a block whose layout has a
//! [direct size](Backend::direct_size).
//!
//! A back end that counts by itself has a function that needs nothing around it on a listed thread. So
//! a thread has a pointer to where a function stands, and a free calls what it finds there: one
//! instruction more than to call the back end, where a look at the state takes three. (For an allocation
//! the look takes less time, and leaves room for the quota beside it.)

use std::ffi::{c_int, c_void};

use super::quota;
use super::thread::{self, State};
use crate::backend::{Backend, DirectFree, Imp};
use crate::global;

/// What frees on a thread in a state.
#[repr(transparent)]
pub(crate) struct Dispatch {
    deallocate: DirectFree,
}

/// Of a thread whose operations need nothing but to be done.
static LISTED: Dispatch = Dispatch {
    deallocate: match Imp::DIRECT_FREE {
        Some(direct) => direct,
        None => global::deallocate_the_long_way,
    },
};

/// Of a watched one, whose operations may have a quota.
static WATCHED: Dispatch = Dispatch { deallocate: draw_back };

/// Of all others.
static LOOKING: Dispatch = Dispatch { deallocate: global::deallocate_the_long_way };

impl Dispatch {
    /// What is called in a state.
    pub(super) const fn of(state: State) -> &'static Self {
        match state {
            State::Listed => &LISTED,
            State::Watched => &WATCHED,
            State::Unknown | State::Detached | State::Diverted => &LOOKING,
        }
    }

    /// Frees a block of a layout with this direct size.
    ///
    /// # Safety
    /// The block is live and of such a layout, and this is what the calling thread has.
    #[inline(always)]
    pub(crate) unsafe fn deallocate(&self, block: *mut u8, size: usize) {
        // SAFETY: passed on.
        unsafe { (self.deallocate)(block.cast(), size, 0) }
    }
}

/// Frees what the quota covers, and by the long way what it doesn't.
unsafe extern "C" fn draw_back(block: *mut c_void, size: usize, flags: c_int) {
    match Imp::DIRECT_FREE {
        Some(direct) if thread::with_node(|node| quota::covers_free(node, size)) => {
            // SAFETY: passed on.
            unsafe { direct(block, size, flags) }
        }
        // SAFETY: passed on.
        _ => unsafe { global::deallocate_the_long_way(block, size, flags) },
    }
}
