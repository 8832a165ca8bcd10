//! Keys as commands see them: those whose time has come aren't there, and looking leaves its traces.

use keyspace::{
    Contents, Db, Entry, EntryMut, EntryRef, Expiry, KeyHash, Keyspace, Lookup, Place, StringValue,
};

use crate::access;
use crate::config::EventClasses;
use crate::engine::Engine;
use crate::error::Error;
use crate::lazyfree::LazyFree;
use crate::resp::Writer;
use crate::server_events::Going;
use crate::stats::Stats;

/// What was removed is freed on another thread when that many bytes, or more, hang on it.
const WORTH_A_THREAD: usize = 64 * 1024;

/// A module's value is freed on another thread when that takes more allocations than this, as in Redis.
const WORTH_AN_EFFORT: usize = 64;

/// The string in an entry.
///
/// # Errors
/// [`Error::WRONG_TYPE`] for a value of another type.
pub(crate) fn string(entry: EntryRef<'_>) -> Result<StringValue<'_>, Error> {
    match entry.value_type() {
        keyspace::ValueType::String => Ok(entry.string()),
        keyspace::ValueType::Module => Err(Error::WRONG_TYPE),
    }
}

/// Replies a string.
pub(crate) fn reply_string(reply: &mut Writer, value: StringValue<'_>) {
    match value {
        StringValue::Int(number) => reply.bulk_integer(number),
        StringValue::EmbStr(bytes) | StringValue::Raw(bytes) => reply.bulk(bytes),
    }
}

/// The hash of a key of the running command that was worked out ahead of it, when the key was prefetched.
///
/// The key is known by where it lies: in a buffer that neither moves nor changes before the command is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Foreseen {
    address: usize,
    len: usize,
    hash: KeyHash,
}

impl Foreseen {
    pub(crate) fn new(key: &[u8], hash: KeyHash) -> Self {
        Self { address: key.as_ptr().addr(), len: key.len(), hash }
    }

    #[inline]
    fn is_of(&self, key: &[u8]) -> bool {
        self.address == key.as_ptr().addr() && self.len == key.len()
    }
}

impl Engine {
    /// Says that what runs the command looks the key among its arguments up by a copy, whose bytes neither move nor
    /// change, but by growing, before [`Engine::forget_copy`] is called.
    pub fn expect_copy(&mut self, key: &[u8], copy: &[u8]) {
        self.foreseen = self.foreseen.filter(|foreseen| foreseen.is_of(key));
        if let Some(foreseen) = &mut self.foreseen {
            *foreseen = Foreseen::new(copy, foreseen.hash);
        }
    }

    /// Says that the copy goes.
    pub fn forget_copy(&mut self) {
        self.foreseen = None;
    }
}

/// What it takes to tell whether a key's time has come, and to remove it.
struct Reaper<'e> {
    now: i64,
    db: usize,
    lazy: bool,
    /// Whether what has expired stays where it is for now: clients are paused, or modules look at it.
    is_paused: bool,
    /// Whether anybody wants to know of keys that are removed.
    is_observed: bool,
    just_expired: &'e mut Vec<(usize, Vec<u8>)>,
    stats: &'e mut Stats,
    lazyfree: &'e mut LazyFree,
}

impl Reaper<'_> {
    /// The entry of a key; one whose time has come is removed first.
    #[inline]
    fn live<'a>(&mut self, db: &'a mut Db, hash: KeyHash, key: &[u8]) -> Option<EntryMut<'a>> {
        let entry = db.find_mut_hashed(hash, key)?;
        if !is_expired(entry.get(), self.now) {
            return Some(entry);
        }
        if !self.is_paused {
            self.stats.expired_keys += 1;
            if self.is_observed {
                self.just_expired.push((self.db, key.to_vec()));
            }
            discard(self.lazyfree, self.db, entry.remove(), self.lazy);
        }
        None
    }
}

/// Whether an entry's time has come.
#[inline]
pub(crate) fn is_expired(entry: EntryRef<'_>, now: i64) -> bool {
    entry.expiry().is_some_and(|at| at <= now)
}

impl Engine {
    /// The hash of a key, the same for every database.
    #[inline]
    pub(crate) fn hash(&self, db: usize, key: &[u8]) -> KeyHash {
        match self.foreseen {
            Some(foreseen) if foreseen.is_of(key) => foreseen.hash,
            _ => self.keyspace.db(db).hash_key(key),
        }
    }

    /// The database, and what it takes to remove from it what has expired.
    #[inline]
    fn parts(&mut self, db: usize) -> (&mut Db, Reaper<'_>) {
        let reaper = Reaper {
            now: self.clock.now_ms(),
            db,
            is_paused: self.is_paused() || self.is_foretelling,
            is_observed: self.is_expiry_observed(),
            just_expired: &mut self.just_expired,
            lazy: self.config.lazyfree_lazy_expire,
            stats: &mut self.stats,
            lazyfree: &mut self.lazyfree,
        };
        (self.keyspace.db_mut(db), reaper)
    }

    /// The entry of a key; one whose time has come is removed first.
    #[inline]
    pub(crate) fn find(&mut self, db: usize, key: &[u8]) -> Option<EntryMut<'_>> {
        let hash = self.hash(db, key);
        self.foretell_expiry(db, key);
        let (db, mut reaper) = self.parts(db);
        reaper.live(db, hash, key)
    }

    /// The entry of a key, found as it is or not at all, or as [`Engine::find`] does; an access to it is traced if that
    /// is asked for and its time hasn't come.
    pub(crate) fn look_for(
        &mut self,
        db: usize,
        key: &[u8],
        expired_too: bool,
        is_traced: bool,
    ) -> Option<EntryMut<'_>> {
        let clock = access::Clock::of(&self.config, &self.clock);
        let chance = if clock.needs_chance() { self.rng.next_u64() } else { 0 };
        let hash = self.hash(db, key);
        let mut entry = if expired_too {
            let now = self.clock.now_ms();
            let entry = self.keyspace.db_mut(db).find_mut_hashed(hash, key)?;
            if is_expired(entry.get(), now) {
                return Some(entry);
            }
            entry
        } else {
            self.foretell_expiry(db, key);
            let (db, mut reaper) = self.parts(db);
            reaper.live(db, hash, key)?
        };
        if is_traced {
            entry.set_clock(clock.accessed(entry.get().clock(), chance));
        }
        Some(entry)
    }

    /// The entry of a key for a command that reads: counted as a hit or a miss, and an access to the key.
    #[inline]
    pub(crate) fn read(&mut self, db: usize, key: &[u8]) -> Option<EntryRef<'_>> {
        let clock = access::Clock::of(&self.config, &self.clock);
        let chance = if clock.needs_chance() { self.rng.next_u64() } else { 0 };
        let is_traced = !self.leaves_no_trace;
        let mut entry = self.counted(db, key)?;
        if is_traced {
            entry.set_clock(clock.accessed(entry.get().clock(), chance));
        }
        Some(entry.into_ref())
    }

    /// As [`Engine::read`], but not an access to the key.
    pub(crate) fn read_untouched(&mut self, db: usize, key: &[u8]) -> Option<EntryRef<'_>> {
        Some(self.counted(db, key)?.into_ref())
    }

    /// As [`Engine::read_untouched`], but a key that isn't there is not reported as missed.
    pub(crate) fn inspect(&mut self, db: usize, key: &[u8]) -> Option<EntryRef<'_>> {
        let hash = self.hash(db, key);
        Some(self.counted_hashed(db, hash, key)?.into_ref())
    }

    /// As [`Engine::find`], counted as a hit or a miss.
    #[inline]
    fn counted(&mut self, db: usize, key: &[u8]) -> Option<EntryMut<'_>> {
        let hash = self.hash(db, key);
        // The entry can't be given and, where there is none, be reported missing under one look.
        if self.wants_event(EventClasses::KEY_MISS) && self.find(db, key).is_none() {
            self.notify(db, key, EventClasses::KEY_MISS, "keymiss");
        }
        self.counted_hashed(db, hash, key)
    }

    #[inline]
    fn counted_hashed(&mut self, db: usize, hash: KeyHash, key: &[u8]) -> Option<EntryMut<'_>> {
        self.foretell_expiry(db, key);
        let (db, mut reaper) = self.parts(db);
        let found = reaper.live(db, hash, key);
        match found {
            Some(_) => reaper.stats.keyspace_hits += 1,
            None => reaper.stats.keyspace_misses += 1,
        }
        found
    }

    /// Stores a string under a key, whatever that held, with this expiry. That the key is new is published here; that
    /// it has changed, and how, is the caller's to say.
    #[inline]
    pub(crate) fn store(&mut self, db: usize, key: &[u8], value: StringValue<'_>, expiry: Expiry) {
        self.foretell(db, key, Going::Overwritten);
        self.store_changed(db, key, value, expiry);
    }

    /// As [`Engine::store`], for a value that is made of the one before: the key doesn't count as overwritten.
    #[inline]
    pub(crate) fn store_changed(&mut self, db: usize, key: &[u8], value: StringValue<'_>, expiry: Expiry) {
        let clock = access::Clock::of(&self.config, &self.clock).created();
        let hash = self.hash(db, key);
        let is_observed = self.is_expiry_observed();
        let is_new = match self.keyspace.db_mut(db).lookup_hashed(hash, key) {
            Lookup::Vacant(place) => {
                let expiry = match expiry {
                    Expiry::At(at) => Some(at),
                    Expiry::Keep | Expiry::Never => None,
                };
                place.insert(value, expiry, clock);
                true
            }
            Lookup::Occupied(mut entry) => {
                let is_expired = is_expired(entry.get(), self.clock.now_ms());
                if is_expired {
                    self.stats.expired_keys += 1;
                    if is_observed {
                        self.just_expired.push((db, key.to_vec()));
                    }
                }
                // What has expired has no expiry to keep.
                let expiry = match (expiry, entry.get().expiry()) {
                    (Expiry::Keep, Some(at)) if !is_expired => Expiry::At(at),
                    (Expiry::Keep, _) => Expiry::Never,
                    _ => expiry,
                };
                unlink(db, entry.get());
                if self.config.lazyfree_lazy_server_del && is_worth_a_thread(db, entry.get()) {
                    free_later(&mut self.lazyfree, entry.remove());
                    self.keyspace.db_mut(db).set(key, value, expiry, clock);
                } else {
                    entry.set(value, expiry);
                    entry.set_clock(clock);
                }
                is_expired
            }
        };
        if is_new {
            self.notify(db, key, EventClasses::NEW, "new");
        }
    }

    /// Stores a text under a key that never expires, whatever that held. It is made of the other keys, in a block that
    /// is handed over: the old text's, where that has one which `reusable` bytes fit well and nobody is to be told of
    /// what goes; else an empty one. That the key is new is published here; that it has changed, and how, is the
    /// caller's to say.
    pub(crate) fn store_made(
        &mut self,
        db: usize,
        key: &[u8],
        reusable: usize,
        make: impl FnOnce(&Keyspace, Vec<u8>) -> Vec<u8>,
    ) {
        let clock = access::Clock::of(&self.config, &self.clock).created();
        // What has expired is counted as that, and not as replaced.
        let is_new = self.find(db, key).is_none();
        let is_shown = self.foretells();
        let old = self.keyspace.db_mut(db).find_mut(key).filter(|_| !is_shown);
        let room = old.and_then(|mut entry| entry.take_text(reusable));
        let text = make(&self.keyspace, room.unwrap_or_default());
        self.foretell(db, key, Going::Overwritten);
        let replaced = self.keyspace.db_mut(db).insert_entry(Entry::from_vec(key, text, None, clock));
        self.discard_replaced(db, replaced);
        if is_new {
            self.notify(db, key, EventClasses::NEW, "new");
        }
    }

    /// Sets when a key expires; one whose time is past is removed at once. Says whether there was such a key, and tells
    /// of the change.
    pub(crate) fn expire_at(&mut self, db: usize, key: &[u8], at: i64) -> bool {
        let now = self.clock.now_ms();
        let lazy = self.config.lazyfree_lazy_expire;
        if at <= now {
            self.foretell(db, key, Going::Expired);
        }
        let Some(mut entry) = self.keyspace.db_mut(db).find_mut(key) else { return false };
        if at <= now {
            discard(&mut self.lazyfree, db, entry.remove(), lazy);
            self.signal_removal(db, key);
            self.modified(db, key, EventClasses::GENERIC, "del");
        } else {
            entry.set_expiry(Some(at));
            self.modified(db, key, EventClasses::GENERIC, "expire");
        }
        true
    }

    /// Takes a key's time to live away; says whether there was one, and tells of the change.
    pub(crate) fn persist(&mut self, db: usize, key: &[u8]) -> bool {
        let Some(mut entry) = self.find(db, key).filter(|entry| entry.get().expiry().is_some()) else {
            return false;
        };
        entry.set_expiry(None);
        self.modified(db, key, EventClasses::GENERIC, "persist");
        true
    }

    /// Removes a key; says whether it was there, and tells of the change.
    pub(crate) fn remove(&mut self, db: usize, key: &[u8], lazy: bool) -> bool {
        if self.foretells() && self.find(db, key).is_some() {
            self.foretell(db, key, Going::Deleted);
        }
        let Some(entry) = self.find(db, key) else { return false };
        let entry = entry.remove();
        self.signal_removal(db, key);
        discard(&mut self.lazyfree, db, entry, lazy);
        self.modified(db, key, EventClasses::GENERIC, "del");
        true
    }

    /// As [`Engine::remove`], but a key whose time has come is removed like any other.
    pub(crate) fn remove_stored(&mut self, db: usize, key: &[u8]) {
        self.foretell(db, key, Going::Deleted);
        let Some(entry) = self.keyspace.db_mut(db).remove(key) else { return };
        self.let_go(db, entry);
        self.signal_removal(db, key);
        self.modified(db, key, EventClasses::GENERIC, "del");
    }

    /// Gives the value at `from`, which is there, the key `to`, whatever that held, and tells of the change.
    pub(crate) fn rename(&mut self, db: usize, from: &[u8], to: &[u8]) {
        self.foretell(db, to, Going::Deleted);
        self.foretell(db, from, Going::Deleted);
        let replaced = self.keyspace.db_mut(db).rename(from, to).flatten();
        self.discard_replaced(db, replaced);
        self.notify(db, to, EventClasses::NEW, "new");
        self.signal_stored(db, to);
        self.unlink_moved(db, to, Place { db, key: from });
        self.signal_removal(db, from);
        self.touched(db, from);
        self.touched(db, to);
        self.notify(db, from, EventClasses::GENERIC, "rename_from");
        self.notify(db, to, EventClasses::GENERIC, "rename_to");
    }

    /// Stores what is at `from`, if anything, under `to` in the database `target` as well, whatever that held, and
    /// tells of the change. Says whether that was done: a module's type may have no copies.
    pub(crate) fn copy(&mut self, db: usize, from: &[u8], target: usize, to: &[u8]) -> bool {
        let places = (Place { db, key: from }, Place { db: target, key: to });
        let entry = self.keyspace.db(db).find(from);
        let copy = entry.and_then(|entry| entry.duplicate(to, |value| value.copy(places.0, places.1)));
        let Some(copy) = copy else { return false };
        self.foretell(target, to, Going::Deleted);
        let replaced = self.keyspace.db_mut(target).insert_entry(copy);
        self.discard_replaced(target, replaced);
        self.notify(target, to, EventClasses::NEW, "new");
        self.signal_stored(target, to);
        self.modified(target, to, EventClasses::GENERIC, "copy_to");
        true
    }

    /// Stores an entry, whose key is `key`, whatever that held. That the key is new is published here; that it has
    /// changed, and how, is the caller's to say.
    pub(crate) fn insert(&mut self, db: usize, key: &[u8], entry: Entry) {
        self.foretell(db, key, Going::Deleted);
        let replaced = self.keyspace.db_mut(db).insert_entry(entry);
        self.discard_replaced(db, replaced);
        self.notify(db, key, EventClasses::NEW, "new");
        self.signal_stored(db, key);
    }

    /// Takes a key to the database `target`, which has none of that name, and tells of the change.
    pub(crate) fn move_key(&mut self, db: usize, key: &[u8], target: usize) {
        self.foretell(db, key, Going::Deleted);
        let Some(entry) = self.keyspace.db_mut(db).remove(key) else { return };
        let replaced = self.keyspace.db_mut(target).insert_entry(entry);
        self.discard_replaced(target, replaced);
        self.notify(target, key, EventClasses::NEW, "new");
        self.signal_stored(target, key);
        self.unlink_moved(target, key, Place { db, key });
        self.signal_removal(db, key);
        self.touched(db, key);
        self.touched(target, key);
        self.notify(db, key, EventClasses::GENERIC, "move_from");
        self.notify(target, key, EventClasses::GENERIC, "move_to");
    }

    /// Lets the type of a module's value know that it has left a place, for this key. Where values that commands remove
    /// are freed on another thread, the type is asked what that would take, although nothing is freed: as in Redis.
    fn unlink_moved(&mut self, db: usize, key: &[u8], left: Place<'_>) {
        let entry = self.keyspace.db(db).find(key);
        if let Some(value) = entry.and_then(|entry| entry.module()) {
            value.unlink(left);
            if self.config.lazyfree_lazy_server_del {
                value.free_effort(left);
            }
        }
    }

    fn discard_replaced(&mut self, db: usize, replaced: Option<Entry>) {
        if let Some(entry) = replaced {
            self.let_go(db, entry);
        }
    }

    /// Removes every key of a database. Those who watch its keys are told, those who track them aren't.
    pub(crate) fn flush(&mut self, db: usize, lazy: bool) {
        if !self.watches.is_empty() {
            self.touch_database(db, None);
        }
        self.signal_all_removals(db);
        let contents: Contents = self.keyspace.db_mut(db).clear();
        if lazy && !contents.is_empty() {
            // How much that is nobody has counted.
            self.lazyfree.drop_later(contents.len(), 0, contents);
        }
    }

    /// A key that is there, each as likely as the others; `None` when every key that was drawn had expired.
    pub fn random_key(&mut self, db: usize) -> Option<Vec<u8>> {
        /// So often another key is drawn when one has expired, as in Redis.
        const DRAWS: usize = 100;
        for _ in 0..DRAWS {
            let Self { keyspace, rng, .. } = self;
            let key = keyspace.db(db).random(&mut || rng.next_u64())?.key().to_vec();
            if self.find(db, &key).is_some() {
                return Some(key);
            }
        }
        None
    }
}

/// Frees an entry that was in this database: here, or on the thread when that was asked for and is worth it. Every key
/// that is removed and every value that is replaced comes by here, but for those of a database that is emptied.
pub(crate) fn discard(lazyfree: &mut LazyFree, db: usize, entry: Entry, lazy: bool) {
    unlink(db, entry.as_ref());
    if lazy && is_worth_a_thread(db, entry.as_ref()) {
        free_later(lazyfree, entry);
    }
}

/// Lets the type of a module's value know that it leaves its key.
fn unlink(db: usize, entry: EntryRef<'_>) {
    if let Some(value) = entry.module() {
        value.unlink(Place { db, key: entry.key() });
    }
}

fn free_later(lazyfree: &mut LazyFree, entry: Entry) {
    lazyfree.drop_later(1, bytes(entry.as_ref()), entry);
}

/// A module's value is worth it when its type says that it is more than a few allocations, or says 0: always.
fn is_worth_a_thread(db: usize, entry: EntryRef<'_>) -> bool {
    match entry.module() {
        Some(value) => !(1..=WORTH_AN_EFFORT).contains(&value.free_effort(Place { db, key: entry.key() })),
        None => bytes(entry) >= WORTH_A_THREAD,
    }
}

/// The bytes that an entry takes, at least.
fn bytes(entry: EntryRef<'_>) -> usize {
    entry.memory_usage(|layout| layout.size())
}
