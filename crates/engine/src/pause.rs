//! CLIENT PAUSE: for a while clients' commands are kept instead of executed, all or those that write.

use crate::client::ClientId;
use crate::command::{Command, Flags};
use crate::engine::Engine;

/// A pause of the clients.
#[derive(Clone, Debug)]
pub(crate) struct Pause {
    /// When it ends, in milliseconds since 1970 by the data clock.
    pub(crate) end: i64,
    /// Whether only commands that write are kept.
    pub(crate) writes_only: bool,
    /// Who has sent a command that is kept, in that order.
    postponed: Vec<ClientId>,
}

impl Engine {
    /// Pauses clients until `end`. A pause that is on already is never made shorter, nor gentler.
    pub(crate) fn pause(&mut self, end: i64, writes_only: bool) {
        let now = self.clock.now_ms();
        match &mut self.pause {
            Some(pause) if pause.end > now => {
                pause.end = pause.end.max(end);
                pause.writes_only &= writes_only;
            }
            Some(pause) => (pause.end, pause.writes_only) = (end, writes_only),
            None => self.pause = Some(Pause { end, writes_only, postponed: Vec::new() }),
        }
    }

    /// Ends the pause, and lets those go on whose commands were kept.
    pub(crate) fn unpause(&mut self) {
        let Some(pause) = self.pause.take() else { return };
        for id in pause.postponed {
            self.release(id);
        }
    }

    /// Ends the pause when its time is up.
    pub(crate) fn end_pause_in_time(&mut self) {
        if self.pause.as_ref().is_some_and(|pause| pause.end <= self.clock.now_ms()) {
            self.unpause();
        }
    }

    /// Whether data must not change on its own: not even by expiry.
    #[inline]
    pub(crate) fn is_paused(&self) -> bool {
        self.pause.as_ref().is_some_and(|pause| pause.end > self.clock.now_ms())
    }

    /// Whether a command is to be kept for later.
    #[inline]
    pub(crate) fn is_postponed(&mut self, id: ClientId, command: &Command) -> bool {
        self.pause.is_some() && self.must_wait(id, command)
    }

    #[cold]
    fn must_wait(&mut self, id: ClientId, command: &Command) -> bool {
        self.end_pause_in_time();
        let Some(pause) = &self.pause else { return false };
        if !pause.writes_only {
            return true;
        }
        let writing = Flags::WRITE | Flags::MAY_REPLICATE;
        let queued = self.clients.get(id).and_then(|client| client.transaction.as_ref());
        let queued = queued.map_or(Flags::empty(), |transaction| transaction.queue.flags());
        command.flags.intersects(writing) || command.name == "exec" && queued.intersects(writing)
    }

    /// Notes that a client's command is kept.
    pub(crate) fn postpone(&mut self, id: ClientId) {
        if let Some(pause) = &mut self.pause {
            pause.postponed.push(id);
            self.connected_mut(id).is_postponed = true;
        }
    }

    /// How many clients' commands are kept.
    pub(crate) fn postponed(&self) -> usize {
        self.pause.as_ref().map_or(0, |pause| pause.postponed.len())
    }

    /// Forgets a client that is gone.
    pub(crate) fn forget_postponed(&mut self, id: ClientId) {
        if let Some(pause) = &mut self.pause {
            pause.postponed.retain(|&other| other != id);
        }
    }
}
