//! Strings that are numbers: INCR and its kin.

use keyspace::{Expiry, NumberBuffer, StringValue};

use crate::args::integer;
use crate::config::EventClasses;
use crate::context::Context;
use crate::error::Error;
use crate::long_double::LongDouble;
use crate::lookup::string;

/// INCR: adds one.
pub(crate) fn incr(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    add(context, args[1], 1)
}

/// DECR: takes one away.
pub(crate) fn decr(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    add(context, args[1], -1)
}

/// INCRBY: adds an integer.
pub(crate) fn incrby(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    add(context, args[1], integer(args[2])?)
}

/// DECRBY: takes an integer away.
pub(crate) fn decrby(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let amount = integer(args[2])?.checked_neg().ok_or(Error::fixed("ERR decrement would overflow"))?;
    add(context, args[1], amount)
}

fn add(context: &mut Context<'_>, key: &[u8], amount: i64) -> Result<(), Error> {
    let db = context.selected();
    let new = match context.engine.find(db, key) {
        Some(mut entry) => {
            let old = string(entry.get())?.to_integer().ok_or(Error::NOT_AN_INTEGER)?;
            let overflow = Error::fixed("ERR increment or decrement would overflow");
            let new = old.checked_add(amount).ok_or(overflow)?;
            entry.set_string(StringValue::Int(new));
            new
        }
        None => {
            context.engine.store(db, key, StringValue::Int(amount), Expiry::Never);
            amount
        }
    };
    context.engine.modified(db, key, EventClasses::STRING, "incrby");
    context.reply.integer(new);
    Ok(())
}

/// INCRBYFLOAT: adds a floating-point number, with the precision of C's `long double` on x86.
pub(crate) fn incrbyfloat(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let (key, db) = (args[1], context.selected());
    let old = match context.engine.find(db, key) {
        Some(entry) => {
            let mut buffer = NumberBuffer::new();
            LongDouble::parse(string(entry.get())?.as_bytes(&mut buffer)).ok_or(Error::NOT_A_FLOAT)?
        }
        None => LongDouble::ZERO,
    };
    let amount = LongDouble::parse(args[2]).ok_or(Error::NOT_A_FLOAT)?;
    let new = old.checked_add(amount).ok_or(Error::fixed("ERR increment would produce NaN or Infinity"))?;
    let text = new.to_decimal();
    // Redis keeps the text, even where it reads as an integer.
    context.engine.store_changed(db, key, StringValue::text(text.as_bytes()), Expiry::Keep);
    context.engine.modified(db, key, EventClasses::STRING, "incrbyfloat");
    context.reply.bulk(text.as_bytes());
    Ok(())
}
