//! The hard limit.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use zmalloc::{GOOD_SIZE_IS_EXACT, good_size, limit, set_limit, used_memory};

use crate::raw_thread::{RawThread, new_key, set};
use crate::rng::Rng;
use crate::{ALLOC, Block, SLACK, SPARE, allow};

const PAGE: usize = 4096;

/// The first check of the program: threads that have allocated before there was any limit.
pub(crate) fn threads_that_run_already_are_held_up() {
    assert_eq!(limit(), None);
    let (begun, set, done) = (Barrier::new(5), Barrier::new(5), Barrier::new(5));
    thread::scope(|scope| {
        let body = || {
            let own = Block::new(1 << 20).expect("no limit yet");
            begun.wait();
            set.wait();
            assert!(Block::new(2 << 20).is_none());
            let small = Block::new(64);
            done.wait();
            drop((own, small));
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(body)).collect();
        begun.wait();
        allow(1 << 20);
        set.wait();
        done.wait();
        join(threads);
    });
}

/// The only thread there is may use the budget to the last page, where sizes are foretold.
pub(crate) fn a_limit_is_exact_on_one_thread() {
    const ROOM: usize = 4 << 20;
    for used_before in [0, 100, 5_000, 300_000] {
        let _used = (used_before != 0).then(|| Block::new(used_before).unwrap());
        allow(ROOM + SPARE);
        assert_eq!(limit(), Some(used_memory() + ROOM + SPARE));
        assert!(Block::new(ROOM + SPARE + 1).is_none());
        let all = Block::new(ROOM).expect("as much as there is");
        let left = limit().unwrap() - used_memory();
        assert!((0..=SPARE).contains(&left), "{left}");
        assert!(Block::new(left + 1).is_none());
        drop(all);
        let mut halves: Vec<Block> = Vec::with_capacity(4);
        halves.extend([Block::new(ROOM / 2), Block::new(ROOM / 4)].into_iter().flatten());
        assert_eq!(halves.len(), 2);
        assert!(Block::new(ROOM / 2 + SPARE).is_none());
        set_limit(None);
        assert_eq!(limit(), None);
        assert!(Block::new(ROOM).is_some());
    }
}

pub(crate) fn refusals_change_nothing() {
    let mut list = vec![5_u8; 100_000];
    let base = used_memory();
    allow(50_000);
    for _ in 0..100 {
        assert!(list.try_reserve(1_000_000).is_err());
        assert!(Vec::<u8>::new().try_reserve_exact(60_000).is_err());
    }
    assert_eq!(used_memory(), base);
    assert!(list.iter().all(|&byte| byte == 5));
    assert!(Vec::<u8>::new().try_reserve_exact(35_000).is_ok());
}

pub(crate) fn a_resize_needs_room_for_both_blocks() {
    let old = Layout::from_size_align(10 * PAGE, 8).unwrap();
    let block = Block::new(old.size()).unwrap();
    allow(11 * PAGE + SPARE);
    let start = block.start.as_ptr();
    std::mem::forget(block);
    // SAFETY: live, with this layout, and still live after a failure.
    unsafe {
        assert!(ALLOC.realloc(start, old, 12 * PAGE + SPARE).is_null());
        // In the same class nothing is moved, so that is granted without any room. (With a prefix
        // every size is a class.)
        let same = Layout::from_size_align(old.size() - 1, 8).unwrap();
        let same = if good_size(same) == good_size(old) { same } else { old };
        set_limit(Some(used_memory()));
        let start = ALLOC.realloc(start, old, same.size());
        assert!(!start.is_null());
        allow(11 * PAGE + SPARE);
        let grown = ALLOC.realloc(start, same, 11 * PAGE);
        assert!(!grown.is_null());
        ALLOC.dealloc(grown, Layout::from_size_align(11 * PAGE, 8).unwrap());
    }
}

pub(crate) fn a_limit_below_what_is_in_use() {
    let (large, other) = (Block::new(8 << 20).unwrap(), Block::new(4 << 20).unwrap());
    let base = used_memory();
    set_limit(Some(base - (5 << 20)));
    assert!(Block::new(8).is_none());
    drop(other);
    assert!(Block::new(8).is_none(), "still a megabyte too much");
    drop(large);
    assert!(Block::new(5 << 20).is_some());
    assert!(Block::new(8 << 20).is_none());
    set_limit(Some(0));
    assert!(Block::new(1).is_none());
}

/// Waits until the threads have ended, their destructors included, which a scope does not.
fn join(threads: Vec<thread::ScopedJoinHandle<'_, ()>>) {
    for thread in threads {
        thread.join().unwrap();
    }
}

/// What the threads of a check hold, each block counted from after it was allocated until before it
/// is freed: never more than what is in use.
struct Holdings {
    held: AtomicUsize,
    highest: AtomicUsize,
    allowed: usize,
    refused: AtomicUsize,
}

impl Holdings {
    const fn new(allowed: usize) -> Self {
        Self {
            held: AtomicUsize::new(0),
            highest: AtomicUsize::new(0),
            allowed,
            refused: AtomicUsize::new(0),
        }
    }

    /// A block, if it is granted. Fails the check if more is held then than is allowed.
    fn take(&self, size: usize) -> Option<Block> {
        let block = Block::new(size);
        match &block {
            Some(block) => {
                let held = self.held.fetch_add(block.usable(), Ordering::SeqCst) + block.usable();
                assert!(held <= self.allowed, "{held} bytes are held of {}", self.allowed);
                self.highest.fetch_max(held, Ordering::Relaxed);
            }
            None => drop(self.refused.fetch_add(1, Ordering::Relaxed)),
        }
        block
    }

    fn give_back(&self, block: Block) {
        self.held.fetch_sub(block.usable(), Ordering::SeqCst);
        drop(block);
    }
}

/// Sizes of every magnitude to a megabyte.
fn random_size(rng: &mut Rng) -> usize {
    let magnitude = rng.below(21);
    1 + rng.below(1 << magnitude)
}

pub(crate) fn racing_threads_never_pass_the_limit() {
    const THREADS: usize = 8;
    const ROOM: usize = 4 << 20;
    static EXCHANGE: Mutex<[Option<Block>; 256]> = Mutex::new([const { None }; 256]);

    // What the standard library frees as it starts a thread adds a little to the room.
    let holdings = Holdings::new(ROOM + SLACK);
    let begin = Barrier::new(THREADS + 1);
    let base = used_memory();
    thread::scope(|scope| {
        let (holdings, begin) = (&holdings, &begin);
        let body = |seed| {
            move || {
                let mut rng = Rng(seed);
                begin.wait();
                for _ in 0..20_000 {
                    let new = if rng.below(5) < 3 { holdings.take(random_size(&mut rng)) } else { None };
                    let place = rng.below(256);
                    let old = std::mem::replace(&mut EXCHANGE.lock().unwrap()[place], new);
                    if let Some(old) = old {
                        holdings.give_back(old);
                    }
                }
            }
        };
        let threads: Vec<_> = (1..=THREADS as u64).map(|seed| scope.spawn(body(seed))).collect();
        allow(ROOM);
        begin.wait();
        join(threads);
    });
    let left: usize = EXCHANGE.lock().unwrap().iter().flatten().map(Block::usable).sum();
    assert_eq!(holdings.held.load(Ordering::SeqCst), left);
    let highest = holdings.highest.load(Ordering::Relaxed);
    assert!(highest > ROOM / 4 * 3, "the limit was not near: {highest}");
    assert!(holdings.refused.load(Ordering::Relaxed) > 1_000, "hardly anything was refused");
    assert!(used_memory() <= limit().unwrap());
    for block in EXCHANGE.lock().unwrap().iter_mut().filter_map(Option::take) {
        holdings.give_back(block);
    }
    // Nothing of the budget was lost: all of it can be had again.
    set_limit(Some(used_memory() + ROOM + SPARE));
    assert!(Block::new(ROOM).is_some());
    assert!(Block::new(ROOM + SPARE + 1).is_none());
    assert!(used_memory() <= base);
}

/// The limit rises and falls and is lifted while threads allocate; in the end none of the budget is
/// lost and none too much.
pub(crate) fn the_limit_changes_while_threads_race() {
    static DONE: AtomicBool = AtomicBool::new(false);
    const THREADS: usize = 4;
    const ROOM: usize = 4 << 20;

    let begin = &Barrier::new(THREADS + 1);
    let base = used_memory();
    thread::scope(|scope| {
        let body = |seed| {
            move || {
                let mut rng = Rng(seed);
                let mut held: [Option<Block>; 64] = [const { None }; 64];
                begin.wait();
                while !DONE.load(Ordering::Relaxed) {
                    let place = rng.below(held.len());
                    held[place] = if rng.below(2) == 0 { Block::new(random_size(&mut rng)) } else { None };
                }
            }
        };
        let threads: Vec<_> = (1..=THREADS as u64).map(|seed| scope.spawn(body(seed))).collect();
        begin.wait();
        for round in 0..2_000 {
            set_limit((round % 5 != 0).then_some(base + ROOM + (round % 7) * (1 << 20)));
            if round % 50 == 0 {
                thread::yield_now();
            }
        }
        DONE.store(true, Ordering::Relaxed);
        join(threads);
    });
    allow(ROOM + SPARE);
    assert!(Block::new(ROOM).is_some());
    assert!(Block::new(ROOM + SPARE + 1).is_none());
}

/// A thread that has drawn in advance must not use that when the limit has been lowered since.
pub(crate) fn what_was_drawn_in_advance_is_void() {
    for _ in 0..10 {
        allow(1 << 30);
        // Whatever the thread has drawn, it draws again for this.
        drop(Block::new(200_000).unwrap());
        drop(Block::new(8).unwrap());
        set_limit(Some(used_memory()));
        assert!(Block::new(8).is_none());
        // A class of every quantum.
        let rounding = if GOOD_SIZE_IS_EXACT { 0 } else { 128 };
        set_limit(Some(used_memory() + 80 + rounding));
        assert!(Block::new(80).is_some());
        assert!(Block::new(81 + rounding).is_none());
    }
}

pub(crate) fn frees_elsewhere_make_room() {
    const ROOM: usize = 4 << 20;
    extern "C" fn free(slot: *mut c_void) -> *mut c_void {
        // SAFETY: the argument is a slot that outlives the thread.
        let slot = unsafe { &*slot.cast::<Mutex<Option<Block>>>() };
        drop(slot.lock().unwrap().take());
        ptr::null_mut()
    }
    allow(ROOM + SPARE);
    for _ in 0..200 {
        let slot = Mutex::new(Some(Block::new(ROOM).expect("all of the room, again")));
        assert!(Block::new(SPARE + 1).is_none());
        RawThread::run(free, &slot);
    }
}

/// Threads that have allocated and freed much, and do nothing now, keep no more than they may: under a
/// large limit more than under a small one, but little of it.
pub(crate) fn idle_threads_keep_little_of_a_large_limit() {
    const THREADS: usize = 8;
    const MOST: usize = 256 * 1024;
    for room in [64 << 20, 1 << 30] {
        allow(room);
        let (idle, done) = (Barrier::new(THREADS + 1), Barrier::new(THREADS + 1));
        thread::scope(|scope| {
            let body = |seed| {
                let (idle, done) = (&idle, &done);
                move || {
                    let mut rng = Rng(seed);
                    let mut live: [Option<Block>; 16] = [const { None }; 16];
                    for _ in 0..20_000 {
                        let place = rng.below(live.len());
                        let size = 1 + rng.below(20_000);
                        live[place] = if live[place].is_some() { None } else { Block::new(size) };
                    }
                    drop(live);
                    idle.wait();
                    done.wait();
                }
            };
            let threads: Vec<_> = (1..=THREADS as u64).map(|seed| scope.spawn(body(seed))).collect();
            idle.wait();
            let kept = THREADS * MOST.min((room / 512).max(SLACK));
            let rest = limit().unwrap() - used_memory();
            // Where sizes aren't foretold a block may turn out a quarter larger.
            let size = if GOOD_SIZE_IS_EXACT { rest - kept } else { (rest - kept) / 5 * 4 - SPARE };
            let all = Block::new(size / PAGE * PAGE - PAGE);
            assert!(all.is_some(), "{size} bytes of {rest}");
            assert!(Block::new(rest).is_none());
            drop(all);
            done.wait();
            join(threads);
        });
    }
}

/// A destructor that runs after the ledger has let go of its thread.
pub(crate) fn ending_threads_are_held_up_as_well() {
    static KEY: AtomicUsize = AtomicUsize::new(0);
    static LATE: Mutex<Option<Block>> = Mutex::new(None);
    const ROOM: usize = 1 << 20;

    unsafe extern "C" fn destructor(_: *mut c_void) {
        assert!(Block::new(ROOM + SPARE + 1).is_none());
        let block = Block::new(ROOM / 2).expect("there is room");
        assert!(Block::new(ROOM / 2 + SPARE + 1).is_none());
        *LATE.lock().unwrap() = Some(block);
    }
    extern "C" fn body(value: *mut c_void) -> *mut c_void {
        // Known to the ledger before the key is set, so that its destructor runs first.
        drop(Block::new(64));
        set(KEY.load(Ordering::Relaxed) as _, value);
        ptr::null_mut()
    }
    KEY.store(new_key(destructor) as usize, Ordering::Relaxed);
    allow(ROOM + SPARE);
    for _ in 0..200 {
        RawThread::run(body, &());
        let late = LATE.lock().unwrap().take().expect("left by the destructor");
        assert!(Block::new(ROOM / 2 + SPARE + 1).is_none());
        assert!(Block::new(ROOM / 2).is_some());
        drop(late);
        assert!(Block::new(ROOM).is_some());
    }
}

/// Other threads hold parts of the budget as their parent forks; the child has no such threads.
pub(crate) fn a_child_has_all_of_the_budget() {
    const ROOM: usize = 4 << 20;
    let (begun, done) = (Barrier::new(5), Barrier::new(5));
    thread::scope(|scope| {
        let body = || {
            // A little of a large budget: more than that is drawn in advance.
            let own = Block::new(10_000).unwrap();
            begun.wait();
            done.wait();
            drop(own);
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(body)).collect();
        begun.wait();
        allow(ROOM);
        // SAFETY: the child calls nothing but the allocator, and leaves at once.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let room = limit().unwrap() - used_memory();
            let fits = room >= ROOM - good_size(Layout::new::<u8>())
                && Block::new(room / PAGE * PAGE - SPARE).is_some()
                && Block::new(room + 1).is_none();
            // SAFETY: ends the child without running anything of the parent's.
            unsafe { libc::_exit(if fits { 0 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: a child of this process, and a place for its status.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        done.wait();
        join(threads);
        assert_eq!(status, 0);
    });
}
