//! Bytes with a name: how much of the memory in use belongs to which part of the program.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};

use allocator_api2::alloc::{AllocError, Allocator};

use crate::backend::{Backend, Imp};
use crate::global::ZMalloc;

/// Counts the bytes of the collections that are given it as their allocator.
///
/// ```
/// use allocator_api2::vec::Vec;
/// use zmalloc::{Tally, ZMalloc, tallies};
///
/// #[global_allocator]
/// static ALLOC: ZMalloc = ZMalloc::new();
///
/// static INDEX: Tally = Tally::new("index");
///
/// let mut index: Vec<u64, &Tally> = Vec::new_in(&INDEX);
/// index.extend(0..1_000);
/// assert!(INDEX.live() >= 8_000);
/// assert_eq!(INDEX.blocks(), 1);
/// assert!(tallies().any(|tally| tally.name() == "index"));
/// drop(index);
/// assert_eq!(INDEX.live(), 0);
/// ```
///
/// Bytes are those of [`usable_size`](crate::usable_size), and exact whenever no other thread is
/// allocating from the tally. They are counted in [`used_memory`](crate::used_memory) as well, as
/// every block is, whether or not `ZMalloc` is the global allocator; so a tally says what part of
/// that is its own, and tallies never overlap: a block belongs to the one it was allocated from.
///
/// Counting costs three atomic additions an operation, on a cache line that all threads share which
/// allocate from the tally.
// A cache line of its own, so that tallies in neighbouring statics don't slow each other down.
#[derive(Debug)]
#[repr(align(128))]
pub struct Tally {
    live: AtomicUsize,
    peak: AtomicUsize,
    blocks: AtomicUsize,
    name: &'static str,
    registered: AtomicBool,
    next: AtomicPtr<Tally>,
}

/// The tally registered last. It leads to the others; none is ever taken off.
static TALLIES: AtomicPtr<Tally> = AtomicPtr::new(ptr::null_mut());

impl Tally {
    /// A tally that nothing was allocated from.
    pub const fn new(name: &'static str) -> Self {
        Self {
            live: AtomicUsize::new(0),
            peak: AtomicUsize::new(0),
            blocks: AtomicUsize::new(0),
            name,
            registered: AtomicBool::new(false),
            next: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// What the program calls it. Several may have the same name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Bytes in live blocks.
    pub fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    /// The most bytes in live blocks that there have ever been.
    pub fn peak(&self) -> usize {
        self.peak.load(Ordering::Relaxed)
    }

    /// The number of live blocks.
    pub fn blocks(&self) -> usize {
        self.blocks.load(Ordering::Relaxed)
    }

    /// Has [`tallies`] list it. The first allocation does that too. A second time changes nothing.
    pub fn register(&'static self) {
        if self.registered.load(Ordering::Relaxed) || self.registered.swap(true, Ordering::Relaxed) {
            return;
        }
        let mut first = TALLIES.load(Ordering::Relaxed);
        loop {
            self.next.store(first, Ordering::Relaxed);
            let own = ptr::from_ref(self).cast_mut();
            match TALLIES.compare_exchange_weak(first, own, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => break,
                Err(other) => first = other,
            }
        }
    }

    fn rise(&self, bytes: usize) {
        let live = self.live.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if live > self.peak.load(Ordering::Relaxed) {
            self.peak.fetch_max(live, Ordering::Relaxed);
        }
    }

    fn fall(&self, bytes: usize) {
        self.live.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Counts a block that has just been allocated, and returns all of it.
    fn enter(&'static self, block: *mut u8, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let block = NonNull::new(block).ok_or(AllocError)?;
        // SAFETY: the block is live and of this layout.
        let usable = unsafe { Imp::usable_size_of(block, layout) };
        self.register();
        self.rise(usable);
        self.blocks.fetch_add(1, Ordering::Relaxed);
        Ok(NonNull::slice_from_raw_parts(block, usable))
    }

    /// Resizes a block to a layout of the same alignment.
    ///
    /// # Safety
    /// `block` is live, was allocated from this tally, and fits `old`; neither size is 0.
    unsafe fn resize(
        &'static self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the caller promises a live block that fits this layout.
        let before = unsafe { Imp::usable_size_of(block, old) };
        if !Imp::GOOD_SIZE_IS_EXACT || before != Imp::good_size(new) {
            // SAFETY: the caller promises a live block of that layout; the new size is that of a
            // layout with its alignment, and not 0.
            let moved = unsafe { ALLOC.realloc(block.as_ptr(), old, new.size()) };
            let moved = NonNull::new(moved).ok_or(AllocError)?;
            // SAFETY: live, and of this layout.
            let after = unsafe { Imp::usable_size_of(moved, new) };
            if after > before {
                self.rise(after - before)
            } else {
                self.fall(before - after)
            }
            return Ok(NonNull::slice_from_raw_parts(moved, after));
        }
        Ok(NonNull::slice_from_raw_parts(block, before))
    }

    /// Moves a block to one of another alignment, or from or to no bytes at all.
    ///
    /// # Safety
    /// As [`Allocator::grow`] and [`Allocator::shrink`].
    unsafe fn transfer(
        &'static self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        let moved = self.allocate(new)?;
        // SAFETY: the caller promises a live block that fits `old`; the other is new and of that
        // size; and the first is not used after this.
        unsafe {
            block.copy_to_nonoverlapping(moved.cast(), old.size().min(new.size()));
            self.deallocate(block, old);
        }
        Ok(moved)
    }
}

static ALLOC: ZMalloc = ZMalloc::new();

/// All tallies that were ever allocated from or [registered](Tally::register), the last one first.
pub fn tallies() -> impl Iterator<Item = &'static Tally> {
    let mut next = TALLIES.load(Ordering::Acquire);
    std::iter::from_fn(move || {
        // SAFETY: null, or a tally that was registered through a `'static` reference.
        let tally = unsafe { next.as_ref() }?;
        next = tally.next.load(Ordering::Relaxed);
        Some(tally)
    })
}

// SAFETY: blocks are those of `ZMalloc`, valid until freed, whichever copy of the reference is asked
// to. A block's usable size is returned with it, and may be given back as its size: every size from
// the one asked for to the usable one has the same good size, which is what the back end goes by.
unsafe impl Allocator for &'static Tally {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        match layout.size() {
            0 => Ok(nothing(layout)),
            // SAFETY: the size is not 0.
            _ => self.enter(unsafe { ALLOC.alloc(layout) }, layout),
        }
    }

    fn allocate_zeroed(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        if layout.size() == 0 {
            return Ok(nothing(layout));
        }
        // SAFETY: the size is not 0.
        let block = self.enter(unsafe { ALLOC.alloc_zeroed(layout) }, layout)?;
        let rest = block.len() - layout.size();
        // The back end promises zeros for as many bytes as it was asked for.
        // SAFETY: the block is that large.
        unsafe { block.cast::<u8>().add(layout.size()).write_bytes(0, rest) };
        Ok(block)
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        if layout.size() != 0 {
            // SAFETY: the caller promises that the block is live and fits the layout.
            self.fall(unsafe { Imp::usable_size_of(block, layout) });
            self.blocks.fetch_sub(1, Ordering::Relaxed);
            // SAFETY: the caller promises that the block is live and fits the layout.
            unsafe { ALLOC.dealloc(block.as_ptr(), layout) };
        }
    }

    unsafe fn grow(&self, block: NonNull<u8>, old: Layout, new: Layout) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the caller promises a live block that fits `old`, and `new` is no smaller.
        unsafe {
            if old.size() == 0 || old.align() != new.align() {
                self.transfer(block, old, new)
            } else {
                self.resize(block, old, new)
            }
        }
    }

    unsafe fn grow_zeroed(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: passed on.
        let grown = unsafe { self.grow(block, old, new) }?;
        // SAFETY: the block is that large now, and no smaller than it was.
        unsafe { grown.cast::<u8>().add(old.size()).write_bytes(0, grown.len() - old.size()) };
        Ok(grown)
    }

    unsafe fn shrink(
        &self,
        block: NonNull<u8>,
        old: Layout,
        new: Layout,
    ) -> Result<NonNull<[u8]>, AllocError> {
        // SAFETY: the caller promises a live block that fits `old`, and `new` is no larger.
        unsafe {
            if new.size() == 0 || old.align() != new.align() {
                self.transfer(block, old, new)
            } else {
                self.resize(block, old, new)
            }
        }
    }
}

/// What is returned for no bytes: no block, but aligned.
fn nothing(layout: Layout) -> NonNull<[u8]> {
    NonNull::slice_from_raw_parts(layout.dangling_ptr(), 0)
}
