//! Keys whatever they hold: removing, renaming, copying, moving, listing.

use crate::args::{is, small_integer};
use crate::context::Context;
use crate::error::Error;
use crate::lookup::is_expired;
use crate::server_events::ServerEvent;
use keyspace::glob::{self, Case};

const SAME_OBJECT: Error = Error::fixed("ERR source and destination objects are the same");

/// DEL: removes keys.
pub(crate) fn del(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let lazy = context.engine.config.lazyfree_lazy_user_del;
    remove_all(context, &args[1..], lazy)
}

/// UNLINK: removes keys; what takes long to free is freed on another thread.
pub(crate) fn unlink(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    remove_all(context, &args[1..], true)
}

fn remove_all(context: &mut Context<'_>, keys: &[&[u8]], lazy: bool) -> Result<(), Error> {
    let db = context.selected();
    let removed = keys.iter().filter(|key| context.engine.remove(db, key, lazy)).count();
    context.reply.count(removed);
    Ok(())
}

/// EXISTS: how many of the keys there are; one that is named twice counts twice.
pub(crate) fn exists(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let db = context.selected();
    let found = args[1..].iter().filter(|key| context.engine.read_untouched(db, key).is_some()).count();
    context.reply.count(found);
    Ok(())
}

/// TOUCH: how many of the keys there are, which counts as an access to each.
pub(crate) fn touch(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let db = context.selected();
    let found = args[1..].iter().filter(|key| context.engine.read(db, key).is_some()).count();
    context.reply.count(found);
    Ok(())
}

/// TYPE: the name of the type of the value at a key, `none` where there is none.
pub(crate) fn type_(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let db = context.selected();
    let entry = context.engine.read_untouched(db, args[1]);
    let name = entry.map_or("none".into(), |entry| entry.type_name());
    context.reply.simple(&name);
    Ok(())
}

/// KEYS: every key that matches a pattern.
pub(crate) fn keys(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let pattern = args[1];
    let (db, now) = (context.selected(), context.engine.clock.now_ms());
    let Context { engine, reply, .. } = context;
    let mut found = Vec::new();
    engine.keyspace.db(db).for_each(|entry| {
        let wanted = pattern == b"*" || glob::matches(pattern, entry.key(), Case::Sensitive);
        if wanted && !is_expired(entry, now) {
            found.push(entry.key());
        }
    });
    reply.array(found.len());
    found.into_iter().for_each(|key| reply.bulk(key));
    Ok(())
}

/// RANDOMKEY: any key, each as likely as the others.
pub(crate) fn randomkey(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let db = context.selected();
    match context.engine.random_key(db) {
        Some(key) => context.reply.bulk(&key),
        None => context.reply.null(),
    }
    Ok(())
}

/// RENAME: gives a value another key, whatever that held.
pub(crate) fn rename(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let (from, to, db) = (args[1], args[2], context.selected());
    context.engine.find(db, from).ok_or(Error::NO_SUCH_KEY)?;
    if from != to {
        // What has expired there goes first, so that this is told before the rest.
        context.engine.find(db, to);
        context.engine.rename(db, from, to);
    }
    context.reply.ok();
    Ok(())
}

/// RENAMENX: gives a value another key, unless there is one of that name.
pub(crate) fn renamenx(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let (from, to, db) = (args[1], args[2], context.selected());
    context.engine.find(db, from).ok_or(Error::NO_SUCH_KEY)?;
    let free = from != to && context.engine.find(db, to).is_none();
    if free {
        context.engine.rename(db, from, to);
    }
    context.reply.integer(free.into());
    Ok(())
}

/// Why a value couldn't be copied: only those of modules' types refuse to be.
fn not_copied(context: &mut Context<'_>, db: usize, key: &[u8]) -> Error {
    let entry = context.engine.find(db, key);
    let can_copy = entry.and_then(|entry| entry.get().module().map(|value| value.kind().can_copy()));
    Error::fixed(match can_copy {
        Some(false) => "ERR not supported for this module key",
        Some(true) | None => "ERR module key failed to copy",
    })
}

/// COPY: stores a value under another key, in this database or another.
pub(crate) fn copy(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let (from, to, db) = (args[1], args[2], context.selected());
    let (mut target, mut replace) = (db, false);
    let mut options = args[3..].iter().copied();
    while let Some(option) = options.next() {
        match () {
            _ if is(option, "replace") => replace = true,
            _ if is(option, "db") => target = context.database(options.next().ok_or(Error::SYNTAX)?)?,
            _ => return Err(Error::SYNTAX),
        }
    }
    if target == db && from == to {
        return Err(SAME_OBJECT);
    }
    let exists = context.engine.read(db, from).is_some();
    let copied = exists && (context.engine.find(target, to).is_none() || replace);
    if copied && !context.engine.copy(db, from, target, to) {
        return Err(not_copied(context, db, from));
    }
    context.reply.integer(copied.into());
    Ok(())
}

/// MOVE: takes a key to another database, unless there is one of that name.
pub(crate) fn move_(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let (key, db) = (args[1], context.selected());
    let target = context.database(args[2])?;
    if target == db {
        return Err(SAME_OBJECT);
    }
    let moved = context.engine.find(db, key).is_some() && context.engine.find(target, key).is_none();
    if moved {
        context.engine.move_key(db, key, target);
    }
    context.reply.integer(moved.into());
    Ok(())
}

/// DBSIZE: the number of keys, those included whose time has come but which nobody has looked at since.
pub(crate) fn dbsize(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let len = context.db().len();
    context.reply.count(len);
    Ok(())
}

/// FLUSHDB: removes every key of the selected database.
pub(crate) fn flushdb(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let lazy = flush_option(context, args)?;
    let db = context.selected();
    let sync = !lazy;
    context.engine.tell(&ServerEvent::FlushBegins { db: Some(db), sync });
    context.engine.flush(db, lazy);
    context.engine.invalidate_all();
    context.engine.tell(&ServerEvent::FlushEnds { db: Some(db), sync });
    context.reply.ok();
    Ok(())
}

/// FLUSHALL: removes every key of every database.
pub(crate) fn flushall(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let lazy = flush_option(context, args)?;
    context.engine.flush_all(lazy);
    context.reply.ok();
    Ok(())
}

/// Whether ASYNC or SYNC was asked for, or else what is configured.
fn flush_option(context: &Context<'_>, args: &[&[u8]]) -> Result<bool, Error> {
    match args {
        [_] => Ok(context.engine.config.lazyfree_lazy_user_flush),
        [_, option] if is(option, "async") => Ok(true),
        [_, option] if is(option, "sync") => Ok(false),
        _ => Err(Error::SYNTAX),
    }
}

/// SWAPDB: exchanges the contents of two databases.
pub(crate) fn swapdb(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let number = |arg, error| small_integer(arg).map_err(|_| Error::fixed(error));
    let first = number(args[1], "ERR invalid first DB index")?;
    let second = number(args[2], "ERR invalid second DB index")?;
    let within = |index| usize::try_from(index).ok().filter(|&index| index < context.engine.keyspace.count());
    let (Some(first), Some(second)) = (within(first), within(second)) else {
        return Err(Error::DB_OUT_OF_RANGE);
    };
    if first != second && !context.engine.watches.is_empty() {
        context.engine.touch_database(first, Some(second));
        context.engine.touch_database(second, Some(first));
    }
    if first != second {
        context.engine.signal_replaced(first, second);
        context.engine.signal_replaced(second, first);
    }
    context.engine.keyspace.swap(first, second);
    context.engine.signal_arrived(first);
    context.engine.signal_arrived(second);
    context.engine.tell(&ServerEvent::Swapped(first, second));
    context.reply.ok();
    Ok(())
}
