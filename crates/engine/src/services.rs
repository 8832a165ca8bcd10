//! What the engine does for whoever hosts modules: keys and values, as the engine's own commands use them.

use keyspace::{Entry, EntryMut, EntryRef, Expiry, Lookup, ModuleValue, Place, StringValue};

use crate::access;
use crate::client::ClientId;
use crate::config::EventClasses;
use crate::engine::Engine;
use crate::lookup::discard;
use crate::resp::Version;
use crate::server_events::{Going, ServerEvent};

/// What a value has taken the place of.
enum Replaced {
    Value(ModuleValue),
    Entry(Entry),
}

/// Which traces it leaves that a key is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// The key counts as used.
    pub touch: bool,
    /// That it isn't there is published.
    pub notify_miss: bool,
    /// It counts as a hit or a miss.
    pub count: bool,
    /// A key whose time has come is given like any other.
    pub expired_too: bool,
}

impl Engine {
    /// Looks up a key, and shows its entry to `body`; `None` where there is none. One whose time has come is removed
    /// first, and not given.
    pub fn look_up<R>(
        &mut self,
        db: usize,
        key: &[u8],
        look: Look,
        body: impl FnOnce(EntryRef<'_>) -> R,
    ) -> Option<R> {
        let is_traced = look.touch && !self.leaves_no_trace;
        let found = self.look_for(db, key, look.expired_too, is_traced).map(|entry| body(entry.into_ref()));
        if look.count {
            let stats = &mut self.stats;
            *if found.is_some() { &mut stats.keyspace_hits } else { &mut stats.keyspace_misses } += 1;
        }
        if found.is_none() && look.notify_miss {
            self.notify(db, key, EventClasses::KEY_MISS, "keymiss");
        }
        found
    }

    /// The entry of a key, to be changed; that leaves no traces but those of the change. One whose time has come is
    /// removed first, and not given, unless modules are just being told of that. Whoever changes it calls
    /// [`Engine::key_changed`].
    pub fn entry_mut(&mut self, db: usize, key: &[u8]) -> Option<EntryMut<'_>> {
        if self.is_foretelling {
            return self.keyspace.db_mut(db).find_mut(key);
        }
        self.find(db, key)
    }

    /// Stores a string under a key, whatever that held. That the key is new is published, that it has changed isn't:
    /// see [`Engine::key_changed`].
    pub fn put_string(&mut self, db: usize, key: &[u8], value: StringValue<'_>, expiry: Expiry) {
        self.store(db, key, value, expiry);
    }

    /// Stores a value of a module's type under a key that never expires, whatever that held; as
    /// [`Engine::put_string`].
    pub fn put_module_value(&mut self, db: usize, key: &[u8], value: ModuleValue) {
        let clock = access::Clock::of(&self.config, &self.clock).created();
        // What has expired is counted as that, and not as replaced.
        let is_new = self.find(db, key).is_none();
        self.foretell(db, key, Going::Deleted);
        let replaced = self.place_module_value(db, key, value, clock);
        match replaced {
            Some(Replaced::Value(value)) => value.unlink(Place { db, key }),
            Some(Replaced::Entry(entry)) => self.let_go(db, entry),
            None => {}
        }
        self.signal_stored(db, key);
        if is_new {
            self.notify(db, key, EventClasses::NEW, "new");
        }
    }

    /// Removes a key, and frees its value on another thread if that was asked for and is worth it; says whether it was
    /// there. Nothing is published: see [`Engine::key_changed`].
    pub fn delete_key(&mut self, db: usize, key: &[u8], lazy: bool) -> bool {
        if self.find(db, key).is_none() {
            return false;
        }
        self.foretell(db, key, Going::Deleted);
        let Some(entry) = self.find(db, key) else { return false };
        let entry = entry.remove();
        self.signal_removal(db, key);
        discard(&mut self.lazyfree, db, entry, lazy);
        true
    }

    /// Tells those who watch or track a key that it has changed.
    pub fn key_changed(&mut self, db: usize, key: &[u8]) {
        self.touched(db, key);
    }

    /// Publishes an event of a key, if its class is wanted.
    pub fn publish_key_event(&mut self, db: usize, key: &[u8], class: EventClasses, event: &str) {
        self.notify(db, key, class, event);
    }

    /// The number of the database that a client has selected; 0 for one that has gone.
    pub fn selected_database(&self, id: ClientId) -> usize {
        self.clients.get(id).map_or(0, |client| client.db)
    }

    /// Selects a database for a client; says whether there is one of that number.
    pub fn select_database(&mut self, id: ClientId, db: usize) -> bool {
        let exists = db < self.keyspace.count();
        if exists && let Some(client) = self.clients.get_mut(id) {
            client.db = db;
        }
        exists
    }

    /// The number of keys in a database, those whose time has come included.
    pub fn database_size(&self, db: usize) -> usize {
        self.keyspace.db(db).len()
    }

    /// Shows a few keys of a database, those whose time has come included, and gives the cursor for the next call: a
    /// scan begins with 0 and is over when 0 comes back. What it promises is what [`keyspace::Db::scan`] does.
    pub fn scan_keys<'a>(&'a self, db: usize, cursor: u64, each: impl FnMut(EntryRef<'a>)) -> u64 {
        self.keyspace.db(db).scan(cursor, each)
    }

    /// How many databases there are.
    pub fn database_count(&self) -> usize {
        self.keyspace.count()
    }

    /// The version of the protocol that a client speaks.
    pub fn protocol_of(&self, id: ClientId) -> Version {
        self.clients.get(id).map_or(Version::V2, |client| client.version)
    }

    /// Whether a client is between MULTI and the end of EXEC.
    pub fn in_transaction(&self, id: ClientId) -> bool {
        self.clients.get(id).is_some_and(|client| client.transaction.is_some())
    }

    /// Removes every key of every database; on another thread if that is asked for.
    pub fn flush_all(&mut self, lazy: bool) {
        self.tell(&ServerEvent::FlushBegins { db: None, sync: !lazy });
        for db in 0..self.keyspace.count() {
            self.flush(db, lazy);
        }
        self.invalidate_all();
        self.tell(&ServerEvent::FlushEnds { db: None, sync: !lazy });
    }

    /// The access clock of a key that was used so many milliseconds ago; `None` under a policy that doesn't keep that.
    pub fn access_clock_idle(&self, idle_ms: i64) -> Option<u32> {
        access::Clock::of(&self.config, &self.clock).idle_for(idle_ms.max(0).unsigned_abs() / 1000)
    }

    /// The access clock of a key that is used so often, 0 to 255; `None` under a policy that doesn't keep that.
    pub fn access_clock_frequency(&self, frequency: i64) -> Option<u32> {
        access::Clock::of(&self.config, &self.clock).with_frequency(frequency.clamp(0, 255) as u8)
    }

    /// For how many milliseconds a key with this access clock hasn't been used, to the second.
    pub fn idle_ms_of(&self, clock: u32) -> Option<i64> {
        let idle = access::Clock::of(&self.config, &self.clock).idle_seconds(clock)?;
        Some(i64::from(idle) * 1000)
    }

    /// How often a key with this access clock is used, 0 to 255.
    pub fn frequency_of(&self, clock: u32) -> Option<i64> {
        access::Clock::of(&self.config, &self.clock).frequency(clock).map(i64::from)
    }

    /// What has the program around the engine call [`Engine::attend`] soon, from whichever thread.
    pub fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        self.host.waker()
    }

    /// Publishes a message to a channel, as PUBLISH does, or to a shard channel; gives how many have received it.
    pub fn publish_message(&mut self, channel: &[u8], message: &[u8], to_shard: bool) -> usize {
        if to_shard { self.publish_to_shard(channel, message) } else { self.publish(channel, message) }
    }

    /// Random bits.
    pub fn random(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// Puts a module's value under a key. One that is there already makes room within its entry, unless what makes
    /// room may be freed on another thread.
    fn place_module_value(
        &mut self,
        db: usize,
        key: &[u8],
        value: ModuleValue,
        clock: u32,
    ) -> Option<Replaced> {
        let hash = self.hash(db, key);
        let mut entry = match self.keyspace.db_mut(db).lookup_hashed(hash, key) {
            Lookup::Vacant(place) => {
                place.insert_module(value, None, clock);
                return None;
            }
            Lookup::Occupied(entry) => entry,
        };
        if entry.get().module().is_none() || self.config.lazyfree_lazy_server_del {
            let entry = Entry::from_module(key, value, None, clock);
            return self.keyspace.db_mut(db).insert_entry(entry).map(Replaced::Entry);
        }
        let replaced = entry.replace_module(value);
        if entry.get().expiry().is_some() {
            entry.set_expiry(None);
        }
        entry.set_clock(clock);
        Some(Replaced::Value(replaced))
    }

    /// Frees an entry that another has taken the place of.
    pub(crate) fn let_go(&mut self, db: usize, entry: Entry) {
        discard(&mut self.lazyfree, db, entry, self.config.lazyfree_lazy_server_del);
    }
}
