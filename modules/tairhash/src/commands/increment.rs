//! EXHINCRBY and EXHINCRBYFLOAT.
//!
//! A field's expiry is lost unless KEEPTTL or a new one is given, as with EXHSET.

use module_kit::errors;
use module_kit::number::{add_floats, add_integers, parse_float, parse_integer};
use module_kit::options::{Allowed, Options};
use redis_module::{Context, RedisError, RedisResult, RedisString, RedisValue};

use super::{OPTIONS, arguments, deadline, next_version};
use crate::effect::{Outcome, Replication, write};
use crate::fields::{Field, Fields};

/// Tair's module has words of its own for these here.
const NOT_FLOAT: RedisError = RedisError::Str("ERR value is not an float");
const INTEGER_BOUNDS: RedisError =
    RedisError::Str("ERR min or max is specified, but value is not an integer");
const FLOAT_BOUNDS: RedisError = RedisError::Str("ERR min or max is specified, but value is not a float");
const BOUNDS: RedisError = RedisError::Str("ERR min value is bigger than max value");

const ALLOWED: Allowed = Allowed { existence: false, bounds: true, ..OPTIONS };

/// `EXHINCRBY key field num [EX s | EXAT s | PX ms | PXAT ms | KEEPTTL] [VER v | ABS v | GT v] [MIN n]
/// [MAX n]`: the sum.
pub(crate) fn exhincrby(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 4, usize::MAX)?;
    let integer = |text: &[u8]| parse_integer(text).ok_or(errors::NOT_INTEGER);
    let increment = integer(all[3])?;
    let options = Options::parse(&all[4..], ALLOWED)?;
    let (min, max) = bounds(&options, parse_integer, INTEGER_BOUNDS)?;
    write(context, &args[1], "exhincrby", &all[2..3], |fields, now| {
        add(fields, all[2], &options, now, |old| {
            let sum = add_integers(integer(old)?, increment, min, max)?;
            Ok((sum.to_string(), RedisValue::Integer(sum)))
        })
    })
}

/// `EXHINCRBYFLOAT key field num [EX s | EXAT s | PX ms | PXAT ms | KEEPTTL] [VER v | ABS v | GT v]
/// [MIN n] [MAX n]`: the sum as a string.
pub(crate) fn exhincrbyfloat(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 4, usize::MAX)?;
    parse_float(all[3]).ok_or(NOT_FLOAT)?;
    let options = Options::parse(&all[4..], ALLOWED)?;
    let (min, max) = bounds(&options, parse_float, FLOAT_BOUNDS)?;
    write(context, &args[1], "exhincrbyfloat", &all[2..3], |fields, now| {
        add(fields, all[2], &options, now, |old| {
            parse_float(old).ok_or(NOT_FLOAT)?;
            let sum = add_floats(old, all[3], min, max)?;
            Ok((sum.clone(), RedisValue::BulkString(sum)))
        })
    })
}

/// Reads MIN and MAX.
fn bounds<T: PartialOrd + Copy>(
    options: &Options<'_>,
    parse: fn(&[u8]) -> Option<T>,
    not_a_number: RedisError,
) -> Result<(Option<T>, Option<T>), RedisError> {
    let [min, max] = [options.min, options.max].map(|text| text.map(parse));
    if min.is_some_and(|min| min.is_none()) || max.is_some_and(|max| max.is_none()) {
        return Err(not_a_number);
    }
    let (min, max) = (min.flatten(), max.flatten());
    if min.zip(max).is_some_and(|(min, max)| min > max) { Err(BOUNDS) } else { Ok((min, max)) }
}

/// Replaces a field's value by a sum; a field that isn't there is 0. Replicas get the sum, not the
/// increment: adding floats there might round otherwise.
fn add(
    fields: &mut Fields,
    name: &[u8],
    options: &Options<'_>,
    now: i64,
    sum: impl FnOnce(&[u8]) -> Result<(String, RedisValue), RedisError>,
) -> Result<Outcome, RedisError> {
    let current = fields.get(name, now);
    let version = next_version(options, current)?;
    let (value, reply) = sum(current.map_or(b"0", |field| &field.value))?;
    let deadline = deadline(options, current, now);
    let field = Field { name: name.to_vec(), value: value.into_bytes(), version, deadline };
    fields.insert(field.clone());
    Ok(Outcome { reply, replication: Replication::Fields(vec![field]) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_sum_changes_nothing() {
        let mut fields = Fields::default();
        let none = Options::default();
        let plus = |by: i64| {
            move |old: &[u8]| {
                let sum = add_integers(parse_integer(old).ok_or(errors::NOT_INTEGER)?, by, None, Some(10))?;
                Ok((sum.to_string(), RedisValue::Integer(sum)))
            }
        };
        assert_eq!(add(&mut fields, b"f", &none, 0, plus(7)).unwrap().reply, RedisValue::Integer(7));
        assert!(add(&mut fields, b"f", &none, 0, plus(7)).is_err());
        let field = fields.get(b"f", 0).unwrap();
        assert_eq!((&field.value[..], field.version), (&b"7"[..], 1));
        fields.insert(Field { value: b"x".to_vec(), ..field.clone() });
        assert!(add(&mut fields, b"f", &none, 0, plus(1)).is_err());
    }
}
