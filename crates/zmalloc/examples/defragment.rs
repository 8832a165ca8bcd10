//! A program that fragments its own data, and has it moved together while it runs.
//!
//! It holds a few hundred megabytes in hash maps of strings and vectors, then removes most of it at
//! random, as a cache does whose entries expire. What is left keeps nearly every page in use. Another
//! thread answers requests meanwhile; the data is behind a lock, which a step of the cycle holds for
//! half a millisecond at a time.
//!
//! Run it with `cargo run --release --example defragment [entries]`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hashbrown::HashMap;
use heapwalk::HeapWalk;
use zmalloc::defrag::{Cycle, Settings, State, heap_size};
use zmalloc::{AllocatorInfo, ZMalloc, used_memory};

#[global_allocator]
static ALLOC: ZMalloc = ZMalloc::new();

/// One entry of the cache.
#[derive(HeapWalk)]
struct Session {
    user: String,
    visited: Vec<u32>,
    note: Option<Box<str>>,
}

/// The cache. In shards, so that no single table is large: a table grows at one go.
#[derive(HeapWalk)]
struct Cache {
    shards: Vec<HashMap<String, Session>>,
}

const SHARDS: usize = 1024;

/// A pseudo-random number under `limit` (xorshift64*).
fn below(state: &mut u64, limit: usize) -> usize {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
}

fn key(number: usize) -> String {
    format!("session:{number:010}")
}

impl Cache {
    fn fill(entries: usize, random: &mut u64) -> Self {
        let mut cache = Self { shards: Vec::new() };
        cache.shards.resize_with(SHARDS, HashMap::new);
        for number in 0..entries {
            let length = below(random, 100);
            let session = Session {
                user: format!("user {number}, {}", "x".repeat(below(random, 150))),
                visited: (0..length as u32).collect(),
                note: (number % 3 == 0).then(|| "n".repeat(20 + length).into()),
            };
            cache.shards[number % SHARDS].insert(key(number), session);
        }
        cache
    }

    /// Whether what is there of this number is what was put there.
    fn is_right(&self, number: usize) -> bool {
        let found = self.shards[number % SHARDS].get(&key(number));
        found.is_none_or(|session| {
            session.user.starts_with(&format!("user {number},"))
                && session.visited.iter().copied().eq(0..session.visited.len() as u32)
                && session.note.as_ref().is_none_or(|note| note.len() == 20 + session.visited.len())
        })
    }
}

/// Prints how things stand, and returns the ratio of the pages in use to what is in them.
fn report(when: &str) -> Option<f64> {
    let Ok(info) = AllocatorInfo::read() else {
        println!("{when}: {} MB in use", used_memory() >> 20);
        return None;
    };
    let ratio = info.fragmentation_ratio();
    let (used, active) = (used_memory() >> 20, info.active >> 20);
    println!("{when}: {used} MB in use, in {active} MB of pages: ratio {ratio:.2}");
    Some(ratio)
}

/// Looks up random entries until told to stop. Returns how many, and the longest wait for one.
fn serve(cache: &Mutex<Cache>, entries: usize, stop: &AtomicBool) -> (u64, Duration) {
    let mut random = 42;
    let (mut answered, mut longest) = (0, Duration::ZERO);
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        let number = below(&mut random, entries);
        assert!(cache.lock().unwrap_or_else(PoisonError::into_inner).is_right(number));
        longest = longest.max(began.elapsed());
        answered += 1;
        if answered % 64 == 0 {
            thread::sleep(Duration::from_micros(100));
        }
    }
    (answered, longest)
}

fn main() {
    let entries = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let mut random = 1;
    let mut cache = Cache::fill(entries, &mut random);
    report("filled");
    for shard in &mut cache.shards {
        shard.retain(|_, _| below(&mut random, 10) < 3);
    }
    let _ = zmalloc::flush_thread_cache();
    let size = heap_size(&cache);
    println!("{} entries are left: {} bytes in {} blocks", entries_of(&cache), size.bytes, size.blocks);
    let before = report("before");

    // Up to half of one processor, and down to one percent of waste.
    let settings =
        Settings { ignore_bytes: 1 << 20, threshold_lower: 1, cycle_max: 50, ..Settings::default() };
    // So that giving back what falls free is no part of the steps. Not every allocator has such threads.
    let _ = zmalloc::set_background_thread(true);
    let mut cycle = match Cycle::new(settings) {
        Ok(cycle) => cycle,
        Err(unavailable) => return println!("{unavailable}"),
    };
    let cache = Mutex::new(cache);
    let stop = AtomicBool::new(false);
    let began = Instant::now();
    let (answered, longest_wait) = thread::scope(|scope| {
        let server = scope.spawn(|| serve(&cache, entries, &stop));
        while cycle.totals().passes < 10 {
            let step = cycle.step(&mut *cache.lock().unwrap_or_else(PoisonError::into_inner));
            if step.state == State::Idle {
                break;
            }
            thread::sleep(step.pause);
        }
        stop.store(true, Ordering::Relaxed);
        server.join().expect("no look-up found anything wrong")
    });

    let totals = cycle.totals();
    let after = report("after");
    println!(
        "{:.1} s, of which {:.1} s of work in {} steps; longest pause {} µs",
        began.elapsed().as_secs_f64(),
        totals.time.as_secs_f64(),
        totals.steps,
        totals.longest_step.as_micros()
    );
    println!("{} blocks moved, {} left, in {} passes", totals.hits, totals.misses, totals.passes);
    println!("{answered} requests answered meanwhile, the slowest in {} µs", longest_wait.as_micros());
    let cache = cache.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!((0..entries).all(|number| cache.is_right(number)), "every entry is what it was");
    assert_eq!(heap_size(&cache).bytes, size.bytes, "and takes what it took");
    // An allocator that doesn't tell has no ratios, and a small heap is all edges.
    if let (Some(before), Some(after)) = (before, after)
        && entries >= 100_000
    {
        assert!(before > 1.5 && after < 1.1, "from {before:.2} to {after:.2}");
    }
}

fn entries_of(cache: &Cache) -> usize {
    cache.shards.iter().map(HashMap::len).sum()
}
