//! Sets and tables of names: of channels, patterns, watched keys. A name is shared by all who hold it.

use std::alloc::Layout;
use std::fmt;
use std::hash::BuildHasher;
use std::rc::Rc;

use hashbrown::{HashMap, HashSet};
use siphasher::sip::SipHasher13;

/// A name of any bytes, held by several tables at once.
pub(crate) type Name = Rc<[u8]>;
/// Something for each name.
pub(crate) type NameMap<V> = HashMap<Name, V, Seeded>;
/// Names.
pub(crate) type NameSet = HashSet<Name, Seeded>;

/// Keyed hashing, so that nobody can choose names that collide; the same seed gives the same order.
#[derive(Clone)]
pub(crate) struct Seeded(SipHasher13);

impl Seeded {
    pub(crate) fn new(seed: [u8; 16]) -> Self {
        Self(SipHasher13::new_with_key(&seed))
    }
}

impl BuildHasher for Seeded {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        self.0
    }
}

impl fmt::Debug for Seeded {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seeded").finish_non_exhaustive()
    }
}

/// The bytes that a name takes: its text behind the two counters of an [`Rc`].
pub(crate) fn name_memory(name: &Name) -> usize {
    block((2 * size_of::<usize>() + name.len()).next_multiple_of(align_of::<usize>()))
}

/// The bytes that an allocation of `size` bytes takes; none for one of no size.
pub(crate) fn block(size: usize) -> usize {
    match Layout::from_size_align(size, align_of::<usize>()) {
        Ok(layout) if size > 0 => zmalloc::good_size(layout),
        _ => 0,
    }
}

/// The bytes that a vector's elements take, those included that it has room for.
pub(crate) fn vec_memory<T>(vec: &Vec<T>) -> usize {
    match Layout::array::<T>(vec.capacity()) {
        Ok(layout) if layout.size() > 0 => zmalloc::good_size(layout),
        _ => 0,
    }
}

/// The bytes that a text takes.
pub(crate) fn string_memory(text: &String) -> usize {
    match Layout::array::<u8>(text.capacity()) {
        Ok(layout) if layout.size() > 0 => zmalloc::good_size(layout),
        _ => 0,
    }
}

/// Gives back what a table has grown beyond need: all when it is empty, half when most of it is.
pub(crate) fn shrink<V>(map: &mut NameMap<V>) {
    if map.is_empty() || map.len() * 4 < map.capacity() {
        map.shrink_to(map.len() * 2);
    }
}

/// As [`shrink`], for a set.
pub(crate) fn shrink_set(set: &mut NameSet) {
    if set.is_empty() || set.len() * 4 < set.capacity() {
        set.shrink_to(set.len() * 2);
    }
}
