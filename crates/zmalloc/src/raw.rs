//! For the crate that puts C's names on this one: operations that it runs on the back end itself,
//! such as jemalloc's `mallocx` with flags of its own, take the same way as all others. They are
//! counted, kept under the limit, and tried again after memory was given back.
//!
//! Hidden from the documentation: which operations are allowed depends on the back end.

use std::alloc::Layout;
use std::ptr::{self, NonNull};
use std::sync::atomic::AtomicU8;

use crate::backend::{Backend, Imp};
use crate::{ledger, oom, request};

/// Runs an operation that allocates, or returns null with nothing changed. `usable_size` is that of
/// the block that it would return, 0 if it can't.
#[inline(always)]
pub fn allocate(usable_size: impl FnOnce() -> usize, operation: impl Fn() -> *mut u8) -> *mut u8 {
    if runs_at_once() {
        let block = operation();
        if !block.is_null() {
            return block;
        }
    }
    match layout(usable_size()) {
        Some(layout) => request::allocate(layout, operation),
        None => ptr::null_mut(),
    }
}

/// Runs an operation that resizes a block, or returns null with nothing changed. `usable_sizes` are
/// that of the block and that of the one that it would return, 0 if it can't.
#[inline(always)]
pub fn resize(usable_sizes: impl FnOnce() -> (usize, usize), operation: impl Fn() -> *mut u8) -> *mut u8 {
    if runs_at_once() {
        let block = operation();
        if !block.is_null() {
            return block;
        }
    }
    let (old, new) = usable_sizes();
    match layout(new) {
        Some(layout) => request::resize(layout, old, operation),
        None => ptr::null_mut(),
    }
}

/// Whether an operation on the calling thread needs no more than to be run. If not, it has to be
/// handed to one of these functions.
#[inline(always)]
pub fn runs_at_once() -> bool {
    ledger::thread_is_listed()
}

/// Where [`runs_at_once`] looks on the calling thread, for a caller that finds its way there by
/// itself: the byte [`RUNS_AT_ONCE`], or another one. The place is there, and the same,
/// until the thread's memory is taken down.
pub fn state_of_thread() -> *const AtomicU8 {
    ledger::place_of_state().cast()
}

/// What is there when an operation runs at once.
pub const RUNS_AT_ONCE: u8 = ledger::LISTED;

/// Runs an operation that frees, or makes a block smaller where it is.
#[inline(always)]
pub fn free(operation: impl FnOnce()) {
    if runs_at_once() { operation() } else { request::free(operation) }
}

/// Frees a block whose usable size the caller knows, as [`zfree`](crate::zfree) does.
///
/// # Safety
/// The block, if there is one, is of the family and live, and occupies `usable_size` bytes.
#[inline(always)]
pub unsafe fn zfree_with_size(block: Option<NonNull<u8>>, usable_size: usize) {
    let Some(block) = block else { return };
    // SAFETY: the size of a block that exists is that of a layout. The caller promises that the
    // block is live, and the layout has its good size and no alignment above the block's, which is
    // all that is asked of it where blocks are known by their addresses (`ByAddress`).
    free(|| unsafe {
        Imp::deallocate(block.as_ptr(), Layout::from_size_align_unchecked(usable_size, 1));
    });
}

/// The largest request of the family, in bytes, up to which a block lies at a multiple of every power
/// of two that divides the request, without an alignment in its [`Flags`](crate::Flags); 0 where the
/// back end doesn't promise that.
pub const ALIGNED_BY_SIZE: usize = Imp::ALIGNED_BY_SIZE;

/// What the functions that cannot report a failure do about one: calls the
/// [handler](crate::set_oom_handler).
#[cold]
pub fn fail(size: usize) -> ! {
    oom::fail(size)
}

/// The layout whose good size is that of the block.
fn layout(usable_size: usize) -> Option<Layout> {
    Layout::from_size_align(usable_size, 1).ok().filter(|layout| layout.size() != 0)
}
