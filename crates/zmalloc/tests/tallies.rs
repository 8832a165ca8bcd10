//! Tallies, and collections that are given one. A program of its own, because its checks demand that
//! `used_memory` of the whole process is right to the byte.

use std::alloc::Layout;
use std::ptr::NonNull;
use std::sync::{Arc, Barrier, Mutex};
use std::thread;

use allocator_api2::alloc::Allocator;
use allocator_api2::boxed::Box as NamedBox;
use allocator_api2::vec::Vec as NamedVec;
use hashbrown::{DefaultHashBuilder, HashMap};
use zmalloc::{GOOD_SIZE_IS_EXACT, Tally, ZMalloc, good_size, tallies, usable_size, used_memory};

#[path = "support/checks.rs"]
mod checks;
#[path = "support/rng.rs"]
mod rng;

use rng::Rng;

#[global_allocator]
static ALLOC: ZMalloc = ZMalloc::new();

fn main() {
    let checks: &[(&str, fn())] = &[
        ("every_size_up_to_the_usable_one_is_as_good", every_size_up_to_the_usable_one_is_as_good),
        ("random_programs_match_the_model", random_programs_match_the_model),
        ("no_bytes_are_no_block", no_bytes_are_no_block),
        ("failures_change_nothing", failures_change_nothing),
        ("collections_are_counted_once", collections_are_counted_once),
        ("threads_add_up", threads_add_up),
        ("tallies_are_listed_once", tallies_are_listed_once),
    ];
    checks::run_plain_and_watched(checks);
}

/// What lets a collection give a block back with any size between the one that it asked for and the
/// usable one that it was told. (Where sizes aren't foretold, the back end looks a block's up.)
fn every_size_up_to_the_usable_one_is_as_good() {
    if !GOOD_SIZE_IS_EXACT {
        return;
    }
    for align in (0..=12).map(|shift| 1 << shift) {
        for size in (1..=300).chain((300..70_000).step_by(101)) {
            let usable = good_size(Layout::from_size_align(size, align).unwrap());
            let between = [size + 1, size.midpoint(usable), usable - 1, usable];
            for other in between.into_iter().filter(|other| (size..=usable).contains(other)) {
                let good = good_size(Layout::from_size_align(other, align).unwrap());
                assert_eq!(good, usable, "{size}, then {other}, aligned to {align}");
            }
        }
    }
}

/// A block of a tally: all of it holds `fill`. `layout` is what it was asked for with, or any that
/// fits.
struct Held {
    block: NonNull<[u8]>,
    layout: Layout,
    fill: u8,
}

// SAFETY: a block of memory has no ties to a thread.
unsafe impl Send for Held {}

impl Held {
    fn checked(block: NonNull<[u8]>, asked: Layout, rng: &mut Rng) -> Self {
        assert_eq!(block.cast::<u8>().addr().get() % asked.align(), 0);
        // SAFETY: live.
        assert_eq!(block.len(), unsafe { usable_size(block.cast()) });
        let fill = rng.next() as u8;
        // SAFETY: the block is that large.
        unsafe { block.cast::<u8>().write_bytes(fill, block.len()) };
        let size = asked.size() + rng.below(block.len() - asked.size() + 1);
        Self { block, layout: Layout::from_size_align(size, asked.align()).unwrap(), fill }
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: live and filled.
        unsafe { std::slice::from_raw_parts(self.block.cast().as_ptr(), self.block.len()) }
    }

    fn new(tally: &'static Tally, rng: &mut Rng) -> Self {
        let layout = random_layout(rng);
        let block = if rng.below(3) == 0 {
            let block = tally.allocate_zeroed(layout).unwrap();
            // SAFETY: live and zeroed.
            assert!(unsafe { block.as_ref() }.iter().all(|&byte| byte == 0));
            block
        } else {
            tally.allocate(layout).unwrap()
        };
        Self::checked(block, layout, rng)
    }

    fn resize(self, tally: &'static Tally, rng: &mut Rng) -> Self {
        let new = random_layout(rng);
        assert!(self.bytes().iter().all(|&byte| byte == self.fill));
        let (start, kept) = (self.block.cast(), self.layout.size().min(new.size()));
        // SAFETY: live, and of this layout; the new one is no smaller, or no larger.
        let block = unsafe {
            if new.size() < self.layout.size() {
                tally.shrink(start, self.layout, new).unwrap()
            } else if rng.below(2) == 0 {
                let block = tally.grow_zeroed(start, self.layout, new).unwrap();
                assert!(block.as_ref()[self.layout.size()..].iter().all(|&byte| byte == 0));
                block
            } else {
                tally.grow(start, self.layout, new).unwrap()
            }
        };
        // SAFETY: as much was kept.
        let content = unsafe { std::slice::from_raw_parts(block.cast::<u8>().as_ptr(), kept) };
        assert!(content.iter().all(|&byte| byte == self.fill));
        Self::checked(block, new, rng)
    }

    fn free(self, tally: &'static Tally) {
        assert!(self.bytes().iter().all(|&byte| byte == self.fill));
        // SAFETY: live, and of this layout.
        unsafe { tally.deallocate(self.block.cast(), self.layout) };
    }
}

fn random_layout(rng: &mut Rng) -> Layout {
    let magnitude = rng.below(18).min(rng.below(18));
    let shift = if rng.below(4) == 0 { rng.below(14) } else { 3 };
    Layout::from_size_align(1 + rng.below(1 << magnitude), 1 << shift).unwrap()
}

fn random_programs_match_the_model() {
    static TALLY: Tally = Tally::new("model");
    let mut rng = Rng(99);
    let mut held: Vec<Held> = Vec::with_capacity(500);
    let mut peak = TALLY.peak();
    let base = used_memory();
    for step in 0..60_000 {
        match rng.below(3) {
            0 if held.len() < held.capacity() => held.push(Held::new(&TALLY, &mut rng)),
            1 if !held.is_empty() => {
                let block = held.swap_remove(rng.below(held.len()));
                let moves = block.layout.align();
                let block = block.resize(&TALLY, &mut rng);
                if moves != block.layout.align() {
                    // Both were there for a moment.
                    peak = TALLY.peak();
                }
                held.push(block);
            }
            2 if !held.is_empty() => held.swap_remove(rng.below(held.len())).free(&TALLY),
            _ => {}
        }
        let live: usize = held.iter().map(|held| held.block.len()).sum();
        peak = peak.max(live);
        assert_eq!((TALLY.live(), TALLY.blocks(), TALLY.peak()), (live, held.len(), peak), "step {step}");
        assert_eq!(used_memory() - base, live, "step {step}");
    }
    held.drain(..).for_each(|block| block.free(&TALLY));
    assert_eq!((TALLY.live(), TALLY.blocks(), TALLY.peak()), (0, 0, peak));
    assert_eq!(used_memory(), base);
}

fn no_bytes_are_no_block() {
    static TALLY: Tally = Tally::new("nothing");
    let (empty, full) = (Layout::from_size_align(0, 64).unwrap(), Layout::from_size_align(100, 64).unwrap());
    let base = used_memory();
    let nothing = (&TALLY).allocate(empty).unwrap();
    assert_eq!((nothing.len(), nothing.cast::<u8>().addr().get() % 64), (0, 0));
    assert_eq!((&TALLY).allocate_zeroed(empty).unwrap().len(), 0);
    assert_eq!((TALLY.live(), TALLY.blocks(), used_memory()), (0, 0, base));
    // SAFETY: each block is of the layout that is named.
    unsafe {
        (&TALLY).deallocate(nothing.cast(), empty);
        let grown = (&TALLY).grow(nothing.cast(), empty, full).unwrap();
        assert_eq!((TALLY.live(), TALLY.blocks()), (usable_size(grown.cast()), 1));
        let shrunk = (&TALLY).shrink(grown.cast(), full, empty).unwrap();
        assert_eq!((shrunk.len(), TALLY.live(), TALLY.blocks()), (0, 0, 0));
        let zeroed = (&TALLY).grow_zeroed(shrunk.cast(), empty, full).unwrap();
        assert!(zeroed.as_ref().iter().all(|&byte| byte == 0));
        (&TALLY).deallocate(zeroed.cast(), full);
    }
    assert_eq!((TALLY.live(), TALLY.blocks(), used_memory()), (0, 0, base));
}

fn failures_change_nothing() {
    static TALLY: Tally = Tally::new("failures");
    let huge = Layout::from_size_align(1 << 62, 8).unwrap();
    let base = used_memory();
    assert!((&TALLY).allocate(huge).is_err());
    assert!((&TALLY).allocate_zeroed(huge).is_err());
    let mut list = NamedVec::new_in(&TALLY);
    list.extend_from_slice(&[7_u8; 1000]);
    let (live, peak) = (TALLY.live(), TALLY.peak());
    assert!(list.try_reserve(1 << 62).is_err());
    let layout = Layout::from_size_align(list.capacity(), 1).unwrap();
    let aligned = Layout::from_size_align(1 << 62, 1 << 20).unwrap();
    let start = NonNull::new(list.as_mut_ptr()).unwrap();
    // SAFETY: live, of this layout, and the request fails, which leaves it so.
    assert!(unsafe { (&TALLY).grow(start, layout, aligned) }.is_err());
    assert_eq!((TALLY.live(), TALLY.peak(), TALLY.blocks()), (live, peak, 1));
    assert!(list.iter().all(|&byte| byte == 7));
    drop(list);
    assert_eq!((TALLY.live(), TALLY.blocks(), used_memory()), (0, 0, base));
}

fn collections_are_counted_once() {
    static KEYS: Tally = Tally::new("keys");
    static TABLE: Tally = Tally::new("table");
    type Key = NamedBox<[u8], &'static Tally>;

    let base = used_memory();
    let mut table: HashMap<u64, Key, DefaultHashBuilder, &Tally> =
        HashMap::with_hasher_in(DefaultHashBuilder::default(), &TABLE);
    for number in 0..5_000 {
        let mut key = NamedVec::new_in(&KEYS);
        key.resize(1 + number as usize % 300, number as u8);
        table.insert(number, key.into_boxed_slice());
        assert_eq!(used_memory() - base, KEYS.live() + TABLE.live());
        assert_eq!((KEYS.blocks(), TABLE.blocks()), (table.len(), 1));
    }
    // SAFETY: each key is a live block.
    let size = |key: &Key| unsafe { usable_size(NonNull::from(&key[0])) };
    assert_eq!(KEYS.live(), table.values().map(size).sum());
    table.retain(|number, _| number % 3 == 0);
    table.shrink_to_fit();
    assert_eq!(used_memory() - base, KEYS.live() + TABLE.live());
    assert!(table.iter().all(|(&number, key)| key.iter().all(|&byte| byte == number as u8)));
    drop(table);
    assert_eq!((KEYS.live(), TABLE.live(), used_memory()), (0, 0, base));
}

/// Waits until the threads have ended, and what the standard library frees as they end is freed.
fn join(threads: Vec<thread::JoinHandle<()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// Threads allocate from two tallies, exchange the blocks and free them: in the end each tally is
/// what is left of its own, to the byte, and the peak is no lower than that.
fn threads_add_up() {
    static ONE: Tally = Tally::new("one");
    static OTHER: Tally = Tally::new("other");
    const THREADS: usize = 8;
    static EXCHANGE: Mutex<[Option<(Held, &'static Tally)>; 64]> = Mutex::new([const { None }; 64]);

    let all_done = Arc::new(Barrier::new(THREADS));
    let threads = (1..=THREADS as u64)
        .map(|seed| {
            let all_done = Arc::clone(&all_done);
            thread::spawn(move || {
                let mut rng = Rng(seed);
                for _ in 0..10_000 {
                    let tally: &'static Tally = if rng.below(2) == 0 { &ONE } else { &OTHER };
                    let new = (rng.below(2) == 0).then(|| (Held::new(tally, &mut rng), tally));
                    let place = rng.below(64);
                    let old = std::mem::replace(&mut EXCHANGE.lock().unwrap()[place], new);
                    match old {
                        Some((held, tally)) if rng.below(3) == 0 => {
                            held.resize(tally, &mut rng).free(tally);
                        }
                        Some((held, tally)) => held.free(tally),
                        None => {}
                    }
                }
                all_done.wait();
                let exchange = EXCHANGE.lock().unwrap();
                for tally in [&ONE, &OTHER] {
                    let own = || exchange.iter().flatten().filter(|(_, each)| std::ptr::eq(*each, tally));
                    let sum: usize = own().map(|(held, _)| held.block.len()).sum();
                    assert_eq!((tally.live(), tally.blocks()), (sum, own().count()));
                    assert!(tally.peak() >= sum);
                }
            })
        })
        .collect();
    join(threads);
    for (held, tally) in EXCHANGE.lock().unwrap().iter_mut().filter_map(Option::take) {
        held.free(tally);
    }
    assert_eq!((ONE.live(), ONE.blocks(), OTHER.live(), OTHER.blocks()), (0, 0, 0, 0));
}

fn tallies_are_listed_once() {
    static UNUSED: Tally = Tally::new("unused");
    static REGISTERED: Tally = Tally::new("registered");
    let times = |tally: &Tally| tallies().filter(|each| std::ptr::eq(*each, tally)).count();
    assert_eq!(times(&UNUSED), 0);
    let body = || {
        REGISTERED.register();
        drop(NamedBox::new_in([0; 10], &REGISTERED));
    };
    join((0..8).map(|_| thread::spawn(body)).collect());
    assert_eq!((times(&REGISTERED), REGISTERED.live()), (1, 0));
    let names: Vec<_> = tallies().map(Tally::name).collect();
    for name in ["model", "keys", "table", "one", "other", "failures", "nothing"] {
        assert_eq!(names.iter().filter(|each| **each == name).count(), 1, "{name}");
    }
}
