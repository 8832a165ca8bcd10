//! The users of an engine, and the clients that act for them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::log::Log;
use super::rules::Terms;
use super::unlisted::UserId;
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
    /// Those that ACL LIST doesn't show.
    pub(super) unlisted: BTreeMap<UserId, Arc<User>>,
    /// How many of these there ever were.
    pub(super) ever_unlisted: u64,
    pub(crate) log: Log,
}

impl Acl {
    /// The default user alone, with that password if there is one.
    pub(crate) fn new(password: &[u8]) -> Self {
        let mut user = User::unrestricted(DEFAULT);
        user.set_password(password);
        let users = BTreeMap::from([(DEFAULT.to_vec(), Arc::new(user))]);
        Self { users, unlisted: BTreeMap::new(), ever_unlisted: 0, log: Log::default() }
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

/// What becomes of those who have logged in when users are read anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Logins {
    /// They are closed, but for those of the default user.
    Close,
    /// There are none yet.
    Stay,
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
        let authenticated = user.needs_no_password();
        self.become_user(id, user, authenticated);
    }

    /// Has a client act for a user.
    pub(crate) fn become_user(&mut self, id: ClientId, user: Arc<User>, authenticated: bool) {
        let client = self.connected_mut(id);
        (client.user, client.authenticated) = (user, authenticated);
        self.user_changes(id);
    }

    /// What rules mean here.
    pub(crate) fn rule_terms(&self) -> Terms<'_> {
        Terms { all_channels: self.config.grants_all_channels(), commands: &self.commands }
    }

    /// Puts a user in the place of the one of that name, for clients that act for it as well.
    pub(crate) fn put_user(&mut self, user: User) {
        let user = Arc::new(user);
        for (_, client) in self.clients.iter_mut() {
            if client.user.is_same(&user) {
                client.user = user.clone();
            }
        }
        match user.id() {
            Some(id) => self.acl.unlisted.insert(id, user),
            None => self.acl.users.insert(user.name().to_vec(), user),
        };
    }

    /// Puts a changed user in its place, and closes those of its clients that are subscribed to what it may not use;
    /// nothing reaches them any more, while the command that did it goes on.
    ///
    /// As in Redis a user who could use no channel loses none, whatever its clients have subscribed to as others. One
    /// who could use all of them loses some, as in later versions: Redis 7.0 overlooks that.
    pub(crate) fn change_user(&mut self, user: User) {
        let old = match user.id() {
            Some(id) => self.acl.unlisted.get(&id),
            None => self.acl.user(user.name()),
        };
        if !old.is_some_and(|old| old.permits_some_channel()) {
            return self.put_user(user);
        }
        let is_denied = |(_, client): &(ClientId, &Client)| {
            let subscriptions = client.subscriptions.as_deref();
            client.user.is_same(&user)
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
            self.close_login(id);
            if Some(id) != self.current {
                self.detach(id);
            }
        }
    }

    /// Removes a user, whose clients are closed; says whether there was one. The default user can't be removed.
    pub(crate) fn remove_user(&mut self, name: &[u8]) -> bool {
        let removed = name != DEFAULT && self.acl.users.remove(name).is_some();
        if removed {
            self.close_logins(|user| user.id().is_none() && user.name() == name);
        }
        removed
    }

    /// Puts users in the place of all there are. As in Redis 7.0 clients are closed that have logged in as another
    /// than the default user, even if there is one of that name still.
    pub(crate) fn put_users(&mut self, users: Vec<User>, logins: Logins) {
        let named = users.into_iter().map(|user| (user.name().to_vec(), Arc::new(user)));
        self.acl.users = named.collect();
        let default = self.acl.users.entry(DEFAULT.to_vec());
        let default = User::clone(default.or_insert_with(|| Arc::new(User::unrestricted(DEFAULT))));
        self.put_user(default);
        if logins == Logins::Close {
            self.close_logins(|user| user.id().is_none() && user.name() != DEFAULT);
        }
    }

    /// Closes the clients that act for a user who is gone.
    pub(super) fn close_logins(&mut self, is_gone: impl Fn(&User) -> bool) {
        let gone = self.clients.iter().filter(|(_, client)| is_gone(&client.user));
        let gone: Vec<ClientId> = gone.map(|(id, _)| id).collect();
        for id in gone {
            let user = self.acl.default_user().clone();
            let client = self.connected_mut(id);
            (client.user, client.authenticated) = (user, false);
            self.close_login(id);
        }
    }

    /// Closes a client that may no longer act for its user: the one whose command runs when it has its reply.
    pub(super) fn close_login(&mut self, id: ClientId) {
        if Some(id) == self.current {
            self.connected_mut(id).close = Some(Close::AfterReply);
        } else {
            self.doom(id);
        }
    }
}
