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
    /// How many clients have tracking switched on.
    clients: usize,
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
    /// What it is told of in broadcast mode.
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
        Self { table: Table::new(hasher), prefixes: Prefixes::default(), clients: 0 }
    }

    /// Whether any client has tracking switched on.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.clients != 0
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
                Vec::new()
            }
        };
        if tracker.mode == Mode::Broadcast {
            let every_key: &[&[u8]] = &[b""];
            for prefix in if prefixes.is_empty() { every_key } else { prefixes } {
                if !known.iter().any(|other| **other == **prefix) {
                    known.push(tracking.prefixes.add(prefix, id));
                }
            }
        }
        client.tracking = Some(Box::new(Tracker { prefixes: known, ..tracker }));
    }

    /// Switches tracking off for a client, if it is on.
    pub(crate) fn untrack(&mut self, id: ClientId) {
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
        // Keys that a client has read are forgotten when they change, or when nobody tracks any.
        if self.tracking.clients == 0 {
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

    /// Tells those who keep a copy of a key's value that it has changed.
    #[cold]
    pub(crate) fn invalidate(&mut self, key: &[u8]) {
        self.tracking.prefixes.note(key, self.delivery.running);
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
            if tracker.mode != Mode::Broadcast && !is_own {
                self.send_stale(id, Stale::Keys(&[key]));
            }
        }
    }

    /// Tells everyone who keeps copies that a database was emptied; with `all` set that all of them were.
    pub(crate) fn invalidate_all(&mut self, all: bool) {
        if !self.tracking.is_on() {
            return;
        }
        let ids: Vec<ClientId> =
            self.clients.iter().filter(|(_, client)| client.tracking.is_some()).map(|(id, _)| id).collect();
        for id in ids {
            self.send_stale(id, Stale::Everything);
        }
        if all {
            self.tracking.table.clear();
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
type SharedIds = Rc<std::collections::BTreeSet<ClientId>>;
