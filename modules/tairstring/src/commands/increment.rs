//! EXINCRBY and EXINCRBYFLOAT.
//!
//! The key's expiry is lost unless KEEPTTL or a new one is given: otherwise than with Redis's INCR.

use module_kit::errors;
use module_kit::number::{add_floats, add_integers, parse_float, parse_integer};
use module_kit::options::{Allowed, Options};
use redis_module::{Context, RedisError, RedisResult, RedisString, RedisValue};

use super::{arguments, expiry_of_overwrite};
use crate::effect::{Change, Outcome, run};
use crate::value::TairString;

const FLOAT: Allowed = Allowed {
    expiry: true,
    keep_ttl: true,
    existence: true,
    version: true,
    bounds: true,
    greater_version: false,
    flags: false,
    default: false,
    non_negative: false,
    with_version: false,
    zero_expiry: false,
};

const INTEGER: Allowed = Allowed { default: true, non_negative: true, with_version: true, ..FLOAT };

/// What EXINCRBY adds, and within which bounds.
#[derive(Clone, Copy, Default)]
struct Sum {
    increment: i64,
    min: Option<i64>,
    max: Option<i64>,
    /// The value of a key that isn't there; nothing is added then.
    default: Option<i64>,
}

/// `EXINCRBY key num [EX s | EXAT s | PX ms | PXAT ms | KEEPTTL] [NX | XX] [VER v | ABS v] [MIN n]
/// [MAX n] [DEF n] [NONEGATIVE] [WITHVERSION]`: the sum, with WITHVERSION beside its version, or
/// null when NX or XX forbids it.
pub(crate) fn exincrby(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 3, usize::MAX)?;
    let integer = |text| parse_integer(text).ok_or(errors::NOT_INTEGER);
    let options = Options::parse(&all[3..], INTEGER)?;
    let sum = Sum {
        increment: integer(all[2])?,
        min: bound(options.min, parse_integer)?,
        max: bound(options.max, parse_integer)?,
        default: options.default.map(integer).transpose()?,
    };
    if sum.min.zip(sum.max).is_some_and(|(min, max)| min > max) {
        return Err(errors::BOUNDS);
    }
    run(context, &args[1], "exincrby", |current, now| add(current, sum, &options, now))
}

/// Reads MIN or MAX.
fn bound<T>(text: Option<&[u8]>, parse: fn(&[u8]) -> Option<T>) -> Result<Option<T>, RedisError> {
    text.map(|text| parse(text).ok_or(errors::BOUNDS)).transpose()
}

fn add(
    current: Option<&mut TairString>,
    sum: Sum,
    options: &Options<'_>,
    now: i64,
) -> Result<Outcome, RedisError> {
    if options.forbids(current.is_some()) {
        return Ok(Outcome::unchanged(RedisValue::Null));
    }
    let old = match &current {
        Some(current) => parse_integer(&current.value).ok_or(errors::NOT_INTEGER)?,
        None => 0,
    };
    let version = options.next_version(current.as_ref().map(|current| current.version))?;
    let new = match sum.default {
        Some(default) if current.is_none() => default,
        _ => add_integers(old, sum.increment, sum.min, sum.max)?,
    };
    let new = if options.non_negative { new.max(0) } else { new };
    let reply = match options.with_version {
        true => RedisValue::Array(vec![RedisValue::Integer(new), RedisValue::Integer(version)]),
        false => RedisValue::Integer(new),
    };
    let change = store(current, new.to_string().into_bytes(), version);
    Ok(Outcome::changed(reply, change, expiry_of_overwrite(options, now)))
}

/// `EXINCRBYFLOAT key num [EX s | EXAT s | PX ms | PXAT ms | KEEPTTL] [NX | XX] [VER v | ABS v]
/// [MIN n] [MAX n]`: the sum as a string, or null when NX or XX forbids it.
pub(crate) fn exincrbyfloat(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 3, usize::MAX)?;
    let float = |text| parse_float(text).ok_or(errors::NOT_FLOAT);
    float(all[2])?;
    let options = Options::parse(&all[3..], FLOAT)?;
    let (min, max) = (bound(options.min, parse_float)?, bound(options.max, parse_float)?);
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        return Err(errors::BOUNDS);
    }
    run(context, &args[1], "exincrbyfloat", |current, now| {
        add_float(current, all[2], (min, max), &options, now)
    })
}

fn add_float(
    current: Option<&mut TairString>,
    increment: &[u8],
    (min, max): (Option<f64>, Option<f64>),
    options: &Options<'_>,
    now: i64,
) -> Result<Outcome, RedisError> {
    if options.forbids(current.is_some()) {
        return Ok(Outcome::unchanged(RedisValue::Null));
    }
    let version = options.next_version(current.as_ref().map(|current| current.version))?;
    let old = current.as_ref().map_or(&b"0"[..], |current| &current.value);
    let new = add_floats(old, increment, min, max)?;
    let change = store(current, new.clone().into_bytes(), version);
    // Replicas get the sum, not the increment: adding floats there might round otherwise.
    Ok(Outcome::changed(RedisValue::BulkString(new), change, expiry_of_overwrite(options, now)))
}

fn store(current: Option<&mut TairString>, value: Vec<u8>, version: i64) -> Change {
    match current {
        Some(current) => {
            current.value = value;
            current.version = version;
            Change::Edited
        }
        None => Change::Created(TairString { version, flags: 0, value }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(text: &str) -> TairString {
        TairString { version: 1, flags: 2, value: text.as_bytes().to_vec() }
    }

    #[test]
    fn bounds_hold_and_refusals_change_nothing() {
        let none = Options::default();
        let mut value = stored("100");
        let sum = Sum { increment: 100, max: Some(150), ..Sum::default() };
        assert!(add(Some(&mut value), sum, &none, 0).is_err());
        assert!(add(Some(&mut stored("x")), sum, &none, 0).is_err());
        assert!(add(Some(&mut value), Sum { increment: i64::MAX, ..Sum::default() }, &none, 0).is_err());
        assert!(add_float(Some(&mut value), b"1", (Some(500.0), None), &none, 0).is_err());
        assert_eq!(value, stored("100"));
        let outcome = add(Some(&mut value), Sum { max: Some(200), ..sum }, &none, 0).unwrap();
        assert_eq!((outcome.reply, value.version), (RedisValue::Integer(200), 2));
        assert_eq!((value.flags, value.value), (2, b"200".to_vec()));
    }

    #[test]
    fn a_default_is_for_what_is_not_there() {
        let sum = Sum { increment: 1, default: Some(-100), ..Sum::default() };
        let options = Options { with_version: true, ..Options::default() };
        let outcome = add(None, sum, &options, 0).unwrap();
        assert_eq!(outcome.reply, RedisValue::Array(vec![RedisValue::Integer(-100), RedisValue::Integer(1)]));
        let outcome = add(Some(&mut stored("5")), sum, &Options::default(), 0).unwrap();
        assert_eq!(outcome.reply, RedisValue::Integer(6));
        let clamp = Options { non_negative: true, ..Options::default() };
        let outcome = add(Some(&mut stored("100")), Sum { increment: -200, ..Sum::default() }, &clamp, 0);
        assert_eq!(outcome.unwrap().reply, RedisValue::Integer(0));
    }
}
