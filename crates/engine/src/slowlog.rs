//! The slow log: commands that took long, for SLOWLOG.

use std::collections::VecDeque;
use std::time::Duration;

use crate::client::ClientId;
use crate::command::{Call, Flags};
use crate::engine::Engine;
use crate::secrets::{REDACTED, is_secret};

/// The most arguments that an entry shows, and the most bytes of one.
const MAX_ARGS: usize = 32;
const MAX_BYTES: usize = 128;

/// A command that took long.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) number: u64,
    /// When it was executed, in seconds since 1970.
    pub(crate) at_s: i64,
    pub(crate) took: Duration,
    pub(crate) args: Vec<Vec<u8>>,
    pub(crate) address: String,
    pub(crate) client_name: Vec<u8>,
}

/// The entries, the latest first.
#[derive(Debug, Default)]
pub(crate) struct SlowLog {
    pub(crate) entries: VecDeque<Entry>,
    next: u64,
}

impl Engine {
    /// Enters a command into the slow log, if it took longer than `slowlog-log-slower-than`.
    #[inline]
    pub(crate) fn note_slow(&mut self, id: ClientId, call: &Call, args: &[&[u8]], took: Duration) {
        let threshold = self.config.slowlog_log_slower_than;
        let is_slow = u64::try_from(threshold).is_ok_and(|threshold| took.as_micros() as u64 >= threshold);
        if is_slow && !call.command.flags.contains(Flags::SKIP_SLOWLOG) {
            self.enter_slow(id, call, args, took);
        }
    }

    #[cold]
    fn enter_slow(&mut self, id: ClientId, call: &Call, args: &[&[u8]], took: Duration) {
        let at_s = self.clock.now_s();
        let Some(client) = self.clients.get(id) else { return };
        let (address, client_name) = (client.origin.address.clone(), client.name.clone());
        let number = self.slowlog.next;
        self.slowlog.next += 1;
        let args = shown(args, |at| is_secret(call, args, at) || self.redacted.contains(at));
        self.slowlog.entries.push_front(Entry { number, at_s, took, args, address, client_name });
        let max_len = usize::try_from(self.config.slowlog_max_len).unwrap_or(usize::MAX);
        self.slowlog.entries.truncate(max_len);
    }
}

/// The arguments as far as they are shown, without secrets.
fn shown(args: &[&[u8]], is_secret: impl Fn(usize) -> bool) -> Vec<Vec<u8>> {
    let whole = if args.len() > MAX_ARGS { MAX_ARGS - 1 } else { args.len() };
    let show = |(at, arg): (usize, &&[u8])| match arg.len() {
        _ if is_secret(at) => REDACTED.to_vec(),
        len if len > MAX_BYTES => {
            let more = format!("... ({} more bytes)", len - MAX_BYTES);
            [&arg[..MAX_BYTES], more.as_bytes()].concat()
        }
        _ => arg.to_vec(),
    };
    let mut shown: Vec<Vec<u8>> = args[..whole].iter().enumerate().map(show).collect();
    if whole < args.len() {
        shown.push(format!("... ({} more arguments)", args.len() - whole).into_bytes());
    }
    shown
}
