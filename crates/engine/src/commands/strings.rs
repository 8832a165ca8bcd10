//! Strings: SET and GET in all their forms, and ranges of a string.

use keyspace::{Expiry, NumberBuffer, StringValue};

use crate::args::{TimeUnit, integer, is, positive_expiry};
use crate::config::EventClasses;
use crate::context::Context;
use crate::engine::Engine;
use crate::error::Error;
use crate::lookup::{reply_string, string};

/// What SET and GETEX are asked to do beside setting and getting.
#[derive(Clone, Copy, Debug, Default)]
struct Options<'a> {
    only_if: Option<Existence>,
    get: bool,
    lifetime: Option<Lifetime<'a>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Existence {
    Absent,
    Present,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lifetime<'a> {
    At(TimeUnit, &'a [u8]),
    Keep,
    Persist,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Set,
    GetEx,
}

impl<'a> Options<'a> {
    fn parse(args: &[&'a [u8]], form: Form) -> Result<Self, Error> {
        let mut options = Self::default();
        let mut args = args.iter().copied();
        while let Some(arg) = args.next() {
            let lifetime = options.lifetime;
            match () {
                _ if form == Form::Set && is(arg, "nx") && options.only_if != Some(Existence::Present) => {
                    options.only_if = Some(Existence::Absent);
                }
                _ if form == Form::Set && is(arg, "xx") && options.only_if != Some(Existence::Absent) => {
                    options.only_if = Some(Existence::Present);
                }
                _ if form == Form::Set && is(arg, "get") => options.get = true,
                _ if form == Form::Set
                    && is(arg, "keepttl")
                    && matches!(lifetime, None | Some(Lifetime::Keep)) =>
                {
                    options.lifetime = Some(Lifetime::Keep);
                }
                _ if form == Form::GetEx
                    && is(arg, "persist")
                    && matches!(lifetime, None | Some(Lifetime::Persist)) =>
                {
                    options.lifetime = Some(Lifetime::Persist);
                }
                // A unit may be given again, but not another one.
                _ => match (TimeUnit::from_option(arg), args.next(), lifetime) {
                    (Some(unit), Some(amount), None) => options.lifetime = Some(Lifetime::At(unit, amount)),
                    (Some(unit), Some(amount), Some(Lifetime::At(same, _))) if same == unit => {
                        options.lifetime = Some(Lifetime::At(unit, amount));
                    }
                    _ => return Err(Error::SYNTAX),
                },
            }
        }
        Ok(options)
    }
}

/// SET: stores a value, replacing whatever the key held.
pub(crate) fn set(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let (key, value) = (args[1], args[2]);
    if args.len() == 3 {
        let db = context.selected();
        set_value(context, db, key, value, Expiry::Never);
        context.reply.ok();
        return Ok(());
    }
    let options = Options::parse(&args[3..], Form::Set)?;
    set_with(context, key, value, options, |context, stored| match stored {
        true => context.reply.ok(),
        false => context.reply.null(),
    })
}

/// Stores a value, and tells of it.
#[inline]
fn set_value(context: &mut Context<'_>, db: usize, key: &[u8], value: &[u8], expiry: Expiry) {
    let engine = &mut *context.engine;
    engine.store(db, key, StringValue::encode(value), expiry);
    engine.modified(db, key, EventClasses::STRING, "set");
    if matches!(expiry, Expiry::At(_)) {
        engine.notify(db, key, EventClasses::GENERIC, "expire");
    }
}

fn set_with(
    context: &mut Context<'_>,
    key: &[u8],
    value: &[u8],
    options: Options<'_>,
    reply: fn(&mut Context<'_>, bool),
) -> Result<(), Error> {
    let db = context.selected();
    let now = context.engine.clock.now_ms();
    let expiry = match options.lifetime {
        Some(Lifetime::At(unit, amount)) => {
            Expiry::At(positive_expiry(amount, unit, now, context.command.name)?)
        }
        Some(Lifetime::Keep) => Expiry::Keep,
        Some(Lifetime::Persist) | None => Expiry::Never,
    };
    if options.get {
        write_value(context, key)?;
    }
    let exists = |engine: &mut Engine| engine.find(db, key).is_some();
    let store = match options.only_if {
        None => true,
        Some(Existence::Absent) => !exists(context.engine),
        Some(Existence::Present) => exists(context.engine),
    };
    if store {
        set_value(context, db, key, value, expiry);
    }
    if !options.get {
        reply(context, store);
    }
    Ok(())
}

/// SETNX: stores a value where there is none.
pub(crate) fn setnx(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let options = Options { only_if: Some(Existence::Absent), ..Options::default() };
    set_with(context, args[1], args[2], options, |context, stored| context.reply.integer(stored.into()))
}

/// SETEX: stores a value for so many seconds.
pub(crate) fn setex(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let lifetime = Some(Lifetime::At(TimeUnit::Seconds, args[2]));
    set_with(context, args[1], args[3], Options { lifetime, ..Options::default() }, |context, _| {
        context.reply.ok()
    })
}

/// PSETEX: stores a value for so many milliseconds.
pub(crate) fn psetex(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let lifetime = Some(Lifetime::At(TimeUnit::Milliseconds, args[2]));
    set_with(context, args[1], args[3], Options { lifetime, ..Options::default() }, |context, _| {
        context.reply.ok()
    })
}

/// Replies the string at a key, or null.
fn write_value(context: &mut Context<'_>, key: &[u8]) -> Result<bool, Error> {
    let db = context.selected();
    let Context { engine, reply, .. } = context;
    match engine.read(db, key) {
        None => {
            reply.null();
            Ok(false)
        }
        Some(entry) => {
            reply_string(reply, string(entry)?);
            Ok(true)
        }
    }
}

/// GET: the string at a key.
pub(crate) fn get(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    write_value(context, args[1]).map(drop)
}

/// GETEX: the string at a key, whose time to live is changed.
pub(crate) fn getex(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let options = Options::parse(&args[2..], Form::GetEx)?;
    let (key, db, now) = (args[1], context.selected(), context.engine.clock.now_ms());
    if let Some(Lifetime::At(unit, amount)) = options.lifetime {
        // A key that isn't there is answered before the time to live is looked at.
        if context.engine.find(db, key).is_some() {
            let expiry = positive_expiry(amount, unit, now, context.command.name)?;
            write_value(context, key)?;
            context.engine.expire_at(db, key, expiry);
            return Ok(());
        }
    }
    let persist = options.lifetime == Some(Lifetime::Persist);
    if write_value(context, key)? && persist {
        context.engine.persist(db, key);
    }
    Ok(())
}

/// GETDEL: the string at a key, which is removed.
pub(crate) fn getdel(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    if write_value(context, args[1])? {
        let db = context.selected();
        let lazy = context.engine.config.lazyfree_lazy_server_del;
        context.engine.remove(db, args[1], lazy);
    }
    Ok(())
}

/// GETSET: the string at a key, which is replaced.
pub(crate) fn getset(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    write_value(context, args[1])?;
    let db = context.selected();
    set_value(context, db, args[1], args[2], Expiry::Never);
    Ok(())
}

/// MGET: the strings at several keys, null where there is none or something else.
pub(crate) fn mget(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let db = context.selected();
    let Context { engine, reply, .. } = context;
    reply.array(args.len() - 1);
    for key in &args[1..] {
        match engine.read(db, key).and_then(|entry| string(entry).ok()) {
            Some(value) => reply_string(reply, value),
            None => reply.null(),
        }
    }
    Ok(())
}

/// MSET: stores several values at once.
pub(crate) fn mset(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    store_pairs(context, args)?;
    context.reply.ok();
    Ok(())
}

/// MSETNX: stores several values, or none if any of the keys exists.
pub(crate) fn msetnx(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let db = context.selected();
    let is_even = args.len() % 2 == 1;
    if is_even && args[1..].iter().step_by(2).any(|key| context.engine.find(db, key).is_some()) {
        context.reply.integer(0);
        return Ok(());
    }
    store_pairs(context, args)?;
    context.reply.integer(1);
    Ok(())
}

fn store_pairs(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let (pairs, rest) = args[1..].as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Error::wrong_arity(context.command.name));
    }
    let db = context.selected();
    for [key, value] in pairs {
        set_value(context, db, key, value, Expiry::Never);
    }
    Ok(())
}

/// STRLEN: the length of the string at a key, 0 where there is none.
pub(crate) fn strlen(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let db = context.selected();
    let len = match context.engine.read(db, args[1]) {
        Some(entry) => string(entry)?.len(),
        None => 0,
    };
    context.reply.count(len);
    Ok(())
}

/// APPEND: adds to the end of the string at a key, or creates it.
pub(crate) fn append(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let (key, tail) = (args[1], args[2]);
    let db = context.selected();
    let limit = context.engine.config.proto_max_bulk_len;
    let len = match context.engine.find(db, key) {
        Some(mut entry) => {
            check_length(string(entry.get())?.len(), tail.len(), limit)?;
            entry.append(tail)
        }
        None => {
            context.engine.store(db, key, StringValue::encode(tail), Expiry::Never);
            tail.len()
        }
    };
    context.engine.modified(db, key, EventClasses::STRING, "append");
    context.reply.count(len);
    Ok(())
}

/// Refuses a string that would be longer than `proto-max-bulk-len`.
fn check_length(len: usize, more: usize, limit: u64) -> Result<(), Error> {
    let total = len.checked_add(more).and_then(|total| u64::try_from(total).ok());
    match total {
        Some(total) if total <= limit => Ok(()),
        _ => Err(Error::fixed("ERR string exceeds maximum allowed size (proto-max-bulk-len)")),
    }
}

/// SETRANGE: overwrites part of the string at a key, from an offset on; what lies before it is zeros.
pub(crate) fn setrange(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let (key, part) = (args[1], args[3]);
    let offset =
        usize::try_from(integer(args[2])?).map_err(|_| Error::fixed("ERR offset is out of range"))?;
    let (db, limit) = (context.selected(), context.engine.config.proto_max_bulk_len);
    let old = match context.engine.find(db, key) {
        Some(entry) => Some(string(entry.get())?.len()),
        None => None,
    };
    let len = if part.is_empty() {
        old.unwrap_or(0)
    } else {
        check_length(offset, part.len(), limit)?;
        if old.is_none() {
            context.engine.store(db, key, StringValue::Raw(b""), Expiry::Never);
        }
        let len = context.engine.find(db, key).map_or(0, |mut entry| entry.set_range(offset, part));
        context.engine.modified(db, key, EventClasses::STRING, "setrange");
        len
    };
    context.reply.count(len);
    Ok(())
}

/// GETRANGE and SUBSTR: part of the string at a key; negative indexes count from its end, both are included.
pub(crate) fn getrange(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let (start, end) = (integer(args[2])?, integer(args[3])?);
    let db = context.selected();
    let Context { engine, reply, .. } = context;
    let Some(entry) = engine.read(db, args[1]) else {
        reply.bulk(b"");
        return Ok(());
    };
    let mut buffer = NumberBuffer::new();
    let value = string(entry)?;
    let bytes = value.as_bytes(&mut buffer);
    reply.bulk(slice(bytes, start, end));
    Ok(())
}

/// The bytes from `start` to `end`, both included, where negative numbers count from the end.
fn slice(bytes: &[u8], start: i64, end: i64) -> &[u8] {
    let len = bytes.len() as i64;
    let from_start = |index: i64| if index < 0 { index.saturating_add(len).max(0) } else { index };
    let (first, last) = (from_start(start), from_start(end).min(len - 1));
    if (start < 0 && end < 0 && start > end) || first > last {
        return &[];
    }
    &bytes[first as usize..=last as usize]
}

#[cfg(test)]
mod tests {
    use super::slice;

    /// The definition, index by index.
    fn naive(bytes: &[u8], start: i64, end: i64) -> Vec<u8> {
        let len = bytes.len() as i128;
        let absolute = |index: i64| {
            let index = i128::from(index);
            if index < 0 { (index + len).max(0) } else { index }
        };
        if start < 0 && end < 0 && start > end {
            return Vec::new();
        }
        let within = |at: &i128| (absolute(start)..=absolute(end)).contains(at);
        (0..len).filter(within).map(|at| bytes[at as usize]).collect()
    }

    #[test]
    fn slices_agree_with_the_definition() {
        let indexes = [i64::MIN, i64::MIN + 1, -7, -6, -5, -2, -1, 0, 1, 2, 4, 5, 6, i64::MAX];
        for text in ["", "a", "hello"] {
            for start in indexes {
                for end in indexes {
                    let expected = naive(text.as_bytes(), start, end);
                    assert_eq!(slice(text.as_bytes(), start, end), expected, "{text:?} {start} {end}");
                }
            }
        }
    }
}
