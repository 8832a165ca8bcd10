//! How much memory the module holds: live bytes, their peak, live blocks.
//!
//! Each thread counts in a slot of its own, with plain loads and stores, and publishes to a common
//! total whenever its own count has changed by [`PUBLISH`] bytes. A slot belongs to a thread's
//! identifier rather than to the thread: a later thread of the same identifier takes the slot over
//! with what stands in it, so no slot is ever lost and no destructor needed. Threads past the last
//! slot share one, and pay for atomic additions.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use crate::thread;

/// A slot's own count is published when it has changed by so many bytes.
const PUBLISH: i64 = 64 << 10;

/// Slots for threads.
const SLOTS: usize = 64;

/// Slots that a thread looks at before it shares.
const PROBES: usize = 4;

/// What a module holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Bytes in live blocks, as the allocator's size classes have them (usable bytes).
    pub bytes: usize,
    /// The most that `bytes` ever was. With several threads it may fall short by 64 KiB for each
    /// thread but one; with one thread it is exact.
    pub peak: usize,
    /// Live blocks.
    pub blocks: usize,
}

/// The counters of one thread. Cache lines of its own: others read it seldom.
#[repr(C, align(128))]
struct Slot {
    /// The identifier of the thread, 0 for none yet.
    owner: AtomicUsize,
    /// Bytes allocated less bytes freed since the last publication.
    bytes: AtomicI64,
    /// The most that `bytes` was since then, and 0 at least.
    high: AtomicI64,
    /// Blocks allocated less blocks freed.
    blocks: AtomicI64,
}

// Only the owner of a slot changes its figures, so nothing is lost between a load and its store.
impl Slot {
    const fn new() -> Self {
        Self {
            owner: AtomicUsize::new(0),
            bytes: AtomicI64::new(0),
            high: AtomicI64::new(0),
            blocks: AtomicI64::new(0),
        }
    }

    #[inline]
    fn owner(&self) -> usize {
        self.owner.load(Ordering::Relaxed)
    }

    /// Counts more bytes, unless that is enough to publish. Returns whether it did.
    #[inline]
    fn raise(&self, bytes: i64, blocks: i64) -> bool {
        let sum = self.bytes.load(Ordering::Relaxed) + bytes;
        // `high` is below `PUBLISH`, so what isn't above it needn't be compared with that.
        if sum > self.high.load(Ordering::Relaxed) {
            if sum >= PUBLISH {
                return false;
            }
            self.high.store(sum, Ordering::Relaxed);
        }
        self.set(sum, blocks);
        true
    }

    /// Counts fewer bytes, unless that is enough to publish. Returns whether it did.
    #[inline]
    fn lower(&self, bytes: i64, blocks: i64) -> bool {
        let sum = self.bytes.load(Ordering::Relaxed) - bytes;
        if sum <= -PUBLISH {
            return false;
        }
        self.set(sum, -blocks);
        true
    }

    #[inline]
    fn set(&self, bytes: i64, more_blocks: i64) {
        self.bytes.store(bytes, Ordering::Relaxed);
        self.blocks.store(self.blocks.load(Ordering::Relaxed) + more_blocks, Ordering::Relaxed);
    }
}

/// The counters of a module. What every small block needs comes first.
#[repr(C)]
pub(crate) struct Ledger {
    /// The slot of the first thread that counts, in a module the server's main thread: it does most
    /// of the work, and its slot needn't be searched for.
    first: Slot,
    slots: [Slot; SLOTS],
    /// For threads without a slot.
    shared: Slot,
    /// What was published: bytes, and the most that they were.
    published: AtomicI64,
    peak: AtomicI64,
}

impl Ledger {
    /// Nothing counted yet.
    pub(crate) const fn new() -> Self {
        Self {
            first: Slot::new(),
            slots: [const { Slot::new() }; SLOTS],
            shared: Slot::new(),
            published: AtomicI64::new(0),
            peak: AtomicI64::new(0),
        }
    }

    /// Counts a block that was allocated.
    pub(crate) fn add(&self, bytes: usize) {
        self.change(bytes as i64, 1);
    }

    /// Counts a block that is about to be freed.
    pub(crate) fn remove(&self, bytes: usize) {
        self.change(-(bytes as i64), -1);
    }

    /// Counts a block whose size has changed.
    pub(crate) fn resize(&self, old: usize, new: usize) {
        self.change(new as i64 - old as i64, 0);
    }

    /// Counts a block that was allocated, if that takes a few instructions only: false if it isn't
    /// counted yet.
    #[inline]
    pub(crate) fn add_quickly(&self, bytes: usize) -> bool {
        self.first.owner() == thread::id() && self.first.raise(bytes as i64, 1)
    }

    /// The same for a block that is about to be freed.
    #[inline]
    pub(crate) fn remove_quickly(&self, bytes: usize) -> bool {
        self.first.owner() == thread::id() && self.first.lower(bytes as i64, 1)
    }

    #[inline(never)]
    fn change(&self, bytes: i64, blocks: i64) {
        let id = thread::id();
        let start = thread::spread(id);
        let probed = (0..PROBES).map(|probe| &self.slots[(start + probe) % SLOTS]);
        let mut candidates = std::iter::once(&self.first).chain(probed);
        match candidates.find(|slot| slot.owner() == id || Self::claim(slot, id)) {
            Some(slot) if bytes > 0 && slot.raise(bytes, blocks) => {}
            Some(slot) if bytes <= 0 && slot.lower(-bytes, -blocks) => {}
            Some(slot) => self.publish(slot, bytes, blocks),
            None => {
                self.shared.blocks.fetch_add(blocks, Ordering::Relaxed);
                let published = self.published.fetch_add(bytes, Ordering::Relaxed) + bytes;
                self.peak.fetch_max(published, Ordering::Relaxed);
            }
        }
    }

    fn claim(slot: &Slot, id: usize) -> bool {
        slot.owner() == 0 && slot.owner.compare_exchange(0, id, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Counts a change that is too much for the thread's own slot, and publishes what is in that.
    fn publish(&self, slot: &Slot, bytes: i64, blocks: i64) {
        let sum = slot.bytes.load(Ordering::Relaxed) + bytes;
        let high = slot.high.load(Ordering::Relaxed).max(sum);
        slot.high.store(0, Ordering::Relaxed);
        slot.set(0, blocks);
        let before = self.published.fetch_add(sum, Ordering::Relaxed);
        self.peak.fetch_max(before + high, Ordering::Relaxed);
    }

    /// The sums over all threads. While others allocate, it is a value between before and after.
    pub(crate) fn usage(&self) -> Usage {
        let slots = || self.slots.iter().chain([&self.first, &self.shared]);
        let published = self.published.load(Ordering::Relaxed);
        let bytes = published + slots().map(|slot| slot.bytes.load(Ordering::Relaxed)).sum::<i64>();
        let blocks = slots().map(|slot| slot.blocks.load(Ordering::Relaxed)).sum::<i64>();
        let highest = slots().map(|slot| slot.high.load(Ordering::Relaxed)).max().unwrap_or(0);
        // What was once reported as held is never above a later peak.
        let peak = self.peak.fetch_max(bytes, Ordering::Relaxed).max(published + highest).max(bytes);
        let count = |figure: i64| usize::try_from(figure).unwrap_or(0);
        Usage { bytes: count(bytes), peak: count(peak), blocks: count(blocks) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn one_thread_is_exact(changes in prop::collection::vec((any::<bool>(), 1usize..200_000), 0..300)) {
            let ledger = Ledger::new();
            let (mut live, mut peak) = (Vec::new(), 0);
            for (add, bytes) in changes {
                if add {
                    ledger.add(bytes);
                    live.push(bytes);
                } else if let Some(last) = live.last_mut() {
                    if bytes % 3 == 0 {
                        ledger.resize(*last, bytes);
                        *last = bytes;
                    } else {
                        ledger.remove(live.pop().unwrap());
                    }
                }
                peak = peak.max(live.iter().sum());
            }
            let expected = Usage { bytes: live.iter().sum(), peak, blocks: live.len() };
            prop_assert_eq!(ledger.usage(), expected);
        }
    }

    #[test]
    fn blocks_may_be_freed_by_other_threads() {
        let ledger = &Ledger::new();
        std::thread::scope(|scope| {
            for _ in 0..3 * SLOTS {
                scope.spawn(|| (0..1000).for_each(|_| ledger.add(100)));
            }
        });
        let usage = ledger.usage();
        assert_eq!((usage.bytes, usage.blocks), (300 * SLOTS * 1000, 3 * SLOTS * 1000));
        assert!(usage.peak >= usage.bytes && usage.peak <= usage.bytes + SLOTS * PUBLISH as usize);
        (0..3 * SLOTS * 1000).for_each(|_| ledger.remove(100));
        assert_eq!((ledger.usage().bytes, ledger.usage().blocks), (0, 0));
    }
}
