//! Things that modules are handed and charged for: they lie in blocks of the family, counted for the module.

use std::alloc::Layout;
use std::ops::Deref;
use std::ptr::NonNull;

use allocator_api2::alloc::{AllocError, Allocator};

use crate::counters::{self, Counters, Kind};
use crate::sizes;
use crate::slot::Slot;

/// What all blocks of the family are aligned to.
const ALIGNMENT: usize = align_of::<u64>();

/// Allocates a block that a module is charged for.
pub(crate) fn allocate(counters: &Counters, kind: Kind, bytes: usize) -> NonNull<u8> {
    let block = zmalloc::zmalloc(bytes);
    // SAFETY: it was allocated for so many bytes.
    counters.take_as(kind, unsafe { usable(block, bytes) });
    block
}

/// Frees a block that a module is charged for.
///
/// # Safety
/// It is live, was allocated for so many bytes, and isn't used any more.
pub(crate) unsafe fn free(counters: &Counters, kind: Kind, block: NonNull<u8>, bytes: usize) {
    // SAFETY: by the caller's word.
    unsafe {
        let usable = usable(block, bytes);
        counters.give_as(kind, usable);
        zmalloc::raw::zfree_with_size(Some(block), usable);
    }
}

/// The bytes that a block occupies.
///
/// # Safety
/// It is live, of the family, and was allocated for so many bytes.
pub(crate) unsafe fn usable(block: NonNull<u8>, bytes: usize) -> usize {
    if sizes::FOLLOWS {
        sizes::usable(bytes)
    } else {
        // SAFETY: by the caller's word.
        unsafe { zmalloc::zmalloc_usable_size(Some(block)) }
    }
}

/// What modules are handed by its address.
pub(crate) trait Held {
    /// What it counts as.
    const KIND: Kind;

    /// The module that is charged.
    fn holder(&self) -> &'static Slot;
}

/// Something that a module is handed, or has given up. Dropping it credits the module.
#[derive(Debug)]
pub(crate) struct Handed<T: Held>(NonNull<T>);

impl<T: Held> Handed<T> {
    /// Charges the module.
    pub(crate) fn new(value: T) -> Self {
        const { assert!(align_of::<T>() <= ALIGNMENT) };
        let block = allocate(value.holder().counters(), T::KIND, size_of::<T>()).cast::<T>();
        // SAFETY: the block has room for a value, and its alignment.
        unsafe { block.write(value) };
        Self(block)
    }

    /// Hands it over: a module knows it by its address.
    pub(crate) fn into_raw<Raw>(self) -> *mut Raw {
        let raw = self.0.as_ptr().cast();
        std::mem::forget(self);
        raw
    }

    /// Takes it back; NULL is nothing.
    ///
    /// # Safety
    /// It is what [`Self::into_raw`] gave, and nobody uses it any more.
    pub(crate) unsafe fn from_raw<Raw>(raw: *mut Raw) -> Option<Self> {
        NonNull::new(raw.cast::<T>()).map(Self)
    }
}

impl<T: Held> Deref for Handed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: it is there until this is dropped.
        unsafe { self.0.as_ref() }
    }
}

impl<T: Held> Drop for Handed<T> {
    fn drop(&mut self) {
        let counters = self.holder().counters();
        // SAFETY: it was made by `new`, and this is the end of its only owner.
        unsafe {
            self.0.drop_in_place();
            free(counters, T::KIND, self.0.cast(), size_of::<T>());
        }
    }
}

/// The allocator of collections that a module is charged for. Their blocks are of the kind of this number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Charge<const KIND: u8>(&'static Counters);

impl<const KIND: u8> Charge<KIND> {
    const WHAT: Kind = match KIND {
        POOL => Kind::Pool,
        DICTIONARY => Kind::Dictionary,
        _ => Kind::Other,
    };

    /// Charges this module.
    pub(crate) fn to(slot: &Slot) -> Self {
        Self(counters::of(slot.index()))
    }
}

/// Kinds by their numbers, as parameters of [`Charge`].
pub(crate) const POOL: u8 = Kind::Pool as u8;
pub(crate) const DICTIONARY: u8 = Kind::Dictionary as u8;
pub(crate) const OTHER: u8 = Kind::Other as u8;

// SAFETY: blocks are those of the family, valid until they are freed, whichever copy is asked to. They are given at
// the size that was asked for, and aligned to what that family promises; layouts that need more are refused.
unsafe impl<const KIND: u8> Allocator for Charge<KIND> {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        if layout.align() > ALIGNMENT {
            return Err(AllocError);
        }
        let block = match layout.size() {
            0 => layout.dangling_ptr(),
            bytes => allocate(self.0, Self::WHAT, bytes),
        };
        Ok(NonNull::slice_from_raw_parts(block, layout.size()))
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        if layout.size() != 0 {
            // SAFETY: the caller promises a live block of this layout, which it doesn't use any more.
            unsafe { free(self.0, Self::WHAT, block, layout.size()) };
        }
    }
}
