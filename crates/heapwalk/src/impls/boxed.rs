//! `Box`.

use std::alloc::Layout;
use std::ops::ControlFlow;
use std::ptr::{self, NonNull};

use crate::{HeapWalk, Measure, Relocate, blocks, sequence};

impl<T: HeapWalk> HeapWalk for Box<T> {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        // SAFETY: a `Box` owns one block of the global allocator of its value's layout, as its
        // documentation says; none, if that has no size.
        unsafe { blocks::measure(NonNull::from_ref(&**self).cast(), Layout::new::<T>(), visitor) }?;
        (**self).measure(visitor)
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        // SAFETY: the block is as above and ours alone. The old box is read and the new one written in
        // its place, without anything between that unwinds, so there is one owner at any time.
        unsafe {
            let block = NonNull::new_unchecked(Box::into_raw(ptr::read(self))).cast();
            let moved = blocks::relocate(block, Layout::new::<T>(), visitor);
            ptr::write(self, Box::from_raw(moved.as_ptr().cast()));
        }
        (**self).relocate(visitor)
    }
}

impl<T: HeapWalk> HeapWalk for Box<[T]> {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        // SAFETY: as above.
        unsafe { blocks::measure(NonNull::from_ref(&**self).cast(), Layout::for_value(&**self), visitor) }?;
        sequence::measure(self, visitor)
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        // Neither conversion allocates, as there is nothing to spare.
        let mut vec = std::mem::take(self).into_vec();
        blocks::relocate_vec(&mut vec, visitor);
        *self = vec.into_boxed_slice();
        sequence::relocate(self, visitor)
    }
}

impl HeapWalk for Box<str> {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        // SAFETY: as above.
        unsafe { blocks::measure(NonNull::from_ref(&**self).cast(), Layout::for_value(&**self), visitor) }
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        let mut string = std::mem::take(self).into_string();
        let walk = string.relocate(visitor);
        *self = string.into_boxed_str();
        walk
    }
}
