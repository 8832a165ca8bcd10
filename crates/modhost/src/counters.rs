//! What is counted of each module: bytes, what they are in, and how many blocks there are of each size.
//!
//! A counter is two. One belongs to the thread that has loaded the module, which runs its commands: nobody else writes
//! it, so counting is a load and a store. All other threads share the second, by atomic additions. What is read is the
//! sum, which is exact whenever nobody is just counting; either of the two may be negative, as a block that one thread
//! takes another may free.
//!
//! Blocks carry no mark of who has taken them. So one that a module takes and another frees is taken off the second's
//! count, and stays in the first's: the sum over all modules is right, and so is each module's own as long as modules
//! free what is theirs. A free that finds no block of its size left is certainly of another's block, and is counted as
//! that; one that does find some can't be told from the module's own, so the figure is the least that it can be.

use std::cell::Cell;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicI64, AtomicU32};

use crate::sizes::{FOLLOWS, SMALL, STEP};

/// How many modules a process can have loaded at once, by all of its hosts together.
pub const SLOTS: usize = 256;

/// What a module's bytes are in, where it isn't a block that the module has asked for as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    String,
    /// A key that is open.
    Key,
    /// A reply to a command that the module has called.
    Reply,
    /// A dictionary.
    Dictionary,
    /// Memory that goes with a context.
    Pool,
    /// A context for a thread.
    Context,
    /// Whatever else is handed to modules: iterators, cursors, what was read of INFO.
    Other,
}

const KINDS: usize = Kind::Other as usize + 1;

/// Sizes past [`SMALL`] are counted together with others that are at most an eighth larger.
const PARTS: usize = 8;
const LARGE: usize = (usize::BITS - SMALL.ilog2()) as usize * PARTS;

/// Blocks of like sizes.
#[derive(Debug)]
struct Like {
    blocks: AtomicI64,
    bytes: AtomicI64,
}

/// One of the two halves of a module's counters.
#[derive(Debug)]
#[repr(align(128))]
struct Half {
    live: AtomicI64,
    /// The most that the module ever had, as far as who counts here has seen.
    peak: AtomicI64,
    foreign: AtomicI64,
    kinds: [AtomicI64; KINDS],
    /// Blocks by their size, in steps.
    small: [AtomicI64; SMALL / STEP + 1],
    large: [Like; LARGE],
}

/// What is counted of one module.
#[derive(Debug)]
pub(crate) struct Counters {
    /// The number of the thread whose half is `own`.
    owner: AtomicU32,
    own: Half,
    shared: Half,
    /// Values of the module's types that stand in the keyspace.
    values: AtomicI64,
}

/// What was counted, at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Census {
    pub(crate) live: i64,
    pub(crate) peak: i64,
    pub(crate) foreign: i64,
    pub(crate) values: i64,
    kinds: [i64; KINDS],
    /// Sizes in bytes, each with the number of blocks, which isn't 0; sizes past [`SMALL`] are averages where they are
    /// counted together.
    pub(crate) by_size: Vec<(usize, i64)>,
}

/// Nothing is written to it before a module is loaded, so it takes no memory until then.
static ALL: [Counters; SLOTS] = [const { Counters::new() }; SLOTS];

/// The counters of the module in a slot.
///
/// # Panics
/// If there is no slot of that number.
#[inline(always)]
pub(crate) fn of(slot: usize) -> &'static Counters {
    &ALL[slot]
}

thread_local! {
    /// The number of this thread, if it has ever loaded a module.
    static NUMBER: Cell<u32> = const { Cell::new(UNNUMBERED) };
}

const UNNUMBERED: u32 = u32::MAX;

/// The number of this thread, which it is given if it has none.
fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    if NUMBER.get() == UNNUMBERED {
        NUMBER.set(NEXT.fetch_add(1, Relaxed));
    }
    NUMBER.get()
}

/// Adds to a counter, and gives what it was before.
#[inline(always)]
fn add<const OWN: bool>(counter: &AtomicI64, number: i64) -> i64 {
    if OWN {
        let before = counter.load(Relaxed);
        counter.store(before.wrapping_add(number), Relaxed);
        before
    } else {
        counter.fetch_add(number, Relaxed)
    }
}

/// Where blocks of a size up to [`SMALL`] are counted; larger ones are beyond.
#[inline(always)]
fn small(bytes: usize) -> usize {
    // Where sizes are what the allocator's classes are, they are whole steps.
    if FOLLOWS { bytes / STEP } else { bytes.div_ceil(STEP) }
}

/// Where blocks of a size past [`SMALL`] are counted.
fn large(bytes: usize) -> usize {
    let log = bytes.ilog2();
    let part = bytes >> (log - PARTS.ilog2()) & (PARTS - 1);
    (log - SMALL.ilog2()) as usize * PARTS + part
}

impl Half {
    const fn new() -> Self {
        Self {
            live: AtomicI64::new(0),
            peak: AtomicI64::new(0),
            foreign: AtomicI64::new(0),
            kinds: [const { AtomicI64::new(0) }; KINDS],
            small: [const { AtomicI64::new(0) }; SMALL / STEP + 1],
            large: [const { Like { blocks: AtomicI64::new(0), bytes: AtomicI64::new(0) } }; LARGE],
        }
    }

    fn clear(&self) {
        let like = self.large.iter().flat_map(|like| [&like.blocks, &like.bytes]);
        let counters = [&self.live, &self.peak, &self.foreign].into_iter().chain(&self.kinds);
        counters.chain(&self.small).chain(like).for_each(|counter| counter.store(0, Relaxed));
    }

    /// Counts blocks of a size, one more or one less, and gives how many this half had before.
    #[inline(always)]
    fn count<const OWN: bool>(&self, bytes: usize, blocks: i64) -> i64 {
        match self.small.get(small(bytes)) {
            Some(counter) => add::<OWN>(counter, blocks),
            None => self.count_large::<OWN>(bytes, blocks),
        }
    }

    #[cold]
    fn count_large<const OWN: bool>(&self, bytes: usize, blocks: i64) -> i64 {
        let like = &self.large[large(bytes)];
        add::<OWN>(&like.bytes, blocks * bytes as i64);
        add::<OWN>(&like.blocks, blocks)
    }

    /// How many blocks of a size are counted here.
    fn blocks(&self, bytes: usize) -> i64 {
        let counter = self.small.get(small(bytes));
        counter.unwrap_or_else(|| &self.large[large(bytes)].blocks).load(Relaxed)
    }

    #[inline(always)]
    fn take<const OWN: bool>(&self, other: &Self, bytes: usize) {
        self.count::<OWN>(bytes, 1);
        self.grow::<OWN>(other, bytes as i64);
    }

    #[inline(always)]
    fn give<const OWN: bool>(&self, other: &Self, bytes: usize) {
        add::<OWN>(&self.live, -(bytes as i64));
        let before = self.count::<OWN>(bytes, -1);
        if before <= 0 {
            self.check_foreign(other, bytes, before);
        }
    }

    /// A block was freed of a size of which this half had no more than `before`.
    #[cold]
    fn check_foreign(&self, other: &Self, bytes: usize, before: i64) {
        if before + other.blocks(bytes) <= 0 {
            self.foreign.fetch_add(1, Relaxed);
        }
    }

    #[inline(always)]
    fn grow<const OWN: bool>(&self, other: &Self, bytes: i64) {
        let live = add::<OWN>(&self.live, bytes) + bytes + other.live.load(Relaxed);
        if live > self.peak.load(Relaxed) {
            if OWN {
                self.peak.store(live, Relaxed);
            } else {
                self.peak.fetch_max(live, Relaxed);
            }
        }
    }
}

impl Counters {
    const fn new() -> Self {
        Self { owner: AtomicU32::new(0), own: Half::new(), shared: Half::new(), values: AtomicI64::new(0) }
    }

    /// Begins anew, for a module that this thread loads and runs.
    pub(crate) fn begin(&self) {
        self.own.clear();
        self.shared.clear();
        self.values.store(0, Relaxed);
        self.owner.store(number(), Relaxed);
    }

    /// Whether this thread has the counters' own half to itself.
    #[inline(always)]
    fn is_own(&self) -> bool {
        NUMBER.get() == self.owner.load(Relaxed)
    }

    /// Counts a block that the module has got.
    #[inline(always)]
    pub(crate) fn take(&self, bytes: usize) {
        if self.is_own() {
            self.own.take::<true>(&self.shared, bytes);
        } else {
            self.take_shared(bytes);
        }
    }

    #[cold]
    fn take_shared(&self, bytes: usize) {
        self.shared.take::<false>(&self.own, bytes);
    }

    /// Counts a block that the module has given back.
    #[inline(always)]
    pub(crate) fn give(&self, bytes: usize) {
        if self.is_own() {
            self.own.give::<true>(&self.shared, bytes);
        } else {
            self.give_shared(bytes);
        }
    }

    #[cold]
    fn give_shared(&self, bytes: usize) {
        self.shared.give::<false>(&self.own, bytes);
    }

    /// Counts a block whose size has changed.
    pub(crate) fn resize(&self, before: usize, after: usize) {
        if before == after {
            return;
        }
        let grown = after as i64 - before as i64;
        if self.is_own() {
            self.own.count::<true>(before, -1);
            self.own.count::<true>(after, 1);
            self.own.grow::<true>(&self.shared, grown);
        } else {
            self.shared.count::<false>(before, -1);
            self.shared.count::<false>(after, 1);
            self.shared.grow::<false>(&self.own, grown);
        }
    }

    /// Counts bytes that are in something of a kind.
    fn count_kind(&self, kind: Kind, bytes: i64) {
        if self.is_own() {
            add::<true>(&self.own.kinds[kind as usize], bytes);
        } else {
            add::<false>(&self.shared.kinds[kind as usize], bytes);
        }
    }

    /// Counts a block of something that the module was handed.
    #[inline]
    pub(crate) fn take_as(&self, kind: Kind, bytes: usize) {
        if self.is_own() {
            self.own.take::<true>(&self.shared, bytes);
            add::<true>(&self.own.kinds[kind as usize], bytes as i64);
        } else {
            self.take_as_shared(kind, bytes);
        }
    }

    #[cold]
    fn take_as_shared(&self, kind: Kind, bytes: usize) {
        self.take_shared(bytes);
        self.count_kind(kind, bytes as i64);
    }

    /// Counts a block of something that the module has given up.
    #[inline]
    pub(crate) fn give_as(&self, kind: Kind, bytes: usize) {
        if self.is_own() {
            self.own.give::<true>(&self.shared, bytes);
            add::<true>(&self.own.kinds[kind as usize], -(bytes as i64));
        } else {
            self.give_as_shared(kind, bytes);
        }
    }

    #[cold]
    fn give_as_shared(&self, kind: Kind, bytes: usize) {
        self.give_shared(bytes);
        self.count_kind(kind, -(bytes as i64));
    }

    /// Counts a block whose size has changed, of something that the module was handed.
    pub(crate) fn resize_as(&self, kind: Kind, before: usize, after: usize) {
        self.resize(before, after);
        self.count_kind(kind, after as i64 - before as i64);
    }

    /// Counts a value that is put into the keyspace, or with −1 one that leaves it.
    pub(crate) fn count_value(&self, number: i64) {
        self.values.fetch_add(number, Relaxed);
    }

    /// What is counted now.
    pub(crate) fn census(&self) -> Census {
        let halves = [&self.own, &self.shared];
        let sum = |counter: &dyn Fn(&Half) -> &AtomicI64| -> i64 {
            halves.into_iter().map(|half| counter(half).load(Relaxed)).sum()
        };
        let small = (0..=SMALL / STEP).map(|index| (index * STEP, sum(&|half| &half.small[index])));
        let large = (0..LARGE).map(|index| {
            let blocks = sum(&|half| &half.large[index].blocks);
            let bytes = sum(&|half| &half.large[index].bytes);
            (bytes.checked_div(blocks).unwrap_or(0).unsigned_abs() as usize, blocks)
        });
        Census {
            live: sum(&|half| &half.live),
            peak: halves.into_iter().map(|half| half.peak.load(Relaxed)).max().unwrap_or(0),
            foreign: sum(&|half| &half.foreign),
            values: self.values.load(Relaxed),
            kinds: std::array::from_fn(|kind| sum(&|half| &half.kinds[kind])),
            by_size: small.chain(large).filter(|(_, blocks)| *blocks != 0).collect(),
        }
    }
}

impl Census {
    /// Live blocks.
    pub(crate) fn blocks(&self) -> i64 {
        self.by_size.iter().map(|(_, blocks)| blocks).sum()
    }

    /// The bytes that are in things of a kind.
    pub(crate) fn of(&self, kind: Kind) -> i64 {
        self.kinds[kind as usize]
    }

    /// The bytes in blocks that the module has asked for as such.
    pub(crate) fn raw(&self) -> i64 {
        self.live - self.kinds.iter().sum::<i64>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::thread;

    use super::*;

    fn fresh() -> Box<Counters> {
        let counters = Box::new(Counters::new());
        counters.begin();
        counters
    }

    #[test]
    fn counters_are_those_of_a_plain_list_of_blocks() {
        let counters = fresh();
        let mut held: Vec<usize> = Vec::new();
        let (mut state, mut peak) = (1_u64, 0);
        for _ in 0..20_000 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let random = (state >> 33) as usize;
            let bytes = [8, 16, 24, 48, 4096, 5120, 6144, 16384, 20480, 1 << 20, 1 << 40][random % 11];
            match random / 11 % 4 {
                0 | 1 => {
                    held.push(bytes);
                    counters.take(bytes);
                }
                2 if !held.is_empty() => counters.give(held.swap_remove(random / 44 % held.len())),
                3 if !held.is_empty() => {
                    let place = random / 44 % held.len();
                    counters.resize(held[place], bytes);
                    held[place] = bytes;
                }
                _ => {}
            }
            peak = peak.max(held.iter().sum::<usize>());
        }
        let mut by_size = BTreeMap::new();
        held.iter().for_each(|bytes| *by_size.entry(*bytes).or_insert(0) += 1);
        let census = counters.census();
        assert_eq!(census.live, held.iter().sum::<usize>() as i64);
        assert_eq!((census.peak, census.blocks()), (peak as i64, held.len() as i64));
        assert_eq!(census.by_size, by_size.into_iter().collect::<Vec<_>>());
        assert_eq!(census.foreign, 0);
    }

    #[test]
    fn threads_count_together() {
        const ROUNDS: usize = 50_000;
        let counters = fresh();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..ROUNDS {
                        counters.take_as(Kind::String, 64);
                        counters.take(5120);
                        if round % 2 == 0 {
                            counters.give_as(Kind::String, 64);
                        }
                    }
                });
            }
            for _ in 0..ROUNDS {
                counters.take(64);
                counters.give(64);
            }
        });
        let blocks = (4 * ROUNDS) as i64;
        let census = counters.census();
        assert_eq!(census.by_size, [(64, blocks / 2), (5120, blocks)]);
        assert_eq!((census.live, census.of(Kind::String)), (blocks * 32 + blocks * 5120, blocks * 32));
        assert_eq!(census.raw(), blocks * 5120);
    }

    #[test]
    fn what_another_thread_has_taken_is_not_another_module_s() {
        let counters = fresh();
        thread::scope(|scope| scope.spawn(|| counters.take(48)).join().expect("no panic"));
        counters.give(48);
        assert_eq!(counters.census(), Census { peak: 48, ..Census::default() });
        counters.give(48);
        let census = counters.census();
        assert_eq!((census.foreign, census.live, census.by_size), (1, -48, vec![(48, -1)]));
    }

    #[test]
    fn large_sizes_that_are_counted_together_are_averaged() {
        let counters = fresh();
        counters.take((1 << 20) + 4096);
        counters.take((1 << 20) + 8192);
        assert_eq!(counters.census().by_size, [((1 << 20) + 6144, 2)]);
    }

    #[test]
    fn every_size_has_its_place() {
        assert_eq!((large(SMALL + 1), large(usize::MAX)), (0, LARGE - 1));
        let counters = fresh();
        for bytes in [0, 8, SMALL, SMALL + STEP] {
            counters.take(bytes);
            counters.give(bytes);
        }
        assert_eq!(counters.census().by_size, []);
    }
}
