//! A program whose global allocator stands in front of `ZMalloc` and hands out parts of its blocks. A
//! program of its own, as there is one global allocator in each.

use std::alloc::{GlobalAlloc, Layout};

use zmalloc::ZMalloc;
use zmalloc::defrag::{Cycle, Settings, is_global_allocator};

/// Keeps 16 bytes in front of each block for itself.
struct Prefixing(ZMalloc);

/// What is asked of `ZMalloc`.
fn larger(layout: Layout) -> Layout {
    Layout::from_size_align(layout.size() + 16, layout.align().max(16)).unwrap()
}

#[global_allocator]
static ALLOC: Prefixing = Prefixing(ZMalloc::new());

// SAFETY: what is handed out is the end of a block of the larger layout, which is aligned to 16 at least;
// alignments above 16 don't occur here.
unsafe impl GlobalAlloc for Prefixing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the size is not 0.
        let block = unsafe { self.0.alloc(larger(layout)) };
        // SAFETY: the block is larger than that.
        if block.is_null() { block } else { unsafe { block.add(16) } }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: it was allocated so.
        unsafe { self.0.dealloc(block.sub(16), larger(layout)) }
    }
}

fn main() {
    assert!(!is_global_allocator());
    assert!(Cycle::new(Settings::default()).is_err());
    println!("a wrapped allocator is not taken for the global one ... ok");
}
