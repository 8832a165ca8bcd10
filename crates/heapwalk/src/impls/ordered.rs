//! std's ordered maps and sets: what they are known to be made of, between two bounds.
//!
//! They are B-trees with nodes of up to 11 elements, of at least 5 except at the root. A node that is
//! no leaf also has up to 12 addresses of others.

use std::alloc::Layout;
use std::collections::{BTreeMap, BTreeSet};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::ptr::NonNull;

use crate::{HeapWalk, Measure, Relocate};

const MOST: usize = 11;
const LEAST: usize = 5;

/// What a leaf is made of.
struct Leaf<K, V> {
    _keys: [MaybeUninit<K>; MOST],
    _values: [MaybeUninit<V>; MOST],
    _parent: Option<NonNull<()>>,
    _parent_index: u16,
    _length: u16,
}

/// What another node is made of.
struct Inner<K, V> {
    _leaf: Leaf<K, V>,
    _edges: [Option<NonNull<()>>; MOST + 1],
    _owns: PhantomData<(K, V)>,
}

/// Shows what is known of a tree of so many elements.
fn measure_tree<K, V, M: Measure + ?Sized>(length: usize, visitor: &mut M) -> ControlFlow<()> {
    if length == 0 {
        // An empty one may have kept its root.
        return visitor.bounded((Layout::new::<Leaf<K, V>>(), 0), (Layout::new::<Leaf<K, V>>(), 1));
    }
    visitor.bounded(
        (Layout::new::<Leaf<K, V>>(), length.div_ceil(MOST)),
        (Layout::new::<Inner<K, V>>(), 1 + (length - 1) / LEAST),
    )
}

/// Has the visitor move what these values own, which are so many.
pub(super) fn relocate_values<'a, V: HeapWalk + 'a, R: Relocate + ?Sized>(
    length: usize,
    values: impl Iterator<Item = &'a mut V>,
    visitor: &mut R,
) -> ControlFlow<()> {
    let start = visitor.enter(length);
    for (index, value) in values.enumerate().skip(start) {
        if visitor.foresee(&mut |scout| value.measure(scout)) {
            value.relocate(visitor)?;
        }
        visitor.passed(index + 1)?;
    }
    visitor.leave();
    ControlFlow::Continue(())
}

impl<K: HeapWalk, V: HeapWalk> HeapWalk for BTreeMap<K, V> {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        measure_tree::<K, V, M>(self.len(), visitor)?;
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
            relocate_values(self.len(), self.values_mut(), visitor)
        } else {
            ControlFlow::Continue(())
        }
    }
}

impl<T: HeapWalk> HeapWalk for BTreeSet<T> {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        measure_tree::<T, (), M>(self.len(), visitor)?;
        if T::OWNS_BLOCKS {
            self.iter().try_for_each(|element| element.measure(visitor))?;
        }
        ControlFlow::Continue(())
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, _visitor: &mut R) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}
