//! What a command sees while it runs.

use keyspace::Db;

use crate::args::small_integer;
use crate::client::{Client, ClientId};
use crate::command::{Call, Command};
use crate::engine::Engine;
use crate::error::Error;
use crate::resp::Writer;

/// The engine, the client that asks, and the reply that is being written.
#[derive(Debug)]
pub struct Context<'e> {
    /// The engine; its client table holds the client that asks.
    pub(crate) engine: &'e mut Engine,
    /// Who asks.
    pub(crate) id: ClientId,
    /// The command that runs: the sub-command, where there is one.
    pub(crate) command: &'static Command,
    /// The reply.
    pub(crate) reply: Writer,
    /// Whether the reply consists of messages, which a client gets even when it wants no replies.
    pub(crate) is_push: bool,
}

impl Context<'_> {
    /// The client that asks.
    ///
    /// # Panics
    /// Never: a client isn't removed while its command runs.
    pub(crate) fn client(&self) -> &Client {
        self.engine.clients.get(self.id).expect("the client that asks is connected")
    }

    /// The client that asks, to be changed.
    ///
    /// # Panics
    /// Never: a client isn't removed while its command runs.
    pub(crate) fn client_mut(&mut self) -> &mut Client {
        self.engine.clients.get_mut(self.id).expect("the client that asks is connected")
    }

    /// The engine.
    pub fn engine(&mut self) -> &mut Engine {
        self.engine
    }

    /// Who asks.
    pub fn client_id(&self) -> ClientId {
        self.id
    }

    /// The command that runs: the sub-command, where there is one.
    pub fn command(&self) -> &'static Command {
        self.command
    }

    /// What writes the reply.
    pub fn reply(&mut self) -> &mut Writer {
        &mut self.reply
    }

    /// Runs another command for the same client; its reply follows what has been written.
    pub(crate) fn run(&mut self, call: Call, args: &[&[u8]]) {
        let reply = std::mem::take(&mut self.reply);
        self.reply = self.engine.run_command(self.id, call, args, reply);
    }

    /// The number of the database that the client has selected.
    pub(crate) fn selected(&self) -> usize {
        self.client().db
    }

    /// The number of the database that an argument names.
    ///
    /// # Errors
    /// When it is no number, or there is no such database.
    pub(crate) fn database(&self, arg: &[u8]) -> Result<usize, Error> {
        let index = usize::try_from(small_integer(arg)?).map_err(|_| Error::DB_OUT_OF_RANGE)?;
        if index < self.engine.keyspace.count() { Ok(index) } else { Err(Error::DB_OUT_OF_RANGE) }
    }

    /// The database that the client has selected.
    pub(crate) fn db(&self) -> &Db {
        self.engine.keyspace.db(self.selected())
    }
}
