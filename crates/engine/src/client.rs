//! One client: who it is, what it chose, what it has sent and what it is owed.

use std::time::Instant;

use crate::command::Command;
use crate::resp::{Parser, Version};

/// Names a client for as long as it is connected; a later client never gets the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId {
    pub(crate) slot: usize,
    pub(crate) id: u64,
}

impl ClientId {
    /// The number that CLIENT ID answers with: 1 for the first client, and so on.
    pub fn number(self) -> u64 {
        self.id
    }

    /// A small number that no other connected client has: the place of its socket in a table, for instance.
    pub fn slot(self) -> usize {
        self.slot
    }
}

/// Where a client comes from, as CLIENT LIST shows it.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// Its address and port, or the path of the unix socket and `:0`; empty for a client without a socket.
    pub address: String,
    /// The address on which it was accepted.
    pub local_address: String,
    /// The number of its file descriptor; -1 without one.
    pub fd: i32,
    /// Whether it came through a unix socket.
    pub unix: bool,
}

impl Origin {
    /// Whether the client runs on this machine: it came through a unix socket or the loopback interface, or it is
    /// part of this program.
    pub fn is_local(&self) -> bool {
        let loopback = ["127.0.0.1:", "[::1]:"];
        self.unix || self.fd < 0 || loopback.iter().any(|host| self.address.starts_with(host))
    }
}

/// How a client is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// When it has been sent what it is owed.
    AfterReply,
    /// At once.
    Now,
}

/// One client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: u64,
    pub(crate) origin: Origin,
    pub(crate) name: Vec<u8>,
    pub(crate) library_name: Vec<u8>,
    pub(crate) library_version: Vec<u8>,
    pub(crate) db: usize,
    pub(crate) version: Version,
    pub(crate) authenticated: bool,
    pub(crate) no_evict: bool,
    pub(crate) close: Option<Close>,
    pub(crate) connected: Instant,
    pub(crate) last_interaction: Instant,
    /// The command that ran last, and its sub-command.
    pub(crate) last_command: Option<(&'static Command, Option<&'static Command>)>,
    /// The beginning of a request that hasn't arrived in full.
    pub(crate) input: Vec<u8>,
    pub(crate) parser: Parser,
    pub(crate) output: Output,
}

impl Client {
    pub(crate) fn new(id: u64, origin: Origin, authenticated: bool) -> Self {
        let now = Instant::now();
        Self {
            id,
            origin,
            name: Vec::new(),
            library_name: Vec::new(),
            library_version: Vec::new(),
            db: 0,
            version: Version::default(),
            authenticated,
            no_evict: false,
            close: None,
            connected: now,
            last_interaction: now,
            last_command: None,
            input: Vec::new(),
            parser: Parser::default(),
            output: Output::default(),
        }
    }

    /// The bytes of memory that the client holds beside its record: names, and what waits in either direction.
    pub(crate) fn memory(&self) -> usize {
        self.origin.address.capacity()
            + self.origin.local_address.capacity()
            + self.name.capacity()
            + self.library_name.capacity()
            + self.library_version.capacity()
            + self.input.capacity()
            + self.parser.memory()
            + self.output.bytes.capacity()
    }
}

/// Replies that wait to be sent.
#[derive(Debug, Default)]
pub(crate) struct Output {
    /// Every reply since the buffer was last empty.
    pub(crate) bytes: Vec<u8>,
    /// How much of it has been sent.
    pub(crate) sent: usize,
    /// Since when it has been above its soft limit.
    pub(crate) above_soft_limit: Option<Instant>,
}

impl Output {
    pub(crate) fn pending(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }
}
