//! Client tracking: telling clients that keep copies of values which of them are out of date.
//!
//! In the default mode the server remembers which keys a client has read, and names each once when it changes. A client
//! that asks for broadcasts is told of every change of a key under its prefixes, whether it has read it or not.
//!
//! | file | what it does |
//! |---|---|
//! | `table` | who has read which keys |
//! | `prefixes` | who wants to know of which prefixes, and what has changed there |
//! | `send` | invalidation messages |

mod prefixes;
mod send;
mod table;

use std::rc::Rc;

use crate::client::{Client, ClientId};
use crate::command::{Call, Flags, keys};
use crate::engine::Engine;
use crate::names::{Name, Seeded, block, vec_memory};

use prefixes::Prefixes;
use table::Table;

pub(crate) use prefixes::overlap;
use send::Stale;

/// All that the server knows about what clients keep.
#[derive(Debug)]
pub(crate) struct Tracking {
    table: Table,
    prefixes: Prefixes,
    /// Keys that the command which runs has made out of date for its own client, `None` for all of them. The client is
    /// told when the command is done, in the way that it has chosen by then.
    pending: Vec<Option<Box<[u8]>>>,
    /// How many clients have tracking switched on.
    clients: usize,
    /// How many clients have it switched on or had it so once.
    readers: usize,
}

/// When a client's reads are remembered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Always.
    #[default]
    Default,
    /// When it has called CLIENT CACHING YES before.
    OptIn,
    /// Unless it has called CLIENT CACHING NO before.
    OptOut,
    /// Never: it is told of every change under its prefixes.
    Broadcast,
}

/// One client's tracking.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tracker {
    pub(crate) mode: Mode,
    /// Whether it isn't told of changes that it makes itself.
    pub(crate) no_loop: bool,
    /// Who is told in its place.
    pub(crate) redirect: Option<ClientId>,
    /// Whether that client was found to be gone.
    pub(crate) is_broken: bool,
    /// Whether CLIENT CACHING speaks of the next command, or of the transaction that has begun.
    pub(crate) caching: bool,
    /// What it is told of in broadcast mode, in order.
    pub(crate) prefixes: Vec<Name>,
}

impl Tracker {
    /// The bytes that it holds, apart from the prefixes' names, which are everybody's.
    pub(crate) fn memory(&self) -> usize {
        block(size_of::<Self>()) + vec_memory(&self.prefixes)
    }

    /// Whether what the client reads now is to be remembered.
    fn remembers(&self) -> bool {
        match self.mode {
            Mode::Default => true,
            Mode::OptIn => self.caching,
            Mode::OptOut => !self.caching,
            Mode::Broadcast => false,
        }
    }
}

impl Tracking {
    pub(crate) fn new(hasher: &Seeded) -> Self {
        Self {
            table: Table::new(hasher),
            prefixes: Prefixes::default(),
            pending: Vec::new(),
            clients: 0,
            readers: 0,
        }
    }

    /// Whether any client has tracking switched on.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.clients != 0
    }

    /// Whether anything may be remembered that a change of a key makes out of date.
    #[inline]
    pub(crate) fn is_in_use(&self) -> bool {
        self.readers != 0
    }

    /// How many clients have tracking switched on.
    pub(crate) fn clients(&self) -> usize {
        self.clients
    }

    /// How many keys are remembered.
    pub(crate) fn keys(&self) -> usize {
        self.table.keys()
    }

    /// How many times a client is remembered for a key.
    pub(crate) fn items(&self) -> usize {
        self.table.items()
    }

    /// How many prefixes are broadcast.
    pub(crate) fn prefixes(&self) -> usize {
        self.prefixes.len()
    }

    /// The bytes that the tables take.
    pub(crate) fn memory(&self) -> usize {
        self.table.memory() + self.prefixes.memory()
    }
}

impl Engine {
    /// Switches tracking on for a client, or changes how it is done. In broadcast mode `prefixes` are added to those
    /// that it has; none are every key.
    pub(crate) fn track(&mut self, id: ClientId, tracker: Tracker, prefixes: &[&[u8]]) {
        let Self { clients, tracking, .. } = self;
        let Some(client) = clients.get_mut(id) else { return };
        let mut known = match client.tracking.take() {
            Some(old) => old.prefixes,
            None => {
                tracking.clients += 1;
                tracking.readers += usize::from(!std::mem::replace(&mut client.has_tracked, true));
                Vec::new()
            }
        };
        if tracker.mode == Mode::Broadcast {
            let every_key: &[&[u8]] = &[b""];
            for prefix in if prefixes.is_empty() { every_key } else { prefixes } {
                if let Err(at) = known.binary_search_by(|other| (**other).cmp(prefix)) {
                    known.insert(at, tracking.prefixes.add(prefix, id));
                }
            }
        }
        client.tracking = Some(Box::new(Tracker { prefixes: known, ..tracker }));
    }

    /// Switches tracking off for a client, if it is on.
    pub(crate) fn untrack(&mut self, id: ClientId) {
        if self.delivery.running == Some(id) {
            self.send_pending(id);
        }
        if let Some(tracker) = self.clients.get_mut(id).and_then(|client| client.tracking.take()) {
            self.forget_tracker(id, &tracker);
        }
    }

    /// Forgets the tracking of a client that has it no more.
    pub(crate) fn forget_tracker(&mut self, id: ClientId, tracker: &Tracker) {
        for prefix in &tracker.prefixes {
            self.tracking.prefixes.remove(prefix, id);
        }
        self.tracking.clients -= 1;
    }

    /// Notes that a client is gone that has tracked keys. What clients have read is forgotten with the last of them;
    /// until then each key when it changes. As in Redis, who switches tracking off and on again is told of what it
    /// read before.
    pub(crate) fn forget_reader(&mut self) {
        self.tracking.readers -= 1;
        if self.tracking.readers == 0 {
            self.tracking.table.clear();
        }
    }

    /// Remembers the keys that a command has read, for a client that keeps copies.
    #[inline]
    pub(crate) fn remember_reads(&mut self, id: ClientId, call: Call, args: &[&[u8]]) {
        if self.tracking.is_on() && call.command.flags.contains(Flags::READONLY) {
            self.remember_keys(id, call, args);
        }
    }

    #[cold]
    fn remember_keys(&mut self, id: ClientId, call: Call, args: &[&[u8]]) {
        let remembers = |client: &Client| client.tracking.as_ref().is_some_and(|tracker| tracker.remembers());
        if !self.clients.get(id).is_some_and(remembers) {
            return;
        }
        for key in keys(call.command, args).unwrap_or_default() {
            self.tracking.table.add(args[key.position], id);
        }
        self.limit_tracking();
    }

    /// Forgets some keys, whose readers are told that they changed, when more are remembered than
    /// `tracking-table-max-keys` allows.
    pub(crate) fn limit_tracking(&mut self) {
        let limit = self.config.tracking_table_max_keys as usize;
        while limit != 0 && self.tracking.table.keys() > limit {
            let chance = self.rng.next_u64();
            let Some((key, readers)) = self.tracking.table.take_any(chance) else { break };
            self.tell_readers(&key, &readers);
        }
    }

    /// Tells those who keep a copy of a key's value that it has changed, by a client's command or on its own.
    #[cold]
    pub(crate) fn invalidate(&mut self, key: &[u8], by: Option<ClientId>) {
        self.tracking.prefixes.note(key, by);
        if let Some(readers) = self.tracking.table.take(key) {
            self.tell_readers(key, &readers);
        }
    }

    fn tell_readers(&mut self, key: &[u8], readers: &[ClientId]) {
        for &id in readers {
            let Some(tracker) = self.clients.get(id).and_then(|client| client.tracking.as_ref()) else {
                continue;
            };
            let is_own = tracker.no_loop && self.delivery.running == Some(id);
            if tracker.mode == Mode::Broadcast || is_own {
                continue;
            }
            if self.delivery.running == Some(id) {
                self.tracking.pending.push(Some(key.into()));
            } else {
                self.send_stale(id, Stale::Keys(&[key]));
            }
        }
    }

    /// Tells everyone who keeps copies that they are all out of date: a database was emptied, and keys are remembered
    /// without theirs.
    pub(crate) fn invalidate_all(&mut self) {
        if self.tracking.is_on() {
            let is_tracked = |(id, client): (ClientId, &Client)| client.tracking.is_some().then_some(id);
            let ids: Vec<ClientId> = self.clients.iter().filter_map(is_tracked).collect();
            for id in ids {
                if self.delivery.running == Some(id) {
                    self.tracking.pending.push(None);
                } else {
                    self.send_stale(id, Stale::Everything);
                }
            }
        }
        self.tracking.table.clear();
    }

    /// Tells the client whose command is done what that has made out of date for itself.
    #[inline]
    pub(crate) fn send_pending(&mut self, id: ClientId) {
        for key in std::mem::take(&mut self.tracking.pending) {
            match key {
                Some(key) => self.send_stale(id, Stale::Keys(&[&key])),
                None => self.send_stale(id, Stale::Everything),
            }
        }
    }

    /// Sends the broadcasts of what has changed since this was last called.
    #[inline]
    pub(crate) fn broadcast_invalidations(&mut self) {
        if self.tracking.prefixes.has_news() {
            self.broadcast();
        }
    }

    #[cold]
    fn broadcast(&mut self) {
        for (keys, subscribers) in self.tracking.prefixes.take_news() {
            for &id in subscribers.iter() {
                let Some(client) = self.clients.get(id) else { continue };
                let no_loop = client.tracking.as_ref().is_some_and(|tracker| tracker.no_loop);
                let told = keys.iter().filter(|(_, by)| !(no_loop && **by == Some(id)));
                let told: Vec<&[u8]> = told.map(|(key, _)| &**key).collect();
                if !told.is_empty() {
                    self.send_stale(id, Stale::Keys(&told));
                }
            }
        }
    }

    /// After each command: CLIENT CACHING has spoken of the command behind it, or of the transaction.
    #[inline]
    pub(crate) fn end_caching(&mut self, id: ClientId, call: Call) {
        if self.tracking.is_on() && call.container.is_none_or(|container| container.name != "client") {
            let client = self.connected_mut(id);
            if client.transaction.is_none()
                && let Some(tracker) = &mut client.tracking
            {
                tracker.caching = false;
            }
        }
    }
}

/// A set of clients that can be read while it is changed.
type SharedIds = Rc<Vec<ClientId>>;
