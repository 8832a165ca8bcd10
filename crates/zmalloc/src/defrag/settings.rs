//! What is worth the effort, and how much of it.

use std::time::Duration;

use crate::stats::AllocatorInfo;

/// When a [`Cycle`](super::Cycle) works, and how hard. Named and preset as Redis's `active-defrag-*`
/// directives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Fragmentation up to so many bytes is left alone.
    pub ignore_bytes: usize,
    /// Fragmentation up to so many percent of what is allocated is left alone.
    pub threshold_lower: u32,
    /// The fragmentation, in percent, from which on the effort is the greatest.
    pub threshold_upper: u32,
    /// The effort at the lower threshold, in percent of a processor's time.
    pub cycle_min: u32,
    /// The greatest effort, in percent of a processor's time.
    pub cycle_max: u32,
    /// How long a step lasts. It may be exceeded by the time that one block takes to move, or one table
    /// of a few kilobytes to be built anew.
    pub budget: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ignore_bytes: 100 << 20,
            threshold_lower: 10,
            threshold_upper: 100,
            cycle_min: 1,
            cycle_max: 25,
            budget: Duration::from_micros(500),
        }
    }
}

impl Settings {
    /// The effort, in percent of a processor's time, for this much fragmentation; `None` if it is to be
    /// left alone.
    pub fn effort(&self, fragmentation: Fragmentation) -> Option<u32> {
        let Fragmentation { bytes, percent } = fragmentation;
        if bytes <= self.ignore_bytes || percent <= f64::from(self.threshold_lower) {
            return None;
        }
        let range = f64::from(self.threshold_upper.saturating_sub(self.threshold_lower).max(1));
        let share = ((percent - f64::from(self.threshold_lower)) / range).clamp(0.0, 1.0);
        let (least, most) = (f64::from(self.cycle_min), f64::from(self.cycle_max));
        // At least one percent, so that a cycle comes to its end.
        Some((least + share * (most - least)).round().clamp(1.0, 99.0) as u32)
    }

    /// How long to wait after a step that lasted so long, to keep to such an effort.
    pub(super) fn pause(took: Duration, effort: u32) -> Duration {
        let effort = effort.clamp(1, 99);
        took * (100 - effort) / effort
    }
}

/// What moving blocks could gain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fragmentation {
    /// Bytes that are free in slabs of small blocks.
    pub bytes: usize,
    /// The same, in percent of the bytes that are allocated.
    pub percent: f64,
}

impl Fragmentation {
    /// What the allocator's figures say.
    pub fn of(info: &AllocatorInfo) -> Self {
        Self { bytes: info.small_fragmentation, percent: (info.small_fragmentation_ratio() - 1.0) * 100.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn effort_rises_from_the_lower_threshold_to_the_upper() {
        let settings = Settings::default();
        let effort = |percent| settings.effort(Fragmentation { bytes: 200 << 20, percent });
        assert_eq!(effort(10.0), None);
        assert_eq!(effort(11.0), Some(1));
        assert_eq!(effort(55.0), Some(13));
        assert_eq!(effort(100.0), Some(25));
        assert_eq!(effort(10_000.0), Some(25));
        let few = Fragmentation { bytes: 100 << 20, percent: 1000.0 };
        assert_eq!(settings.effort(few), None);
    }

    #[test]
    fn thresholds_in_any_order_make_an_effort() {
        let settings =
            Settings { threshold_lower: 50, threshold_upper: 10, cycle_max: 200, ..Settings::default() };
        assert_eq!(settings.effort(Fragmentation { bytes: 1 << 40, percent: 60.0 }), Some(99));
    }

    #[test]
    fn a_pause_makes_the_effort_a_share_of_the_time() {
        let took = Duration::from_micros(500);
        assert_eq!(Settings::pause(took, 50), took);
        assert_eq!(Settings::pause(took, 1), took * 99);
        assert_eq!(Settings::pause(took, 0), took * 99);
        assert_eq!(Settings::pause(took, 100), took / 99);
    }
}
