//! The allocator of this program: `ZMalloc`, but on demand no bucket's address is ever used again, so that an address
//! says which block it is.

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicBool, Ordering};

use zmalloc::ZMalloc;

static IS_KEEPING_BUCKETS: AtomicBool = AtomicBool::new(false);

/// The alignment that only buckets are asked for with.
const OF_BUCKETS: usize = 64;

/// Never frees a bucket from now on.
pub(crate) fn keep_buckets() {
    IS_KEEPING_BUCKETS.store(true, Ordering::Relaxed);
}

/// See the module's documentation.
pub(crate) struct Allocator;

// SAFETY: everything is `ZMalloc`'s, but that some blocks are not freed or given another size in place.
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        unsafe { ZMalloc::new().alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.align() != OF_BUCKETS || !IS_KEEPING_BUCKETS.load(Ordering::Relaxed) {
            // SAFETY: passed on.
            unsafe { ZMalloc::new().dealloc(block, layout) };
        }
    }
}
