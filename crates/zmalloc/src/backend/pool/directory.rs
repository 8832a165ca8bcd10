//! Which addresses belong to slabs: a table of two levels with one bit for each place that a slab
//! can have.

use std::alloc::Layout;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use super::slab;
use crate::backend::Backend;

/// The lower level: 4 GiB of addresses.
const LEAF_SHIFT: u32 = 32;

/// Addresses below 2^48 are covered, which is where 64-bit systems put what isn't asked to be higher.
const LEAF_COUNT: usize = 1 << (48 - LEAF_SHIFT);

/// Words of 64 bits in a leaf.
const WORDS: usize = 1 << (LEAF_SHIFT - slab::SIZE.ilog2() - u64::BITS.ilog2());

struct Leaf([AtomicU64; WORDS]);

/// Leaves are made when they are first needed, and stay.
static LEAVES: [AtomicPtr<Leaf>; LEAF_COUNT] = [const { AtomicPtr::new(ptr::null_mut()) }; LEAF_COUNT];

impl Leaf {
    /// The word and the bit in it that stand for an address.
    #[inline(always)]
    fn bit(&self, address: usize) -> (&AtomicU64, u64) {
        let place = address / slab::SIZE;
        (&self.0[place / 64 % WORDS], 1 << (place % 64))
    }
}

/// The leaf for an address, if there is one.
#[inline(always)]
fn leaf(address: usize) -> Option<&'static Leaf> {
    let leaf = LEAVES.get(address >> LEAF_SHIFT)?.load(Ordering::Acquire);
    // SAFETY: null, or a leaf that was complete when it was put there, and that stays.
    unsafe { leaf.as_ref() }
}

/// Whether a slab is around this address, which must be that of a live block. Whoever holds a block
/// has got it after its slab was entered, and it can't be removed before they give it up.
#[inline(always)]
pub(super) fn contains(address: usize) -> bool {
    leaf(address).is_some_and(|leaf| {
        let (word, bit) = leaf.bit(address);
        word.load(Ordering::Relaxed) & bit != 0
    })
}

/// Enters a slab. Returns whether that was possible.
pub(super) fn insert<B: Backend>(address: usize) -> bool {
    let Some(place) = LEAVES.get(address >> LEAF_SHIFT) else {
        return false;
    };
    if place.load(Ordering::Acquire).is_null() && !add_leaf::<B>(place) {
        return false;
    }
    if let Some(leaf) = leaf(address) {
        let (word, bit) = leaf.bit(address);
        word.fetch_or(bit, Ordering::Relaxed);
    }
    true
}

/// Puts a new leaf in its place, unless another thread does so first.
fn add_leaf<B: Backend>(place: &AtomicPtr<Leaf>) -> bool {
    let layout = Layout::new::<Leaf>();
    // SAFETY: the size is not 0. Zeros are a leaf without slabs.
    let new: *mut Leaf = unsafe { B::allocate_zeroed(layout) }.cast();
    if new.is_null() {
        return false;
    }
    let outcome = place.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire);
    if outcome.is_err() {
        // SAFETY: nobody else has seen it; it has this layout.
        unsafe { B::deallocate(new.cast(), layout) };
    }
    true
}

/// Removes a slab that was entered.
pub(super) fn remove(address: usize) {
    if let Some(leaf) = leaf(address) {
        let (word, bit) = leaf.bit(address);
        word.fetch_and(!bit, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Chosen;

    #[test]
    fn a_slab_is_found_by_all_of_its_addresses_and_no_others() {
        // Far from where a process has memory, in two leaves.
        for start in [3 << 44, (3 << 44) + (5 << LEAF_SHIFT) - slab::SIZE] {
            assert!(!contains(start));
            assert!(insert::<Chosen>(start));
            for inside in [0, 1, slab::SIZE / 2, slab::SIZE - 1] {
                assert!(contains(start + inside));
            }
            assert!(!contains(start - 1) && !contains(start + slab::SIZE));
            remove(start);
            assert!(!contains(start));
        }
    }

    #[test]
    fn addresses_that_are_not_covered_are_refused() {
        assert!(!insert::<Chosen>(1 << 48));
        assert!(!contains(1 << 48) && !contains(usize::MAX));
    }
}
