//! The memory limit: `maxmemory`, and the keys that give way when it is reached.
//!
//! Before each command, while a limit is set, keys are removed until memory is below it. Which ones is the
//! policy's choice:
//!
//! | file | what it does |
//! |---|---|
//! | [`limit`] | what counts towards the limit, and how long a slice of evictions may take |
//! | [`rank`] | how ready a key is to go, under each policy |
//! | [`population`] | the keys that may go, and random samples of them |
//! | [`pool`] | the best candidates of the samples so far |
//!
//! As Redis documents, LRU, LFU and TTL are approximations: each eviction looks at a sample of at least
//! `maxmemory-samples` keys and at what is left of the samples before it. Here a candidate that was used since
//! it was sampled isn't one any more.

mod limit;
mod pool;
mod population;
mod rank;

use std::thread;
use std::time::{Duration, Instant};

use keyspace::{Entry, Keyspace};

use crate::access;
use crate::config::{Config, EventClasses, MaxmemoryPolicy};
use crate::engine::Engine;
use crate::lookup::discard;
use crate::rng::Rng;
use crate::server_events::Going;
use limit::Slice;
use pool::{Candidate, Pool};
use population::Population;
use rank::Rank;

/// How long to sleep between two looks at whether the thread that frees has caught up.
const FREEING_INTERVAL: Duration = Duration::from_micros(20);

/// Whether there is room for what a command may allocate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Room {
    /// Memory is within the limit.
    Enough,
    /// It is above the limit, and more keys will go in the next slice.
    Later,
    /// It is above the limit, and nothing can go.
    None,
}

/// Where eviction stands.
#[derive(Debug)]
pub(crate) struct Eviction {
    pool: Pool,
    /// Whether the last slice left something to be done.
    is_unfinished: bool,
    /// Since when memory has been found above the limit, each time somebody looked.
    exceeded_since: Option<Instant>,
}

impl Eviction {
    pub(crate) fn new() -> Self {
        Self { pool: Pool::new(), is_unfinished: false, exceeded_since: None }
    }

    /// How long memory has been above the limit.
    pub(crate) fn exceeded(&self) -> Duration {
        self.exceeded_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Counts the time above the limit from now on, if memory is above it.
    pub(crate) fn restart_exceeded(&mut self) {
        self.exceeded_since = self.exceeded_since.map(|_| Instant::now());
    }
}

impl Engine {
    /// Removes keys until memory is within the limit, nothing can go, or the slice is over. Not to be called
    /// without a limit.
    #[inline(never)]
    pub(crate) fn make_room(&mut self) -> Room {
        let room = if self.exceeds_limit() { self.eviction_cycle() } else { Room::Enough };
        self.eviction.is_unfinished = room == Room::Later;
        if room != Room::Enough {
            self.eviction.exceeded_since.get_or_insert_with(Instant::now);
        } else if self.eviction.exceeded_since.is_some() {
            self.end_exceeded();
        }
        room
    }

    /// Goes on with an eviction that was cut short; says whether it still isn't done.
    pub(crate) fn continue_eviction(&mut self) -> bool {
        self.eviction.is_unfinished && self.make_room() == Room::Later
    }

    /// Takes note of a new `maxmemory`: what is above it goes soon, without waiting for a command.
    pub(crate) fn limit_changed(&mut self) {
        self.eviction.is_unfinished = self.config.maxmemory != 0;
        if self.config.maxmemory == 0 {
            self.end_exceeded();
        }
    }

    fn end_exceeded(&mut self) {
        self.stats.eviction_exceeded_us += self.eviction.exceeded().as_micros() as u64;
        self.eviction.exceeded_since = None;
    }

    /// Removes keys, and takes note of how long that took.
    fn eviction_cycle(&mut self) -> Room {
        let start = Instant::now();
        let room = self.evict();
        self.note_latency("eviction-cycle", start.elapsed());
        room
    }

    fn evict(&mut self) -> Room {
        if self.config.maxmemory_policy == MaxmemoryPolicy::Noeviction {
            return Room::None;
        }
        let slice = Slice::begin(self.config.maxmemory_eviction_tenacity);
        while self.exceeds_limit() {
            // What waits to be freed is as good as gone: no other key goes in its place.
            if !self.exceeds_limit_by(self.lazyfree.pending_bytes()) {
                thread::sleep(FREEING_INTERVAL);
            } else if let Some((db, entry)) = self.take_foretold_victim() {
                self.stats.evicted_keys += 1;
                self.removed(db, entry.as_ref().key(), EventClasses::EVICTED, "evicted");
                discard(&mut self.lazyfree, db, entry, self.config.lazyfree_lazy_eviction);
            } else if self.lazyfree.pending() > 0 && !slice.is_over() {
                thread::sleep(FREEING_INTERVAL);
            } else if self.exceeds_limit() {
                return Room::None;
            }
            if slice.is_over() && self.exceeds_limit() {
                return Room::Later;
            }
        }
        Room::Enough
    }

    /// As [`Self::take_victim`]; modules that want to see the key before it goes see it in its place.
    fn take_foretold_victim(&mut self) -> Option<(usize, Entry)> {
        let (db, entry) = self.take_victim()?;
        if !self.foretells() {
            return Some((db, entry));
        }
        let key = entry.as_ref().key().to_vec();
        self.keyspace.db_mut(db).insert_entry(entry);
        self.foretell(db, &key, Going::Evicted);
        let entry = self.keyspace.db_mut(db).remove(&key)?;
        Some((db, entry))
    }

    /// Takes the key that is to go next out of its database, and gives both; `None` when the policy leaves none.
    fn take_victim(&mut self) -> Option<(usize, Entry)> {
        let Self { keyspace, rng, config, clock, eviction, .. } = self;
        match Rank::of(config.maxmemory_policy, access::Clock::of(config, clock)) {
            None => take_random(keyspace, config, rng),
            Some(rank) => take_first(keyspace, config, rng, &rank, &mut eviction.pool),
        }
    }
}

/// Takes a key out, each as likely as the others.
fn take_random(keyspace: &mut Keyspace, config: &Config, rng: &mut Rng) -> Option<(usize, Entry)> {
    let population = Population::of(keyspace, config.maxmemory_policy);
    let index = population.draw_database(rng)?;
    let key = population.draw_key(index, rng)?;
    let hash = keyspace.db(index).hash_key(key.key());
    keyspace.db_mut(index).find_mut_by_hash(hash).map(|entry| (index, entry.remove()))
}

/// Takes out the key with the highest rank among those of a new sample and the pool.
fn take_first(
    keyspace: &mut Keyspace,
    config: &Config,
    rng: &mut Rng,
    rank: &Rank,
    pool: &mut Pool,
) -> Option<(usize, Entry)> {
    pool.serve(config.maxmemory_policy);
    loop {
        let population = Population::of(keyspace, config.maxmemory_policy);
        if population.is_empty() {
            return None;
        }
        population.sample(config.maxmemory_samples as usize, rng, |index, entry| {
            if let Some(rank) = rank.of_key(entry)
                && pool.has_room_for(rank)
            {
                let hash = keyspace.db(index).hash_key(entry.key());
                pool.put(Candidate { rank, db: index, hash });
            }
        });
        // When all of them have gone, or have been used since, the pool is empty: the next sample fills it with
        // keys that are there.
        while let Some(candidate) = pool.take_first() {
            let found = keyspace.db_mut(candidate.db).find_mut_by_hash(candidate.hash);
            if let Some(entry) = found
                && rank.of_key(entry.get()).is_some_and(|rank| rank >= candidate.rank)
            {
                return Some((candidate.db, entry.remove()));
            }
        }
    }
}
