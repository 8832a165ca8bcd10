//! Memory that the program gives back on demand.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use zmalloc::fail::{self, Plan};
use zmalloc::oom::{ROUNDS, Reclaimer};
use zmalloc::{set_limit, used_memory};

use crate::{Block, SLACK, allow};

/// Blocks that can be given up, one a call.
static CACHE: Mutex<Vec<Block>> = Mutex::new(Vec::new());
static CACHE_CALLS: AtomicUsize = AtomicUsize::new(0);
static WANTED: AtomicUsize = AtomicUsize::new(0);
static CACHE_RECLAIMER: Reclaimer = Reclaimer::new("cache", |wanted| {
    CACHE_CALLS.fetch_add(1, Ordering::Relaxed);
    WANTED.store(wanted, Ordering::Relaxed);
    let Ok(mut cache) = CACHE.try_lock() else { return 0 };
    cache.pop().map_or(0, |block| block.usable())
});

/// One that says that it has freed so many bytes, though it hasn't.
static LIES: AtomicUsize = AtomicUsize::new(0);
static LIAR: Reclaimer = Reclaimer::new("liar", |_| LIES.load(Ordering::Relaxed));

/// One that asks for memory itself.
static NESTED_SIZE: AtomicUsize = AtomicUsize::new(0);
static NESTED_REFUSED: AtomicUsize = AtomicUsize::new(0);
static NESTED: Reclaimer = Reclaimer::new("nested", |_| {
    let size = NESTED_SIZE.load(Ordering::Relaxed);
    if size != 0 && Block::new(size).is_none() {
        NESTED_REFUSED.fetch_add(1, Ordering::Relaxed);
    }
    0
});

/// Registers the reclaimers. What is returned is there to be in use: no request below is larger than
/// the limit, which would make it hopeless.
fn register() -> Block {
    for reclaimer in [&CACHE_RECLAIMER, &LIAR, &NESTED] {
        reclaimer.register();
        reclaimer.register();
    }
    assert_eq!(CACHE_RECLAIMER.name(), "cache");
    Block::new(32 << 20).unwrap()
}

fn fill(blocks: usize, size: usize) {
    let mut cache = CACHE.lock().unwrap();
    cache.clear();
    cache.extend((0..blocks).map(|_| Block::new(size).unwrap()));
}

fn calls() -> usize {
    CACHE_CALLS.swap(0, Ordering::Relaxed)
}

pub(crate) fn reclaimers_make_room() {
    let _in_use = register();
    fill(6, 1 << 20);
    allow(0);
    assert_eq!(calls(), 0);
    // More than two of them, and no more than three over any back end.
    const WANT: usize = 2_300_000;
    let block = Block::new(WANT).expect("three are given up");
    assert_eq!((calls(), CACHE.lock().unwrap().len()), (3, 3));
    assert_eq!(WANTED.load(Ordering::Relaxed), WANT);
    drop(block);

    // What can't be had at all takes what there is, and then fails.
    let base = used_memory();
    let cached: usize = CACHE.lock().unwrap().iter().map(Block::usable).sum();
    set_limit(Some(base));
    assert!(Vec::<u8>::new().try_reserve_exact(5 << 20).is_err());
    assert_eq!((calls(), CACHE.lock().unwrap().len()), (4, 0));
    assert_eq!(base - used_memory(), cached);

    // A lock that the thread holds itself is not waited for.
    fill(0, 1);
    let mut cache = CACHE.lock().unwrap();
    set_limit(Some(used_memory()));
    assert!(cache.try_reserve(1_000).is_err());
    assert_eq!(calls(), 1);
}

pub(crate) fn reclaimers_are_called_so_often() {
    let _in_use = register();
    fill(100, 4096);
    allow(0);
    LIES.store(1, Ordering::Relaxed);
    assert!(Block::new(1 << 20).is_none());
    assert_eq!(calls(), ROUNDS);
    assert_eq!(CACHE.lock().unwrap().len(), 100 - ROUNDS);
    fill(0, 1);
    set_limit(Some(used_memory()));
    assert!(Block::new(1 << 20).is_none());
    assert_eq!(calls(), ROUNDS, "while one of them says that it has freed something");
    LIES.store(0, Ordering::Relaxed);
    assert!(Block::new(1 << 20).is_none());
    assert_eq!(calls(), 1, "until none does");

    // When the back end has no memory it is the same.
    set_limit(None);
    fill(3, 4096);
    let injected = fail::inject(Plan::Nth(1));
    assert!(Block::new(100).is_none());
    assert_eq!((injected.failures(), calls()), (1, 4));
}

pub(crate) fn hopeless_requests_disturb_nobody() {
    let _in_use = register();
    fill(3, 4096);
    allow(1 << 20);
    for size in [isize::MAX as usize - 4096, 1 << 62, used_memory() + (2 << 20)] {
        assert!(Vec::<u8>::new().try_reserve_exact(size).is_err());
    }
    set_limit(None);
    assert!(Vec::<u8>::new().try_reserve_exact(isize::MAX as usize - 4096).is_err());
    assert!(zmalloc::ztrymalloc(usize::MAX).is_none());
    assert_eq!((calls(), CACHE.lock().unwrap().len()), (0, 3));
    fill(0, 1);
}

pub(crate) fn nested_failures_are_returned_at_once() {
    let _in_use = register();
    fill(0, 1);
    allow(0);
    NESTED_SIZE.store(1 << 20, Ordering::Relaxed);
    assert!(Block::new(1 << 20).is_none());
    // Were they not, each would call the reclaimers again.
    assert_eq!((calls(), NESTED_REFUSED.swap(0, Ordering::Relaxed)), (1, 1));
    // But a reclaimer may allocate.
    allow(800_000);
    NESTED_SIZE.store(500_000, Ordering::Relaxed);
    assert!(Block::new(1 << 20).is_none());
    assert_eq!((calls(), NESTED_REFUSED.load(Ordering::Relaxed)), (1, 0));
    NESTED_SIZE.store(0, Ordering::Relaxed);
}

/// Threads that together want more than there is: the cache is given up for them, though each finds
/// the others in the way.
pub(crate) fn other_threads_reclaim_meanwhile() {
    let _in_use = register();
    fill(400, 1 << 16);
    allow(1 << 20);
    let all_hold = Barrier::new(4);
    let held: usize = thread::scope(|scope| {
        let body = || {
            let held: [Option<Block>; 1_000] = std::array::from_fn(|_| Block::new(10_000));
            all_hold.wait();
            held.iter().flatten().map(Block::usable).sum::<usize>()
        };
        let threads: [_; 4] = std::array::from_fn(|_| scope.spawn(body));
        threads.map(|thread| thread.join().unwrap()).into_iter().sum()
    });
    assert!(held > 4 << 20, "{held} bytes");
    let given_up = (400 - CACHE.lock().unwrap().len()) << 16;
    assert!(held <= (1 << 20) + given_up + SLACK, "{held} bytes for {given_up}");
    fill(0, 1);
    calls();
}
