//! What is counted while commands run, for INFO.

use crate::command_stats::CommandStats;
use crate::cron::Rate;
use crate::engine::Engine;

/// Counters since the start, or since CONFIG RESETSTAT.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Connections that were accepted.
    pub connections_received: u64,
    /// Connections that `maxclients` turned away.
    pub rejected_connections: u64,
    /// Commands that were executed, those that failed included.
    pub commands_processed: u64,
    /// Errors that were sent as replies.
    pub error_replies: u64,
    /// Bytes that clients sent.
    pub net_input_bytes: u64,
    /// Bytes that clients were sent.
    pub net_output_bytes: u64,
    /// Keys that were removed because their time had come.
    pub expired_keys: u64,
    /// How often active expiry stopped because its time was up.
    pub expire_cycles_cut_short: u64,
    /// Microseconds that active expiry took.
    pub expire_cycle_us: u64,
    /// Keys that were removed because memory was above its limit.
    pub evicted_keys: u64,
    /// Microseconds for which memory was above its limit, up to the last time that it came below.
    pub eviction_exceeded_us: u64,
    /// Clients closed because all clients together held too much.
    pub evicted_clients: u64,
    /// Look-ups for reading that found their key.
    pub keyspace_hits: u64,
    /// Look-ups for reading that didn't.
    pub keyspace_misses: u64,
    /// Blocks that active defragmentation moved.
    pub active_defrag_hits: u64,
    /// Blocks that it found to lie well.
    pub active_defrag_misses: u64,
    /// Keys of which it moved a block.
    pub active_defrag_key_hits: u64,
    /// Keys that it left where they were.
    pub active_defrag_key_misses: u64,
    /// Microseconds for which it was at work, pauses included, up to the last time that it ended.
    pub active_defrag_us: u64,
    /// The most microseconds of the processor's time that one step of it took.
    pub active_defrag_longest_step_us: u64,
    /// Child processes that were forked off.
    pub forks: u64,
    /// Clients closed because they sent too much that was no complete request.
    pub query_buffer_limit_disconnections: u64,
    /// Clients closed because they didn't read their replies.
    pub output_buffer_limit_disconnections: u64,
}

impl Engine {
    /// Starts every counter from 0 again, as CONFIG RESETSTAT does. What isn't a counter stays: the peak of memory,
    /// the time since the start.
    pub(crate) fn reset_stats(&mut self) {
        self.stats = Stats::default();
        self.command_stats = CommandStats::new();
        self.lazyfree.reset_freed();
        self.eviction.restart_exceeded();
        self.defrag.restart_running();
        for rate in [&mut self.cron.commands, &mut self.cron.input, &mut self.cron.output] {
            *rate = Rate::default();
        }
    }
}
