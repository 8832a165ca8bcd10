//! A class: the slabs with blocks of one size, under one lock.

use std::ptr;

use super::slab::{self, Slab};
use super::{CLASS_COUNT, fork, size_of_class};
use crate::backend::Backend;
use crate::ledger::lock::{Guard, Lock};
use crate::stats::SizeClass;

/// The classes, in order of size.
pub(super) static CLASSES: [Lock<Class>; CLASS_COUNT] = [const { Lock::new(Class::new()) }; CLASS_COUNT];

/// The slabs of a class that have room, and how many slabs and blocks there are.
pub(super) struct Class {
    /// The one that blocks are taken from.
    first: *const Slab,
    slabs: usize,
    slabs_with_room: usize,
    live: usize,
}

// SAFETY: the slabs belong to no thread; all that changes in them is accessed with the class
// locked, by whichever thread.
unsafe impl Send for Class {}

impl Class {
    const fn new() -> Self {
        Self { first: ptr::null(), slabs: 0, slabs_with_room: 0, live: 0 }
    }

    /// The first slab with room.
    fn first(&self) -> Option<&'static Slab> {
        // SAFETY: null or a slab on the list, which is taken off before it is given back.
        unsafe { self.first.as_ref() }
    }

    fn link(&mut self, slab: &Slab) {
        slab.previous.set(ptr::null());
        slab.next.set(self.first);
        if let Some(next) = self.first() {
            next.previous.set(slab);
        }
        self.first = slab;
        self.slabs_with_room += 1;
    }

    fn unlink(&mut self, slab: &Slab) {
        // SAFETY: the neighbours on the list are null or exist, as they are on it as well.
        let (previous, next) = unsafe { (slab.previous.get().as_ref(), slab.next.get().as_ref()) };
        match previous {
            Some(previous) => previous.next.set(slab.next.get()),
            None => self.first = slab.next.get(),
        }
        if let Some(next) = next {
            next.previous.set(slab.previous.get());
        }
        self.slabs_with_room -= 1;
    }

    /// Gives back an empty slab that is on the list.
    fn give_back<B: Backend>(&mut self, slab: &'static Slab) {
        self.unlink(slab);
        self.slabs -= 1;
        // SAFETY: it is empty and off the list; the caller forgets it.
        unsafe { slab.give_back::<B>() };
    }
}

/// Locks all classes, for `fork`.
pub(super) fn lock_all() -> [Guard<Class>; CLASS_COUNT] {
    CLASSES.each_ref().map(Lock::lock)
}

/// A block of the class; null, with nothing changed, if no slab can be had for it.
pub(super) fn allocate<B: Backend>(class: usize) -> *mut u8 {
    fork::ensure_handled();
    let mut guard = CLASSES[class].lock();
    let slab = match guard.first() {
        Some(slab) => slab,
        None => {
            let Some(slab) = Slab::new::<B>(class) else {
                return ptr::null_mut();
            };
            guard.slabs += 1;
            guard.link(slab);
            slab
        }
    };
    let block = slab.take();
    guard.live += 1;
    if slab.is_full() {
        guard.unlink(slab);
    }
    block
}

/// Takes a block back, and gives its slab back if that was its last block and the class has
/// another slab with room.
///
/// # Safety
/// `block` is a live one of this slab's.
pub(super) unsafe fn free<B: Backend>(slab: &'static Slab, block: *mut u8) {
    let mut guard = CLASSES[slab.class()].lock();
    let was_full = slab.is_full();
    // SAFETY: the caller promises that the block is live, so it was taken and not put back.
    unsafe { slab.put(block) };
    guard.live -= 1;
    if was_full {
        guard.link(slab);
    }
    if slab.is_empty() && guard.slabs_with_room > 1 {
        guard.give_back::<B>(slab);
    }
}

/// Gives back the slab that `free` has left for the next request, if there is one.
pub(super) fn give_back_spare<B: Backend>(class: &'static Lock<Class>) {
    let mut guard = class.lock();
    let mut next = guard.first();
    while let Some(slab) = next {
        // SAFETY: null or a slab on the list.
        next = unsafe { slab.next.get().as_ref() };
        if slab.is_empty() {
            guard.give_back::<B>(slab);
        }
    }
}

/// The figures of a class at this moment.
pub(super) fn figures(class: usize) -> SizeClass {
    let guard = CLASSES[class].lock();
    SizeClass {
        size: size_of_class(class),
        blocks_per_slab: Slab::capacity(class),
        slab_size: slab::SIZE,
        live: guard.live,
        slabs: guard.slabs,
        // Without the one that is being allocated from.
        nonfull_slabs: guard.slabs_with_room.saturating_sub(1),
        counts: None,
    }
}
