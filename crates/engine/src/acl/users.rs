//! The users of an engine, and the clients that act for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::log::Log;
use super::user::User;
use crate::client::{Client, ClientId, Close};
use crate::engine::Engine;
use crate::pubsub::Kind;

/// The user that clients are who haven't logged in.
const DEFAULT: &[u8] = b"default";

/// The users by name, and what was denied to them.
///
/// A client shares its user, and gets another one when the user changes, so that a check needs no look-up.
#[derive(Debug)]
pub(crate) struct Acl {
    users: BTreeMap<Vec<u8>, Arc<User>>,
    pub(crate) log: Log,
}

impl Acl {
    /// The default user alone, with that password if there is one.
    pub(crate) fn new(password: &[u8]) -> Self {
        let mut user = User::unrestricted(DEFAULT);
        user.set_password(password);
        let users = BTreeMap::from([(DEFAULT.to_vec(), Arc::new(user))]);
        Self { users, log: Log::default() }
    }

    pub(crate) fn user(&self, name: &[u8]) -> Option<&Arc<User>> {
        self.users.get(name)
    }

    /// The user that clients are who haven't logged in.
    pub(crate) fn default_user(&self) -> &Arc<User> {
        &self.users[DEFAULT]
    }

    /// Every user, by name.
    pub(crate) fn users(&self) -> impl ExactSizeIterator<Item = &Arc<User>> {
        self.users.values()
    }
}

/// Whether this can be a user's name: nothing in it would end it in a line of rules.
pub(crate) fn is_name(name: &[u8]) -> bool {
    !name.iter().any(|byte| byte.is_ascii_whitespace() || matches!(byte, 0x0b | 0))
}

impl Engine {
    /// Whether the default user takes any password, so that whoever connects may act for it.
    pub fn takes_any_password(&self) -> bool {
        self.acl.default_user().has_no_password()
    }

    /// Whether a client must log in before it may do anything else.
    #[inline]
    pub(crate) fn must_authenticate(&self, id: ClientId) -> bool {
        let is_authenticated = self.clients.get(id).is_some_and(|client| client.authenticated);
        !is_authenticated && !self.acl.default_user().needs_no_password()
    }

    /// Makes the client the default user again, which needs to log in if it has a password.
    pub(crate) fn log_out(&mut self, id: ClientId) {
        let user = self.acl.default_user().clone();
        let client = self.connected_mut(id);
        client.authenticated = user.needs_no_password();
        client.user = user;
    }

    /// Puts a user in the place of the one of that name, for clients that act for it as well.
    pub(crate) fn put_user(&mut self, user: User) {
        let user = Arc::new(user);
        for (_, client) in self.clients.iter_mut() {
            if client.user.name() == user.name() {
                client.user = user.clone();
            }
        }
        self.acl.users.insert(user.name().to_vec(), user);
    }

    /// Puts a changed user in its place, and closes those of its clients that are subscribed to what it may not use;
    /// nothing reaches them any more, while the command that did it goes on.
    ///
    /// As in Redis a user who could use no channel loses none, whatever its clients have subscribed to as others. One
    /// who could use all of them loses some, as in later versions: Redis 7.0 overlooks that.
    pub(crate) fn change_user(&mut self, user: User, caller: ClientId) {
        if !self.acl.user(user.name()).is_some_and(|old| old.permits_some_channel()) {
            return self.put_user(user);
        }
        let is_denied = |(_, client): &(ClientId, &Client)| {
            let subscriptions = client.subscriptions.as_deref();
            client.user.name() == user.name()
                && subscriptions.is_some_and(|subscriptions| {
                    let mut kinds = [Kind::Channel, Kind::Pattern, Kind::Shard].into_iter();
                    kinds.any(|kind| {
                        let is_pattern = kind == Kind::Pattern;
                        subscriptions.names(kind).any(|name| !user.permits_channel(name, is_pattern))
                    })
                })
        };
        let denied: Vec<ClientId> = self.clients.iter().filter(is_denied).map(|(id, _)| id).collect();
        self.put_user(user);
        for id in denied {
            self.close_client_of(id, caller);
            if id != caller {
                self.detach(id);
            }
        }
    }

    /// Removes a user, whose clients are closed; says whether there was one. The default user can't be removed.
    pub(crate) fn remove_user(&mut self, name: &[u8], caller: ClientId) -> bool {
        let removed = name != DEFAULT && self.acl.users.remove(name).is_some();
        if removed {
            self.close_clients_of(caller, |user| user.name() == name);
        }
        removed
    }

    /// Puts users in the place of all there are. As in Redis 7.0 clients are closed that have logged in as another
    /// than the default user, even if there is one of that name still.
    pub(crate) fn put_users(&mut self, users: Vec<User>, caller: Option<ClientId>) {
        let named = users.into_iter().map(|user| (user.name().to_vec(), Arc::new(user)));
        self.acl.users = named.collect();
        let default = self.acl.users.entry(DEFAULT.to_vec());
        let default = User::clone(default.or_insert_with(|| Arc::new(User::unrestricted(DEFAULT))));
        self.put_user(default);
        if let Some(caller) = caller {
            self.close_clients_of(caller, |user| user.name() != DEFAULT);
        }
    }

    fn close_clients_of(&mut self, caller: ClientId, is_gone: impl Fn(&User) -> bool) {
        let gone = self.clients.iter().filter(|(_, client)| is_gone(&client.user));
        let gone: Vec<ClientId> = gone.map(|(id, _)| id).collect();
        for id in gone {
            let user = self.acl.default_user().clone();
            let client = self.connected_mut(id);
            (client.user, client.authenticated) = (user, false);
            self.close_client_of(id, caller);
        }
    }

    fn close_client_of(&mut self, id: ClientId, caller: ClientId) {
        if id == caller {
            self.connected_mut(id).close = Some(Close::AfterReply);
        } else {
            self.doom(id);
        }
    }
}
