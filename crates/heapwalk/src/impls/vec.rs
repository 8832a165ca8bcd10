//! `Vec`, arrays, slices, `VecDeque` and `BinaryHeap`.

use std::collections::{BinaryHeap, VecDeque};
use std::ops::ControlFlow;
use std::ptr::NonNull;

use crate::{HeapWalk, Measure, Relocate, blocks, sequence};

impl<T: HeapWalk> HeapWalk for Vec<T> {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        blocks::measure_vec(self, visitor)?;
        sequence::measure(self, visitor)
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        blocks::relocate_vec(self, visitor);
        sequence::relocate(self, visitor)
    }
}

impl<T: HeapWalk> HeapWalk for [T] {
    const OWNS_BLOCKS: bool = T::OWNS_BLOCKS;

    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        sequence::measure(self, visitor)
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        sequence::relocate(self, visitor)
    }
}

impl<T: HeapWalk, const N: usize> HeapWalk for [T; N] {
    const OWNS_BLOCKS: bool = N > 0 && T::OWNS_BLOCKS;

    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        sequence::measure(self, visitor)
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        sequence::relocate(self, visitor)
    }
}

impl<T: HeapWalk> HeapWalk for VecDeque<T> {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        let layout = blocks::array::<T>(self.capacity());
        if layout.size() != 0 {
            visitor.hidden(self.front().map(|first| NonNull::from_ref(first).cast()), layout, 1)?;
        }
        sequence::measure(self, visitor)
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        let layout = blocks::array::<T>(self.capacity());
        let inside = self.front().filter(|_| layout.size() != 0).map(|first| NonNull::from_ref(first).cast());
        if let Some(inside) = inside {
            visitor.rebuild(inside, layout, &mut || {
                let mut new = Self::with_capacity(self.capacity());
                new.append(self);
                *self = new;
            });
        }
        let (first, second) = self.as_mut_slices();
        if T::OWNS_BLOCKS {
            sequence::relocate_parts(first, second, visitor)
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl<T: HeapWalk + Ord> HeapWalk for BinaryHeap<T> {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        let layout = blocks::array::<T>(self.capacity());
        if layout.size() != 0 {
            visitor.hidden(self.peek().map(|first| NonNull::from_ref(first).cast()), layout, 1)?;
        }
        sequence::measure(self, visitor)
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        // Neither conversion allocates. What is a heap already is one after as many comparisons as it
        // has elements.
        let mut vec = std::mem::take(self).into_vec();
        let walk = vec.relocate(visitor);
        *self = vec.into();
        walk
    }
}
