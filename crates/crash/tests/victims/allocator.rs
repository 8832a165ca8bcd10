//! An allocator that can be made to hang, as one does whose lock is held by whoever crashed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};

struct Hanging;

#[global_allocator]
static ALLOCATOR: Hanging = Hanging;

static BLOCKED: AtomicBool = AtomicBool::new(false);

/// Lets no allocation return from now on.
pub(super) fn block() {
    BLOCKED.store(true, Ordering::Release);
}

// SAFETY: every call goes to `System` unchanged, or never returns.
unsafe impl GlobalAlloc for Hanging {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        while BLOCKED.load(Ordering::Acquire) {
            // SAFETY: `pause` has no preconditions.
            unsafe { libc::pause() };
        }
        // SAFETY: the caller's obligations are the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's obligations are the same.
        unsafe { System.dealloc(block, layout) };
    }
}
