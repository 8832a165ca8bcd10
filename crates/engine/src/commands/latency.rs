//! What took long: LATENCY DOCTOR GRAPH HISTOGRAM HISTORY LATEST RESET.

use crate::command::Found;
use crate::context::Context;
use crate::error::{Error, c_text};
use crate::resp::Writer;

/// LATENCY LATEST: of each kind of event when it last took long, how long, and the longest ever.
pub(crate) fn latest(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let Context { engine, reply, .. } = context;
    let all = engine.latency.all();
    reply.array(all.len());
    for (event, series) in all {
        let (second, ms) = series.samples().back().copied().unwrap_or_default();
        reply.array(4);
        reply.bulk(event.as_bytes());
        reply.integer(second);
        reply.integer(ms.cast_signed());
        reply.integer(series.max().cast_signed());
    }
    Ok(())
}

/// LATENCY HISTORY: when a kind of event took long, and how long.
pub(crate) fn history(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let Context { engine, reply, .. } = context;
    let Some(series) = engine.latency.get(args[2]) else {
        reply.array(0);
        return Ok(());
    };
    reply.array(series.samples().len());
    for (second, ms) in series.samples() {
        reply.array(2);
        reply.integer(*second);
        reply.integer(ms.cast_signed());
    }
    Ok(())
}

/// LATENCY RESET: forgets kinds of events, or all; answers with how many.
pub(crate) fn reset(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let latency = &mut context.engine.latency;
    let count = match &args[2..] {
        [] => latency.forget_all(),
        events => events.iter().filter(|event| latency.forget(event)).count(),
    };
    context.reply.count(count);
    Ok(())
}

/// LATENCY GRAPH: a kind of event as a curve.
pub(crate) fn graph(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let now_s = context.engine.clock.now_s();
    let graph = context.engine.latency.graph(args[2], now_s);
    let missing = || Error::new([b"ERR No samples available for event '", c_text(args[2]), b"'"].concat());
    context.reply.verbatim("txt", graph.ok_or_else(missing)?.as_bytes());
    Ok(())
}

/// LATENCY DOCTOR: a report for people.
pub(crate) fn doctor(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let config = &context.engine.config;
    let (threshold, slowlog) = (config.latency_monitor_threshold, config.slowlog_log_slower_than);
    let report = context.engine.latency.diagnose(threshold, slowlog);
    context.reply.verbatim("txt", report.as_bytes());
    Ok(())
}

/// LATENCY HISTOGRAM: how long calls of commands took; of all commands, or of those that are named.
pub(crate) fn histogram(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let Context { engine, reply, .. } = context;
    let mut found: Vec<Found> = Vec::new();
    match &args[2..] {
        [] => found.extend(engine.commands.all()),
        names => {
            for name in names {
                let Some(named) = engine.commands.by_full_name(name) else { continue };
                found.push(named);
                let inner = named.command.subcommands().iter();
                found.extend(inner.map(|command| Found { container: Some(named.command), command }));
            }
        }
    }
    found.retain(|found| engine.command_stats.of(found.command).histogram.total() != 0);
    reply.map(found.len());
    for found in found {
        let histogram = &engine.command_stats.of(found.command).histogram;
        reply.bulk(found.full_name().as_bytes());
        reply.map(2);
        reply.bulk(b"calls");
        reply.integer(histogram.total().cast_signed());
        reply.bulk(b"histogram_usec");
        write_steps(reply, &histogram.cumulative());
    }
    Ok(())
}

fn write_steps(reply: &mut Writer, steps: &[(u64, u64)]) {
    reply.map(steps.len());
    for (bound, count) in steps {
        reply.integer(bound.cast_signed());
        reply.integer(count.cast_signed());
    }
}
