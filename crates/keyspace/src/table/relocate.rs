//! Moving a table's blocks.
#![allow(unsafe_code)]

use std::ops::ControlFlow;
use std::ptr::NonNull;

use heapwalk::{Measure, Relocate};

use super::bucket::CHILD;
use super::{Location, Pointer, Table};

impl<P: Pointer> Table<P> {
    /// Has block `number` of the array of buckets moved. Says whether there is such a block: they are numbered
    /// from 0 on without gaps.
    pub(crate) fn relocate_array<R: Relocate + ?Sized>(&mut self, number: usize, mover: &mut R) -> bool {
        self.segments.relocate(number, mover)
    }

    /// The cursor after `buckets` more steps of a scan, or 0 if that is past its end.
    pub(crate) fn skip(&self, mut cursor: u64, buckets: usize) -> u64 {
        for _ in 0..buckets {
            match self.range(cursor) {
                Some((_, next)) if next != 0 => cursor = next,
                _ => return 0,
            }
        }
        cursor
    }

    /// Shows the blocks of so many buckets from a scan's cursor on, in the order in which
    /// [`Self::relocate_chain`] comes to them: children here, those of elements by `each`.
    pub(crate) fn measure_chains(
        &self,
        mut cursor: u64,
        buckets: usize,
        visitor: &mut dyn Measure,
        mut each: impl FnMut(P::Ref<'_>, &mut dyn Measure) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        for _ in 0..buckets {
            let Some((index, next)) = self.range(cursor) else { break };
            let mut bucket = self.segments.bucket(index);
            loop {
                // SAFETY: a bucket of this table, which is borrowed and so doesn't change.
                let this = unsafe { bucket.as_ref() };
                for (word, _) in this.elements() {
                    // SAFETY: the words of elements are of `into_raw`, and stay while the table is borrowed.
                    each(unsafe { P::borrow(word.pointer()) }, visitor)?;
                }
                let Some(child) = this.child() else { break };
                // SAFETY: a child is a live block of its own, allocated with this layout.
                unsafe { visitor.block(child.cast(), CHILD) }?;
                bucket = child;
            }
            if next == 0 {
                break;
            }
            cursor = next;
        }
        ControlFlow::Continue(())
    }

    /// Has the children of one bucket moved, and gives each element to `each`, which may move it. Gives the
    /// cursor for the next call; begins and ends with 0, as a scan does.
    pub(crate) fn relocate_chain<R: Relocate + ?Sized>(
        &mut self,
        cursor: u64,
        mover: &mut R,
        mut each: impl FnMut(&mut P, &mut R),
    ) -> u64 {
        let Some((index, next)) = self.range(cursor) else { return 0 };
        let mut bucket = self.segments.bucket(index);
        loop {
            // SAFETY: a bucket of this table, which is borrowed mutably; the reference ends at once.
            let count = unsafe { bucket.as_ref() }.tags().count();
            for slot in 0..count {
                // SAFETY: the slot is one of those with an element, of a table that is borrowed mutably and
                // not looked at meanwhile.
                unsafe { Location { bucket, slot }.update(|element: &mut P| each(element, mover)) };
            }
            // SAFETY: as above; the reference ends before the child is looked at.
            let this = unsafe { bucket.as_mut() };
            let Some(child) = this.child() else { return next };
            // SAFETY: a child is a live block of its own, allocated with this layout. The only pointer to it is
            // this bucket's, which is replaced if it has moved.
            let moved = unsafe { mover.block(child.cast(), CHILD) }.map(NonNull::cast);
            if let Some(moved) = moved {
                this.set_child(moved);
            }
            bucket = moved.unwrap_or(child);
        }
    }
}
