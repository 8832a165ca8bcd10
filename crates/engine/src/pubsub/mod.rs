//! Who has subscribed to which channels, and sending them what is published there.
//!
//! Channels, patterns and shard channels are three separate worlds: a message to a channel reaches those who have
//! subscribed to it, and those who have subscribed to a pattern that it matches; one to a shard channel only those
//! who have subscribed to that.

mod message;

use hashbrown::HashSet;
use keyspace::glob::{self, Case};

use crate::client::ClientId;
use crate::engine::Engine;
use crate::names::{Name, NameMap, NameSet, Seeded, block, name_memory, shrink, shrink_set};

use message::Message;

/// What a subscription is to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A channel.
    Channel,
    /// Every channel whose name matches.
    Pattern,
    /// A shard channel.
    Shard,
}

/// The clients that have subscribed to one thing.
type Subscribers = HashSet<ClientId, Seeded>;

/// All subscriptions.
#[derive(Debug)]
pub(crate) struct PubSub {
    channels: NameMap<Subscribers>,
    patterns: NameMap<Subscribers>,
    shard_channels: NameMap<Subscribers>,
    hasher: Seeded,
    /// The bytes of the names and of the sets of subscribers.
    bytes: usize,
}

/// One client's subscriptions.
#[derive(Debug)]
pub(crate) struct Subscriptions {
    channels: NameSet,
    patterns: NameSet,
    shard_channels: NameSet,
}

impl Subscriptions {
    fn new(hasher: &Seeded) -> Self {
        let set = || NameSet::with_hasher(hasher.clone());
        Self { channels: set(), patterns: set(), shard_channels: set() }
    }

    fn of(&self, kind: Kind) -> &NameSet {
        match kind {
            Kind::Channel => &self.channels,
            Kind::Pattern => &self.patterns,
            Kind::Shard => &self.shard_channels,
        }
    }

    fn of_mut(&mut self, kind: Kind) -> &mut NameSet {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
            Kind::Shard => &mut self.shard_channels,
        }
    }

    /// How many subscriptions of that kind there are.
    pub(crate) fn len(&self, kind: Kind) -> usize {
        self.of(kind).len()
    }

    /// What it is subscribed to.
    pub(crate) fn names(&self, kind: Kind) -> impl Iterator<Item = &Name> {
        self.of(kind).iter()
    }

    /// How many a reply to a subscription of that kind counts: channels and patterns count together.
    fn counted(&self, kind: Kind) -> usize {
        match kind {
            Kind::Channel | Kind::Pattern => self.channels.len() + self.patterns.len(),
            Kind::Shard => self.shard_channels.len(),
        }
    }

    fn is_empty(&self) -> bool {
        [Kind::Channel, Kind::Pattern, Kind::Shard].iter().all(|&kind| self.of(kind).is_empty())
    }

    /// The bytes that it holds beside the names, which are everybody's.
    pub(crate) fn memory(&self) -> usize {
        let sets = [&self.channels, &self.patterns, &self.shard_channels];
        block(size_of::<Self>()) + sets.iter().map(|set| block(set.allocation_size())).sum::<usize>()
    }
}

impl PubSub {
    pub(crate) fn new(hasher: &Seeded) -> Self {
        let table = || NameMap::with_hasher(hasher.clone());
        Self {
            channels: table(),
            patterns: table(),
            shard_channels: table(),
            hasher: hasher.clone(),
            bytes: 0,
        }
    }

    fn of(&self, kind: Kind) -> &NameMap<Subscribers> {
        match kind {
            Kind::Channel => &self.channels,
            Kind::Pattern => &self.patterns,
            Kind::Shard => &self.shard_channels,
        }
    }

    fn of_mut(&mut self, kind: Kind) -> &mut NameMap<Subscribers> {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
            Kind::Shard => &mut self.shard_channels,
        }
    }

    /// The names that anybody has subscribed to.
    pub(crate) fn names(&self, kind: Kind) -> impl Iterator<Item = &Name> {
        self.of(kind).keys()
    }

    /// How many names anybody has subscribed to.
    pub(crate) fn len(&self, kind: Kind) -> usize {
        self.of(kind).len()
    }

    /// How many have subscribed to a name.
    pub(crate) fn subscribers(&self, kind: Kind, name: &[u8]) -> usize {
        self.of(kind).get(name).map_or(0, |subscribers| subscribers.len())
    }

    /// The bytes that the tables take, the names included.
    pub(crate) fn memory(&self) -> usize {
        let tables = [&self.channels, &self.patterns, &self.shard_channels];
        self.bytes + tables.iter().map(|table| block(table.allocation_size())).sum::<usize>()
    }

    /// Adds a subscriber; gives the name as the table holds it.
    fn add(&mut self, kind: Kind, name: &[u8], id: ClientId) -> Name {
        let hasher = self.hasher.clone();
        let table = self.of_mut(kind);
        let (name, added) = match table.get_key_value(name) {
            Some((name, _)) => (Name::clone(name), 0),
            None => {
                let name = Name::from(name);
                table.insert(Name::clone(&name), Subscribers::with_hasher(hasher));
                let bytes = name_memory(&name);
                (name, bytes)
            }
        };
        let mut bytes = added;
        if let Some(subscribers) = table.get_mut(&name) {
            let before = block(subscribers.allocation_size());
            subscribers.insert(id);
            bytes += block(subscribers.allocation_size()) - before;
        }
        self.bytes += bytes;
        name
    }

    fn remove(&mut self, kind: Kind, name: &Name, id: ClientId) {
        let table = self.of_mut(kind);
        let Some(subscribers) = table.get_mut(name) else { return };
        let before = block(subscribers.allocation_size());
        subscribers.remove(&id);
        if subscribers.len() * 4 < subscribers.capacity() {
            subscribers.shrink_to(subscribers.len() * 2);
        }
        let mut freed = before - block(subscribers.allocation_size());
        if subscribers.is_empty() {
            freed += block(subscribers.allocation_size()) + name_memory(name);
            table.remove(name);
            shrink(table);
        }
        self.bytes -= freed;
    }
}

impl Engine {
    /// Subscribes a client, if it hasn't been already; says how many subscriptions it has, as the reply counts them.
    pub(crate) fn subscribe(&mut self, id: ClientId, kind: Kind, name: &[u8]) -> usize {
        let hasher = &self.pubsub.hasher;
        let client = self.clients.get_mut(id).expect("the client is connected");
        let subscriptions = client.subscriptions.get_or_insert_with(|| Box::new(Subscriptions::new(hasher)));
        if !subscriptions.of(kind).contains(name) {
            subscriptions.of_mut(kind).insert(self.pubsub.add(kind, name, id));
        }
        subscriptions.counted(kind)
    }

    /// Takes a subscription back, if there is one; says how many the client has left, as the reply counts them.
    pub(crate) fn unsubscribe(&mut self, id: ClientId, kind: Kind, name: &[u8]) -> usize {
        let Some(client) = self.clients.get_mut(id) else { return 0 };
        let Some(subscriptions) = &mut client.subscriptions else { return 0 };
        let set = subscriptions.of_mut(kind);
        if let Some(name) = set.take(name) {
            shrink_set(set);
            self.pubsub.remove(kind, &name, id);
        }
        let left = subscriptions.counted(kind);
        if subscriptions.is_empty() {
            client.subscriptions = None;
        }
        left
    }

    /// The names of that kind that a client has subscribed to.
    pub(crate) fn subscribed(&self, id: ClientId, kind: Kind) -> Vec<Name> {
        let subscriptions = self.clients.get(id).and_then(|client| client.subscriptions.as_ref());
        subscriptions.map_or(Vec::new(), |subscriptions| subscriptions.of(kind).iter().cloned().collect())
    }

    /// Takes back every subscription of a client.
    pub(crate) fn unsubscribe_all(&mut self, id: ClientId) {
        let Some(subscriptions) = self.clients.get_mut(id).and_then(|client| client.subscriptions.take())
        else {
            return;
        };
        for kind in [Kind::Channel, Kind::Pattern, Kind::Shard] {
            for name in subscriptions.of(kind) {
                self.pubsub.remove(kind, name, id);
            }
        }
    }

    /// Sends a message to all who have subscribed to a channel, or to a pattern that matches it; says how many
    /// times it was sent.
    pub(crate) fn publish(&mut self, channel: &[u8], payload: &[u8]) -> usize {
        let mut sent =
            self.deliver(Kind::Channel, channel, &mut Message::new("message", &[channel, payload]));
        if self.pubsub.patterns.is_empty() {
            return sent;
        }
        let matches = |pattern: &&Name| glob::matches(pattern, channel, Case::Sensitive);
        let matching: Vec<Name> = self.pubsub.patterns.keys().filter(matches).cloned().collect();
        for pattern in matching {
            let parts = [&*pattern, channel, payload];
            sent += self.deliver(Kind::Pattern, &pattern, &mut Message::new("pmessage", &parts));
        }
        sent
    }

    /// Sends a message to all who have subscribed to a shard channel; says how many that are.
    pub(crate) fn publish_to_shard(&mut self, channel: &[u8], payload: &[u8]) -> usize {
        self.deliver(Kind::Shard, channel, &mut Message::new("smessage", &[channel, payload]))
    }

    fn deliver(&mut self, kind: Kind, name: &[u8], message: &mut Message<'_>) -> usize {
        // The set is away while it is read, which nothing that is sent can notice.
        let hasher = self.pubsub.hasher.clone();
        let Some(place) = self.pubsub.of_mut(kind).get_mut(name) else { return 0 };
        let subscribers = std::mem::replace(place, Subscribers::with_hasher(hasher));
        for &id in &subscribers {
            if let Some(client) = self.clients.get(id) {
                let version = client.version;
                self.push(id, message.encoded(version));
            }
        }
        let sent = subscribers.len();
        if let Some(place) = self.pubsub.of_mut(kind).get_mut(name) {
            *place = subscribers;
        }
        sent
    }
}
