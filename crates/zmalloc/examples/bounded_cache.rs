//! A cache that keeps itself small, in a program that has a limit.
//!
//! A tally tells the cache how many bytes it occupies, so that it can keep to a share of its own. And
//! when any part of the program asks for more than the limit leaves, a reclaimer has the cache give
//! entries up, whichever thread asks, instead of the request failing.
//!
//! Four threads fill the cache. Halfway the rest of the program grows, until it needs nearly all
//! there is.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex, MutexGuard};
use std::thread;

use allocator_api2::vec::Vec as NamedVec;
use hashbrown::{DefaultHashBuilder, HashMap};
use zmalloc::oom::Reclaimer;
use zmalloc::{Tally, ZMalloc, limit, set_limit, tallies, used_memory};

#[global_allocator]
static ALLOC: ZMalloc = ZMalloc::new();

/// The most bytes that the program may use.
const LIMIT: usize = 64 << 20;
/// The most bytes that the cache may use, if the rest of the program leaves so many.
const SHARE: usize = 40 << 20;
const THREADS: u64 = 4;
const INSERTS: u64 = 12_000;

type Named<T> = NamedVec<T, &'static Tally>;

/// Part of the cache, under a lock of its own.
struct Shard {
    entries: HashMap<u64, Named<u8>, DefaultHashBuilder, &'static Tally>,
    /// The keys in the order of their arrival, from `oldest` on.
    arrivals: Named<u64>,
    oldest: usize,
}

impl Shard {
    /// Inserts an entry, or does nothing if there is no memory: a cache may forget.
    fn insert(&mut self, key: u64, size: usize) -> bool {
        let mut value = NamedVec::new_in(&BYTES);
        if value.try_reserve_exact(size).is_err()
            || self.entries.try_reserve(1).is_err()
            || self.arrivals.try_reserve(1).is_err()
        {
            return false;
        }
        value.resize(size, key as u8);
        if self.entries.insert(key, value).is_none() {
            self.arrivals.push(key);
        }
        true
    }

    /// Gives the oldest entry up. Returns how many bytes that was, 0 if there is none.
    fn evict(&mut self) -> usize {
        let Some(&key) = self.arrivals.get(self.oldest) else { return 0 };
        self.oldest += 1;
        if self.oldest * 2 > self.arrivals.len() {
            self.arrivals.drain(..self.oldest);
            self.oldest = 0;
        }
        self.entries.remove(&key).map_or(0, |value| value.capacity())
    }
}

struct Cache {
    shards: [Mutex<Option<Shard>>; 16],
    next: AtomicUsize,
    evicted: AtomicUsize,
}

static BYTES: Tally = Tally::new("cache");

static CACHE: Cache = Cache {
    shards: [const { Mutex::new(None) }; 16],
    next: AtomicUsize::new(0),
    evicted: AtomicUsize::new(0),
};

/// Frees what is wanted, and a little more, so as not to be asked for each request.
static RECLAIMER: Reclaimer = Reclaimer::new("cache", |wanted| CACHE.shrink_by(wanted.max(256 << 10)));

impl Cache {
    fn insert(&self, key: u64, size: usize) -> bool {
        let shard = &self.shards[key as usize % self.shards.len()];
        let inserted = with(shard.lock().unwrap(), |shard| shard.insert(key, size));
        while BYTES.live() > SHARE && self.shrink_by(1) > 0 {}
        inserted
    }

    /// Gives entries up until so many bytes are free, shard by shard. It only tries the locks: the
    /// thread may be in the middle of an insertion.
    fn shrink_by(&self, wanted: usize) -> usize {
        let mut freed = 0;
        let mut in_vain = 0;
        while freed < wanted && in_vain < self.shards.len() {
            let place = self.next.fetch_add(1, Ordering::Relaxed) % self.shards.len();
            let bytes = self.shards[place].try_lock().map_or(0, |shard| with(shard, Shard::evict));
            in_vain = if bytes == 0 { in_vain + 1 } else { 0 };
            self.evicted.fetch_add(usize::from(bytes != 0), Ordering::Relaxed);
            freed += bytes;
        }
        freed
    }
}

/// Calls `body` with the shard, which is made when it is first needed.
fn with<R>(mut shard: MutexGuard<'_, Option<Shard>>, body: impl FnOnce(&mut Shard) -> R) -> R {
    body(shard.get_or_insert_with(|| Shard {
        entries: HashMap::with_hasher_in(DefaultHashBuilder::default(), &BYTES),
        arrivals: NamedVec::new_in(&BYTES),
        oldest: 0,
    }))
}

/// Fills the cache with entries of 1 byte to 8 KiB. Returns how many there was no memory for.
fn fill(thread: u64, inserts: u64) -> usize {
    let mut state = thread + 1;
    let refused = (0..inserts).filter(|number| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        let size = 1 + (state >> 51) as usize;
        !CACHE.insert(number * THREADS + thread, size)
    });
    refused.count()
}

fn print(when: &str) {
    println!(
        "{when}: {} MiB in use, of which cache {} MiB in {} blocks; {} entries given up",
        used_memory() >> 20,
        BYTES.live() >> 20,
        BYTES.blocks(),
        CACHE.evicted.load(Ordering::Relaxed),
    );
}

fn main() {
    set_limit(Some(LIMIT));
    RECLAIMER.register();

    let (halfway, grown) = (Barrier::new(THREADS as usize + 1), Barrier::new(THREADS as usize + 1));
    thread::scope(|scope| {
        let body = |thread| {
            let (halfway, grown) = (&halfway, &grown);
            move || {
                let before = fill(thread, INSERTS / 2);
                halfway.wait();
                grown.wait();
                before + fill(thread, INSERTS)
            }
        };
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(body(thread))).collect();
        halfway.wait();
        print("the cache has filled its share");
        assert!(BYTES.live() > SHARE / 10 * 9 && BYTES.live() <= SHARE);

        // The rest of the program grows, at the cost of the cache.
        let rest: Vec<Vec<u8>> = (0..48).map(|number| vec![number; 1 << 20]).collect();
        print("the rest of the program has grown");
        assert!(BYTES.live() < LIMIT - (48 << 20));

        // And the cache goes on in what is left.
        grown.wait();
        let refused: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        print("the cache has gone on");
        println!("insertions without memory: {refused} of {}", THREADS * INSERTS * 3 / 2);
        assert!(used_memory() <= limit().unwrap_or(usize::MAX));
        assert!(rest.iter().zip(0..).all(|(block, number)| block.iter().all(|&byte| byte == number)));
    });

    // Each thread may have been one entry above the share, and its table being resized.
    assert!(BYTES.peak() < SHARE + (1 << 20));
    for tally in tallies() {
        println!("{}: at most {} bytes, now {}", tally.name(), tally.peak(), tally.live());
    }
    while CACHE.shrink_by(usize::MAX) > 0 {}
    let values = CACHE.shards.iter().map(|shard| with(shard.lock().unwrap(), |shard| shard.entries.len()));
    assert_eq!(values.sum::<usize>(), 0);
}
