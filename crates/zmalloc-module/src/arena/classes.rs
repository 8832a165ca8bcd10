//! Size classes of the arena: multiples of 16 up to 128 bytes, then four to each doubling.

/// The unit in which blocks are placed and numbered, in bytes; every block is aligned to it.
pub(super) const GRANULE: usize = 16;

/// The largest block there is a class for.
const LARGEST: usize = 1 << 36;

/// Number of classes.
pub(super) const COUNT: usize = 8 + (36 - 7) * 4;

/// A class: its place in the table, and the bytes of its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Class {
    /// The place in the table, below [`COUNT`].
    pub(super) index: usize,
    /// Bytes of a block; blocks are aligned to the largest power of two that divides it.
    pub(super) size: usize,
}

impl Class {
    /// The class for blocks of `size` bytes aligned to `align`, or `None` past the largest.
    ///
    /// Past 16, alignment is bought by size: a power of two is aligned to itself.
    pub(super) fn of(size: usize, align: usize) -> Option<Self> {
        let size = match align {
            ..=GRANULE => size,
            _ => size.max(align).checked_next_power_of_two()?,
        };
        if size > LARGEST {
            return None;
        }
        if size <= 128 {
            let index = size.max(1).div_ceil(GRANULE) - 1;
            return Some(Self { index, size: (index + 1) * GRANULE });
        }
        let last = size - 1;
        let doubling = last.ilog2() as usize;
        let quarters = last >> (doubling - 2);
        let index = 8 + (doubling - 7) * 4 + (quarters - 4);
        Some(Self { index, size: (quarters + 1) << (doubling - 2) })
    }

    /// What a block of this class is aligned to.
    pub(super) fn alignment(self) -> usize {
        1 << self.size.trailing_zeros()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_ascend_and_hold_what_they_are_for() {
        let mut previous = Class::of(1, 1).unwrap();
        for size in 2..200_000 {
            let class = Class::of(size, 1).unwrap();
            assert!(class.size >= size && class.size <= (size + 15).max(size + size / 4), "{size}");
            assert!(class.index == previous.index || class.index == previous.index + 1, "{size}");
            assert_eq!(class.index == previous.index, class.size == previous.size, "{size}");
            previous = class;
        }
    }

    #[test]
    fn alignment_is_what_the_size_gives() {
        for align in (0..30).map(|shift| 1usize << shift) {
            for size in [1, 15, 16, 17, 100, 4095, 4096, 5000, 1 << 20] {
                let class = Class::of(size, align).unwrap();
                assert!(class.alignment() >= align && class.size >= size, "{size} {align}");
            }
        }
    }

    #[test]
    fn the_end_of_the_table() {
        assert_eq!(Class::of(LARGEST, 1).unwrap().index, COUNT - 1);
        assert_eq!(Class::of(LARGEST + 1, 1), None);
        assert_eq!(Class::of(usize::MAX, 32), None);
    }
}
