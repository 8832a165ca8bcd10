//! Bits of a string: SETBIT GETBIT BITCOUNT BITPOS BITOP.

use keyspace::{Expiry, Keyspace, NumberBuffer, StringValue};

use crate::args::{integer, is};
use crate::bits::{self, Operation};
use crate::config::EventClasses;
use crate::context::Context;
use crate::error::Error;
use crate::lookup::string;

const BAD_OFFSET: Error = Error::fixed("ERR bit offset is not an integer or out of range");
const BAD_BIT: Error = Error::fixed("ERR bit is not an integer or out of range");

/// The number of a bit, which lies within a string as long as `proto-max-bulk-len` allows. Where `width` is given,
/// `#3` is the bit at which the fourth field of that width begins.
pub(super) fn bit_offset(context: &Context<'_>, arg: &[u8], width: Option<u8>) -> Result<u64, Error> {
    let (digits, factor) = match (arg, width) {
        ([b'#', digits @ ..], Some(width)) => (digits, i64::from(width)),
        _ => (arg, 1),
    };
    let number = keyspace::parse_integer(digits).ok_or(BAD_OFFSET)?;
    let offset = u64::try_from(number.wrapping_mul(factor)).map_err(|_| BAD_OFFSET)?;
    if offset >> 3 >= context.engine.config.proto_max_bulk_len { Err(BAD_OFFSET) } else { Ok(offset) }
}

/// Checks that a key holds a string, or creates an empty one.
pub(super) fn ready_for_writing(context: &mut Context<'_>, key: &[u8]) -> Result<(), Error> {
    let db = context.selected();
    match context.engine.find(db, key) {
        Some(entry) => string(entry.get()).map(drop),
        None => {
            context.engine.store(db, key, StringValue::Raw(b""), Expiry::Never);
            Ok(())
        }
    }
}

/// SETBIT: sets or clears a bit, and answers with what it was; the string grows as far as it must.
pub(crate) fn setbit(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let offset = bit_offset(context, args[2], None)?;
    let value = match keyspace::parse_integer(args[3]) {
        Some(bit @ (0 | 1)) => bit == 1,
        _ => return Err(BAD_BIT),
    };
    ready_for_writing(context, args[1])?;
    let db = context.selected();
    let Some(mut entry) = context.engine.find(db, args[1]) else { return Ok(()) };
    let at = (offset / 8) as usize;
    let old = string(entry.get())?.as_bytes(&mut NumberBuffer::new()).get(at).copied().unwrap_or(0);
    let mask = bits::mask(offset);
    let had = old & mask != 0;
    let len = string(entry.get())?.len();
    let has_grown = entry.set_range(at, &[if value { old | mask } else { old & !mask }]) > len;
    if has_grown || had != value {
        context.engine.modified(db, args[1], EventClasses::STRING, "setbit");
    }
    context.reply.integer(had.into());
    Ok(())
}

/// GETBIT: a bit of a string, which is followed by as many zeros as anyone likes.
pub(crate) fn getbit(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let offset = bit_offset(context, args[2], None)?;
    let db = context.selected();
    let bit = match context.engine.read(db, args[1]) {
        Some(entry) => bits::bit(string(entry)?.as_bytes(&mut NumberBuffer::new()), offset),
        None => false,
    };
    context.reply.integer(bit.into());
    Ok(())
}

/// A part of a string as commands give it: its ends, where negative numbers count from the string's end.
struct Part {
    start: i64,
    end: Option<i64>,
    in_bits: bool,
}

impl Part {
    /// Whether an argument is the word BIT rather than BYTE.
    fn unit(arg: &[u8]) -> Result<bool, Error> {
        match () {
            () if is(arg, "bit") => Ok(true),
            () if is(arg, "byte") => Ok(false),
            () => Err(Error::SYNTAX),
        }
    }

    /// The first bit and the last; `None` when the part has none.
    fn resolve(&self, bytes: &[u8]) -> Option<(u64, u64)> {
        let bits = 8 * bytes.len() as i64;
        let (len, width) = if self.in_bits { (bits, 1) } else { (bits / 8, 8) };
        let from_start = |index: i64| if index < 0 { (index + len).max(0) } else { index };
        let (start, end) = (from_start(self.start), from_start(self.end.unwrap_or(-1)).min(len - 1));
        (start <= end).then(|| ((start * width) as u64, (end * width + width - 1) as u64))
    }
}

/// BITCOUNT: how many bits are set, in a string or a part of it.
///
/// As in Redis 7.0 a key that doesn't exist is answered before the part is looked at, and a part that is none before
/// its unit.
pub(crate) fn bitcount(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let db = context.selected();
    let Context { engine, reply, .. } = context;
    let Some(entry) = engine.read(db, args[1]) else {
        reply.integer(0);
        return Ok(());
    };
    let mut buffer = NumberBuffer::new();
    let value = string(entry)?;
    let bytes = value.as_bytes(&mut buffer);
    let part = match &args[2..] {
        [] => Part { start: 0, end: None, in_bits: false },
        [start, end, unit @ ..] if unit.len() <= 1 => {
            let (start, end) = (integer(start)?, integer(end)?);
            if start < 0 && end < 0 && start > end {
                reply.integer(0);
                return Ok(());
            }
            let in_bits = unit.first().map_or(Ok(false), |unit| Part::unit(unit))?;
            Part { start, end: Some(end), in_bits }
        }
        _ => return Err(Error::SYNTAX),
    };
    let count = part.resolve(bytes).map_or(0, |(first, last)| bits::count_range(bytes, first, last));
    reply.integer(count.cast_signed());
    Ok(())
}

/// BITPOS: the first bit that is set, or clear; -1 if there is none.
///
/// Without an end the string is followed by zeros, the first of which is found when nothing before it is clear.
pub(crate) fn bitpos(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let wanted = match integer(args[2])? {
        bit @ (0 | 1) => bit == 1,
        _ => return Err(Error::fixed("ERR The bit argument must be 1 or 0.")),
    };
    let db = context.selected();
    let Context { engine, reply, .. } = context;
    let Some(entry) = engine.read(db, args[1]) else {
        reply.integer(if wanted { -1 } else { 0 });
        return Ok(());
    };
    let mut buffer = NumberBuffer::new();
    let value = string(entry)?;
    let bytes = value.as_bytes(&mut buffer);
    let part = match &args[3..] {
        [] => Part { start: 0, end: None, in_bits: false },
        [start] => Part { start: integer(start)?, end: None, in_bits: false },
        [start, end, unit @ ..] if unit.len() <= 1 => {
            let start = integer(start)?;
            let in_bits = unit.first().map_or(Ok(false), |unit| Part::unit(unit))?;
            Part { start, end: Some(integer(end)?), in_bits }
        }
        _ => return Err(Error::SYNTAX),
    };
    let found = part.resolve(bytes).and_then(|(first, last)| {
        let padding = (!wanted && part.end.is_none()).then_some(last + 1);
        bits::find(bytes, wanted, first, last).or(padding)
    });
    reply.integer(found.map_or(-1, u64::cast_signed));
    Ok(())
}

/// The string under a key, if there is one.
fn text<'a>(keyspace: &'a Keyspace, db: usize, key: &[u8]) -> Option<StringValue<'a>> {
    keyspace.db(db).find(key).and_then(|entry| string(entry).ok())
}

/// BITOP: stores what an operation makes of the bits of other strings, and answers with its length in bytes.
pub(crate) fn bitop(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let operation = match args[1] {
        name if is(name, "and") => Operation::And,
        name if is(name, "or") => Operation::Or,
        name if is(name, "xor") => Operation::Xor,
        name if is(name, "not") => Operation::Not,
        _ => return Err(Error::SYNTAX),
    };
    let (destination, keys) = (args[2], &args[3..]);
    if operation == Operation::Not && keys.len() != 1 {
        return Err(Error::fixed("ERR BITOP NOT must be called with a single source key."));
    }
    let db = context.selected();
    for key in keys {
        if let Some(entry) = context.engine.read(db, key) {
            string(entry)?;
        }
    }
    let keyspace = &context.engine.keyspace;
    let len = keys.iter().filter_map(|key| text(keyspace, db, key)).map(|text| text.len()).max().unwrap_or(0);
    if len == 0 {
        context.engine.remove_stored(db, destination);
    } else {
        let direction = context.engine.bitop_direction;
        context.engine.bitop_direction = direction.opposite();
        // The old text of a destination that is a source too is needed until the new one is there.
        let reusable = if keys.contains(&destination) { 0 } else { len };
        context.engine.store_made(db, destination, reusable, |keyspace, room| {
            let mut buffers = vec![NumberBuffer::new(); keys.len()];
            let sources: Vec<&[u8]> = keys
                .iter()
                .zip(&mut buffers)
                .map(|(key, buffer)| text(keyspace, db, key).map_or(&[][..], |text| text.as_bytes(buffer)))
                .collect();
            bits::combine(operation, &sources, room, direction)
        });
        context.engine.modified(db, destination, EventClasses::STRING, "set");
    }
    context.reply.count(len);
    Ok(())
}
