//! What is told of a client to whoever hosts modules.

use crate::client::ClientId;
use crate::commands::client::is_printable;
use crate::engine::Engine;

/// A client, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientState {
    /// Where it comes from: an address and a port, or a path.
    pub address: String,
    /// Whether it has come by the unix socket.
    pub unix: bool,
    /// The number of the database that it has selected.
    pub db: usize,
    /// Whether it has subscribed to anything.
    pub subscribed: bool,
    /// Whether it waits.
    pub waiting: bool,
    /// Whether what it reads is tracked.
    pub tracking: bool,
    /// Whether it is between MULTI and EXEC.
    pub transaction: bool,
}

impl Engine {
    /// What is known of a client; `None` for one that has gone.
    pub fn client_state(&self, id: ClientId) -> Option<ClientState> {
        let client = self.clients.get(id)?;
        Some(ClientState {
            address: client.origin.address.clone(),
            unix: client.origin.unix,
            db: client.db,
            subscribed: client.subscriptions.is_some(),
            waiting: client.wait.is_some(),
            tracking: client.tracking.is_some(),
            transaction: client.transaction.is_some(),
        })
    }

    /// The name of the user that a client acts for; `None` for a client that has gone.
    pub fn client_user(&self, id: ClientId) -> Option<&[u8]> {
        self.clients.get(id).map(|client| client.user.name())
    }

    /// The name that a client has, which is empty where it has none; `None` for a client that has gone.
    pub fn client_name(&self, id: ClientId) -> Option<&[u8]> {
        self.clients.get(id).map(|client| &client.name[..])
    }

    /// Names a client as CLIENT SETNAME does; says whether it can be named so.
    pub fn name_client(&mut self, id: ClientId, name: &[u8]) -> bool {
        let client = self.clients.get_mut(id).filter(|_| is_printable(name));
        client.map(|client| client.name = name.to_vec()).is_some()
    }

    /// The client whose number that is.
    pub fn client_numbered(&self, number: u64) -> Option<ClientId> {
        self.clients.numbered(number)
    }
}
