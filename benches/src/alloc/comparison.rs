//! Who is compared with whom, and the goals.

use super::entrant::{
    ALLOC_TRACKER, Allocator, CAP, JEMALLOC, LIBC, MIMALLOC, OVER_JEMALLOC, OVER_LIBC, OVER_MIMALLOC,
    OVER_PREFIXED, OVER_TCMALLOC, PEAK_ALLOC, STATS_ALLOC, TCMALLOC, WITH_LIMIT,
};

/// What a ratio should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// This or less.
    AtMost(f64),
    /// Less than this.
    Below(f64),
    /// Nothing: it is printed for those who want to know.
    Open,
}

impl Goal {
    /// Whether a ratio is as it should be; `None` if nothing is asked of it.
    ///
    /// It is judged as it is printed, with two decimals, except where less is asked for.
    pub fn is_met(self, ratio: f64) -> Option<bool> {
        match self {
            Self::AtMost(goal) => Some((ratio * 100.0).round() <= (goal * 100.0).round()),
            Self::Below(goal) => Some(ratio < goal),
            Self::Open => None,
        }
    }

    /// The goal as a table has it.
    pub fn label(self) -> String {
        match self {
            Self::AtMost(goal) => format!("≤ {goal:.2}"),
            Self::Below(goal) => format!("< {goal:.2}"),
            Self::Open => String::new(),
        }
    }
}

/// An allocator and what it is measured against.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// Ours.
    pub ours: Allocator,
    /// Theirs.
    pub theirs: Allocator,
    /// The goal for instructions.
    pub instructions: Goal,
    /// The goal for the time.
    pub time: Goal,
}

/// With the back end alone.
const fn raw(ours: Allocator, theirs: Allocator, instructions: f64, time: f64) -> Comparison {
    Comparison { ours, theirs, instructions: Goal::AtMost(instructions), time: Goal::AtMost(time) }
}

/// With a crate that counts as well, over the same back end.
const fn peer(ours: Allocator, theirs: Allocator) -> Comparison {
    Comparison { ours, theirs, instructions: Goal::Open, time: Goal::Below(1.0) }
}

/// All of them.
pub const COMPARISONS: &[Comparison] = &[
    raw(OVER_JEMALLOC, JEMALLOC, 1.08, 1.03),
    raw(WITH_LIMIT, JEMALLOC, 1.25, 1.25),
    raw(OVER_MIMALLOC, MIMALLOC, 1.25, 1.10),
    raw(OVER_TCMALLOC, TCMALLOC, 1.25, 1.10),
    raw(OVER_LIBC, LIBC, 1.25, 1.10),
    raw(OVER_PREFIXED, LIBC, 1.25, 1.10),
    peer(OVER_JEMALLOC, STATS_ALLOC),
    peer(OVER_JEMALLOC, CAP),
    peer(OVER_JEMALLOC, ALLOC_TRACKER),
    peer(OVER_LIBC, PEAK_ALLOC),
];

/// The goal for the CPU time of a pair on eight threads, relative to that on one.
pub const SCALING: Goal = Goal::AtMost(1.05);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_is_judged_as_it_is_printed() {
        assert_eq!(Goal::AtMost(1.08).is_met(1.084), Some(true));
        assert_eq!(Goal::AtMost(1.08).is_met(1.086), Some(false));
        assert_eq!(Goal::Below(1.0).is_met(0.999), Some(true));
        assert_eq!(Goal::Below(1.0).is_met(1.0), Some(false));
        assert_eq!(Goal::Open.is_met(9.0), None);
    }
}
