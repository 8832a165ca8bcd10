//! What was denied lately, for ACL LOG.

use std::collections::VecDeque;
use std::time::Duration;

use crate::client::ClientId;
use crate::clock::Clock;
use crate::commands::client_list::describe;
use crate::engine::Engine;

/// The same attempt is counted rather than entered again within this time.
const GROUPED: Duration = Duration::from_secs(60);
/// So many entries are looked at for the same attempt.
const LOOKED_AT: usize = 10;

/// Something that was denied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'a> {
    /// `command`, `key`, `channel` or `auth`.
    pub(crate) reason: &'static str,
    /// `toplevel`, `multi` or `module`.
    pub(crate) context: &'static str,
    /// What was denied: the name of a command, a key, a channel; of `auth` the command.
    pub(crate) object: &'a [u8],
    /// Who was denied it, or tried to log in.
    pub(crate) user: &'a [u8],
}

/// An entry: an attempt, and how often it was made.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) reason: &'static str,
    pub(crate) context: &'static str,
    pub(crate) object: Vec<u8>,
    pub(crate) user: Vec<u8>,
    pub(crate) count: u64,
    /// When it was made last, in milliseconds since 1970.
    pub(crate) at_ms: i64,
    /// The line of CLIENT LIST of the client that made it last.
    pub(crate) client: String,
}

impl Entry {
    fn is_of(&self, attempt: &Attempt<'_>, now_ms: i64) -> bool {
        self.reason == attempt.reason
            && self.context == attempt.context
            && self.object == attempt.object
            && self.user == attempt.user
            && now_ms.saturating_sub(self.at_ms) <= GROUPED.as_millis() as i64
    }
}

/// The entries, the latest first.
#[derive(Debug, Default)]
pub(crate) struct Log(VecDeque<Entry>);

impl Log {
    pub(crate) fn entries(&self) -> &VecDeque<Entry> {
        &self.0
    }

    pub(crate) fn clear(&mut self) {
        self.0 = VecDeque::new();
    }

    fn enter(&mut self, attempt: &Attempt<'_>, client: String, now_ms: i64, max_len: usize) {
        let known = self.0.iter().take(LOOKED_AT).position(|entry| entry.is_of(attempt, now_ms));
        let count = known.and_then(|at| self.0.remove(at)).map_or(0, |entry| entry.count);
        self.0.push_front(Entry {
            reason: attempt.reason,
            context: attempt.context,
            object: attempt.object.to_vec(),
            user: attempt.user.to_vec(),
            count: count + 1,
            at_ms: now_ms,
            client,
        });
        self.0.truncate(max_len);
    }
}

impl Engine {
    /// Enters an attempt that was denied into the log: that of the client whose command runs, or of this one. Without
    /// either it is shown as made by a client that nobody sees.
    pub(crate) fn log_denial(&mut self, id: Option<ClientId>, attempt: Attempt<'_>) {
        let client = match self.current.or(id).and_then(|id| self.clients.get(id)) {
            Some(client) => describe(client),
            None => self.describe_inner(),
        };
        let now_ms = Clock::now_ms(&self.clock);
        let max_len = usize::try_from(self.config.acllog_max_len).unwrap_or(usize::MAX);
        self.acl.log.enter(&attempt, client.trim_end().to_owned(), now_ms, max_len);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_attempt_is_counted_for_a_minute() {
        let mut log = Log::default();
        let attempt = |object| Attempt { reason: "key", context: "toplevel", object, user: b"u" };
        let mut enter = |object, now_ms| {
            log.enter(&attempt(object), "client".into(), now_ms, 3);
            log.entries().iter().map(|entry| (entry.object.clone(), entry.count)).collect::<Vec<_>>()
        };
        enter(b"a", 0);
        enter(b"b", 1);
        assert_eq!(enter(b"a", 60_000), [(b"a".to_vec(), 2), (b"b".to_vec(), 1)]);
        enter(b"b", 60_002);
        assert_eq!(enter(b"c", 60_003), [(b"c".to_vec(), 1), (b"b".to_vec(), 1), (b"a".to_vec(), 2)]);
    }
}
