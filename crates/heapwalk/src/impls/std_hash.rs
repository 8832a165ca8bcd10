//! std's hash maps and sets: what they are known to be made of, between two bounds.
//!
//! A table has a power of two of buckets, one control byte for each bucket and for one more group, and
//! is at most 7/8 full. How many buckets, the maps don't say: only for how many elements there is room
//! at least. The lower bound is the smallest table with that room, the upper bound the next larger one.
//!
//! The lower bound always holds. The upper one holds until elements are removed: a bucket that was left
//! among full ones counts as room again only when the table is next rehashed, so a table that lost most
//! of its elements can be several times the upper bound. `shrink_to_fit` makes it known again.

use std::alloc::Layout;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use crate::{HeapWalk, Measure, Relocate};

/// The largest group of control bytes that is looked at together: 16 bytes, 8 on some processors.
const GROUP: usize = 16;

/// The number of buckets that such a capacity takes at least.
fn buckets(capacity: usize) -> usize {
    match capacity {
        0 => 0,
        1..=3 => 4,
        4..=7 => 8,
        8..=14 => 16,
        _ => (capacity.saturating_mul(8) / 7).next_power_of_two(),
    }
}

/// The layout of a table of elements of type `T`, with groups of this many control bytes.
fn table<T>(buckets: usize, group: usize) -> Layout {
    let align = align_of::<T>().max(group);
    let size = (size_of::<T>() * buckets).next_multiple_of(align) + buckets + group;
    Layout::from_size_align(size, align).unwrap_or(Layout::new::<()>())
}

/// Shows what is known of a table with room for `capacity` elements, of which one is there.
fn measure_table<T, M: Measure + ?Sized>(capacity: usize, visitor: &mut M) -> ControlFlow<()> {
    if capacity == 0 {
        return ControlFlow::Continue(());
    }
    // A table of very small elements is made with more buckets than they need.
    let least = buckets(capacity);
    let most = 2 * least.max(GROUP);
    visitor.bounded((table::<T>(least, GROUP / 2), 1), (table::<T>(most, GROUP), 1))
}

impl<K: HeapWalk, V: HeapWalk, S> HeapWalk for HashMap<K, V, S> {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        measure_table::<(K, V), M>(self.capacity(), visitor)?;
        if K::OWNS_BLOCKS || V::OWNS_BLOCKS {
            for (key, value) in self {
                key.measure(visitor)?;
                value.measure(visitor)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        if V::OWNS_BLOCKS {
            super::ordered::relocate_values(self.len(), self.values_mut(), visitor)
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl<T: HeapWalk, S> HeapWalk for HashSet<T, S> {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        measure_table::<T, M>(self.capacity(), visitor)?;
        if T::OWNS_BLOCKS {
            self.iter().try_for_each(|element| element.measure(visitor))?;
        }
        ControlFlow::Continue(())
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, _visitor: &mut R) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}
