//! A global allocator that knows every live block, with its layout.

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use allocator_api2::alloc as api;

/// The allocator: the system's, watched.
pub(crate) struct Watched;

type Blocks = hashbrown::HashMap<usize, Layout, hashbrown::DefaultHashBuilder, SystemApi>;

/// The system's allocator for the collection of blocks, so that it does not watch itself.
#[derive(Clone)]
struct SystemApi;

// SAFETY: the system's allocator, which satisfies both traits' demands in the same way.
unsafe impl api::Allocator for SystemApi {
    fn allocate(&self, layout: Layout) -> Result<std::ptr::NonNull<[u8]>, api::AllocError> {
        // SAFETY: tables have a size.
        let block = unsafe { System.alloc(layout) };
        let block = std::ptr::NonNull::new(block).ok_or(api::AllocError)?;
        Ok(std::ptr::NonNull::slice_from_raw_parts(block, layout.size()))
    }

    unsafe fn deallocate(&self, block: std::ptr::NonNull<u8>, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(block.as_ptr(), layout) }
    }
}

static LIVE: Mutex<Option<Blocks>> = Mutex::new(None);

fn live() -> MutexGuard<'static, Option<Blocks>> {
    let mut live = LIVE.lock().unwrap();
    live.get_or_insert_with(|| Blocks::with_hasher_in(Default::default(), SystemApi));
    live
}

// SAFETY: the system's allocator.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        let block = unsafe { System.alloc(layout) };
        live().as_mut().unwrap().insert(block.addr(), layout);
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let known = live().as_mut().unwrap().remove(&block.addr());
        if known != Some(layout) {
            // No panic here: it would allocate.
            std::process::abort();
        }
        // So that a use of what was freed shows.
        // SAFETY: it is live until the next line, and of that size.
        unsafe {
            block.write_bytes(0xa5, layout.size());
            System.dealloc(block, layout)
        }
    }
}

/// Bytes and blocks that are live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Figures {
    pub(crate) bytes: usize,
    pub(crate) blocks: usize,
}

/// What is live now.
pub(crate) fn figures() -> Figures {
    let live = live();
    let live = live.as_ref().unwrap();
    Figures { bytes: live.values().map(Layout::size).sum(), blocks: live.len() }
}

/// The live blocks by address. The map itself is not among them.
pub(crate) fn blocks() -> BTreeMap<usize, Layout> {
    // Copied first, as nothing may be allocated while the lock is held.
    let copy = live().as_ref().unwrap().clone();
    copy.into_iter().collect()
}
