//! The table of clients.

use std::sync::Arc;

use slab::Slab;

use crate::acl::User;
use crate::client::{Client, ClientId, Origin};
use crate::names::block;

/// Every connected client, by slot.
#[derive(Debug)]
pub(crate) struct Clients {
    slab: Slab<Client>,
    last_id: u64,
    /// How many of them nobody sees, and how many there ever were.
    inner: (usize, u64),
}

/// The number of the first client that nobody sees: those call commands for modules.
pub(crate) const FIRST_INNER: u64 = 1 << 62;

impl Clients {
    pub(crate) fn new() -> Self {
        Self { slab: Slab::new(), last_id: 0, inner: (0, 0) }
    }

    pub(crate) fn insert(&mut self, origin: Origin, user: Arc<User>) -> ClientId {
        self.last_id += 1;
        let id = self.last_id;
        ClientId { slot: self.slab.insert(Client::new(id, origin, user)), id }
    }

    /// Adds a client that is not among those that are counted, listed or limited.
    pub(crate) fn insert_inner(&mut self, origin: Origin, user: Arc<User>) -> ClientId {
        let id = FIRST_INNER + self.inner.1;
        self.inner = (self.inner.0 + 1, self.inner.1 + 1);
        ClientId { slot: self.slab.insert(Client::new(id, origin, user)), id }
    }

    pub(crate) fn remove(&mut self, id: ClientId) -> Option<Client> {
        self.get(id)?;
        self.inner.0 -= usize::from(id.id >= FIRST_INNER);
        let client = self.slab.remove(id.slot);
        if self.slab.is_empty() || self.slab.len() * 4 < self.slab.capacity() {
            self.slab.shrink_to_fit();
        }
        Some(client)
    }

    pub(crate) fn get(&self, id: ClientId) -> Option<&Client> {
        self.slab.get(id.slot).filter(|client| client.id == id.id)
    }

    pub(crate) fn get_mut(&mut self, id: ClientId) -> Option<&mut Client> {
        self.slab.get_mut(id.slot).filter(|client| client.id == id.id)
    }

    /// How many there are, without those that nobody sees.
    pub(crate) fn len(&self) -> usize {
        self.slab.len() - self.inner.0
    }

    /// The client whose number that is.
    pub(crate) fn numbered(&self, number: u64) -> Option<ClientId> {
        self.iter().map(|(id, _)| id).find(|id| id.id == number)
    }

    /// Every client, in the order of connection.
    pub(crate) fn ids(&self) -> Vec<ClientId> {
        let mut ids: Vec<_> = self.iter().map(|(id, _)| id).collect();
        ids.sort_unstable_by_key(|id| id.id);
        ids
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ClientId, &Client)> {
        let all = self.slab.iter().map(|(slot, client)| (ClientId { slot, id: client.id }, client));
        all.filter(|(id, _)| id.id < FIRST_INNER)
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (ClientId, &mut Client)> {
        let all = self.slab.iter_mut().map(|(slot, client)| (ClientId { slot, id: client.id }, client));
        all.filter(|(id, _)| id.id < FIRST_INNER)
    }

    /// The bytes that the table itself takes.
    pub(crate) fn memory(&self) -> usize {
        block(self.slab.capacity() * size_of::<Option<Client>>())
    }
}
