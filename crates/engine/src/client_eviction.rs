//! `maxmemory-clients`: when all clients together hold too much, those that hold most are closed.

use crate::client::{ClientId, Close};
use crate::config::MemoryShare;
use crate::engine::Engine;

/// No limit is lower than this, as in Redis: an operator must be able to connect and raise it.
const LEAST: usize = 128 * 1024;

impl Engine {
    /// The most bytes that all clients may hold together, where there is a limit.
    fn client_memory_limit(&self) -> Option<usize> {
        let bytes = match self.config.maxmemory_clients {
            MemoryShare::Bytes(bytes) => bytes,
            MemoryShare::Percent(percent) => {
                let share = u128::from(self.config.maxmemory) * u128::from(percent) / 100;
                u64::try_from(share).unwrap_or(u64::MAX)
            }
        };
        (bytes != 0).then(|| usize::try_from(bytes).unwrap_or(usize::MAX).max(LEAST))
    }

    /// Takes note of what a client holds now. Where there is no limit nothing is counted.
    #[inline]
    pub(crate) fn recount_client(&mut self, id: ClientId) {
        if self.client_memory_limit().is_some() {
            self.recount(id);
        }
    }

    #[cold]
    fn recount(&mut self, id: ClientId) {
        let Some(client) = self.clients.get_mut(id) else { return };
        // Who is to be closed gives back all it has in a moment.
        let now = if client.close == Some(Close::Now) { 0 } else { client.total_memory() };
        let before = std::mem::replace(&mut client.counted_memory, now);
        self.counted_memory = self.counted_memory - before + now;
    }

    /// Closes the clients that hold most, until the rest is within the limit. Those that CLIENT NO-EVICT spares are
    /// counted, and stay.
    #[inline]
    pub(crate) fn evict_clients(&mut self) {
        if self.client_memory_limit().is_some_and(|limit| self.counted_memory > limit) {
            self.evict_largest_clients();
        }
    }

    #[cold]
    fn evict_largest_clients(&mut self) {
        let Some(limit) = self.client_memory_limit() else { return };
        let candidates = self.clients.iter().filter(|(_, client)| !client.no_evict && client.close.is_none());
        let mut candidates: Vec<_> = candidates.map(|(id, client)| (client.counted_memory, id)).collect();
        candidates.sort_unstable_by(|a, b| b.cmp(a));
        for (_, id) in candidates {
            if self.counted_memory <= limit {
                break;
            }
            self.doom(id);
            self.recount(id);
            self.stats.evicted_clients += 1;
        }
    }

    /// Counts every client anew, and closes the largest if there is need: their sizes change with time as well, and
    /// so does the limit.
    pub(crate) fn recount_all_clients(&mut self) {
        if self.client_memory_limit().is_none() {
            return;
        }
        for id in self.clients.ids() {
            self.recount(id);
        }
        self.evict_clients();
    }

    /// Forgets what a client held that is gone.
    pub(crate) fn uncount_client(&mut self, counted: usize) {
        self.counted_memory -= counted;
    }
}
