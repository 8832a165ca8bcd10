//! How long a command takes: counts of durations in classes whose width is within a hundredth of the duration.
//!
//! Classes are those of an HdrHistogram with two significant digits, which Redis keeps, so that the bounds that are
//! shown are the same: up to 255 nanoseconds each has its own, and then every power of two has 128.

/// Longer durations count as this one, in nanoseconds.
const LONGEST: u64 = 1_000_000_000;

/// How many classes have their counts in one block: a quarter of a power of two.
const BLOCK: usize = 32;

/// How many durations fell into each class.
///
/// The calls of a command take times that lie near each other, with few far away: counts are kept in small blocks,
/// of which there are those in which anything was counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    blocks: Vec<Option<Box<[u64; BLOCK]>>>,
    total: u64,
}

/// The number of the class that a duration falls into.
fn class_of(ns: u64) -> usize {
    let power = (u64::BITS - ns.leading_zeros()).saturating_sub(8);
    power as usize * 128 + (ns >> power) as usize
}

/// The least and the greatest duration of a class, in nanoseconds.
fn bounds(class: usize) -> (u64, u64) {
    let power = (class / 128).saturating_sub(1);
    let least = ((class - power * 128) as u64) << power;
    (least, least + (1 << power) - 1)
}

impl Histogram {
    /// Of no duration.
    pub(crate) const EMPTY: Self = Self { blocks: Vec::new(), total: 0 };

    /// Counts a duration in nanoseconds.
    #[inline]
    pub(crate) fn record(&mut self, ns: u64) {
        let class = class_of(ns.clamp(1, LONGEST));
        match self.blocks.get_mut(class / BLOCK) {
            Some(Some(block)) => block[class % BLOCK] += 1,
            _ => self.begin_block(class),
        }
        self.total += 1;
    }

    /// Counts the first duration of a block.
    #[cold]
    fn begin_block(&mut self, class: usize) {
        let number = class / BLOCK;
        if number >= self.blocks.len() {
            self.blocks.reserve_exact(number + 1 - self.blocks.len());
            self.blocks.resize(number + 1, None);
        }
        self.blocks[number].get_or_insert_default()[class % BLOCK] += 1;
    }

    /// The classes in which anything was counted, in order, and their counts.
    fn counts(&self) -> impl Iterator<Item = (usize, u64)> {
        let blocks = self.blocks.iter().enumerate();
        let blocks = blocks.filter_map(|(number, block)| Some((number * BLOCK, block.as_deref()?)));
        let counts = blocks.flat_map(|(first, block)| (first..).zip(block.iter().copied()));
        counts.filter(|&(_, count)| count != 0)
    }

    /// How many durations were counted.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }

    /// The duration that so many percent of all don't exceed, in nanoseconds: the greatest of its class, or for
    /// no percent at all the least.
    pub(crate) fn percentile(&self, percent: f64) -> u64 {
        let wanted = ((percent.clamp(0.0, 100.0) / 100.0 * self.total as f64 + 0.5) as u64).max(1);
        let mut seen = 0;
        for (class, count) in self.counts() {
            seen += count;
            if seen >= wanted {
                let (least, greatest) = bounds(class);
                return if percent == 0.0 { least } else { greatest };
            }
        }
        0
    }

    /// How many durations were no longer than bounds that double, each in whole microseconds; bounds that add none
    /// are left out.
    pub(crate) fn cumulative(&self) -> Vec<(u64, u64)> {
        let mut steps = Vec::new();
        let (mut bound, mut seen, mut last_step) = (1024, 0, 0);
        for (class, count) in self.counts() {
            while class > class_of(bound) {
                if seen > last_step {
                    steps.push((greatest_us(bound), seen));
                    last_step = seen;
                }
                bound *= 2;
            }
            seen += count;
        }
        if seen > last_step {
            steps.push((greatest_us(bound), seen));
        }
        steps
    }
}

/// The greatest duration of the class that a duration falls into, in whole microseconds.
fn greatest_us(ns: u64) -> u64 {
    bounds(class_of(ns)).1 / 1000
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn classes_follow_on_each_other() {
        let mut next = 0;
        for class in 0..class_of(LONGEST) + 1 {
            let (least, greatest) = bounds(class);
            assert_eq!(least, next, "class {class}");
            assert_eq!((class_of(least), class_of(greatest)), (class, class));
            next = greatest + 1;
        }
        assert!(next > LONGEST);
    }

    #[test]
    fn bounds_are_those_that_redis_shows() {
        let mut histogram = Histogram::default();
        histogram.record(2_000);
        histogram.record(103_000);
        assert_eq!((histogram.percentile(50.0), histogram.percentile(100.0)), (2_007, 103_423));
        assert_eq!(histogram.percentile(0.0), 2_000);
        assert_eq!(histogram.cumulative(), [(2, 1), (132, 2)]);
    }

    #[test]
    fn there_are_blocks_for_what_was_counted_alone() {
        let mut histogram = Histogram::default();
        for ns in [900, 1_000, 1_100, LONGEST] {
            (0..100).for_each(|_| histogram.record(ns));
        }
        assert_eq!(histogram.blocks.iter().flatten().count(), 3);
        assert_eq!(histogram.counts().map(|(_, count)| count).collect::<Vec<_>>(), [100; 4]);
        // The longest of all is the last there can be.
        histogram.record(u64::MAX);
        assert_eq!(histogram.blocks.len(), class_of(LONGEST) / BLOCK + 1);
    }

    proptest! {
        #[test]
        fn percentiles_agree_with_sorting(
            mut durations in prop::collection::vec(0..2_000_000_000_u64, 1..200), percent in 0..=100_u32,
        ) {
            let mut histogram = Histogram::default();
            durations.iter().for_each(|&ns| histogram.record(ns));
            durations.sort_unstable();
            let rank = ((f64::from(percent) / 100.0 * durations.len() as f64 + 0.5) as usize).max(1);
            let exact = durations[rank - 1].clamp(1, LONGEST);
            let (least, greatest) = bounds(class_of(exact));
            prop_assert_eq!(histogram.percentile(percent.into()), if percent == 0 { least } else { greatest });
            prop_assert!(greatest - least <= exact / 100);
            let cumulative = histogram.cumulative();
            prop_assert_eq!(cumulative.last().map(|step| step.1), Some(durations.len() as u64));
            prop_assert!(cumulative.is_sorted_by(|a, b| a.0 < b.0 && a.1 < b.1));
        }
    }
}
