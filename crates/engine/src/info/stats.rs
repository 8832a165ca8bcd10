//! INFO's section of counters.

use super::Fields;
use crate::engine::Engine;
use crate::pubsub::Kind;

pub(super) fn write(engine: &mut Engine, fields: &mut Fields) {
    const KILO: f64 = 1024.0;
    let (stats, cron) = (&engine.stats, &engine.cron);
    fields.field("total_connections_received", stats.connections_received);
    fields.field("total_commands_processed", stats.commands_processed);
    fields.field("instantaneous_ops_per_sec", cron.commands.per_second() as u64);
    fields.field("total_net_input_bytes", stats.net_input_bytes);
    fields.field("total_net_output_bytes", stats.net_output_bytes);
    fields.decimal("instantaneous_input_kbps", cron.input.per_second() / KILO);
    fields.decimal("instantaneous_output_kbps", cron.output.per_second() / KILO);
    fields.field("rejected_connections", stats.rejected_connections);
    fields.field("expired_keys", stats.expired_keys);
    fields.field("expired_time_cap_reached_count", stats.expire_cycles_cut_short);
    fields.field("expire_cycle_cpu_milliseconds", stats.expire_cycle_us / 1000);
    fields.field("evicted_keys", stats.evicted_keys);
    fields.field("evicted_clients", stats.evicted_clients);
    let exceeded = engine.eviction.exceeded().as_micros() as u64;
    fields.field("total_eviction_exceeded_time", (stats.eviction_exceeded_us + exceeded) / 1000);
    fields.field("current_eviction_exceeded_time", exceeded / 1000);
    fields.field("keyspace_hits", stats.keyspace_hits);
    fields.field("keyspace_misses", stats.keyspace_misses);
    fields.field("pubsub_channels", engine.pubsub.len(Kind::Channel));
    fields.field("pubsub_patterns", engine.pubsub.len(Kind::Pattern));
    fields.field("pubsubshard_channels", engine.pubsub.len(Kind::Shard));
    fields.field("latest_fork_usec", engine.child.fork_took.as_micros());
    fields.field("total_forks", stats.forks);
    defrag(engine, fields);
    fields.field("tracking_total_keys", engine.tracking.keys());
    fields.field("tracking_total_items", engine.tracking.items());
    fields.field("tracking_total_prefixes", engine.tracking.prefixes());
    fields.field("total_error_replies", stats.error_replies);
    fields.field("client_query_buffer_limit_disconnections", stats.query_buffer_limit_disconnections);
    fields.field("client_output_buffer_limit_disconnections", stats.output_buffer_limit_disconnections);
}

fn defrag(engine: &Engine, fields: &mut Fields) {
    let stats = &engine.stats;
    fields.field("active_defrag_hits", stats.active_defrag_hits);
    fields.field("active_defrag_misses", stats.active_defrag_misses);
    fields.field("active_defrag_key_hits", stats.active_defrag_key_hits);
    fields.field("active_defrag_key_misses", stats.active_defrag_key_misses);
    let running = engine.defrag.running().as_micros() as u64;
    fields.field("total_active_defrag_time", (stats.active_defrag_us + running) / 1000);
    fields.field("current_active_defrag_time", running / 1000);
    // Ours: what commands wait for meanwhile, but for what the system does in between.
    fields.field("active_defrag_longest_step_usec", stats.active_defrag_longest_step_us);
}
