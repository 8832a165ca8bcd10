//! hashbrown's maps, sets and tables.
//!
//! They tell the size of their block, not where it begins, so it is moved by building the table anew.
//! That takes time in proportion to the table, as when it grows; but the tables that allocators put in
//! slabs with others, which is what may have to move, are those of a few kilobytes.

use std::alloc::Layout;
use std::hash::{BuildHasher, Hash};
use std::ops::ControlFlow;
use std::ptr::NonNull;
use std::sync::OnceLock;

use hashbrown::hash_map::RawEntryMut;
use hashbrown::{HashMap, HashSet, HashTable};

use crate::sequence::CHUNK;
use crate::{HeapAllocator, HeapWalk, Measure, Relocate};

/// The number of control bytes that a table has beyond one for each bucket: those of one group, which
/// are also what a table is aligned to.
fn group() -> usize {
    static GROUP: OnceLock<usize> = OnceLock::new();
    *GROUP.get_or_init(|| {
        let table = HashTable::<()>::with_capacity(1);
        table.allocation_size() - table.num_buckets()
    })
}

/// The layout of a table's block, of this size.
fn layout<T>(allocation_size: usize) -> Layout {
    Layout::from_size_align(allocation_size, align_of::<T>().max(group()))
        .expect("a table is smaller than the address space")
}

/// The capacity to ask for to get a table of this size.
fn capacity<T>(allocation_size: usize) -> usize {
    let group = group();
    let align = align_of::<T>().max(group);
    let size = |buckets: usize| (buckets * size_of::<T>()).next_multiple_of(align) + buckets + group;
    let mut buckets = 4;
    while size(buckets) < allocation_size {
        buckets *= 2;
    }
    if buckets <= 8 { buckets - 1 } else { buckets / 8 * 7 }
}

/// Shows a table's block. `inside` is an element of it.
fn measure_block<T, M: Measure + ?Sized>(
    allocation_size: usize,
    inside: Option<NonNull<u8>>,
    visitor: &mut M,
) -> ControlFlow<()> {
    if allocation_size == 0 {
        return ControlFlow::Continue(());
    }
    // An element without a size has an address without a meaning.
    visitor.hidden(inside.filter(|_| size_of::<T>() != 0), layout::<T>(allocation_size), 1)
}

/// The address of an element, as one in the table's block.
fn address<T>(element: &T) -> NonNull<u8> {
    NonNull::from_ref(element).cast()
}

impl<K, V, S, A> HeapWalk for HashMap<K, V, S, A>
where
    K: HeapWalk + Eq + Hash,
    V: HeapWalk,
    S: BuildHasher + Clone,
    A: HeapAllocator + Clone,
{
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        let inside = self.keys().next().map(address);
        measure_block::<(K, V), M>(self.allocation_size(), inside, visitor)?;
        if K::OWNS_BLOCKS || V::OWNS_BLOCKS {
            for (key, value) in self {
                key.measure(visitor)?;
                value.measure(visitor)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// The new table is filled by hashing every key again.
    ///
    /// # Panics
    /// When the keys' `Hash` or `Eq` does. What was not yet in the new table is lost then.
    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        if let Some(key) = self.keys().next().filter(|_| size_of::<(K, V)>() != 0) {
            let size = self.allocation_size();
            visitor.rebuild(address(key), layout::<(K, V)>(size), &mut || {
                let hasher = self.hasher().clone();
                let allocator = self.allocator().clone();
                let mut new = Self::with_capacity_and_hasher_in(capacity::<(K, V)>(size), hasher, allocator);
                if new.allocation_size() == size {
                    new.extend(self.drain());
                    *self = new;
                }
            });
        }
        if K::OWNS_BLOCKS {
            relocate_entries(self, visitor)
        } else if V::OWNS_BLOCKS {
            super::ordered::relocate_values(self.len(), self.values_mut(), visitor)
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// Has the visitor move what keys and values own.
///
/// A map gives out its keys by `&` only, so an entry that has something to move is looked up by its
/// key's hash and its address.
fn relocate_entries<K, V, S, A, R>(map: &mut HashMap<K, V, S, A>, visitor: &mut R) -> ControlFlow<()>
where
    K: HeapWalk + Hash,
    V: HeapWalk,
    S: BuildHasher,
    A: HeapAllocator,
    R: Relocate + ?Sized,
{
    let mut index = visitor.enter(map.len());
    let map: *mut HashMap<K, V, S, A> = map;
    // SAFETY: the map is borrowed from the caller for as long as this runs. The iterator goes through
    // the table's block, which nothing below replaces or adds to: entries are looked up, and the
    // contents of keys and values change, while the iterator looks at control bytes only. No reference
    // that it gave is used past the look-up.
    let mut entries = unsafe { (*map).iter() };
    if index > 0 {
        entries.nth(index - 1);
    }
    while entries.len() > 0 {
        let chunk = || entries.clone().take(CHUNK);
        let length = chunk().len();
        let any = visitor.foresee(&mut |scout| {
            chunk().try_for_each(|(key, value)| {
                key.measure(scout)?;
                value.measure(scout)
            })
        });
        if !any {
            entries.nth(length - 1);
            index += length;
            visitor.passed(index)?;
            continue;
        }
        for _ in 0..length {
            let Some((key, _)) = entries.next() else { break };
            // SAFETY: as above. The reference to the key ends before the map is borrowed mutably.
            unsafe {
                let hash = (*map).hasher().hash_one(key);
                let key: *const K = key;
                let found = (*map).raw_entry_mut().from_hash(hash, |other| std::ptr::eq(other, key));
                if let RawEntryMut::Occupied(mut entry) = found {
                    let (key, value) = entry.get_key_value_mut();
                    key.relocate(visitor)?;
                    value.relocate(visitor)?;
                }
            }
            index += 1;
            visitor.passed(index)?;
        }
    }
    visitor.leave();
    ControlFlow::Continue(())
}

impl<T, S, A> HeapWalk for HashSet<T, S, A>
where
    T: HeapWalk + Eq + Hash,
    S: BuildHasher + Clone,
    A: HeapAllocator + Clone,
{
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        measure_block::<T, M>(self.allocation_size(), self.iter().next().map(address), visitor)?;
        if T::OWNS_BLOCKS {
            self.iter().try_for_each(|element| element.measure(visitor))?;
        }
        ControlFlow::Continue(())
    }

    /// A set gives its elements out by `&` only. When one of them owns a block that ought to move, all
    /// are taken out, moved and put back, at one go.
    ///
    /// # Panics
    /// As for the map.
    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        if let Some(element) = self.iter().next().filter(|_| size_of::<T>() != 0) {
            let size = self.allocation_size();
            visitor.rebuild(address(element), layout::<T>(size), &mut || {
                let (hasher, allocator) = (self.hasher().clone(), self.allocator().clone());
                let mut new = Self::with_capacity_and_hasher_in(capacity::<T>(size), hasher, allocator);
                if new.allocation_size() == size {
                    new.extend(self.drain());
                    *self = new;
                }
            });
        }
        let mut rest = self.iter();
        let mut any = false;
        while T::OWNS_BLOCKS && !any && rest.len() > 0 {
            let mut chunk = rest.by_ref().take(CHUNK);
            any = visitor.foresee(&mut |scout| chunk.try_for_each(|element| element.measure(scout)));
        }
        if !any {
            return ControlFlow::Continue(());
        }
        let mut elements: Vec<T> = self.drain().collect();
        let walk = elements.iter_mut().try_for_each(|element| element.relocate(visitor));
        self.extend(elements);
        walk
    }
}

/// Its own block stays: the table can't hash. [`relocate_table`] moves it.
impl<T: HeapWalk, A: HeapAllocator> HeapWalk for HashTable<T, A> {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        measure_block::<T, M>(self.allocation_size(), self.iter().next().map(address), visitor)?;
        if T::OWNS_BLOCKS {
            self.iter().try_for_each(|element| element.measure(visitor))?;
        }
        ControlFlow::Continue(())
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        if !T::OWNS_BLOCKS {
            return ControlFlow::Continue(());
        }
        let buckets = self.num_buckets();
        let mut start = visitor.enter(buckets);
        while start < buckets {
            let end = buckets.min(start + CHUNK);
            let table = &*self;
            let mut chunk = (start..end).filter_map(|index| table.get_bucket(index));
            if visitor.foresee(&mut |scout| chunk.try_for_each(|element| element.measure(scout))) {
                for index in start..end {
                    if let Some(element) = self.get_bucket_mut(index) {
                        element.relocate(visitor)?;
                    }
                    visitor.passed(index + 1)?;
                }
            } else {
                visitor.passed(end)?;
            }
            start = end;
        }
        visitor.leave();
        ControlFlow::Continue(())
    }
}

/// Has the visitor move a table's own block. `hasher` gives for each element the hash that it was
/// inserted with.
///
/// # Panics
/// When `hasher` does. What was not yet in the new table is lost then.
pub fn relocate_table<T, A, R>(table: &mut HashTable<T, A>, hasher: impl Fn(&T) -> u64, visitor: &mut R)
where
    A: HeapAllocator + Clone,
    R: Relocate + ?Sized,
{
    let Some(element) = table.iter().next().filter(|_| size_of::<T>() != 0) else {
        return;
    };
    let size = table.allocation_size();
    visitor.rebuild(address(element), layout::<T>(size), &mut || {
        let mut new = HashTable::with_capacity_in(capacity::<T>(size), table.allocator().clone());
        if new.allocation_size() == size {
            for element in table.drain() {
                new.insert_unique(hasher(&element), element, &hasher);
            }
            *table = new;
        }
    });
}
