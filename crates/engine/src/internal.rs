//! Commands that are called from within: by modules, for themselves.

use std::sync::Arc;

use crate::acl::{User, UserRef};
use crate::client::{ClientId, Origin};
use crate::command::{Call, Flags};
use crate::commands::client_list::describe;
use crate::dispatch::unknown_command;
use crate::engine::Engine;
use crate::error::Error;
use crate::eviction::Room;
use crate::resp::{Version, Writer};

/// Whose permissions count for a command that is called from within.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Authority {
    /// Nobody's: it may do everything.
    #[default]
    Unlimited,
    /// Those of a client's user.
    Client(ClientId),
    /// Those of a user, whatever client it is called for.
    User(UserRef, Option<ClientId>),
    /// Those of a user whom there isn't, so that nothing is called.
    Nobody,
}

/// How a command is called from within.
#[derive(Clone, Debug, Default)]
pub struct Inner {
    /// The database that is selected for it.
    pub db: usize,
    /// The version in which its reply is written.
    pub version: Version,
    /// Whose permissions count; the command is called as that user, too.
    pub authority: Authority,
    /// Refuse what scripts may not call.
    pub as_script: bool,
    /// Refuse what writes.
    pub no_writes: bool,
    /// Refuse what needs memory when there is none.
    pub deny_oom: bool,
    /// Only check whether the command could be called.
    pub dry_run: bool,
}

/// Why a command wasn't called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such command.
    Unknown(Error),
    /// It takes another number of arguments.
    Arity(Error),
    /// The user may not call it, or not with these arguments.
    Permission(Error),
    /// The user is gone whose permissions would count.
    NoUser(Error),
    /// It isn't for scripts.
    NoScript(Error),
    /// It writes.
    Writes(Error),
    /// There is no memory.
    Memory(Error),
}

/// What a command that may wait answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its reply.
    Reply(Vec<u8>),
    /// It waits; this names it.
    Promise(ClientId),
}

impl Refusal {
    /// What a client would be told.
    pub fn error(&self) -> &Error {
        match self {
            Self::Unknown(error)
            | Self::Arity(error)
            | Self::Permission(error)
            | Self::NoUser(error)
            | Self::NoScript(error)
            | Self::Writes(error)
            | Self::Memory(error) => error,
        }
    }
}

impl Engine {
    /// Calls a command, whose reply is appended to `reply`, for a client that nobody sees. It has no part in any
    /// transaction, and can't wait.
    ///
    /// # Errors
    /// When the command wasn't called; one that was called and failed has replied its error.
    pub fn call_inner(
        &mut self,
        inner: &Inner,
        args: &[&[u8]],
        reply: Vec<u8>,
    ) -> Result<Vec<u8>, (Refusal, Vec<u8>)> {
        let (call, user) = match self.admit_inner(inner, args) {
            Ok(admitted) => admitted,
            Err(refusal) => return Err((refusal, reply)),
        };
        if inner.dry_run {
            return Ok(reply);
        }
        let id = self.inner_client(user);
        let reply = self.run_inner(id, inner, call, args, reply);
        self.forgo_inner_client(id);
        Ok(reply)
    }

    /// Calls a command as [`Engine::call_inner`] does, which may wait: then the reply is promised, and comes by
    /// [`Modules::promise_kept`](crate::Modules::promise_kept).
    ///
    /// # Errors
    /// When the command wasn't called.
    pub fn call_inner_or_wait(&mut self, inner: &Inner, args: &[&[u8]]) -> Result<Answer, Refusal> {
        let (call, user) = self.admit_inner(inner, args)?;
        if inner.dry_run {
            return Ok(Answer::Reply(Vec::new()));
        }
        let id = self.inner_client(user);
        self.connected_mut(id).is_promised = true;
        let reply = self.run_inner(id, inner, call, args, Vec::new());
        let client = self.connected_mut(id);
        client.is_promised = false;
        if client.wait.is_some() {
            client.output.bytes = reply;
            return Ok(Answer::Promise(id));
        }
        self.forgo_inner_client(id);
        Ok(Answer::Reply(reply))
    }

    fn run_inner(
        &mut self,
        id: ClientId,
        inner: &Inner,
        call: Call,
        args: &[&[u8]],
        reply: Vec<u8>,
    ) -> Vec<u8> {
        let client = self.connected_mut(id);
        (client.db, client.version) = (inner.db, inner.version);
        let foreseen = self.foreseen;
        let traces = self.leaves_no_trace;
        let reply = self.run_command(id, call, args, Writer::new(reply, inner.version));
        self.leaves_no_trace = traces;
        self.foreseen = foreseen;
        reply.into_inner()
    }

    /// Hands over the reply of a command that has waited.
    pub(crate) fn keep_promise(&mut self, id: ClientId) {
        let Some(client) = self.clients.get_mut(id).filter(|client| client.wait.is_none()) else { return };
        let reply = std::mem::take(&mut client.output.bytes);
        self.disconnect(id);
        if let Some(modules) = self.modules.clone() {
            modules.promise_kept(self, id, reply);
        }
    }

    /// Ends the wait of a command whose reply was promised, which never comes then; says whether it was still awaited.
    pub fn break_promise(&mut self, promise: ClientId) -> bool {
        let is_waiting = self.clients.get(promise).is_some_and(|client| client.wait.is_some());
        if is_waiting && self.is_inner(promise) {
            self.disconnect(promise);
        }
        is_waiting
    }

    /// The user for whom a command is called, if the permissions of one count.
    fn authority(&self, inner: &Inner) -> Result<Option<Arc<User>>, Refusal> {
        let user = match &inner.authority {
            Authority::Unlimited => return Ok(None),
            Authority::Client(id) => self.clients.get(*id).map(|client| &client.user),
            Authority::User(user, _) => self.user_of(user),
            Authority::Nobody => None,
        };
        let text = "ERR cannot run as user, no user directly attached to context or context's client";
        user.map(|user| Some(Arc::clone(user))).ok_or(Refusal::NoUser(Error::fixed(text)))
    }

    /// Finds the command, and for whom it is called.
    fn admit_inner(&mut self, inner: &Inner, args: &[&[u8]]) -> Result<(Call, Option<Arc<User>>), Refusal> {
        let user = self.authority(inner)?;
        let name = args.first().copied().unwrap_or_default();
        let unknown = || Refusal::Unknown(unknown_command(args));
        let command = self.commands.command(name).ok_or_else(unknown)?;
        let call = self.resolve(command, args).map_err(|error| match args.len() {
            1 => Refusal::Arity(error),
            _ => Refusal::Unknown(error),
        })?;
        let flags = call.command.flags;
        if !call.command.accepts(args.len()) {
            return Err(Refusal::Arity(Error::wrong_arity(&call.full_name())));
        }
        if inner.as_script && flags.contains(Flags::NOSCRIPT) {
            let text = format!("ERR command '{}' is not allowed on script mode", call.full_name());
            return Err(Refusal::NoScript(Error::new(text)));
        }
        if inner.no_writes && flags.contains(Flags::WRITE) {
            let text =
                format!("ERR Write command '{}' was called while write is not allowed.", call.full_name());
            return Err(Refusal::Writes(Error::new(text)));
        }
        if let Some(user) = &user {
            let client = match inner.authority {
                Authority::Unlimited | Authority::Nobody => None,
                Authority::Client(id) => Some(id),
                Authority::User(_, id) => id,
            };
            self.check_permission_of(user, client, call, args).map_err(Refusal::Permission)?;
        }
        let needs_room = inner.deny_oom && flags.contains(Flags::DENYOOM) && self.config.maxmemory != 0;
        if needs_room && self.make_room() == Room::None {
            return Err(Refusal::Memory(Error::OUT_OF_MEMORY));
        }
        Ok((call, user))
    }

    /// A client that nobody sees, of this user or the default one: one that is idle, or a new one.
    fn inner_client(&mut self, user: Option<Arc<User>>) -> ClientId {
        let user = user.as_ref().unwrap_or_else(|| self.acl.default_user());
        if let Some(idle) = self.idle_inner.pop() {
            let client = self.clients.get_mut(idle).filter(|client| !Arc::ptr_eq(&client.user, user));
            client.into_iter().for_each(|client| client.user = user.clone());
            return idle;
        }
        self.clients.insert_inner(Origin { fd: -1, ..Origin::default() }, user.clone())
    }

    /// How CLIENT LIST would show such a client.
    pub(crate) fn describe_inner(&mut self) -> String {
        let id = self.inner_client(None);
        let line = describe(self.connected_mut(id));
        self.forgo_inner_client(id);
        line
    }

    /// Keeps the client for the next call, as it was in the beginning.
    fn forgo_inner_client(&mut self, id: ClientId) {
        if self.connected_mut(id).is_pristine() {
            self.idle_inner.push(id);
        } else {
            self.disconnect(id);
        }
    }

    /// Whether the client is one that nobody sees.
    pub(crate) fn is_inner(&self, id: ClientId) -> bool {
        id.number() >= crate::clients::FIRST_INNER
    }
}
