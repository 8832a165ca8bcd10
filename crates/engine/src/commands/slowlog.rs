//! The slow log: SLOWLOG GET LEN RESET.

use super::subcommand_error;
use crate::context::Context;
use crate::error::Error;

/// SLOWLOG GET: the latest entries, ten or as many as are asked for; -1 asks for all.
pub(crate) fn get(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let count = match &args[2..] {
        [] => 10,
        [count] => match keyspace::parse_integer(count) {
            Some(-1) => usize::MAX,
            Some(count @ 0..) => count as usize,
            _ => return Err(Error::fixed("ERR count should be greater than or equal to -1")),
        },
        _ => return Err(subcommand_error("SLOWLOG", args[1])),
    };
    let Context { engine, reply, .. } = context;
    let entries = &engine.slowlog.entries;
    reply.array(entries.len().min(count));
    for entry in entries.iter().take(count) {
        reply.array(6);
        reply.integer(entry.number.cast_signed());
        reply.integer(entry.at_s);
        reply.integer(entry.took.as_micros() as i64);
        reply.array(entry.args.len());
        entry.args.iter().for_each(|arg| reply.bulk(arg));
        reply.bulk(entry.address.as_bytes());
        reply.bulk(&entry.client_name);
    }
    Ok(())
}

/// SLOWLOG LEN: how many entries there are.
pub(crate) fn len(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let len = context.engine.slowlog.entries.len();
    context.reply.count(len);
    Ok(())
}

/// SLOWLOG RESET: forgets the entries; their numbers go on.
pub(crate) fn reset(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    context.engine.slowlog.entries = std::collections::VecDeque::new();
    context.reply.ok();
    Ok(())
}
