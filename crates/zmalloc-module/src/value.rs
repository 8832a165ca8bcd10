//! `MEMORY USAGE` and the defrag callback of a data type, from a description of its value.
//!
//! The value derives `HeapWalk` (crate `heapwalk`), and the two callbacks are a line each:
//!
//! ```
//! use std::ffi::{c_int, c_void};
//!
//! use heapwalk::HeapWalk;
//! use zmalloc_module::value::{defrag, mem_usage};
//!
//! #[derive(HeapWalk)]
//! struct Table {
//!     rows: Vec<(String, u64)>,
//! }
//!
//! # #[repr(C)] struct RedisModuleDefragCtx;
//! # #[repr(C)] struct RedisModuleString;
//! # struct RedisModuleTypeMethods {
//! #     mem_usage: Option<unsafe extern "C" fn(*const c_void) -> usize>,
//! #     defrag: Option<
//! #         unsafe extern "C" fn(*mut RedisModuleDefragCtx, *mut RedisModuleString, *mut *mut c_void) -> c_int,
//! #     >,
//! # }
//! let methods = RedisModuleTypeMethods {
//!     mem_usage: Some(mem_usage::<Table>),
//!     defrag: Some(defrag::<Table, _, _>),
//!     // …
//! };
//! # assert!(methods.mem_usage.is_some() && methods.defrag.is_some());
//! ```
//!
//! In both, the value is a `Box<T>` made raw by [`Box::into_raw`], as module types hold their values.

use std::alloc::Layout;
use std::collections::HashSet;
use std::ffi::{c_int, c_ulong, c_void};
use std::ops::ControlFlow;
use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

use heapwalk::{HeapWalk, Measure, Place, Relocate};

use crate::defrag::Defragmenter;
use crate::global::ModuleAlloc;

/// The server is asked for the time after so many blocks and elements.
const CLOCK_EVERY: u32 = 16;

/// What a value takes, itself and all it owns, in bytes, as [`ModuleAlloc::usage`] counts blocks.
///
/// That is exact, but for owners that keep their blocks to themselves: `Rc`, `Arc` and hashbrown's
/// tables count with the least that a block of their layout takes, and std's hash tables and B-trees
/// with the lower bound that [`heapwalk::HeapSize`] knows. A block with several owners counts once.
///
/// # Safety
/// The value must be in a box of its own, and the module's global allocator [`ModuleAlloc`].
pub unsafe fn memory_usage<T: HeapWalk>(value: &T) -> usize {
    let mut sizes = Sizes { bytes: 0, seen: HashSet::new() };
    let layout = Layout::new::<T>();
    if layout.size() > 0 {
        // SAFETY: the block is a live box's, of this layout, as the caller promises.
        sizes.bytes += unsafe { ModuleAlloc::block_size(std::ptr::from_ref(value).cast(), layout) };
    }
    // It never answers `Break`.
    let _ = value.measure(&mut sizes);
    sizes.bytes
}

/// The callback `mem_usage` of a data type: [`memory_usage`].
///
/// # Safety
/// For the server to call, with a value that is a `Box<T>` made raw. The global allocator must be
/// [`ModuleAlloc`].
pub unsafe extern "C" fn mem_usage<T: HeapWalk>(value: *const c_void) -> usize {
    // SAFETY: the value is a `T` that nobody changes during the call, as the caller promises.
    unsafe { memory_usage(&*value.cast::<T>()) }
}

/// The callback `mem_usage2` of a data type: [`memory_usage`], of the whole value whatever the
/// number of samples.
///
/// # Safety
/// As for [`mem_usage`].
pub unsafe extern "C" fn mem_usage2<T: HeapWalk, C>(
    _context: *mut C,
    value: *const c_void,
    _samples: usize,
) -> usize {
    // SAFETY: passed on.
    unsafe { mem_usage::<T>(value) }
}

/// The callback `defrag` of a data type: moves the value's own block, and each block that it owns,
/// as far as the server thinks that of use and `HeapWalk` can.
///
/// When the time is up it returns 1, and goes on from there in the next call.
///
/// # Safety
/// For the server to call, with a value that is a `Box<T>` made raw. The global allocator must be
/// [`ModuleAlloc`].
pub unsafe extern "C" fn defrag<T: HeapWalk, C, K>(
    context: *mut C,
    _key: *mut K,
    value: *mut *mut c_void,
) -> c_int {
    // SAFETY: the context is this call's.
    let Some(mut defragmenter) = (unsafe { Defragmenter::new(context) }) else {
        return 0;
    };
    let place = resume(defragmenter.cursor());
    // SAFETY: the value is a box's block, which nobody else uses during the call; the server finds it
    // where `value` says. What has moved is at its new place.
    let value = unsafe {
        let layout = Layout::new::<T>();
        if place.is_at_start()
            && layout.size() > 0
            && let Some(block) = NonNull::new((*value).cast())
            && let Some(moved) = defragmenter.move_block(block, layout)
        {
            *value = moved.as_ptr().cast();
        }
        &mut *(*value).cast::<T>()
    };
    let mut mover = Mover { defragmenter, place, until_clock: CLOCK_EVERY, is_over: false };
    let end = value.relocate(&mut mover);
    mover.place.rewind();
    if end.is_continue() || mover.place.is_at_start() {
        return 0;
    }
    let cursor = keep(mover.place);
    if mover.defragmenter.set_cursor(cursor) {
        return 1;
    }
    // There will be no next call.
    drop(resume(cursor));
    0
}

/// Where the last call ended, with the number that was left for a cursor.
///
/// One is enough: the server finishes a value before it begins the next.
static KEPT: Mutex<Option<(c_ulong, Place)>> = Mutex::new(None);

/// Keeps a place until the next call, and returns the cursor to find it by: never 0, nor one that
/// was returned before.
fn keep(place: Place) -> c_ulong {
    static LAST: Mutex<c_ulong> = Mutex::new(0);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    *last = last.wrapping_add(1).max(1);
    *KEPT.lock().unwrap_or_else(PoisonError::into_inner) = Some((*last, place));
    *last
}

/// The place that this cursor stands for; the beginning, if it isn't kept any more.
fn resume(cursor: c_ulong) -> Place {
    match KEPT.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some((kept, place)) if kept == cursor => place,
        _ => Place::default(),
    }
}

/// Adds up what blocks take.
struct Sizes {
    bytes: usize,
    /// The shared blocks that have been counted.
    seen: HashSet<NonNull<u8>>,
}

impl Measure for Sizes {
    unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> ControlFlow<()> {
        // SAFETY: the block is live, of this layout, and of the global allocator, which is ours.
        self.bytes += unsafe { ModuleAlloc::block_size(block.as_ptr(), layout) };
        ControlFlow::Continue(())
    }

    fn hidden(&mut self, _inside: Option<NonNull<u8>>, layout: Layout, number: usize) -> ControlFlow<()> {
        self.bytes += number * ModuleAlloc::size_for(layout);
        ControlFlow::Continue(())
    }

    fn bounded(&mut self, least: (Layout, usize), _most: (Layout, usize)) -> ControlFlow<()> {
        self.hidden(None, least.0, least.1)
    }

    fn counts_shared(&mut self, shared: NonNull<u8>) -> bool {
        self.seen.insert(shared)
    }
}

/// Offers every block to the server, until the time is up.
struct Mover {
    defragmenter: Defragmenter,
    place: Place,
    /// Counts down to the next look at the clock.
    until_clock: u32,
    is_over: bool,
}

impl Mover {
    fn tick(&mut self) {
        self.until_clock -= 1;
        if self.until_clock == 0 {
            self.until_clock = CLOCK_EVERY;
            self.is_over |= self.defragmenter.should_stop();
        }
    }
}

// SAFETY: DefragAlloc gives a new block of the same size class with the old one's content, and frees
// the old one. Nothing unwinds, and `rebuild` never calls the function.
unsafe impl Relocate for Mover {
    unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> Option<NonNull<u8>> {
        self.tick();
        // SAFETY: the block is live, of this layout, and of the global allocator, which is ours.
        unsafe { self.defragmenter.move_block(block, layout) }
    }

    // The server has no call to ask whether a block lies badly but the one that moves it, so the blocks
    // of `Rc`, `Arc` and hash tables stay.
    fn rebuild(&mut self, _inside: NonNull<u8>, _layout: Layout, _rebuild: &mut dyn FnMut()) {}

    fn enter(&mut self, length: usize) -> usize {
        self.place.enter(length)
    }

    fn passed(&mut self, index: usize) -> ControlFlow<()> {
        self.place.passed(index);
        self.tick();
        if self.is_over { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn leave(&mut self) {
        self.place.leave();
    }
}
