//! How long a command takes: counts of durations in classes whose width is within a hundredth of the duration.
//!
//! Classes are those of an HdrHistogram with two significant digits, which Redis keeps, so that the bounds that are
//! shown are the same: up to 255 nanoseconds each has its own, and then every power of two has 128.

/// Longer durations count as this one, in nanoseconds.
const LONGEST: u64 = 1_000_000_000;

/// How many durations fell into each class.
#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    /// As far as there is anything to count.
    counts: Vec<u64>,
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
    /// Counts a duration in nanoseconds.
    #[inline]
    pub(crate) fn record(&mut self, ns: u64) {
        let class = class_of(ns.clamp(1, LONGEST));
        if class >= self.counts.len() {
            self.counts.resize(class + 1, 0);
        }
        self.counts[class] += 1;
        self.total += 1;
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
        for (class, count) in self.counts.iter().enumerate() {
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
        let mut steps: Vec<(u64, u64)> = Vec::new();
        let mut bound = 1024;
        let mut seen = 0;
        let mut class = 0;
        while seen < self.total {
            let last = class_of(bound);
            let before = seen;
            while class <= last && class < self.counts.len() {
                seen += self.counts[class];
                class += 1;
            }
            if seen > before {
                steps.push((bounds(last).1 / 1000, seen));
            }
            bound *= 2;
        }
        steps
    }
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
