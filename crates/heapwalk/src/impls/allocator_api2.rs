//! The collections of `allocator-api2`, over any allocator that is part of the program's heap.

use std::alloc::Layout;
use std::mem::ManuallyDrop;
use std::ops::ControlFlow;
use std::ptr::{self, NonNull};

use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec;

use crate::{HeapAllocator, HeapWalk, Measure, Relocate, blocks, sequence};

impl<T: HeapWalk, A: HeapAllocator> HeapWalk for Box<T, A> {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        // SAFETY: the box owns one block of its allocator, of its value's layout; none, if that has no
        // size.
        unsafe { blocks::measure(NonNull::from_ref(&**self).cast(), Layout::new::<T>(), visitor) }?;
        (**self).measure(visitor)
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        // SAFETY: the block is as above and ours alone. The old box is read and the new one written in
        // its place, without anything between that unwinds, so there is one owner at any time.
        unsafe {
            let (block, allocator) = Self::into_raw_with_allocator(ptr::read(self));
            let block = NonNull::new_unchecked(block.cast());
            let moved = blocks::relocate(block, Layout::new::<T>(), visitor);
            ptr::write(self, Self::from_raw_in(moved.as_ptr().cast(), allocator));
        }
        (**self).relocate(visitor)
    }
}

impl<T: HeapWalk, A: HeapAllocator> HeapWalk for Box<[T], A> {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        // SAFETY: as above.
        unsafe { blocks::measure(NonNull::from_ref(&**self).cast(), Layout::for_value(&**self), visitor) }?;
        sequence::measure(self.iter(), visitor)
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        // SAFETY: as above.
        unsafe {
            let layout = Layout::for_value(&**self);
            let (block, allocator) = Self::into_raw_with_allocator(ptr::read(self));
            let length = block.len();
            let moved = blocks::relocate(NonNull::new_unchecked(block.cast()), layout, visitor);
            let slice = ptr::slice_from_raw_parts_mut(moved.as_ptr().cast(), length);
            ptr::write(self, Self::from_raw_in(slice, allocator));
        }
        sequence::relocate(self, visitor)
    }
}

impl<T: HeapWalk, A: HeapAllocator> HeapWalk for Vec<T, A> {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        // SAFETY: the vector owns one block of its allocator for its capacity; none, if that takes no
        // bytes. `as_ptr` is never null.
        unsafe {
            let block = NonNull::new_unchecked(self.as_ptr().cast_mut().cast());
            blocks::measure(block, blocks::array::<T>(self.capacity()), visitor)
        }?;
        sequence::measure(self.iter(), visitor)
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        // SAFETY: as for the box.
        unsafe {
            let mut parts = ManuallyDrop::new(ptr::read(self));
            let allocator = ptr::read(parts.allocator());
            let (length, capacity) = (parts.len(), parts.capacity());
            let block = NonNull::new_unchecked(parts.as_mut_ptr().cast());
            let moved = blocks::relocate(block, blocks::array::<T>(capacity), visitor);
            ptr::write(self, Self::from_raw_parts_in(moved.as_ptr().cast(), length, capacity, allocator));
        }
        sequence::relocate(self, visitor)
    }
}
