//! WATCH: which keys clients depend on, and whether what they saw there still holds.
//!
//! A key whose time has come is as good as gone, so that nothing changes when it is removed in fact. Who watched
//! such a key saw no key: it is its return that matters then.

use smallvec::SmallVec;

use crate::client::ClientId;
use crate::engine::Engine;
use crate::lookup::is_expired;
use crate::names::{Name, NameMap, Seeded, block, name_memory, shrink};

/// Who watches which keys, database by database.
#[derive(Debug)]
pub(crate) struct Watches {
    databases: Vec<NameMap<Watchers>>,
    /// The keys that are watched, in all databases.
    keys: usize,
    /// The bytes of the keys' names, and of lists of watchers too long to stand in the table.
    bytes: usize,
}

type Watchers = SmallVec<[Watcher; 1]>;

#[derive(Clone, Copy, Debug)]
struct Watcher {
    id: ClientId,
    /// Whether the key was there when this client began to watch, but its time had come.
    was_expired: bool,
}

/// The bytes of a list that is too long for its table.
fn spilled(watchers: &Watchers) -> usize {
    if watchers.spilled() { block(watchers.capacity() * size_of::<Watcher>()) } else { 0 }
}

impl Watches {
    pub(crate) fn new(databases: usize, hasher: &Seeded) -> Self {
        let databases = (0..databases).map(|_| NameMap::with_hasher(hasher.clone())).collect();
        Self { databases, keys: 0, bytes: 0 }
    }

    /// Whether nobody watches anything.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.keys == 0
    }

    /// The bytes that the tables take.
    pub(crate) fn memory(&self) -> usize {
        self.bytes + self.databases.iter().map(|table| block(table.allocation_size())).sum::<usize>()
    }

    /// Notes that a client watches a key; gives the name, unless the client did so already.
    fn add(&mut self, db: usize, key: &[u8], watcher: Watcher) -> Option<Name> {
        let table = &mut self.databases[db];
        if let Some((name, watchers)) = table.get_key_value_mut(key) {
            if watchers.iter().any(|other| other.id == watcher.id) {
                return None;
            }
            let name = Name::clone(name);
            self.bytes -= spilled(watchers);
            watchers.push(watcher);
            self.bytes += spilled(watchers);
            return Some(name);
        }
        let name = Name::from(key);
        self.bytes += name_memory(&name);
        self.keys += 1;
        table.insert(Name::clone(&name), SmallVec::from_slice(&[watcher]));
        Some(name)
    }

    /// Forgets that a client watches a key.
    fn remove(&mut self, db: usize, name: &Name, id: ClientId) {
        let table = &mut self.databases[db];
        let Some(watchers) = table.get_mut(name) else { return };
        self.bytes -= spilled(watchers);
        watchers.retain(|watcher| watcher.id != id);
        if watchers.len() * 4 < watchers.capacity() {
            watchers.shrink_to_fit();
        }
        self.bytes += spilled(watchers);
        if watchers.is_empty() {
            table.remove(name);
            self.bytes -= name_memory(name);
            self.keys -= 1;
            shrink(table);
        }
    }

    fn watcher(&self, db: usize, name: &Name, id: ClientId) -> Option<Watcher> {
        self.databases[db].get(name)?.iter().find(|watcher| watcher.id == id).copied()
    }
}

impl Engine {
    /// Has a client watch a key of the database that it has selected.
    pub(crate) fn watch(&mut self, id: ClientId, db: usize, key: &[u8]) {
        let now = self.clock.now_ms();
        let was_expired = self.keyspace.db(db).find(key).is_some_and(|entry| is_expired(entry, now));
        if let Some(name) = self.watches.add(db, key, Watcher { id, was_expired }) {
            self.connected_mut(id).watched.push((db, name));
        }
    }

    /// Forgets what a client watched, and whether any of it changed.
    pub(crate) fn unwatch_all(&mut self, id: ClientId) {
        let Some(client) = self.clients.get_mut(id) else { return };
        client.is_dirty = false;
        for (db, name) in std::mem::take(&mut client.watched) {
            self.watches.remove(db, &name, id);
        }
    }

    /// Whether a key that the client watches was there at first, and its time has come since.
    pub(crate) fn has_watched_key_expired(&self, id: ClientId) -> bool {
        let now = self.clock.now_ms();
        let Some(client) = self.clients.get(id) else { return false };
        client.watched.iter().any(|(db, name)| {
            let entry = self.keyspace.db(*db).find(name);
            entry.is_some_and(|entry| is_expired(entry, now))
                && self.watches.watcher(*db, name, id).is_some_and(|watcher| !watcher.was_expired)
        })
    }

    /// Tells those who watch a key that it has changed.
    pub(crate) fn touch_watched(&mut self, db: usize, key: &[u8]) {
        let Self { watches, clients, keyspace, .. } = self;
        for watcher in watches.databases[db].get_mut(key).into_iter().flatten() {
            // What had expired already is no more gone when it is removed.
            if watcher.was_expired && keyspace.db(db).find(key).is_none() {
                watcher.was_expired = false;
                continue;
            }
            if let Some(client) = clients.get_mut(watcher.id) {
                client.is_dirty = true;
            }
        }
    }

    /// Tells those who watch a key that it was removed because its time had come.
    pub(crate) fn touch_expired(&mut self, db: usize, key: &[u8]) {
        let Self { watches, clients, .. } = self;
        for watcher in watches.databases[db].get_mut(key).into_iter().flatten() {
            if std::mem::take(&mut watcher.was_expired) {
                continue;
            }
            if let Some(client) = clients.get_mut(watcher.id) {
                client.is_dirty = true;
            }
        }
    }

    /// Tells those who watch keys of the database `db` that all of it goes, and that what the database
    /// `replacement` holds, if one is given, takes its place.
    pub(crate) fn touch_database(&mut self, db: usize, replacement: Option<usize>) {
        let now = self.clock.now_ms();
        let Self { watches, clients, keyspace, .. } = self;
        for (name, watchers) in &mut watches.databases[db] {
            let had = keyspace.db(db).find(name).is_some();
            let next = replacement.and_then(|index| keyspace.db(index).find(name));
            if !had && next.is_none() {
                continue;
            }
            let next_is_live = next.is_some_and(|entry| !is_expired(entry, now));
            for watcher in watchers {
                // Nobody sees an expired key, whichever database it comes from or goes to.
                let saw_none = watcher.was_expired || !had;
                if saw_none && !next_is_live {
                    watcher.was_expired = next.is_some();
                } else if let Some(client) = clients.get_mut(watcher.id) {
                    client.is_dirty = true;
                }
            }
        }
    }
}
