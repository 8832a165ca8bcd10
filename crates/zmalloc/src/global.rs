//! The global allocator: Rust's allocation calls, each carried out by the back end and counted by
//! the ledger.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{c_int, c_void};
use std::ptr::{self, NonNull};

use crate::backend::{Backend, Imp};
use crate::ledger;

/// The allocator, for use as a `#[global_allocator]`.
///
/// All values are alike: the heap and the ledger belong to the process, so a second `ZMalloc` is
/// another name for the first. Blocks are counted from the first allocation of the process to the
/// last, on every thread, including allocations in destructors of thread-local values and in a
/// child after `fork`.
///
/// A request that cannot be met returns null, as [`GlobalAlloc`] asks, and leaves the count as it
/// was. Frees are sized, resizing is done in place where the block can stay, and every alignment is
/// honoured.
#[derive(Clone, Copy, Debug, Default)]
pub struct ZMalloc {
    _private: (),
}

impl ZMalloc {
    /// The allocator. There is nothing to configure.
    pub const fn new() -> Self {
        Self { _private: () }
    }
}

// SAFETY: `Imp` is a `Backend`, whose contract is `GlobalAlloc`'s: a block of the layout or null,
// valid until it is freed or moved, no unwinding. The ledger runs an operation exactly once and
// passes its result on, and neither allocates nor unwinds itself.
//
// The methods are not `#[inline]`: compiled here, next to the thread-local that they look at, they
// reach it by one instruction; compiled in another crate they may have to call its accessor. Link-
// time optimisation inlines them all the same.
unsafe impl GlobalAlloc for ZMalloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let at_once = match Imp::direct_size(layout) {
            Some(size) => ledger::runs_allocation(size),
            None => ledger::thread_is_listed(),
        };
        // SAFETY: the caller promises a size other than 0, which is all that is asked here.
        let block = if at_once { unsafe { Imp::allocate_listed(layout) } } else { ptr::null_mut() };
        if block.is_null() {
            // SAFETY: as above.
            return unsafe { long_way::alloc(layout) };
        }
        block
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if ledger::thread_is_listed() {
            // SAFETY: the caller promises a size other than 0, which is all that is asked here.
            unsafe { Imp::allocate_zeroed(layout) }
        } else {
            // SAFETY: as above.
            unsafe { long_way::alloc_zeroed(layout) }
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller promises that `block` is live and was allocated with `layout`.
        unsafe {
            match Imp::direct_size(layout) {
                Some(size) => ledger::dispatch().deallocate(block, size),
                None if ledger::thread_is_listed() => Imp::deallocate_listed(block, layout),
                None => long_way::dealloc(block, layout.size(), layout.align()),
            }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if ledger::thread_is_listed() {
            // SAFETY: the caller promises that `block` is live and was allocated with `layout`,
            // that `new_size` is not 0, and that it does not exceed `isize::MAX` when rounded up to
            // the alignment.
            unsafe { Imp::reallocate(block, layout, new_size) }
        } else {
            // SAFETY: as above.
            unsafe { long_way::realloc(block, layout, new_size) }
        }
    }
}

/// Frees a block of a layout with this [direct size](Backend::direct_size), on a thread whose operations
/// need more than to be done. The flags are those of a [`DirectFree`](crate::backend::DirectFree).
///
/// # Safety
/// The block is live and of such a layout.
pub(crate) unsafe extern "C" fn deallocate_the_long_way(block: *mut c_void, size: usize, _flags: c_int) {
    // SAFETY: a direct size is that of a layout, and the caller promises that it frees the block.
    unsafe { long_way::dealloc(block.cast(), size, 1) }
}

/// The same four operations where there is more to do. They are functions of their own, with
/// arguments in registers, so that the ones above compile to a comparison and a jump.
mod long_way {
    use std::alloc::Layout;
    use std::ptr::NonNull;

    use crate::backend::{Backend, ByAddress, Imp};
    use crate::ledger::diversion;
    use crate::{ledger, request};

    /// # Safety
    /// As [`Backend::allocate`].
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn alloc(layout: Layout) -> *mut u8 {
        if diversion::is_on() {
            // SAFETY: passed on.
            let block = request::allocate(layout, || unsafe { Imp::allocate_uncached(layout, false) });
            diversion::note(block, layout);
            return block;
        }
        if ledger::allows_allocation(layout) {
            // SAFETY: passed on.
            let block = unsafe { Imp::allocate(layout) };
            if !block.is_null() {
                return block;
            }
        }
        // SAFETY: passed on.
        request::allocate(layout, || unsafe { Imp::allocate(layout) })
    }

    /// # Safety
    /// As [`Backend::allocate_zeroed`].
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn alloc_zeroed(layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        request::allocate(layout, || unsafe { Imp::allocate_zeroed(layout) })
    }

    /// Takes the layout in parts, so that the size is where functions in C have it.
    ///
    /// # Safety
    /// As [`Backend::deallocate`], with these parts of a layout.
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn dealloc(block: *mut u8, size: usize, align: usize) {
        // SAFETY: the caller promises that they are parts of a layout.
        let layout = unsafe { Layout::from_size_align_unchecked(size, align) };
        if diversion::is_on() {
            // SAFETY: the caller promises that the block is live, so it is not at address 0.
            return request::free(|| unsafe { Imp::free_uncached(NonNull::new_unchecked(block)) });
        }
        if ledger::allows_free(layout) {
            // SAFETY: passed on.
            return unsafe { Imp::deallocate(block, layout) };
        }
        // SAFETY: passed on.
        request::free(|| unsafe { Imp::deallocate(block, layout) });
    }

    /// # Safety
    /// As [`Backend::reallocate`].
    #[cold]
    #[inline(never)]
    pub(super) unsafe fn realloc(block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the new size makes a layout with this alignment.
        let new = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: passed on.
        request::resize(new, Imp::good_size(layout), || unsafe { Imp::reallocate(block, layout, new_size) })
    }
}

/// The usable size, in bytes, of a block allocated with this layout: what [`used_memory`] rises by.
/// Where [`GOOD_SIZE_IS_EXACT`] is false it is the least that it rises by.
///
/// A pure function of the layout, so it can also tell whether a value that grows still fits the
/// block it is in. Zero for a layout of size zero, for which nothing is allocated, and for one
/// larger than the allocator can ever serve, if it is one that knows.
///
/// [`used_memory`]: crate::used_memory
/// [`GOOD_SIZE_IS_EXACT`]: crate::GOOD_SIZE_IS_EXACT
#[inline]
pub fn good_size(layout: Layout) -> usize {
    Imp::good_size(layout)
}

/// The usable size, in bytes, of a live block: at least [`good_size`] of the layout it has now, and
/// equal to it where [`GOOD_SIZE_IS_EXACT`](crate::GOOD_SIZE_IS_EXACT).
///
/// # Safety
/// `block` was returned by [`ZMalloc`] and has been neither freed nor moved since.
#[inline]
pub unsafe fn usable_size(block: NonNull<u8>) -> usize {
    // SAFETY: the caller promises what the back end asks, a live block of its own.
    unsafe { Imp::usable_size(block) }
}
