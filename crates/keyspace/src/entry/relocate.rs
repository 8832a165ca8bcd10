//! Moving an entry's blocks.
#![allow(unsafe_code)]

use std::mem::ManuallyDrop;
use std::ops::ControlFlow;

use heapwalk::{Measure, Relocate};

use super::{Entry, EntryRef, Storage};
use crate::module_value::{Defrag, Place};

impl EntryRef<'_> {
    /// Shows the entry's blocks: its own, and that of a large value.
    pub(crate) fn measure(self, visitor: &mut dyn Measure) -> ControlFlow<()> {
        let shape = self.shape();
        // SAFETY: the entry is borrowed, so that its block is live, and was allocated with this layout.
        unsafe { visitor.block(self.block, shape.layout()) }?;
        match self.value_block(shape) {
            // SAFETY: as above; the entry owns this block too.
            Some(value) => unsafe { visitor.block(value.data, value.layout()) },
            None => ControlFlow::Continue(()),
        }
    }
}

impl Entry {
    /// Has the entry's blocks moved, in the order in which [`EntryRef::measure`] shows them. Says whether any
    /// was. Who knows where the entry is has to be told.
    pub(crate) fn relocate<R: Relocate + ?Sized>(&mut self, mover: &mut R) -> bool {
        let shape = self.as_ref().shape();
        // SAFETY: the entry owns its block, which was allocated with this layout, and uses what takes its place
        // from now on.
        let moved = unsafe { mover.block(self.block, shape.layout()) };
        if let Some(block) = moved {
            self.block = block;
        }
        let Some(mut value) = self.as_ref().value_block(shape) else {
            return moved.is_some();
        };
        // SAFETY: the entry owns this block too; the only description of it is in the entry, and is overwritten.
        let moved_value = unsafe { mover.block(value.data, value.layout()) };
        if let Some(data) = moved_value {
            value.data = data;
            self.write_block(value);
        }
        moved.is_some() || moved_value.is_some()
    }

    /// Has the blocks of a module's value moved by its type, which keeps them to itself; says whether that is done, as
    /// it is with a value of another kind.
    pub(crate) fn defrag_module(&mut self, db: usize, defrag: &mut dyn Defrag) -> bool {
        let shape = self.as_ref().shape();
        if shape.storage != Storage::Module {
            return true;
        }
        // SAFETY: the shape says that a module's value is there. This copy isn't dropped, and takes the original's
        // place.
        let mut value = ManuallyDrop::new(unsafe { self.take_module(shape) });
        let is_done = value.defrag(Place { db, key: self.as_ref().key() }, defrag);
        // SAFETY: the shape has a place for it.
        unsafe { self.write(shape.value_at(), value) };
        is_done
    }
}
