//! Messages: SUBSCRIBE PSUBSCRIBE SSUBSCRIBE and their opposites, PUBLISH SPUBLISH, PUBSUB.

use keyspace::glob::{self, Case};

use crate::context::Context;
use crate::error::Error;
use crate::pubsub::Kind;

/// SUBSCRIBE: what is published to these channels is sent to the client from now on.
pub(crate) fn subscribe(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    if !may_listen(context) {
        return Err(Error::fixed("ERR SUBSCRIBE isn't allowed for a DENY BLOCKING client"));
    }
    subscribe_to(context, Kind::Channel, "subscribe", &args[1..])
}

/// PSUBSCRIBE: what is published to channels that match is sent to the client from now on.
pub(crate) fn psubscribe(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    if !may_listen(context) {
        return Err(Error::fixed("ERR PSUBSCRIBE isn't allowed for a DENY BLOCKING client"));
    }
    subscribe_to(context, Kind::Pattern, "psubscribe", &args[1..])
}

/// SSUBSCRIBE: what is published to these shard channels is sent to the client from now on.
pub(crate) fn ssubscribe(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    if !context.may_wait() {
        return Err(Error::fixed("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client"));
    }
    subscribe_to(context, Kind::Shard, "ssubscribe", &args[1..])
}

/// Whether messages could reach the client: nobody reads them where a module calls the command. Redis lets a
/// transaction subscribe to channels, for the sake of those who do, but not to shard channels.
fn may_listen(context: &Context<'_>) -> bool {
    context.may_wait() || context.client().transaction.is_some()
}

/// UNSUBSCRIBE: the opposite of SUBSCRIBE; without channels, of all.
pub(crate) fn unsubscribe(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    unsubscribe_from(context, Kind::Channel, "unsubscribe", &args[1..])
}

/// PUNSUBSCRIBE: the opposite of PSUBSCRIBE; without patterns, of all.
pub(crate) fn punsubscribe(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    unsubscribe_from(context, Kind::Pattern, "punsubscribe", &args[1..])
}

/// SUNSUBSCRIBE: the opposite of SSUBSCRIBE; without shard channels, of all.
pub(crate) fn sunsubscribe(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    unsubscribe_from(context, Kind::Shard, "sunsubscribe", &args[1..])
}

fn subscribe_to(
    context: &mut Context<'_>,
    kind: Kind,
    word: &'static str,
    names: &[&[u8]],
) -> Result<(), Error> {
    context.is_push = true;
    for name in names {
        let count = context.engine.subscribe(context.id, kind, name);
        confirm(context, word, Some(name), count);
    }
    Ok(())
}

fn unsubscribe_from(
    context: &mut Context<'_>,
    kind: Kind,
    word: &'static str,
    names: &[&[u8]],
) -> Result<(), Error> {
    context.is_push = true;
    let all = if names.is_empty() { context.engine.subscribed(context.id, kind) } else { Vec::new() };
    for name in names.iter().copied().chain(all.iter().map(|name| &**name)) {
        let count = context.engine.unsubscribe(context.id, kind, name);
        confirm(context, word, Some(name), count);
    }
    if names.is_empty() && all.is_empty() {
        // An empty name asks only for the count.
        let count = context.engine.unsubscribe(context.id, kind, b"");
        confirm(context, word, None, count);
    }
    Ok(())
}

/// The message that answers each name of a subscription.
fn confirm(context: &mut Context<'_>, word: &str, name: Option<&[u8]>, count: usize) {
    let reply = &mut context.reply;
    reply.push(3);
    reply.bulk(word.as_bytes());
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.count(count);
}

/// PUBLISH: sends a message to a channel's subscribers, and says how many times.
pub(crate) fn publish(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let sent = context.engine.publish(args[1], args[2]);
    context.reply.count(sent);
    Ok(())
}

/// SPUBLISH: sends a message to a shard channel's subscribers, and says how many they are.
pub(crate) fn spublish(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let sent = context.engine.publish_to_shard(args[1], args[2]);
    context.reply.count(sent);
    Ok(())
}

/// PUBSUB CHANNELS: the channels that have subscribers, or those of them that match.
pub(crate) fn channels(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    list(context, Kind::Channel, args)
}

/// PUBSUB SHARDCHANNELS: the shard channels that have subscribers, or those of them that match.
pub(crate) fn shardchannels(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    list(context, Kind::Shard, args)
}

fn list(context: &mut Context<'_>, kind: Kind, args: &[&[u8]]) -> Result<(), Error> {
    let pattern = match args {
        [_, _] => None,
        [_, _, pattern] => Some(*pattern),
        _ => return Err(Error::wrong_subcommand(args)),
    };
    let Context { engine, reply, .. } = context;
    let is_wanted =
        |name: &&[u8]| pattern.is_none_or(|pattern| glob::matches(pattern, name, Case::Sensitive));
    let names: Vec<&[u8]> = engine.pubsub.names(kind).map(|name| &**name).filter(is_wanted).collect();
    reply.array(names.len());
    names.into_iter().for_each(|name| reply.bulk(name));
    Ok(())
}

/// PUBSUB NUMSUB: how many have subscribed to each of these channels.
pub(crate) fn numsub(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    count(context, Kind::Channel, &args[2..])
}

/// PUBSUB SHARDNUMSUB: how many have subscribed to each of these shard channels.
pub(crate) fn shardnumsub(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    count(context, Kind::Shard, &args[2..])
}

fn count(context: &mut Context<'_>, kind: Kind, names: &[&[u8]]) -> Result<(), Error> {
    context.reply.array(names.len() * 2);
    for name in names {
        let subscribers = context.engine.pubsub.subscribers(kind, name);
        context.reply.bulk(name);
        context.reply.count(subscribers);
    }
    Ok(())
}

/// PUBSUB NUMPAT: how many patterns anybody has subscribed to.
pub(crate) fn numpat(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let count = context.engine.pubsub.len(Kind::Pattern);
    context.reply.count(count);
    Ok(())
}
