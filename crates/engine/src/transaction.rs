//! MULTI's queue: commands that wait for EXEC, with copies of their arguments.

use std::rc::Rc;

use crate::client::ClientId;
use crate::command::{Call, Flags};
use crate::engine::Engine;
use crate::names::vec_memory;

/// A client between MULTI and the end of EXEC.
#[derive(Debug, Default)]
pub(crate) struct Transaction {
    /// Shared with EXEC while it runs, so that the client's figures still tell what it holds.
    pub(crate) queue: Rc<Queue>,
    /// Whether a command could not be queued, so that EXEC will refuse.
    pub(crate) is_refused: bool,
}

/// Commands in the order in which they came. All arguments lie back to back in one buffer.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    bytes: Vec<u8>,
    /// Where in `bytes` each argument ends.
    ends: Vec<usize>,
    commands: Vec<Queued>,
    /// The flags of any of the commands.
    flags: Flags,
}

#[derive(Debug)]
struct Queued {
    call: Call,
    /// How many of the queue's arguments there are up to this command's last.
    args_end: usize,
}

impl Queue {
    /// Appends a command.
    fn push(&mut self, call: Call, args: &[&[u8]]) {
        for arg in args {
            self.bytes.extend_from_slice(arg);
            self.ends.push(self.bytes.len());
        }
        self.flags |= call.command.flags;
        self.commands.push(Queued { call, args_end: self.ends.len() });
    }

    /// How many commands there are.
    pub(crate) fn len(&self) -> usize {
        self.commands.len()
    }

    /// What any of the commands does.
    pub(crate) fn flags(&self) -> Flags {
        self.flags
    }

    /// Each command with its arguments.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Call, impl Iterator<Item = &[u8]>)> {
        let (mut first, mut start) = (0, 0);
        self.commands.iter().map(move |queued| {
            let ends = &self.ends[std::mem::replace(&mut first, queued.args_end)..queued.args_end];
            let mut from = start;
            start = ends.last().copied().unwrap_or(start);
            (queued.call, ends.iter().map(move |&end| &self.bytes[std::mem::replace(&mut from, end)..end]))
        })
    }

    /// The bytes that it holds.
    pub(crate) fn memory(&self) -> usize {
        vec_memory(&self.bytes) + vec_memory(&self.ends) + vec_memory(&self.commands)
    }

    /// Forgets the commands and keeps the room, unless that is large.
    fn clear(&mut self) {
        const LARGE: usize = 16 * 1024;
        if self.memory() > LARGE {
            *self = Self::default();
        }
        self.bytes.clear();
        self.ends.clear();
        self.commands.clear();
        self.flags = Flags::empty();
    }
}

impl Transaction {
    /// The bytes that it holds, its own included.
    pub(crate) fn memory(&self) -> usize {
        let counters = 2 * size_of::<usize>();
        crate::names::block(size_of::<Self>())
            + crate::names::block(counters + size_of::<Queue>())
            + self.queue.memory()
    }
}

impl Engine {
    /// Begins to queue what the client sends.
    pub(crate) fn begin_transaction(&mut self, id: ClientId) {
        let transaction = self.spare_transaction.take().unwrap_or_default();
        self.connected_mut(id).transaction = Some(transaction);
    }

    /// Queues a command of a client that is between MULTI and EXEC; nothing is kept for an EXEC that can't succeed.
    ///
    /// # Panics
    /// When the client is not, or EXEC runs the queue already.
    pub(crate) fn queue(&mut self, id: ClientId, call: Call, args: &[&[u8]]) {
        let client = self.connected_mut(id);
        let transaction = client.transaction.as_mut().expect("MULTI came before");
        if client.is_dirty || transaction.is_refused {
            return;
        }
        Rc::get_mut(&mut transaction.queue).expect("EXEC doesn't queue").push(call, args);
    }

    /// Remembers that a command was refused, where the client is between MULTI and EXEC.
    pub(crate) fn refuse_transaction(&mut self, id: ClientId) {
        if let Some(transaction) = &mut self.connected_mut(id).transaction {
            transaction.is_refused = true;
        }
    }

    /// Ends what MULTI began: nothing is queued any more, and no key watched.
    pub(crate) fn end_transaction(&mut self, id: ClientId) {
        self.unwatch_all(id);
        let Some(mut transaction) = self.connected_mut(id).transaction.take() else { return };
        if let Some(queue) = Rc::get_mut(&mut transaction.queue) {
            queue.clear();
            transaction.is_refused = false;
            self.spare_transaction = Some(transaction);
        }
    }
}
