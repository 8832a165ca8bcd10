//! Values in a form that other servers read: DUMP and RESTORE.

use std::borrow::Cow;

use keyspace::{Entry, MAX_EMBSTR, Place, StringValue};
use persist::{Text, Value, Writer, dump as payload};

use crate::access;
use crate::args::{TimeUnit, integer, is};
use crate::config::{EventClasses, SanitizeDumpPayload};
use crate::context::Context;
use crate::error::Error;
use crate::lookup::is_expired;

const BUSY_KEY: Error = Error::fixed("BUSYKEY Target key name already exists.");
const BAD_FORMAT: Error = Error::fixed("ERR Bad data format");
const NO_PAYLOAD: Error = Error::fixed("ERR DUMP payload version or checksum are wrong");

/// DUMP: a value as an RDB file has it, with the format's version and a checksum.
pub(crate) fn dump(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let db = context.selected();
    let Context { engine, reply, .. } = context;
    let mut writer = Writer::new(engine.config.rdbcompression);
    match engine.read(db, args[1]) {
        None => reply.null(),
        Some(entry) => {
            persist::write_value(&mut writer, entry, db);
            reply.bulk(&payload::seal(writer));
        }
    }
    Ok(())
}

/// What RESTORE is asked to do beside storing a value.
#[derive(Clone, Copy, Debug, Default)]
struct Options {
    replace: bool,
    absolute: bool,
    idle_seconds: Option<u64>,
    frequency: Option<u8>,
}

impl Options {
    fn parse(args: &[&[u8]]) -> Result<Self, Error> {
        let mut options = Self::default();
        let mut args = args.iter().copied();
        while let Some(arg) = args.next() {
            match () {
                _ if is(arg, "replace") => options.replace = true,
                _ if is(arg, "absttl") => options.absolute = true,
                _ if is(arg, "idletime") && options.frequency.is_none() => {
                    let seconds = integer(args.next().ok_or(Error::SYNTAX)?)?;
                    let invalid = Error::fixed("ERR Invalid IDLETIME value, must be >= 0");
                    options.idle_seconds = Some(u64::try_from(seconds).map_err(|_| invalid)?);
                }
                _ if is(arg, "freq") && options.idle_seconds.is_none() => {
                    let frequency = integer(args.next().ok_or(Error::SYNTAX)?)?;
                    let invalid = Error::fixed("ERR Invalid FREQ value, must be >= 0 and <= 255");
                    options.frequency = Some(u8::try_from(frequency).map_err(|_| invalid)?);
                }
                _ => return Err(Error::SYNTAX),
            }
        }
        Ok(options)
    }

    /// The access clock of the key, if these say what it should be and the policy in force can tell it.
    fn clock(self, now: access::Clock) -> u32 {
        let stated = self.idle_seconds.and_then(|seconds| now.idle_for(seconds));
        let stated = stated.or_else(|| self.frequency.and_then(|frequency| now.with_frequency(frequency)));
        stated.unwrap_or_else(|| now.created())
    }
}

/// RESTORE: stores a value that DUMP has answered with.
pub(crate) fn restore(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let (key, ttl, dumped) = (args[1], args[2], args[3]);
    let options = Options::parse(&args[4..])?;
    let (db, now) = (context.selected(), context.engine.clock.now_ms());
    if !options.replace && context.engine.find(db, key).is_some() {
        return Err(BUSY_KEY);
    }
    let expiry = expiry(ttl, options.absolute, now)?;
    let value = read(context, dumped, Place { db, key })?;
    let clock = options.clock(access::Clock::of(&context.engine.config, &context.engine.clock));
    let entry = entry(key, value, expiry, clock);
    if is_expired(entry.as_ref(), now) {
        // What was to be replaced is gone, and what should have taken its place has expired.
        context.engine.remove_stored(db, key);
    } else {
        context.engine.insert(db, key, entry);
        context.engine.modified(db, key, EventClasses::GENERIC, "restore");
    }
    context.reply.ok();
    Ok(())
}

/// When the key expires, in milliseconds since 1970; 0 is never. As in Redis, what is beyond 64 bits has passed.
fn expiry(ttl: &[u8], absolute: bool, now_ms: i64) -> Result<Option<i64>, Error> {
    let unit = if absolute { TimeUnit::UnixMilliseconds } else { TimeUnit::Milliseconds };
    match integer(ttl)? {
        ..0 => Err(Error::fixed("ERR Invalid TTL value, must be >= 0")),
        0 => Ok(None),
        amount => Ok(Some(unit.to_unix_ms(amount, now_ms).unwrap_or(0))),
    }
}

/// The value in a payload, which is for `place`.
fn read<'a>(context: &Context<'_>, dumped: &'a [u8], place: Place<'_>) -> Result<Value<'a>, Error> {
    let mut reader = payload::open(dumped).map_err(|_| NO_PAYLOAD)?;
    let sanitizes = match context.engine.config.sanitize_dump_payload {
        SanitizeDumpPayload::No => false,
        SanitizeDumpPayload::Yes => true,
        SanitizeDumpPayload::Clients => !context.client().user.skips_sanitizing(),
    };
    if sanitizes {
        persist::skip_value(&mut reader.clone()).map_err(|_| BAD_FORMAT)?;
    }
    let types = context.engine.module_types.clone();
    let value = persist::read_value(&mut reader, &types, place).map_err(|_| BAD_FORMAT)?;
    reader.finish().map_err(|_| BAD_FORMAT)?;
    Ok(value)
}

/// An entry of a value that was read: a string is stored as SET stores it.
fn entry(key: &[u8], value: Value<'_>, expiry: Option<i64>, clock: u32) -> Entry {
    match value {
        Value::String(Text::Integer(value)) => Entry::new(key, StringValue::Int(value), expiry, clock),
        // It was allocated to be decompressed into, and is taken over as it is.
        Value::String(Text::Bytes(Cow::Owned(text))) if text.len() > MAX_EMBSTR => {
            Entry::from_vec(key, text, expiry, clock)
        }
        Value::String(Text::Bytes(text)) => Entry::new(key, StringValue::encode(&text), expiry, clock),
        Value::Module(value) => Entry::from_module(key, value, expiry, clock),
    }
}
