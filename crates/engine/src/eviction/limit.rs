//! What counts towards the limit, and how long keys may be evicted before the next command has its turn.

use std::time::Duration;

use crate::clock::Budget;
use crate::engine::Engine;

impl Engine {
    /// The bytes in use that `maxmemory` leaves out: the output buffers of replicas and the buffer of the
    /// append-only file, as in Redis, because evictions write to both and would then cause more of them. There are
    /// no replicas and no such file, so nothing is left out. Other clients' buffers count.
    pub(crate) fn memory_not_counted(&self) -> usize {
        0
    }

    /// Whether the memory that counts is above the limit.
    pub(super) fn exceeds_limit(&self) -> bool {
        self.exceeds_limit_by(0)
    }

    /// Whether it is more than so many bytes above the limit.
    pub(super) fn exceeds_limit_by(&self, bytes: u64) -> bool {
        let counted = zmalloc::used_memory().saturating_sub(self.memory_not_counted()) as u64;
        counted > self.config.maxmemory.saturating_add(bytes)
    }
}

/// A slice of evictions, which ends after a time that `maxmemory-eviction-tenacity` sets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slice {
    /// `None` for a slice that ends only when it is done.
    budget: Option<Budget>,
}

impl Slice {
    pub(super) fn begin(tenacity: u32) -> Self {
        Self { budget: duration(tenacity).map(Budget::new) }
    }

    /// Whether its time is up.
    pub(super) fn is_over(&self) -> bool {
        self.budget.is_some_and(|budget| budget.is_spent())
    }
}

/// How long a slice is at this tenacity: 50 µs for each point up to the default of 10, and 15% more for each
/// point above it, as in Redis; `None` is without end.
fn duration(tenacity: u32) -> Option<Duration> {
    const POINT: Duration = Duration::from_micros(50);
    const DEFAULT: u32 = 10;
    const GROWTH: f64 = 1.15;
    match tenacity {
        ..=DEFAULT => Some(POINT * tenacity),
        100.. => None,
        _ => Some((POINT * DEFAULT).mul_f64(GROWTH.powf(f64::from(tenacity - DEFAULT)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenacity_is_linear_then_geometric_then_endless() {
        assert_eq!(duration(0), Some(Duration::ZERO));
        assert_eq!(duration(1), Some(Duration::from_micros(50)));
        assert_eq!(duration(10), Some(Duration::from_micros(500)));
        assert_eq!(duration(11), Some(Duration::from_micros(575)));
        // Redis's documentation of the directive gives two minutes for the longest one that ends.
        let longest = duration(99).expect("it ends").as_secs();
        assert!((115..=130).contains(&longest), "{longest} s");
        assert_eq!(duration(100), None);
        assert!((0..99).all(|point| duration(point) < duration(point + 1)));
    }

    #[test]
    fn a_slice_without_time_is_over_at_once() {
        assert!(Slice::begin(0).is_over());
        assert!(!Slice::begin(99).is_over());
        assert!(!Slice::begin(100).is_over());
    }
}
