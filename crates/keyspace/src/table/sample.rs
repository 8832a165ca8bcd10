//! Fair choices among the elements.
#![allow(unsafe_code)]

use super::bucket::SLOTS;
use super::{Pointer, Table};

impl<P: Pointer> Table<P> {
    /// An element chosen with exactly equal chances, or `None` where there is none; `random` gives
    /// uniform random bits.
    ///
    /// A bucket and a position in its chain are drawn, up to the longest chain there has been,
    /// and drawn again while no element is at that position, which takes a handful of draws.
    pub(crate) fn random(&self, random: &mut impl FnMut() -> u64) -> Option<P::Ref<'_>> {
        if self.len == 0 {
            return None;
        }
        // Each bucket with a child has one slot fewer for elements.
        let positions = self.longest_chain as usize * (SLOTS - 1) + 1;
        let places = (self.segments.len() * positions) as u64;
        loop {
            let place = below(places, random) as usize;
            if let Some(element) = self.element_at(place / positions, place % positions) {
                return Some(element);
            }
        }
    }

    /// Gives the elements of one bucket, at least one, to `each`; none where the table has none. Every element
    /// has the same chance to be among them; `random` gives uniform random bits.
    ///
    /// That holds for the sum of several draws too, as long as what ends them is what they have given so far
    /// (Wald's identity): who draws until there are enough elements favours none.
    pub(crate) fn sample<'t>(&'t self, random: &mut impl FnMut() -> u64, mut each: impl FnMut(P::Ref<'t>)) {
        let mut is_found = self.len == 0;
        while !is_found {
            let index = below(self.segments.len() as u64, random) as usize;
            self.for_each_in_chain(self.segments.bucket(index), &mut |element| {
                is_found = true;
                each(element);
            });
        }
    }

    /// The element at `position` of the chain of primary bucket `index`.
    fn element_at(&self, index: usize, mut position: usize) -> Option<P::Ref<'_>> {
        let mut bucket = self.segments.bucket(index);
        loop {
            // SAFETY: a bucket of this table, which is borrowed and so doesn't change.
            let this = unsafe { bucket.as_ref() };
            let count = this.tags().count();
            if position < count {
                // SAFETY: the words of elements are of `into_raw`, and stay while the table is borrowed.
                return Some(unsafe { P::borrow(this.word(position).pointer()) });
            }
            position -= count;
            bucket = this.child()?;
        }
    }
}

/// A number below `bound`, which is not 0, with exactly equal chances: the high half of the product
/// of a random word and the bound, unless the low half shows it to be one of the few that would
/// make some numbers likelier.
fn below(bound: u64, random: &mut impl FnMut() -> u64) -> u64 {
    let surplus = bound.wrapping_neg() % bound;
    loop {
        let product = u128::from(random()) * u128::from(bound);
        if product as u64 >= surplus {
            return (product >> 64) as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn stays_below_and_reaches_both_ends() {
        for bound in [1, 2, 3, 1000, u64::MAX] {
            assert_eq!(below(bound, &mut || u64::MAX), bound - 1);
        }
        // With a bound of 3, the word 0 is the one too many.
        let mut words = [0, 1].into_iter();
        assert_eq!(below(3, &mut || words.next().unwrap()), 0);
        assert_eq!(words.next(), None);
    }
}
