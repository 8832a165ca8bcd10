//! What a client is owed: replies to its own commands, and messages that others cause.
//!
//! A message to the client whose command runs waits until that command, the whole of EXEC included, has its reply,
//! as in Redis since 7.2: it would otherwise stand in the middle of an array.

use crate::client::{ClientId, ReplyMode};
use crate::engine::Engine;
use crate::resp::Writer;

/// Whose command runs, and what is to be sent to that client and others when it has its reply.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// Whose command runs.
    pub(crate) running: Option<ClientId>,
    /// Messages to that client.
    deferred: Vec<u8>,
    /// The same of the client whose command lets others have their turn.
    outer: Option<(ClientId, Vec<u8>)>,
    /// Clients that have been given something outside of their own commands, and whoever writes to them hasn't asked.
    ready: Vec<ClientId>,
}

impl Engine {
    /// The clients that were given something to send, or to do, outside of what was received from them, since this
    /// was last asked. Some may be gone.
    pub fn take_ready(&mut self) -> Vec<ClientId> {
        let ready = std::mem::take(&mut self.delivery.ready);
        for &id in &ready {
            if let Some(client) = self.clients.get_mut(id) {
                client.is_announced = false;
            }
        }
        ready
    }

    /// Has whoever writes to the client told that it should.
    pub(crate) fn announce(&mut self, id: ClientId) {
        let Some(client) = self.clients.get_mut(id) else { return };
        if !std::mem::replace(&mut client.is_announced, true) {
            self.delivery.ready.push(id);
        }
    }

    /// Forgets a client that is gone.
    pub(crate) fn forget_delivery(&mut self, id: ClientId, was_announced: bool) {
        if was_announced {
            self.delivery.ready.retain(|&other| other != id);
        }
    }

    /// Takes the client's output, so that a command can append its reply.
    pub(crate) fn begin_reply(&mut self, id: ClientId) -> Writer {
        self.delivery.running = Some(id);
        let client = self.connected_mut(id);
        let version = client.version;
        let mut out = std::mem::take(&mut client.output.bytes);
        if out.capacity() == 0 {
            out = self.reply_buffer();
        }
        Writer::new(out, version)
    }

    /// Gives the client its output back, with the messages that have been waiting behind the reply.
    pub(crate) fn end_reply(&mut self, id: ClientId, reply: Writer) {
        let mut bytes = reply.into_inner();
        self.delivery.running = None;
        if !self.delivery.deferred.is_empty() {
            bytes.append(&mut self.delivery.deferred);
            self.delivery.deferred = Vec::new();
        }
        let client = self.connected_mut(id);
        client.output.bytes = bytes;
        self.enforce_output_limit(id);
    }

    /// Notes that a command has been answered, or would have been: CLIENT REPLY SKIP goes by commands.
    #[inline]
    pub(crate) fn count_reply(&mut self, id: ClientId) {
        let client = self.connected_mut(id);
        client.reply_mode = match client.reply_mode {
            ReplyMode::SkipNext => ReplyMode::Skip,
            ReplyMode::Skip => ReplyMode::On,
            mode => mode,
        };
    }

    /// Sets the client aside whose command lets others have their turn: its output is taken until then.
    pub(crate) fn begin_turns(&mut self) {
        let delivery = &mut self.delivery;
        let deferred = std::mem::take(&mut delivery.deferred);
        delivery.outer = delivery.running.take().map(|id| (id, deferred));
    }

    /// Ends that.
    pub(crate) fn end_turns(&mut self) {
        let delivery = &mut self.delivery;
        if let Some((id, deferred)) = delivery.outer.take() {
            (delivery.running, delivery.deferred) = (Some(id), deferred);
        }
    }

    /// Takes back the reply that begins at `start`, when the client wants none.
    pub(crate) fn mute(&mut self, id: ClientId, reply: &mut Writer, start: usize) {
        if self.connected_mut(id).is_muted() {
            reply.truncate(start);
        }
    }

    /// Appends a message to what a client is owed, or will be when its command is done.
    pub(crate) fn push(&mut self, id: ClientId, message: &[u8]) {
        if self.delivery.running == Some(id) {
            self.delivery.deferred.extend_from_slice(message);
            return;
        }
        if let Some((_, deferred)) = self.delivery.outer.as_mut().filter(|(outer, _)| *outer == id) {
            deferred.extend_from_slice(message);
            return;
        }
        let Some(client) = self.clients.get_mut(id).filter(|client| client.close.is_none()) else { return };
        if client.output.bytes.capacity() == 0 {
            client.output.bytes = self.spare.pop().unwrap_or_default();
        }
        client.output.bytes.extend_from_slice(message);
        self.announce(id);
        self.enforce_output_limit(id);
        self.recount_client(id);
    }
}
