//! Where the memory is: MEMORY USAGE DOCTOR STATS PURGE MALLOC-STATS.

use keyspace::Place;

use crate::args::{integer, is};
use crate::context::Context;
use crate::error::Error;
use crate::info::{MemoryFigures, diagnose};
use crate::resp::Writer;

/// What a place in a table takes: the pointer to the entry, and a byte of its hash.
const SLOT: usize = size_of::<usize>() + 1;

/// MEMORY USAGE `key [SAMPLES count]`: the bytes that a key and its value take, their place in the table included.
///
/// Nothing is estimated but by a module's type of what its value takes: it is told the number of samples.
pub(crate) fn usage(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let mut options = &args[3..];
    let mut samples = 5;
    while let [option, count, rest @ ..] = options {
        if !is(option, "samples") {
            break;
        }
        let Ok(count) = usize::try_from(integer(count)?) else { break };
        samples = count;
        options = rest;
    }
    if !options.is_empty() {
        return Err(Error::SYNTAX);
    }
    // A key whose time has come takes its memory until it is removed, so it counts, as in Redis.
    let place = Place { db: context.selected(), key: args[2] };
    let bytes = context.db().find(args[2]).map(|entry| {
        let value = entry.module().map_or(0, |value| value.memory_usage(place, samples));
        entry.memory_usage(zmalloc::good_size) + value + SLOT + entry.expiry().map_or(0, |_| SLOT)
    });
    match bytes {
        Some(bytes) => context.reply.count(bytes),
        None => context.reply.null(),
    }
    Ok(())
}

/// MEMORY DOCTOR: what the figures of MEMORY STATS say to somebody who knows them.
pub(crate) fn doctor(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let figures = MemoryFigures::collect(context.engine);
    context.reply.verbatim("txt", diagnose(&figures).as_bytes());
    Ok(())
}

/// MEMORY STATS: the figures of INFO's section on memory and what they are made of, under Redis's names.
pub(crate) fn stats(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let figures = MemoryFigures::collect(context.engine);
    let reply = &mut context.reply;
    // How many pairs there are is known only when they have been written.
    let mut pairs = Pairs { writer: Writer::new(Vec::new(), reply.version()), count: 0 };
    pairs.bytes("peak.allocated", figures.peak);
    pairs.bytes("total.allocated", figures.used);
    pairs.bytes("startup.allocated", figures.startup);
    pairs.bytes("clients.normal", figures.clients);
    for db in &figures.databases {
        pairs.name(&format!("db.{}", db.index));
        pairs.writer.map(2);
        for (name, bytes) in [("main", db.main), ("expires", db.expires)] {
            pairs.writer.bulk(format!("overhead.hashtable.{name}").as_bytes());
            pairs.writer.count(bytes);
        }
    }
    pairs.bytes("overhead.total", figures.overhead());
    pairs.bytes("keys.count", figures.keys);
    pairs.bytes("keys.bytes-per-key", figures.bytes_per_key());
    pairs.bytes("dataset.bytes", figures.dataset());
    pairs.double("dataset.percentage", figures.dataset_percentage());
    pairs.double("peak.percentage", figures.peak_percentage());
    if let Some(allocator) = figures.allocator {
        pairs.bytes("allocator.allocated", allocator.allocated);
        pairs.bytes("allocator.active", allocator.active);
        pairs.bytes("allocator.resident", allocator.resident);
        pairs.bytes("allocator.muzzy", allocator.muzzy);
        pairs.double("allocator-fragmentation.ratio", allocator.fragmentation_ratio());
        pairs.bytes("allocator-fragmentation.bytes", allocator.fragmentation_bytes());
        pairs.double("allocator-rss.ratio", allocator.resident_ratio());
        pairs.bytes("allocator-rss.bytes", allocator.resident_bytes_unused());
    }
    if let Some(beyond) = figures.rss_beyond_allocator() {
        pairs.double("rss-overhead.ratio", beyond.ratio);
        pairs.signed("rss-overhead.bytes", beyond.bytes);
    }
    if let Some(beyond) = figures.rss_beyond_used() {
        pairs.double("fragmentation", beyond.ratio);
        pairs.signed("fragmentation.bytes", beyond.bytes);
    }
    reply.map(pairs.count);
    reply.raw(&pairs.writer.into_inner());
    Ok(())
}

/// The pairs of a map, and how many there are.
struct Pairs {
    writer: Writer,
    count: usize,
}

impl Pairs {
    fn name(&mut self, name: &str) {
        self.count += 1;
        self.writer.bulk(name.as_bytes());
    }

    fn bytes(&mut self, name: &str, bytes: usize) {
        self.name(name);
        self.writer.count(bytes);
    }

    fn signed(&mut self, name: &str, bytes: i64) {
        self.name(name);
        self.writer.integer(bytes);
    }

    fn double(&mut self, name: &str, value: f64) {
        self.name(name);
        self.writer.double(value);
    }
}

/// MEMORY PURGE: gives pages that nobody uses back to the system.
pub(crate) fn purge(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    zmalloc::purge().map_err(|_| Error::fixed("ERR Error purging dirty pages"))?;
    context.reply.ok();
    Ok(())
}

/// MEMORY MALLOC-STATS: the allocator's own report.
pub(crate) fn malloc_stats(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    context.reply.verbatim("txt", zmalloc::stats_text().as_bytes());
    Ok(())
}
