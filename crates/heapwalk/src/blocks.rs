//! How the walk handles blocks that Rust's own types hand out.

use std::alloc::Layout;
use std::mem::ManuallyDrop;
use std::ops::ControlFlow;
use std::ptr::NonNull;

use crate::{Measure, Relocate};

/// An allocator whose blocks are part of the program's heap: visitors may treat them as they do the
/// blocks of Rust's global allocator.
///
/// # Safety
/// A block of this allocator may be copied to a block of the same layout from Rust's global allocator,
/// and freed as a block of that; the copy is then a block of this allocator.
#[cfg(feature = "allocator-api2")]
pub unsafe trait HeapAllocator: allocator_api2::alloc::Allocator {}

// SAFETY: it is Rust's global allocator.
#[cfg(feature = "allocator-api2")]
unsafe impl HeapAllocator for allocator_api2::alloc::Global {}

/// Shows a block of this layout; none, if the size is 0.
///
/// # Safety
/// If the size isn't 0, as [`Measure::block`].
#[inline]
pub(crate) unsafe fn measure<M: Measure + ?Sized>(
    block: NonNull<u8>,
    layout: Layout,
    visitor: &mut M,
) -> ControlFlow<()> {
    if layout.size() == 0 {
        return ControlFlow::Continue(());
    }
    // SAFETY: passed on.
    unsafe { visitor.block(block, layout) }
}

/// Has a block of this layout moved; none, if the size is 0. Returns where it is now.
///
/// # Safety
/// If the size isn't 0, as [`Relocate::block`].
#[inline]
pub(crate) unsafe fn relocate<R: Relocate + ?Sized>(
    block: NonNull<u8>,
    layout: Layout,
    visitor: &mut R,
) -> NonNull<u8> {
    if layout.size() == 0 {
        return block;
    }
    // SAFETY: passed on.
    unsafe { visitor.block(block, layout) }.unwrap_or(block)
}

/// The layout of so many elements, that are there already.
#[inline]
pub(crate) fn array<T>(capacity: usize) -> Layout {
    if size_of::<T>() == 0 {
        return Layout::new::<()>();
    }
    // It exists, so its size has been a layout's before.
    Layout::array::<T>(capacity).expect("a collection is smaller than the address space")
}

/// Shows the buffer of a vector.
#[inline]
pub(crate) fn measure_vec<T, M: Measure + ?Sized>(vec: &Vec<T>, visitor: &mut M) -> ControlFlow<()> {
    // SAFETY: a `Vec` owns one block of the global allocator for its capacity, as its documentation
    // says; none, if that takes no bytes. `as_ptr` is never null.
    unsafe {
        let block = NonNull::new_unchecked(vec.as_ptr().cast_mut().cast());
        measure(block, array::<T>(vec.capacity()), visitor)
    }
}

/// Has the buffer of a vector moved.
#[inline]
pub(crate) fn relocate_vec<T, R: Relocate + ?Sized>(vec: &mut Vec<T>, visitor: &mut R) {
    let layout = array::<T>(vec.capacity());
    if layout.size() == 0 {
        return;
    }
    let mut parts = ManuallyDrop::new(std::mem::take(vec));
    // SAFETY: as in `measure_vec`, and we are the only ones to know the block. Then the new vector has
    // the parts of the old one, which is not dropped, with the block that took the place of its own.
    *vec = unsafe {
        let block = NonNull::new_unchecked(parts.as_mut_ptr().cast());
        let moved = relocate(block, layout, visitor);
        Vec::from_raw_parts(moved.as_ptr().cast(), parts.len(), parts.capacity())
    };
}
