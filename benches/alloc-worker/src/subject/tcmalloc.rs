//! The system's tcmalloc, gperftools', with sized frees, as C++ programs use it. No crate offers it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;

#[link(name = "tcmalloc")]
unsafe extern "C" {
    fn tc_malloc(size: usize) -> *mut c_void;
    fn tc_calloc(count: usize, size: usize) -> *mut c_void;
    fn tc_realloc(block: *mut c_void, size: usize) -> *mut c_void;
    fn tc_memalign(align: usize, size: usize) -> *mut c_void;
    fn tc_free(block: *mut c_void);
    fn tc_free_sized(block: *mut c_void, size: usize);
}

struct Tcmalloc;

#[global_allocator]
static ALLOC: Tcmalloc = Tcmalloc;

/// The alignment that every block has. The workloads ask for no more.
const ALIGN: usize = 8;

/// A block with another alignment: the standard library has some.
///
/// # Safety
/// The size of the layout is not 0.
#[cold]
unsafe fn alloc_aligned(layout: Layout) -> *mut u8 {
    // SAFETY: takes a power of two, and any size.
    unsafe { tc_memalign(layout.align(), layout.size()) }.cast()
}

// SAFETY: blocks are disjoint, have the size and alignment asked for and stay until freed. The size
// that a block is freed by is in its size class: `tc_realloc` leaves a block that grows where it is only
// if that class has room, and one that shrinks is moved.
unsafe impl GlobalAlloc for Tcmalloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > ALIGN {
            // SAFETY: passed on.
            return unsafe { alloc_aligned(layout) };
        }
        // SAFETY: takes any size.
        unsafe { tc_malloc(layout.size()) }.cast()
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.align() <= ALIGN {
            // SAFETY: takes any sizes.
            return unsafe { tc_calloc(1, layout.size()) }.cast();
        }
        // SAFETY: passed on.
        let block = unsafe { alloc_aligned(layout) };
        if !block.is_null() {
            // SAFETY: the block has that size.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.align() > ALIGN {
            // SAFETY: the caller promises that the block is live.
            return unsafe { tc_free(block.cast()) };
        }
        // SAFETY: the caller promises that the block is live, and of this size.
        unsafe { tc_free_sized(block.cast(), layout.size()) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if new_size >= layout.size() && layout.align() <= ALIGN {
            // SAFETY: the caller promises that the block is live.
            return unsafe { tc_realloc(block.cast(), new_size) }.cast();
        }
        // SAFETY: the caller promises that the new size makes a layout with this alignment.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: the size is not 0, as the caller promises.
        let new = unsafe { self.alloc(new_layout) };
        if !new.is_null() {
            // SAFETY: both are live, different, and as large as the smaller of the sizes; the old one
            // is freed once.
            unsafe {
                new.copy_from_nonoverlapping(block, layout.size().min(new_size));
                self.dealloc(block, layout);
            }
        }
        new
    }
}

pub(crate) fn name() -> &'static str {
    "tcmalloc"
}

/// It knows none.
pub(crate) fn set_limit(_bytes: usize) -> bool {
    false
}
