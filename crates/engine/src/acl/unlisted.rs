//! Users whom modules bring along, whom ACL LIST doesn't show, and what modules ask of any user.

use std::sync::Arc;

use super::log::Attempt;
use super::rules::merge_parentheses;
use super::user::User;
use crate::client::ClientId;
use crate::command::{Found, KeyFlags};
use crate::engine::Engine;
use crate::error::{Error, c_text};

/// Names a user who isn't among those of ACL LIST, for as long as there is such a user; no other ever has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UserId(u64);

/// A user, who may be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserRef {
    /// One whom [`Engine::create_user`] has made.
    Unlisted(UserId),
    /// The one of this name in ACL LIST.
    Listed(Vec<u8>),
}

/// Why a user may not make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessError {
    /// There is no such user.
    NoSuchUser,
    /// There is no such command.
    NoSuchCommand,
    /// The user's rules don't permit it.
    Denied,
}

/// What was denied, as ACL LOG shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// To log in.
    Login,
    /// A command.
    Command,
    /// A key.
    Key,
    /// A channel.
    Channel,
}

impl Engine {
    /// Makes a user of that name who may do nothing, not even log in, and whom ACL LIST doesn't show. Others may have
    /// the same name.
    pub fn create_user(&mut self, name: &[u8]) -> UserId {
        self.acl.ever_unlisted += 1;
        let id = UserId(self.acl.ever_unlisted);
        self.put_user(User::new(name, self.config.grants_all_channels()).unlisted(id));
        id
    }

    /// Forgets such a user, whose clients are closed: the one whose command runs when it has its reply.
    pub fn free_user(&mut self, id: UserId) {
        if self.acl.unlisted.remove(&id).is_some() {
            self.close_logins(|user| user.id() == Some(id));
        }
    }

    pub(crate) fn user_of(&self, user: &UserRef) -> Option<&Arc<User>> {
        match user {
            UserRef::Unlisted(id) => self.acl.unlisted.get(id),
            UserRef::Listed(name) => self.acl.user(name),
        }
    }

    /// Whether there is that user.
    pub fn has_user(&self, user: &UserRef) -> bool {
        self.user_of(user).is_some()
    }

    /// The name of a user.
    pub fn user_name(&self, user: &UserRef) -> Option<&[u8]> {
        self.user_of(user).map(|user| user.name())
    }

    /// All that a user may do, in rules.
    pub fn user_rules(&self, user: &UserRef) -> Option<Vec<u8>> {
        self.user_of(user).map(|user| user.describe(&self.commands))
    }

    /// Applies one rule to a user, at once also for those who act for that user; says whether it is a rule.
    pub fn apply_user_rule(&mut self, user: &UserRef, rule: &[u8]) -> bool {
        let Some(mut user) = self.user_of(user).map(|user| User::clone(user)) else { return false };
        let is_rule = user.apply(rule, self.rule_terms()).is_ok();
        if is_rule {
            self.put_user(user);
        }
        is_rule
    }

    /// Applies rules to a user as ACL SETUSER does: all of them or none.
    ///
    /// # Errors
    /// What ACL SETUSER answers; where there is no such user, that.
    pub fn apply_user_rules(&mut self, user: &UserRef, rules: &[&[u8]]) -> Result<(), Error> {
        let old = self.user_of(user).map(|user| User::clone(user));
        let user = self.with_rules(old.ok_or(Error::fixed("ERR No such user"))?, rules)?;
        self.change_user(user);
        Ok(())
    }

    /// A user with more rules, each an argument of ACL SETUSER.
    pub(crate) fn with_rules(&self, mut user: User, rules: &[&[u8]]) -> Result<User, Error> {
        let rules = merge_parentheses(rules).map_err(|open| {
            let unmatched: &[u8] = b"ERR Unmatched parenthesis in acl selector starting at '";
            Error::new([unmatched, c_text(open), b"'."].concat())
        })?;
        for rule in rules {
            user.apply(&rule, self.rule_terms()).map_err(|error| {
                let modifier: &[u8] = b"ERR Error in ACL SETUSER modifier '";
                Error::new([modifier, c_text(&rule), b"': ", error.text().as_bytes()].concat())
            })?;
        }
        Ok(user)
    }

    /// Whether a user may make a call, which begins with the command's name. It needn't have the right number of
    /// arguments.
    ///
    /// # Errors
    /// The reason why not.
    pub fn user_may_call(&self, user: &UserRef, args: &[&[u8]]) -> Result<(), AccessError> {
        let user = self.user_of(user).ok_or(AccessError::NoSuchUser)?;
        let Found { command, .. } = self.commands.called_by(args).ok_or(AccessError::NoSuchCommand)?;
        user.check(command, args).map_err(|_| AccessError::Denied)
    }

    /// Whether a user may use a key in the ways that the flags name.
    ///
    /// # Errors
    /// The reason why not.
    pub fn user_may_use_key(&self, user: &UserRef, key: &[u8], flags: KeyFlags) -> Result<(), AccessError> {
        let user = self.user_of(user).ok_or(AccessError::NoSuchUser)?;
        if user.permits_key(key, flags) { Ok(()) } else { Err(AccessError::Denied) }
    }

    /// Whether a user may use a channel, or a pattern of channels.
    ///
    /// # Errors
    /// The reason why not.
    pub fn user_may_use_channel(
        &self,
        user: &UserRef,
        channel: &[u8],
        is_pattern: bool,
    ) -> Result<(), AccessError> {
        let user = self.user_of(user).ok_or(AccessError::NoSuchUser)?;
        if user.permits_channel(channel, is_pattern) { Ok(()) } else { Err(AccessError::Denied) }
    }

    /// Enters into ACL LOG that a module has denied something to a user.
    pub fn log_denied(&mut self, client: Option<ClientId>, user: &[u8], denied: Denied, object: &[u8]) {
        let reason = match denied {
            Denied::Login => "auth",
            Denied::Command => "command",
            Denied::Key => "key",
            Denied::Channel => "channel",
        };
        self.log_denial(client, Attempt { reason, context: "module", object, user });
    }

    /// Has a client act for a user, without a password; says whether it does. It doesn't where there is no such user,
    /// or nobody may log in as that one, or the client is one that nobody sees.
    ///
    /// With `is_watched`, [`Modules::user_changed`](crate::Modules::user_changed) is called once the client acts for
    /// another user or goes.
    pub fn log_in(&mut self, client: ClientId, user: &UserRef, is_watched: bool) -> bool {
        let user = self.user_of(user).filter(|user| user.is_enabled()).cloned();
        let Some(user) = user.filter(|_| !self.is_inner(client)) else { return false };
        if self.clients.get(client).is_none() {
            return false;
        }
        self.user_changes(client);
        let client = self.connected_mut(client);
        (client.user, client.authenticated, client.is_user_watched) = (user, true, is_watched);
        true
    }

    /// Takes its user from a client, which is closed then: the one whose command runs when it has its reply. Says
    /// whether there is such a client.
    pub fn revoke_login(&mut self, client: ClientId) -> bool {
        if self.clients.get(client).is_none() {
            return false;
        }
        self.user_changes(client);
        let user = self.acl.default_user().clone();
        let known = self.connected_mut(client);
        (known.user, known.authenticated) = (user, false);
        self.close_login(client);
        true
    }

    /// Tells whoever watches it that a client no longer acts for the same user.
    pub(crate) fn user_changes(&mut self, id: ClientId) {
        let client = self.clients.get_mut(id);
        let is_watched = client.is_some_and(|client| std::mem::take(&mut client.is_user_watched));
        if let Some(modules) = self.modules.clone().filter(|_| is_watched) {
            modules.user_changed(self, id);
        }
    }
}
