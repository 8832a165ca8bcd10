//! The quick way of a watched thread: what it may still do before its room has to be looked at again.
//!
//! A quota says less than the room (`budget`), and costs less to ask: it is only ever used up, by more
//! than operations take, until it is granted anew from the room as it then is. It ends with anything
//! that changes the room otherwise, which is to say with each operation that takes the long way, and
//! with the era. A thread that is not watched has none.

use std::alloc::Layout;
use std::cell::Cell;

use super::budget::{self, BUDGET};
use super::diversion;
use super::thread::{Node, State};
use crate::backend::{Backend, Imp};
use crate::{counts, fail};

/// What a thread may allocate and free by the quick way, in requested bytes of which each may take
/// [`PER_REQUESTED`], beside what [`charge`] adds. Below 0 when more was asked of it. The thread's own.
pub(super) struct Quota {
    allocations: Cell<i64>,
    frees: Cell<i64>,
}

impl Quota {
    pub(super) const fn new() -> Self {
        Self { allocations: Cell::new(0), frees: Cell::new(0) }
    }

    /// Ends it.
    pub(super) fn withdraw(&self) {
        self.allocations.set(0);
        self.frees.set(0);
    }
}

/// The most bytes that a block takes for each byte requested, as a fraction: size classes are at most a
/// quarter apart.
const PER_REQUESTED: (i64, i64) = (5, 4);

/// What is charged for a block of the layout: [`PER_REQUESTED`] times this is no less than it takes.
#[inline]
fn charge(layout: Layout) -> i64 {
    let request = if layout.align() <= 16 { layout.size() } else { layout.size() + layout.align() };
    // Not above `i64::MAX`, where it would be a charge below 0.
    (request as i64).saturating_add(EACH)
}

/// Whether a quota could cover a block of the layout.
fn is_within_quotas(layout: Layout) -> bool {
    charge(layout) <= requested(BUDGET.most_room())
}

/// The bytes to be requested that may take so many.
fn requested(bytes: i64) -> i64 {
    bytes / PER_REQUESTED.0 * PER_REQUESTED.1
}

/// What is charged for each block: what the least classes are apart, and a header.
const EACH: i64 = 64;

/// The same for a block of a layout with this [direct size](Backend::direct_size): there is no header, and
/// from 64 bytes on [`PER_REQUESTED`] alone is enough.
#[inline(always)]
fn charge_of(size: usize) -> i64 {
    // Not a sum: the compiler would add up the terms the other way round, by two instructions more.
    (size | EACH as usize) as i64
}

/// Whether [`charge`] holds for the layout. It does for large blocks as well if the size of a block
/// follows from its layout, and alignments past a page aside.
#[inline]
fn is_chargeable(layout: Layout) -> bool {
    const PAGE: usize = 4096;
    if Imp::GOOD_SIZE_IS_EXACT { layout.align() <= PAGE } else { budget::small_bound(layout).is_some() }
}

/// Uses up some of a quota if there is enough, and says whether there was.
#[inline]
fn take(quota: &Cell<i64>, layout: Layout) -> bool {
    let left = quota.get().saturating_sub(charge(layout));
    let is_covered = is_chargeable(layout) && left >= 0;
    if is_covered {
        quota.set(left);
    }
    is_covered
}

/// The same at less cost: a quota that is not enough falls below 0, and has to be granted anew, or
/// withdrawn, before it is looked at again.
#[inline(always)]
fn spend(quota: &Cell<i64>, charge: i64) -> bool {
    let left = quota.get().wrapping_sub(charge);
    quota.set(left);
    left >= 0
}

/// Whether the calling thread, which isn't listed, may just allocate a block of a layout with this
/// [direct size](Backend::direct_size), within the quota that it has.
#[inline(always)]
pub(super) fn covers_allocation(node: &Node, size: usize) -> bool {
    node.era() == BUDGET.era() && spend(&node.quota.allocations, charge_of(size))
}

/// Whether it may just free one.
#[inline(always)]
pub(super) fn covers_free(node: &Node, size: usize) -> bool {
    spend(&node.quota.frees, charge_of(size))
}

/// Whether the calling thread, which isn't listed, may just allocate a block of the layout, within the
/// quota that it has or another one.
#[inline]
pub(super) fn allows_allocation(node: &Node, layout: Layout) -> bool {
    let covered = || node.era() == BUDGET.era() && take(&node.quota.allocations, layout);
    if covered() {
        return true;
    }
    if !is_within_quotas(layout) {
        node.quota.withdraw();
        return false;
    }
    grant(node);
    covered()
}

/// Whether the calling thread, which isn't listed, may just free a block of the layout, likewise.
#[inline]
pub(super) fn allows_free(node: &Node, layout: Layout) -> bool {
    // Where a block may be larger than its layout says, more may become free than is thought.
    if !Imp::GOOD_SIZE_IS_EXACT {
        return false;
    }
    if take(&node.quota.frees, layout) {
        return true;
    }
    if !is_within_quotas(layout) {
        node.quota.withdraw();
        return false;
    }
    if node.state() == State::Watched {
        budget::settle(node);
    }
    grant(node);
    take(&node.quota.frees, layout)
}

/// Grants a new quota to the calling thread, unless each of its operations is to take the long way.
pub(super) fn grant(node: &Node) {
    let era = BUDGET.era();
    let granted = node.state() == State::Watched
        && node.era() == era
        && !budget::is_overdrawn(era)
        && !fail::is_planned()
        && !counts::is_on()
        && !diversion::is_on();
    if !granted {
        node.quota.withdraw();
        return;
    }
    let room = node.room();
    node.quota.allocations.set(requested(room));
    node.quota.frees.set(requested(BUDGET.most_room() - room));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sizes on both sides of every class, whatever the classes are, to a megabyte.
    #[test]
    fn no_block_takes_more_than_is_charged_for_it() {
        let (most, requested) = PER_REQUESTED;
        let mut chargeable = 0;
        for align in (0..=13).map(|shift| 1_usize << shift) {
            for size in (1..=5000).chain((5000..1 << 20).step_by(509)) {
                let layout = Layout::from_size_align(size, align).unwrap();
                if let Some(direct) = Imp::direct_size(layout) {
                    let charged = charge_of(direct) * most / requested;
                    let largest = i64::try_from(Imp::largest_size(layout)).unwrap();
                    assert!(largest <= charged, "{layout:?} takes {largest} and is charged {charged}");
                }
                if is_chargeable(layout) {
                    let charged = charge(layout) * most / requested;
                    let largest = i64::try_from(Imp::largest_size(layout)).unwrap();
                    assert!(largest <= charged, "{layout:?} takes {largest} and is charged {charged}");
                    chargeable += 1;
                }
            }
        }
        assert!(chargeable > 10_000);
    }

    #[test]
    fn nothing_is_too_large_to_be_charged() {
        let largest = Layout::from_size_align(isize::MAX as usize, 1).unwrap();
        for granted in [0, 1, 63, 64, 100_000] {
            let quota = Cell::new(granted);
            assert!(!take(&quota, largest) && !take(&quota, largest), "{granted}");
            assert!(!spend(&quota, charge_of(largest.size())) && quota.get() < 0, "{granted}");
            assert!(!take(&quota, largest) && !take(&quota, largest), "{granted}");
        }
    }

    #[test]
    fn a_quota_is_used_up_and_withdrawn() {
        let quota = Quota::new();
        let layout = Layout::new::<[u64; 8]>();
        assert!(!take(&quota.allocations, layout));
        quota.allocations.set(1000);
        let count = (0..100).take_while(|_| take(&quota.allocations, layout)).count() as i64;
        assert_eq!(count, 1000 / charge(layout));
        assert!(!take(&quota.allocations, layout), "there is not enough left");
        quota.frees.set(1000);
        quota.withdraw();
        assert!(!take(&quota.frees, layout));
    }
}
