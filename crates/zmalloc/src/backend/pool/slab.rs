//! A slab: one large block of the other back end, cut into small ones of one size.

use std::alloc::Layout;
use std::cell::Cell;
use std::ptr;

use super::{directory, size_of_class};
use crate::backend::Backend;

/// Bytes in a slab, which is also what it is aligned to. Only what has been used of it takes
/// memory, as blocks are taken from its beginning.
pub(super) const SIZE: usize = 1 << 20;

/// How the other back end is asked for one.
const LAYOUT: Layout = match Layout::from_size_align(SIZE, SIZE) {
    Ok(layout) => layout,
    Err(_) => unreachable!(),
};

/// What stands at the beginning of a slab. `class` and `start` never change; all else is read
/// and written with the class locked.
#[repr(C, align(64))]
pub(super) struct Slab {
    class: usize,
    /// The whole block of the other back end, of which this header is the beginning.
    start: *mut u8,
    /// Blocks that are out.
    live: Cell<usize>,
    /// Blocks that were out, each of which holds the address of the next.
    freed: Cell<*mut Freed>,
    /// Where the first block is that was never out, in bytes from the slab's beginning.
    fresh: Cell<usize>,
    /// The neighbours among the class's slabs with room.
    pub(super) previous: Cell<*const Slab>,
    pub(super) next: Cell<*const Slab>,
}

/// What is in a block that is not out.
struct Freed {
    next: *mut Freed,
}

impl Slab {
    /// A new slab, entered in the directory, or `None` if it can't be had.
    pub(super) fn new<B: Backend>(class: usize) -> Option<&'static Self> {
        // SAFETY: the size is not 0.
        let start = unsafe { B::allocate(LAYOUT) };
        if start.is_null() {
            return None;
        }
        if !directory::insert::<B>(start.addr()) {
            // SAFETY: live, with this layout, and seen by nobody else.
            unsafe { B::deallocate(start, LAYOUT) };
            return None;
        }
        let slab: *mut Self = start.cast();
        // SAFETY: the block is large enough for the header, aligned, and ours alone until this
        // returns; it lives until `give_back`.
        unsafe {
            slab.write(Self {
                class,
                start,
                live: Cell::new(0),
                freed: Cell::new(ptr::null_mut()),
                fresh: Cell::new(size_of::<Self>()),
                previous: Cell::new(ptr::null()),
                next: Cell::new(ptr::null()),
            });
            Some(&*slab)
        }
    }

    /// The slab that a block lies in.
    ///
    /// # Safety
    /// It lies in one, which exists for as long as the result is used.
    #[inline(always)]
    pub(super) unsafe fn around(block: *mut u8) -> &'static Self {
        let offset = block.addr() % SIZE;
        // SAFETY: the slab begins at the multiple of its size below, with an initialised header.
        unsafe { &*block.sub(offset).cast::<Self>() }
    }

    /// Which class it is of. Needs no lock.
    #[inline(always)]
    pub(super) fn class(&self) -> usize {
        self.class
    }

    /// How many blocks of this class a slab has room for.
    pub(super) const fn capacity(class: usize) -> usize {
        (SIZE - size_of::<Self>()) / size_of_class(class)
    }

    pub(super) fn is_full(&self) -> bool {
        self.live.get() == Self::capacity(self.class)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.live.get() == 0
    }

    /// Takes a block. With the class locked, from a slab that is not full.
    pub(super) fn take(&self) -> *mut u8 {
        self.live.set(self.live.get() + 1);
        let freed = self.freed.get();
        if !freed.is_null() {
            // SAFETY: a block that is not out, in which `put` has left its successor.
            self.freed.set(unsafe { freed.read() }.next);
            return freed.cast();
        }
        let offset = self.fresh.get();
        self.fresh.set(offset + size_of_class(self.class));
        // SAFETY: as the slab is not full and no block in it is free, there is room for another.
        unsafe { self.start.add(offset) }
    }

    /// Takes a block back. With the class locked.
    ///
    /// # Safety
    /// `block` was taken from this slab and has not been put back since.
    pub(super) unsafe fn put(&self, block: *mut u8) {
        let block: *mut Freed = block.cast();
        // SAFETY: the block is this slab's and not out; it has room for an address, aligned.
        unsafe { block.write(Freed { next: self.freed.get() }) };
        self.freed.set(block);
        self.live.set(self.live.get() - 1);
    }

    /// Gives the slab back.
    ///
    /// # Safety
    /// It is empty, is on no list, and is not used after this.
    pub(super) unsafe fn give_back<B: Backend>(&self) {
        let start = self.start;
        directory::remove(start.addr());
        // SAFETY: it is a live block of `B` with this layout, and nobody uses it any more.
        unsafe { B::deallocate(start, LAYOUT) };
    }
}
