//! The limit: a budget of bytes from which threads draw before they allocate.
//!
//! A *watched* thread has a ceiling, which its balance (bytes allocated less bytes freed, by the
//! back end's own counters) never exceeds: before it allocates it raises the ceiling as far as
//! needed, by drawing bytes from the budget, and what its frees leave far below the ceiling it gives
//! back. Bytes are only ever moved between the three terms of
//!
//! > left in the budget + ceilings of the watched threads + balance of all other threads = limit
//!
//! each of which is changed by atomic operations or by its own thread. Balances are at or below
//! their ceilings, so while the budget is not overdrawn the sum of the balances, which is
//! `used_memory`, cannot be above the limit, in whatever order threads run, fail or end. A thread's
//! ceiling and balance are nobody else's, so the usual operation reads three numbers of its own
//! thread and writes none. Threads draw a little more than they need, the *slack* at most: a request may
//! fail though twice that much for each other thread is left. The slack goes with the limit.
//!
//! From the moment threads are watched they remain so. Without a limit the budget is just too large
//! to be used up; so no thread is ever caught halfway by a change of the rules, and setting another
//! limit is one addition.

use crate::sync::atomic::{AtomicBool, AtomicI64, AtomicPtr, AtomicU32, Ordering};
use std::alloc::Layout;
use std::ops::Deref;
use std::ptr;

use super::thread::Node;
use crate::backend::{Backend, Imp};
use crate::oom;
use crate::request::Refusal;

/// Stands for no limit: more than any address space, and far from overflow in either direction.
const UNLIMITED: i64 = 1 << 61;

/// The bounds of the slack: the most bytes that a thread draws in advance. When it frees it keeps half as
/// much again, before it gives back all but this. Between two looks at its room it comes to have at most
/// twice as much.
const SLACK: (i64, i64) = (32 * 1024, 128 * 1024);

/// How many times the slack of a thread is in the limit, or in the soft mark, between these bounds.
const SHARES: i64 = 1024;

/// A function that is told the bytes in use.
type MarkCallback = fn(used: usize);

pub(super) struct Budget {
    /// Bytes that may still be drawn. Negative while more is in use than a new limit allows.
    left: Line,
    /// The limit. Changed with the list of threads locked.
    total: AtomicI64,
    /// The slack, in bytes.
    slack: AtomicI64,
    /// The soft mark: how far `left` has to fall for it to be reached; `i64::MIN` for none.
    mark: AtomicI64,
    /// The soft mark in bytes; 0 for none.
    mark_bytes: AtomicI64,
    /// Whether the mark has not been reached since it was set, or since use was well below it.
    armed: AtomicBool,
    /// Twice how many times the limit was set, and one more while the budget is overdrawn by that. A
    /// thread that finds another era gives back what it has drawn in advance before it uses any of
    /// it, as it was granted under another limit; in an overdrawn one, every time.
    era: AtomicU32,
    /// What is called at the mark: a [`MarkCallback`], or null.
    callback: AtomicPtr<()>,
}

/// What all threads write, apart from what they only read.
#[repr(align(128))]
struct Line(AtomicI64);

impl Deref for Line {
    type Target = AtomicI64;

    fn deref(&self) -> &AtomicI64 {
        &self.0
    }
}

pub(super) static BUDGET: Budget = Budget {
    left: Line(AtomicI64::new(UNLIMITED)),
    total: AtomicI64::new(UNLIMITED),
    slack: AtomicI64::new(SLACK.1),
    mark: AtomicI64::new(i64::MIN),
    mark_bytes: AtomicI64::new(0),
    armed: AtomicBool::new(false),
    era: AtomicU32::new(0),
    callback: AtomicPtr::new(ptr::null_mut()),
};

impl Budget {
    /// The era of the limit.
    #[inline(always)]
    pub(super) fn era(&self) -> u32 {
        self.era.load(Ordering::Acquire)
    }

    pub(super) fn limit(&self) -> Option<usize> {
        let total = self.total.load(Ordering::Relaxed);
        (total != UNLIMITED).then_some(total as usize)
    }

    /// Sets the limit. The list of threads is locked, and they are watched.
    pub(super) fn set_limit(&self, limit: Option<usize>) {
        let total = limit.map_or(UNLIMITED, clamp);
        let before = self.total.swap(total, Ordering::Relaxed);
        let left = self.left.fetch_add(total - before, Ordering::Relaxed) + (total - before);
        let next = (self.era.load(Ordering::Relaxed) | 1).wrapping_add(1);
        self.era.store(next | u32::from(left < 0), Ordering::Release);
        self.place_mark();
    }

    /// Sets the soft mark. The list of threads is locked, and they are watched.
    pub(super) fn set_mark(&self, mark: Option<(usize, MarkCallback)>) {
        let (bytes, callback) =
            mark.map_or((0, ptr::null_mut()), |(bytes, callback)| (clamp(bytes).max(1), callback as *mut ()));
        self.callback.store(callback, Ordering::Release);
        self.mark_bytes.store(bytes, Ordering::Relaxed);
        self.place_mark();
        self.armed.store(bytes != 0, Ordering::Relaxed);
    }

    /// The most room that a thread comes to have between two looks at it.
    pub(super) fn most_room(&self) -> i64 {
        2 * self.slack()
    }

    fn slack(&self) -> i64 {
        self.slack.load(Ordering::Relaxed)
    }

    fn place_mark(&self) {
        let bytes = self.mark_bytes.load(Ordering::Relaxed);
        let total = self.total.load(Ordering::Relaxed);
        let lowest = if bytes == 0 { total } else { total.min(bytes) };
        self.slack.store(slack_under(lowest), Ordering::Relaxed);
        let mark = if bytes == 0 { i64::MIN } else { total - bytes };
        self.mark.store(mark, Ordering::Relaxed);
    }

    /// Starts over with the bytes that are spoken for. The list of threads is locked, and no thread
    /// draws meanwhile.
    pub(super) fn restart(&self, spoken_for: i64) {
        self.left.store(self.total.load(Ordering::Relaxed) - spoken_for, Ordering::Relaxed);
        self.place_mark();
    }

    /// Takes bytes that are in use already, whether or not there are so many left.
    pub(super) fn charge(&self, bytes: i64) {
        self.left.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Puts back what was drawn.
    pub(super) fn put_back(&self, bytes: i64) {
        let left = self.left.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let era = self.era.load(Ordering::Relaxed);
        if era & 1 == 1 && left >= 0 {
            // Of those who see this, one ends the era; a limit that was set since has its own.
            let next = era.wrapping_add(1);
            let _ = self.era.compare_exchange(era, next, Ordering::Relaxed, Ordering::Relaxed);
        }
        let mark = self.mark.load(Ordering::Relaxed);
        // A sixteenth below the mark: so it isn't reached again and again by going to and fro.
        let well_below = mark.saturating_add(self.mark_bytes.load(Ordering::Relaxed) / 16);
        if mark != i64::MIN && left > well_below && !self.armed.load(Ordering::Relaxed) {
            self.armed.store(true, Ordering::Relaxed);
        }
    }

    /// Draws so many bytes, and up to the slack more if there are plenty. Returns how many were drawn,
    /// or `None` if there are not enough.
    fn draw(&self, bytes: i64) -> Option<i64> {
        let mut drawn = 0;
        let slack = self.slack();
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                let spare = left.checked_sub(bytes).filter(|&spare| spare >= 0)?;
                drawn = bytes + slack.min(spare / 64);
                Some(left - drawn)
            })
            .is_ok()
            .then_some(drawn)
    }

    /// Draws what a block of the layout takes at most, which is counted nowhere yet. Returns how many
    /// bytes were drawn.
    pub(super) fn draw_for(&self, layout: Layout) -> Result<i64, Refusal> {
        let bytes = largest(layout);
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| (left >= bytes).then(|| left - bytes))
            .map(|_| bytes)
            .map_err(|_| self.refusal(layout))
    }

    /// Why a block of the layout could not be had.
    fn refusal(&self, layout: Layout) -> Refusal {
        let total = usize::try_from(self.total.load(Ordering::Relaxed)).unwrap_or(0);
        if Imp::good_size(layout) > total { Refusal::Hopeless } else { Refusal::Limit }
    }

    /// Calls the program if the soft mark has been reached. Returns whether it did.
    fn look_at_mark(&self) -> bool {
        let left = self.left.load(Ordering::Relaxed);
        if left > self.mark.load(Ordering::Relaxed) || !self.armed.swap(false, Ordering::Relaxed) {
            return false;
        }
        let callback = self.callback.load(Ordering::Acquire);
        if callback.is_null() {
            return false;
        }
        // SAFETY: what is not null was made from a `MarkCallback`.
        let callback = unsafe { std::mem::transmute::<*mut (), MarkCallback>(callback) };
        let used = self.total.load(Ordering::Relaxed) - left;
        oom::call_program(|| callback(used.max(0) as usize)).is_some()
    }
}

/// The slack under a limit, or a soft mark.
fn slack_under(limit: i64) -> i64 {
    (limit / SHARES).clamp(SLACK.0, SLACK.1)
}

/// A number of bytes as the budget counts them.
fn clamp(bytes: usize) -> i64 {
    i64::try_from(bytes).map_or(UNLIMITED, |bytes| bytes.min(UNLIMITED))
}

/// The most bytes that a block of the layout takes.
///
/// A layout that can never be had has no size: the back end refuses it.
fn largest(layout: Layout) -> i64 {
    i64::try_from(Imp::largest_size(layout)).unwrap_or(0)
}

/// At least the largest size of a layout, if it is a small one. On any back end a small block takes no
/// more than a quarter above what was asked for, plus a header and what the least classes are apart; one
/// with an alignment of its own may take whole pages where its size isn't foretold.
#[inline(always)]
pub(super) fn small_bound(layout: Layout) -> Option<i64> {
    const SMALL: usize = 8 * 1024;
    let request = layout.size() + layout.align();
    (request <= SMALL && (Imp::GOOD_SIZE_IS_EXACT || layout.align() <= 16))
        .then(|| (request + request / 4) as i64 + 64)
}

/// Whether more is in use than the limit of this era allowed when it was set.
pub(super) fn is_overdrawn(era: u32) -> bool {
    era & 1 == 1
}

/// Sees to it that the calling thread, whose node this is, may allocate a block of the layout.
pub(super) fn admit(node: &Node, layout: Layout) -> Result<(), Refusal> {
    let era = BUDGET.era();
    if node.era() != era || is_overdrawn(era) {
        let room = node.room();
        node.raise_ceiling(-room);
        BUDGET.put_back(room);
        node.set_era(era);
    }
    let room = node.room();
    if small_bound(layout).is_some_and(|bound| bound <= room) {
        return Ok(());
    }
    let bytes = largest(layout);
    loop {
        let room = node.room();
        if bytes <= room {
            return Ok(());
        }
        let drawn = BUDGET.draw(bytes - room).ok_or_else(|| BUDGET.refusal(layout))?;
        node.raise_ceiling(drawn);
        if !BUDGET.look_at_mark() {
            return Ok(());
        }
        // The program's callback has allocated and freed meanwhile.
    }
}

/// Gives back what lies far below the ceiling of the calling thread, whose node this is.
pub(super) fn settle(node: &Node) {
    let room = node.room();
    let slack = BUDGET.slack();
    if room > slack + slack / 2 {
        node.raise_ceiling(slack - room);
        BUDGET.put_back(room - slack);
    }
}

#[cfg(test)]
mod tests {
    use std::ptr::NonNull;

    use super::*;

    /// Sizes around which allocators change their ways, at alignments to two pages.
    fn layouts() -> impl Iterator<Item = Layout> {
        let sizes = (1..=1100).chain((0..=26).flat_map(|shift| {
            let power = 1_usize << shift;
            [power, power + 1, power + power / 5, power + power / 2 + 7, 2 * power - 1]
        }));
        sizes.flat_map(|size| {
            (0..=13)
                .step_by(1 + usize::from(size > 300) * 3)
                .map(move |shift| Layout::from_size_align(size, 1 << shift).expect("far from the limit"))
        })
    }

    /// # Safety
    /// The block is live.
    unsafe fn usable(block: *mut u8) -> usize {
        // SAFETY: passed on.
        unsafe { Imp::usable_size(NonNull::new(block).expect("memory")) }
    }

    #[test]
    fn no_block_is_larger_than_what_is_drawn_for_it() {
        let mut held = Vec::new();
        for (number, layout) in layouts().enumerate() {
            // SAFETY: the sizes are not 0, and each block is live with the layout given.
            unsafe {
                let block =
                    if number % 3 == 0 { Imp::allocate_zeroed(layout) } else { Imp::allocate(layout) };
                let before = usable(block);
                let most = Imp::largest_size(layout);
                assert!(before <= most, "{layout:?}: {before}, not at most {most}");
                assert!(most >= Imp::good_size(layout), "{layout:?}");
                assert!(most == Imp::good_size(layout) || !Imp::GOOD_SIZE_IS_EXACT, "{layout:?}");
                let new_size =
                    [layout.size() * 2, layout.size().div_ceil(2), layout.size() + 9][number / 3 % 3];
                let resized = Layout::from_size_align(new_size, layout.align()).unwrap();
                let block = Imp::reallocate(block, layout, new_size);
                let most = Imp::largest_size(resized).max(before);
                assert!(usable(block) <= most, "{layout:?} to {resized:?}: {}", usable(block));
                // Blocks of all sizes lie in between, and leave holes of all sizes.
                held.push((block, resized));
                if number % 2 == 0 || held.len() > 200 {
                    let (block, layout) = held.swap_remove(number * 7919 % held.len());
                    Imp::deallocate(block, layout);
                }
            }
        }
        for (block, layout) in held {
            // SAFETY: live with this layout.
            unsafe { Imp::deallocate(block, layout) };
        }
    }

    #[test]
    fn the_slack_goes_with_the_limit() {
        for (limit, slack) in [
            (0, 32 << 10),
            (32 << 20, 32 << 10),
            (64 << 20, 64 << 10),
            (1 << 27, 128 << 10),
            (UNLIMITED, 128 << 10),
        ] {
            assert_eq!(slack_under(limit), slack, "{limit}");
        }
    }

    #[test]
    fn the_quick_bound_is_one() {
        for layout in layouts() {
            if let Some(bound) = small_bound(layout) {
                assert!(bound >= largest(layout), "{layout:?}: {bound}");
            }
        }
    }
}
