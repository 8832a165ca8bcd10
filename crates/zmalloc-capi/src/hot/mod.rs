//! The short way: a block allocated, or freed, by a thread whose counters are read, with no limit set.
//!
//! Everything else, a failure included, takes the long way, which is `zmalloc`'s own. Only over
//! jemalloc is there a way that is worth the trouble.

use std::ffi::c_void;

#[cfg_attr(zmalloc_over_jemalloc, path = "jemalloc.rs")]
#[cfg_attr(not(zmalloc_over_jemalloc), path = "general.rs")]
mod imp;

pub(crate) use self::imp::{allocate, allocate_zeroed, free};

/// A function that allocates by `zmalloc`. Like C's it doesn't unwind, so that the short way needs no
/// preparation for that.
pub(crate) type LongWay = extern "C" fn(size: usize) -> *mut c_void;

/// Begins a long way: the calling thread's state is remembered for the next short one.
pub(crate) fn begin_long_way() {
    imp::look_up();
}
