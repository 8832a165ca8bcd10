//! Peaks that nobody was looking at.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};

use zmalloc::{peak_memory, used_memory};

use crate::program::Held;
use crate::raw_thread::RawThread;
use crate::{Block, Rng};

/// By how much the peak may be under-read for each thread.
const PER_THREAD: usize = 64 * 1024;

/// What a thread does: so many blocks of such a size, allocated one by one, then freed.
struct Spike {
    blocks: usize,
    size: usize,
    top: Option<Barrier>,
    held: Mutex<Vec<Block>>,
    /// What the blocks took together.
    sum: AtomicUsize,
}

impl Spike {
    fn new(total: usize, size: usize, top: Option<Barrier>) -> Self {
        let blocks = total.div_ceil(size);
        Self { blocks, size, top, held: Mutex::new(Vec::with_capacity(blocks)), sum: AtomicUsize::new(0) }
    }

    extern "C" fn run(spike: *mut c_void) -> *mut c_void {
        // SAFETY: the argument is a spike that outlives the thread.
        let spike = unsafe { &*spike.cast::<Self>() };
        let mut held = spike.held.lock().unwrap();
        held.extend((0..spike.blocks).map(|_| Block::new(spike.size)));
        spike.sum.store(held.iter().map(Block::usable).sum(), Ordering::Relaxed);
        drop(held);
        if let Some(top) = &spike.top {
            top.wait();
            top.wait();
        }
        spike.held.lock().unwrap().drain(..).for_each(Block::free);
        ptr::null_mut()
    }
}

/// How far the present figure is below the peak so far.
fn to_the_peak() -> usize {
    peak_memory() - used_memory()
}

/// One thread after the other rises past the peak and falls again.
pub(crate) fn a_spike_that_nobody_saw() {
    // So that what a spike has to have above the peak is all that it has.
    let filler = Block::new(to_the_peak() + 1);
    for (size, above) in [(24, 3 << 20), (1_000, 1 << 20), (4_096, 5 << 20), (70_000, 1 << 20), (9 << 20, 1)]
    {
        let spike = Spike::new(to_the_peak() + above, size, None);
        let base = used_memory();
        RawThread::run(Spike::run, &spike);
        let top = base + spike.sum.load(Ordering::Relaxed);
        let peak = peak_memory();
        assert!(peak <= top, "{peak} is above {top}, blocks of {size}");
        assert!(peak > top - 2 * PER_THREAD, "{peak} is far below {top}, blocks of {size}");
    }
    filler.free();
}

/// Threads that are at their tops together, though each came there at its own time.
pub(crate) fn spikes_that_add_up() {
    const THREADS: usize = 6;
    let filler = Block::new(to_the_peak() + 1);
    let spikes: Vec<Spike> = (0..THREADS)
        .map(|number| {
            Spike::new(2 << 20, [100, 700, 5_000, 40_000, 64, 300_000][number], Some(Barrier::new(2)))
        })
        .collect();
    let mut threads = Vec::with_capacity(THREADS);
    let base = used_memory();
    // One by one, so that each has long been at its top when the last comes there.
    for spike in &spikes {
        threads.push(RawThread::start(Spike::run, spike));
        spike.top.as_ref().unwrap().wait();
    }
    for spike in &spikes {
        spike.top.as_ref().unwrap().wait();
    }
    threads.into_iter().for_each(RawThread::join);
    let top = base + spikes.iter().map(|spike| spike.sum.load(Ordering::Relaxed)).sum::<usize>();
    let peak = peak_memory();
    assert!(peak > top - (THREADS + 1) * PER_THREAD, "{peak} is far below {top}");
    assert!(peak <= top, "{peak} is above {top}");
    filler.free();
}

/// Threads that rise one after the other, each after the last has fallen, are no new peak.
pub(crate) fn rises_and_falls_that_cancel_out() {
    let spike = || Spike::new(8 << 20, 10_000, None);
    let filler = Block::new(to_the_peak() + 1);
    RawThread::run(Spike::run, &spike());
    let peak = peak_memory();
    for _ in 0..50 {
        RawThread::run(Spike::run, &spike());
    }
    assert!(peak_memory() <= peak + 2 * PER_THREAD, "{peak} has become {}", peak_memory());
    filler.free();
}

/// A random program on one thread, resizing too: its highest figure between two operations.
pub(crate) fn the_peak_of_a_random_program() {
    let mut rng = Rng(0xbeef);
    let mut held: Vec<Held> = Vec::with_capacity(3_000);
    // To start at the peak, a block makes up for what is missing.
    let filler = Block::new(to_the_peak() + 1);
    let mut highest = used_memory();
    let before = peak_memory();
    // The figure is followed without asking the ledger, which would tell it.
    let mut used = highest;
    for _ in 0..100_000 {
        match rng.below(5) {
            0..=2 if held.len() < held.capacity() => {
                let block = Held::allocate(&mut rng);
                used += block.usable();
                held.push(block);
            }
            3 if !held.is_empty() => {
                let block = held.swap_remove(rng.below(held.len()));
                used -= block.usable();
                let block = block.resize(&mut rng);
                used += block.usable();
                held.push(block);
            }
            _ if !held.is_empty() => {
                let block = held.swap_remove(rng.below(held.len()));
                used -= block.usable();
                block.free();
            }
            _ => {}
        }
        highest = highest.max(used);
    }
    held.drain(..).for_each(Held::free);
    filler.free();
    let peak = peak_memory();
    assert!(highest > before + (1 << 20), "it did rise");
    assert!(peak <= highest, "{peak} is above {highest}");
    assert!(peak > highest - PER_THREAD, "{peak} is far below {highest}");
}
