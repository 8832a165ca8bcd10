//! Active expiry: removing keys whose time has come although nobody asks for them.

use std::time::{Duration, Instant};

use crate::clock::Budget;
use crate::engine::Engine;
use crate::lookup::{discard, is_expired};
use crate::server_events::Going;

/// The share of a second that expiry may take at effort 1, in percent; each step of effort adds two.
const BASE_PERCENT: u32 = 25;
/// How many buckets of the index are visited between two looks at the clock.
const BUCKETS: usize = 16;
/// Expiry goes on with a database while more than this share of the keys that it visits are due, in percent;
/// each step of effort takes one off.
const WORTHWHILE_PERCENT: usize = 10;

/// Where active expiry stands.
#[derive(Debug)]
pub(crate) struct Expiry {
    /// The database to go on with.
    db: usize,
    /// Where in each database's index of keys with an expiry.
    cursors: Vec<u64>,
    /// Whether DEBUG SET-ACTIVE-EXPIRE has switched it off.
    pub(crate) is_off: bool,
}

impl Expiry {
    pub(crate) fn new(databases: usize) -> Self {
        Self { db: 0, cursors: vec![0; databases], is_off: false }
    }
}

impl Engine {
    /// Removes keys that are due, for as long as that finds enough of them and the budget lasts.
    ///
    /// Each round goes on where the last one ended, so that every key is visited in time.
    pub(crate) fn expire_cycle(&mut self) {
        if self.expiry.is_off || self.is_paused() {
            return;
        }
        let start = Instant::now();
        let effort = self.config.active_expire_effort.saturating_sub(1);
        let share = Duration::from_secs(1) * (BASE_PERCENT + 2 * effort) / 100;
        let budget = Budget::new(share / self.config.hz.max(1));
        let worthwhile = WORTHWHILE_PERCENT.saturating_sub(effort as usize);

        for _ in 0..self.keyspace.count() {
            while self.expire_step(worthwhile) {
                if budget.is_spent() {
                    self.stats.expire_cycles_cut_short += 1;
                    self.end_expire_cycle(start.elapsed());
                    return;
                }
            }
            self.expiry.db = (self.expiry.db + 1) % self.keyspace.count();
        }
        self.end_expire_cycle(start.elapsed());
    }

    fn end_expire_cycle(&mut self, took: Duration) {
        self.stats.expire_cycle_us += took.as_micros() as u64;
        self.note_latency("expire-cycle", took);
    }

    /// Visits a few buckets of the current database's index; says whether it is worth going on with it.
    fn expire_step(&mut self, worthwhile_percent: usize) -> bool {
        let now = self.clock.now_ms();
        let (mut visited, mut due) = (0, Vec::new());
        let db = self.keyspace.db_mut(self.expiry.db);
        let cursor = &mut self.expiry.cursors[self.expiry.db];
        for _ in 0..BUCKETS {
            *cursor = db.scan_expires(*cursor, |entry| {
                visited += 1;
                if is_expired(entry, now) {
                    due.push(entry.key().to_vec());
                }
            });
            if *cursor == 0 {
                break;
            }
        }
        let index = self.expiry.db;
        due.iter().for_each(|key| self.foretell(index, key, Going::Expired));
        self.stats.expired_keys += due.len() as u64;
        let db = self.keyspace.db_mut(index);
        for key in &due {
            if let Some(entry) = db.remove(key) {
                discard(&mut self.lazyfree, index, entry, self.config.lazyfree_lazy_expire);
            }
        }
        let goes_on = self.expiry.cursors[index] != 0 && due.len() * 100 > visited * worthwhile_percent;
        if self.is_expiry_observed() {
            self.just_expired.extend(due.into_iter().map(|key| (index, key)));
            self.announce_expired();
        }
        goes_on
    }
}
