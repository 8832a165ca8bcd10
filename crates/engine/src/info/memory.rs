//! INFO's section on memory.

use super::{Fields, MemoryFigures};
use crate::engine::Engine;

pub(super) fn write(engine: &mut Engine, fields: &mut Fields) {
    let figures = MemoryFigures::collect(engine);
    fields.bytes("used_memory", figures.used);
    if let Some(rss) = figures.rss {
        fields.bytes("used_memory_rss", rss);
    }
    fields.bytes("used_memory_peak", figures.peak);
    fields.percent("used_memory_peak_perc", figures.peak_percentage());
    fields.field("used_memory_overhead", figures.overhead());
    fields.field("used_memory_startup", figures.startup);
    fields.field("used_memory_dataset", figures.dataset());
    fields.percent("used_memory_dataset_perc", figures.dataset_percentage());
    if let Some(allocator) = figures.allocator {
        fields.field("allocator_allocated", allocator.allocated);
        fields.field("allocator_active", allocator.active);
        fields.field("allocator_resident", allocator.resident);
        fields.field("allocator_muzzy", allocator.muzzy);
    }
    if let Some(total) = zmalloc::process::physical_memory() {
        fields.bytes("total_system_memory", total);
    }
    fields.bytes("maxmemory", usize::try_from(engine.config.maxmemory).unwrap_or(usize::MAX));
    fields.field("maxmemory_policy", engine.config.maxmemory_policy.word());
    if let Some(allocator) = figures.allocator {
        fields.decimal("allocator_frag_ratio", allocator.fragmentation_ratio());
        fields.field("allocator_frag_bytes", allocator.fragmentation_bytes());
        fields.decimal("allocator_rss_ratio", allocator.resident_ratio());
        fields.field("allocator_rss_bytes", allocator.resident_bytes_unused());
    }
    if let Some(beyond) = figures.rss_beyond_allocator() {
        fields.decimal("rss_overhead_ratio", beyond.ratio);
        fields.field("rss_overhead_bytes", beyond.bytes);
    }
    if let Some(beyond) = figures.rss_beyond_used() {
        fields.decimal("mem_fragmentation_ratio", beyond.ratio);
        fields.field("mem_fragmentation_bytes", beyond.bytes);
    }
    fields.field("mem_not_counted_for_evict", engine.memory_not_counted());
    fields.field("mem_clients_normal", figures.clients);
    fields.field("mem_allocator", zmalloc::BACKEND);
    fields.field("active_defrag_running", engine.defrag.effort());
    fields.field("lazyfree_pending_objects", engine.lazyfree.pending());
    fields.field("lazyfreed_objects", engine.lazyfree.freed());
}
