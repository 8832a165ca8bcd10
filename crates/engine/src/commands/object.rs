//! OBJECT: how a value is stored and when it was last used.

use keyspace::EntryRef;

use crate::access;
use crate::context::Context;
use crate::error::Error;

/// OBJECT ENCODING: how the value is stored.
pub(crate) fn encoding(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let Some(encoding) = look(context, args[2], |entry| entry.encoding().name()) else { return Ok(()) };
    context.reply.bulk(encoding.as_bytes());
    Ok(())
}

/// OBJECT REFCOUNT: how many owners the value has, which is one: nothing is shared.
pub(crate) fn refcount(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    if look(context, args[2], |_| ()).is_some() {
        context.reply.integer(1);
    }
    Ok(())
}

/// OBJECT IDLETIME: the seconds since the value was last used, under an LRU policy.
pub(crate) fn idletime(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let Some(clock) = look(context, args[2], |entry| entry.clock()) else { return Ok(()) };
    let now = access::Clock::of(&context.engine.config, &context.engine.clock);
    let idle = now.idle_seconds(clock).ok_or(Error::fixed(
        "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching \
         between policies at runtime LRU and LFU data will take some time to adjust.",
    ))?;
    context.reply.integer(idle.into());
    Ok(())
}

/// OBJECT FREQ: the access counter of the value, under an LFU policy.
pub(crate) fn freq(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let Some(clock) = look(context, args[2], |entry| entry.clock()) else { return Ok(()) };
    let now = access::Clock::of(&context.engine.config, &context.engine.clock);
    let frequency = now.frequency(clock).ok_or(Error::fixed(
        "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when \
         switching between policies at runtime LRU and LFU data will take some time to adjust.",
    ))?;
    context.reply.integer(frequency.into());
    Ok(())
}

/// What `figure` makes of the entry of a key; where there is none, null has been replied. Not an access to the key.
fn look<R>(context: &mut Context<'_>, key: &[u8], figure: impl FnOnce(EntryRef<'_>) -> R) -> Option<R> {
    let db = context.selected();
    let found = context.engine.inspect(db, key).map(figure);
    if found.is_none() {
        context.reply.null();
    }
    found
}
