//! Blocks and counters that move between threads.

use std::ffi::c_void;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use zmalloc::{process, used_memory};

use crate::program::Held;
use crate::raw_thread::RawThread;
use crate::{Block, Rng, since};

type Slot = Mutex<Option<Block>>;

extern "C" fn allocate_into(slot: *mut c_void) -> *mut c_void {
    // SAFETY: the argument is a `Slot` that outlives the thread.
    let slot = unsafe { &*slot.cast::<Slot>() };
    *slot.lock().unwrap() = Some(Block::new(5_000));
    ptr::null_mut()
}

extern "C" fn free_from(slot: *mut c_void) -> *mut c_void {
    // SAFETY: the argument is a `Slot` that outlives the thread.
    let slot = unsafe { &*slot.cast::<Slot>() };
    if let Some(block) = slot.lock().unwrap().take() {
        block.free();
    }
    ptr::null_mut()
}

pub(crate) fn blocks_freed_by_another_thread() {
    let slot = Slot::new(None);
    let base = used_memory();
    for _ in 0..100 {
        RawThread::run(allocate_into, &slot);
        let usable = slot.lock().unwrap().as_ref().unwrap().usable().cast_signed();
        assert_eq!(since(base), usable, "allocated by a thread that has ended");
        RawThread::run(free_from, &slot);
        assert_eq!(since(base), 0, "freed by another");
    }
}

pub(crate) fn threads_that_only_free() {
    let base = used_memory();
    let slot = Slot::new(Some(Block::new(300)));
    RawThread::run(free_from, &slot);
    assert_eq!(since(base), 0);

    // More frees than jemalloc serves without setting up a thread in full.
    let many: Vec<Slot> = (0..1_000).map(|size| Slot::new(Some(Block::new(size + 1)))).collect();
    let with_all = used_memory();
    let sizes: usize = many.iter().map(|slot| slot.lock().unwrap().as_ref().unwrap().usable()).sum();
    extern "C" fn free_all(slots: *mut c_void) -> *mut c_void {
        // SAFETY: the argument is a vector of slots that outlives the thread.
        let slots = unsafe { &*slots.cast::<Vec<Slot>>() };
        for slot in slots {
            slot.lock().unwrap().take().unwrap().free();
        }
        ptr::null_mut()
    }
    RawThread::run(free_all, &many);
    assert_eq!(since(with_all), -sizes.cast_signed());
    drop(many);
    assert_eq!(since(base), 0);
}

/// Eight threads allocate, exchange and free at random; in the end nothing is left of it.
pub(crate) fn programs_on_many_threads() {
    static EXCHANGE: Mutex<[Option<Held>; 64]> = Mutex::new([const { None }; 64]);

    extern "C" fn program(seed: *mut c_void) -> *mut c_void {
        // SAFETY: the argument is a number that outlives the thread.
        let mut rng = Rng(unsafe { *seed.cast::<u64>() });
        for _ in 0..20_000 {
            let new = (rng.below(2) == 0).then(|| Held::allocate(&mut rng));
            let place = rng.below(64);
            let old = std::mem::replace(&mut EXCHANGE.lock().unwrap()[place], new);
            if let Some(old) = old {
                old.free();
            }
        }
        ptr::null_mut()
    }

    let seeds: [u64; 8] = std::array::from_fn(|index| 77 + index as u64);
    // The first run sets up what the program keeps, such as the list of threads.
    let mut threads = Vec::with_capacity(seeds.len());
    let base = used_memory();
    for seed in &seeds {
        threads.push(RawThread::start(program, seed));
    }
    threads.drain(..).for_each(RawThread::join);
    for held in EXCHANGE.lock().unwrap().iter_mut() {
        if let Some(held) = held.take() {
            held.free();
        }
    }
    assert_eq!(since(base), 0);
}

pub(crate) fn short_lived_threads_leave_nothing() {
    let round = |count: usize| {
        for number in 0..count {
            let thread = thread::spawn(move || vec![number; 10 + number % 100]);
            assert_eq!(thread.join().unwrap()[9], number);
        }
    };
    // What the standard library sets up with the first threads stays.
    round(10);
    let base = used_memory();
    let resident = process::rss();
    round(100_000);
    assert_eq!(since(base), 0);
    // Not even 64 bytes a thread. (A sanitizer keeps notes on every thread.)
    if let (Some(before), Some(after), false) = (resident, process::rss(), cfg!(zmalloc_sanitized)) {
        assert!(after < before + 6_000_000, "{before} resident bytes have become {after}");
    }
}

/// Threads hand blocks on to each other while another keeps reading: were frees read after the
/// allocations that precede them, the figure would fall below what is held throughout.
pub(crate) fn figure_never_falls_below_what_is_held() {
    static DONE: AtomicBool = AtomicBool::new(false);
    let held: Vec<Slot> = (0..4).map(|_| Slot::new(None)).collect();
    DONE.store(false, Ordering::Relaxed);
    let floor = used_memory();
    thread::scope(|scope| {
        let exchange = |slot: &Slot| {
            while !DONE.load(Ordering::Relaxed) {
                let new = Block::new(1 << 20);
                let old = slot.lock().unwrap().replace(new);
                if let Some(old) = old {
                    old.free();
                }
            }
        };
        let threads: Vec<_> =
            held.iter().chain(&held).map(|slot| scope.spawn(move || exchange(slot))).collect();
        for _ in 0..50_000 {
            let figure = used_memory();
            assert!(figure >= floor, "{figure} < {floor}");
        }
        DONE.store(true, Ordering::Relaxed);
        // A scope ends when its threads' bodies have; what the standard library frees as they end
        // must not be left to disturb the next check.
        for thread in threads {
            thread.join().unwrap();
        }
    });
    for slot in &held {
        if let Some(block) = slot.lock().unwrap().take() {
            block.free();
        }
    }
    drop(held);
}
