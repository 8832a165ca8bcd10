//! One client: who it is, what it chose, what it has sent and what it is owed.

use std::sync::Arc;
use std::time::Instant;

use crate::acl::User;
use crate::blocking::Wait;
use crate::command::Command;
use crate::config::{ClientOutputBufferLimits, OutputBufferLimit};
use crate::intake::BATCH;
use crate::names::{Name, string_memory, vec_memory};
use crate::pubsub::Subscriptions;
use crate::resp::{Parser, Version};
use crate::tracking::Tracker;
use crate::transaction::Transaction;

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

/// Which of its commands a client wants answered, as it says with CLIENT REPLY.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ReplyMode {
    /// All.
    #[default]
    On,
    /// None.
    Off,
    /// All after the next one.
    SkipNext,
    /// All after this one.
    Skip,
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
    /// Whether it has logged in, or didn't need to when it connected.
    pub(crate) authenticated: bool,
    /// For whom it acts; the default user before it has logged in.
    pub(crate) user: Arc<User>,
    /// Whether somebody is to be told when that is another.
    pub(crate) is_user_watched: bool,
    pub(crate) no_evict: bool,
    /// Whether it is shown every command.
    pub(crate) is_monitor: bool,
    /// Whether its commands leave no trace of when keys were last used.
    pub(crate) no_touch: bool,
    pub(crate) reply_mode: ReplyMode,
    pub(crate) transaction: Option<Box<Transaction>>,
    /// Databases and keys that it watches.
    pub(crate) watched: Vec<(usize, Name)>,
    /// Whether one of them has changed.
    pub(crate) is_dirty: bool,
    pub(crate) subscriptions: Option<Box<Subscriptions>>,
    pub(crate) tracking: Option<Box<Tracker>>,
    /// Whether tracking is or was switched on.
    pub(crate) has_tracked: bool,
    pub(crate) wait: Option<Box<Wait>>,
    /// Whether its requests are kept until the pause is over.
    pub(crate) is_postponed: bool,
    /// Whether the reply to the command that it calls from within may come later.
    pub(crate) is_promised: bool,
    /// What it held when it was last counted for `maxmemory-clients`, in bytes.
    pub(crate) counted_memory: usize,
    /// Whether it is among those that [`take_ready`](crate::Engine::take_ready) gives.
    pub(crate) is_announced: bool,
    pub(crate) close: Option<Close>,
    pub(crate) connected: Instant,
    pub(crate) last_interaction: Instant,
    /// The command that ran last, and its sub-command.
    pub(crate) last_command: Option<(&'static Command, Option<&'static Command>)>,
    /// The beginning of a request that hasn't arrived in full.
    pub(crate) input: Vec<u8>,
    pub(crate) parser: Parser,
    /// How many requests of a pipeline are parsed before the first is executed. Where one had to wait, those behind it
    /// were parsed in vain.
    pub(crate) ahead: usize,
    pub(crate) output: Output,
}

impl Client {
    pub(crate) fn new(id: u64, origin: Origin, user: Arc<User>) -> Self {
        let now = Instant::now();
        Self {
            id,
            origin,
            name: Vec::new(),
            library_name: Vec::new(),
            library_version: Vec::new(),
            db: 0,
            version: Version::default(),
            authenticated: user.needs_no_password(),
            user,
            is_user_watched: false,
            no_evict: false,
            is_monitor: false,
            no_touch: false,
            reply_mode: ReplyMode::default(),
            transaction: None,
            watched: Vec::new(),
            is_dirty: false,
            subscriptions: None,
            tracking: None,
            has_tracked: false,
            wait: None,
            is_postponed: false,
            is_promised: false,
            counted_memory: 0,
            is_announced: false,
            close: None,
            connected: now,
            last_interaction: now,
            last_command: None,
            input: Vec::new(),
            parser: Parser::default(),
            ahead: BATCH,
            output: Output::default(),
        }
    }

    /// Whether no command has left anything behind with it.
    pub(crate) fn is_pristine(&self) -> bool {
        self.name.is_empty()
            && self.transaction.is_none()
            && self.watched.is_empty()
            && self.subscriptions.is_none()
            && self.tracking.is_none()
            && self.wait.is_none()
            && self.close.is_none()
            && self.reply_mode == ReplyMode::On
            && !(self.is_dirty || self.is_monitor || self.no_touch || self.no_evict || self.has_tracked)
            && self.output.bytes.is_empty()
    }

    /// The limits of what it may be owed, by its class.
    #[inline]
    pub(crate) fn output_limit<'l>(&self, limits: &'l ClientOutputBufferLimits) -> &'l OutputBufferLimit {
        if self.subscriptions.is_some() { &limits.pubsub } else { &limits.normal }
    }

    /// Whether the command that runs isn't answered.
    #[inline]
    pub(crate) fn is_muted(&self) -> bool {
        matches!(self.reply_mode, ReplyMode::Off | ReplyMode::Skip)
    }

    /// The bytes of memory that the client holds, its record included.
    pub(crate) fn total_memory(&self) -> usize {
        size_of::<Self>() + self.memory()
    }

    /// The bytes of memory that the client holds beside its record, each block at its usable size: names, what waits
    /// in either direction, what is queued, watched, subscribed to and tracked.
    pub(crate) fn memory(&self) -> usize {
        string_memory(&self.origin.address)
            + string_memory(&self.origin.local_address)
            + vec_memory(&self.name)
            + vec_memory(&self.library_name)
            + vec_memory(&self.library_version)
            + vec_memory(&self.input)
            + self.parser.memory()
            + vec_memory(&self.output.bytes)
            + vec_memory(&self.watched)
            + self.transaction.as_ref().map_or(0, |transaction| transaction.memory())
            + self.subscriptions.as_ref().map_or(0, |subscriptions| subscriptions.memory())
            + self.tracking.as_ref().map_or(0, |tracker| tracker.memory())
            + self.wait.as_ref().map_or(0, |wait| wait.memory())
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
