//! Walking a table piece by piece while it changes.

use super::{Pointer, Table};

impl<P: Pointer> Table<P> {
    /// Gives the elements of one bucket to `each`, and the cursor for the next call. A scan begins
    /// with cursor 0 and is over when 0 comes back.
    ///
    /// Every element that is in the table from the first call to the last is given at least once,
    /// whatever is added and removed between calls; one can be given more often where the table
    /// shrinks. Any number is good as a cursor.
    pub(crate) fn scan<'t>(&'t self, cursor: u64, mut each: impl FnMut(P::Ref<'t>)) -> u64 {
        let Some((index, next)) = self.range(cursor) else { return 0 };
        self.for_each_in_chain(self.segments.bucket(index), &mut each);
        next
    }

    /// The number of the bucket that a scan with this cursor comes to, and the cursor of the one after it;
    /// `None` where there is no element.
    pub(super) fn range(&self, cursor: u64) -> Option<(usize, u64)> {
        if self.len == 0 {
            return None;
        }
        let index = self.index(cursor);
        // The bucket covers the hashes that agree with its number in the lowest `depth` bits: as many
        // as it takes to name it, one fewer if it was not split in the current round.
        let buckets = self.segments.len();
        let bits = buckets.next_power_of_two().trailing_zeros();
        let half = buckets.next_power_of_two() >> 1;
        let depth = if bits > 0 && index < half && index + half >= buckets { bits - 1 } else { bits };
        Some((index, next_range(index as u64, depth)))
    }
}

/// The first hash, in the order of reversed bits, after those that have `index` in their lowest
/// `depth` bits; 0 after the last.
fn next_range(index: u64, depth: u32) -> u64 {
    if depth == 0 {
        return 0;
    }
    let position = index.reverse_bits() >> (u64::BITS - depth);
    let next = position + 1;
    if next >> depth != 0 { 0 } else { (next << (u64::BITS - depth)).reverse_bits() }
}

#[cfg(test)]
mod tests {
    use super::next_range;

    #[test]
    fn goes_through_all_ranges_of_a_depth_once() {
        for depth in 0..12 {
            let mut seen = vec![false; 1 << depth];
            let mut cursor = 0;
            loop {
                assert!(!std::mem::replace(&mut seen[cursor as usize], true));
                cursor = next_range(cursor, depth);
                if cursor == 0 {
                    break;
                }
            }
            assert!(seen.iter().all(|&seen| seen));
        }
    }
}
