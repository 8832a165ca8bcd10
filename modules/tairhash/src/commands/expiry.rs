//! EXHEXPIRE and its three sisters, EXHPERSIST, EXHTTL, EXHPTTL and EXHEXPIREINFO.

use module_kit::errors;
use module_kit::number::parse_integer;
use module_kit::options::{Allowed, Expiry, Options};
use redis_module::{Context, RedisError, RedisResult, RedisString, RedisValue};

use super::{arguments, next_version};
use crate::effect::{Outcome, Replication, read, write};
use crate::fields::{Field, Fields};
use crate::settings::Settings;
use crate::statistics;

/// `EXHEXPIRE key field seconds [VER v | ABS v | GT v]`: 1, or 0 when there is no such field.
pub(crate) fn exhexpire(context: &Context, args: Vec<RedisString>) -> RedisResult {
    expire_field(context, &args, 1000, Expiry::In)
}

/// `EXHEXPIREAT key field seconds-since-1970 [VER v | ABS v | GT v]`: the same.
pub(crate) fn exhexpireat(context: &Context, args: Vec<RedisString>) -> RedisResult {
    expire_field(context, &args, 1000, Expiry::At)
}

/// `EXHPEXPIRE key field milliseconds [VER v | ABS v | GT v]`: the same.
pub(crate) fn exhpexpire(context: &Context, args: Vec<RedisString>) -> RedisResult {
    expire_field(context, &args, 1, Expiry::In)
}

/// `EXHPEXPIREAT key field milliseconds-since-1970 [VER v | ABS v | GT v]`: the same.
pub(crate) fn exhpexpireat(context: &Context, args: Vec<RedisString>) -> RedisResult {
    expire_field(context, &args, 1, Expiry::At)
}

fn expire_field(
    context: &Context,
    args: &[RedisString],
    unit: i64,
    expiry: fn(i64) -> Expiry,
) -> RedisResult {
    let all = arguments(args, 4, usize::MAX)?;
    let time = parse_integer(all[3]).and_then(|time| time.checked_mul(unit)).filter(|time| *time >= 0);
    let time = time.ok_or(errors::SYNTAX)?;
    let allowed = Allowed { version: true, greater_version: true, ..Allowed::default() };
    let options = Options::parse(&all[4..], allowed)?;
    write(context, &args[1], "exhexpire", &all[2..3], |fields, now| {
        // 0 is at once, whichever way it is meant.
        let deadline = if time == 0 { 1 } else { expiry(time).deadline(now) };
        expire(fields, all[2], deadline, &options, now)
    })
}

fn expire(
    fields: &mut Fields,
    name: &[u8],
    deadline: i64,
    options: &Options<'_>,
    now: i64,
) -> Result<Outcome, RedisError> {
    let Some(current) = fields.get(name, now) else {
        return Ok(Outcome::unchanged(RedisValue::Integer(0)));
    };
    // It counts as a change, though the value stays.
    let version = next_version(options, Some(current))?;
    let field = Field { deadline, version, ..current.clone() };
    Ok(change(fields, field))
}

/// Replicas are told the field as it is now.
fn change(fields: &mut Fields, field: Field) -> Outcome {
    fields.insert(field.clone());
    Outcome { reply: RedisValue::Integer(1), replication: Replication::Fields(vec![field]) }
}

/// `EXHPERSIST key field`: 1, or 0 when there is no such field or it doesn't expire.
pub(crate) fn exhpersist(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 3, 3)?;
    write(context, &args[1], "exhpersist", &all[2..3], |fields, now| Ok(persist(fields, all[2], now)))
}

fn persist(fields: &mut Fields, name: &[u8], now: i64) -> Outcome {
    match fields.get(name, now) {
        Some(current) if current.deadline != 0 => {
            let field = Field { deadline: 0, ..current.clone() };
            change(fields, field)
        }
        _ => Outcome::unchanged(RedisValue::Integer(0)),
    }
}

/// `EXHTTL key field`: seconds left, -1 when it doesn't expire, -2 when there is no such field.
pub(crate) fn exhttl(context: &Context, args: Vec<RedisString>) -> RedisResult {
    // Half a second left counts as one, as in Redis's TTL.
    time_left(context, &args, |milliseconds| milliseconds.saturating_add(500) / 1000)
}

/// `EXHPTTL key field`: the same in milliseconds.
pub(crate) fn exhpttl(context: &Context, args: Vec<RedisString>) -> RedisResult {
    time_left(context, &args, |milliseconds| milliseconds)
}

fn time_left(context: &Context, args: &[RedisString], unit: fn(i64) -> i64) -> RedisResult {
    let all = arguments(args, 3, 3)?;
    read(context, &args[1], &all[2..3], |fields, now| {
        RedisValue::Integer(match fields.and_then(|fields| fields.get(all[2], now)) {
            None => -2,
            Some(field) if field.deadline == 0 => -1,
            Some(field) => unit(field.deadline - now),
        })
    })
}

/// `EXHEXPIREINFO`: the settings of expiry and what it has done, as text.
pub(crate) fn exhexpireinfo(_context: &Context, args: Vec<RedisString>) -> RedisResult {
    arguments(&args, 1, 1)?;
    Ok(RedisValue::BulkString(statistics::report(Settings::current())))
}

#[cfg(test)]
mod tests {
    use module_kit::options::VersionRule;

    use super::*;

    #[test]
    fn an_expiry_changes_the_version_and_nothing_else() {
        let mut fields = Fields::default();
        let field = Field { name: b"f".to_vec(), value: b"v".to_vec(), version: 3, deadline: 0 };
        fields.insert(field.clone());
        let none = Options::default();
        assert_eq!(expire(&mut fields, b"f", 50, &none, 0).unwrap().reply, RedisValue::Integer(1));
        assert_eq!(fields.get(b"f", 0), Some(&Field { deadline: 50, version: 4, ..field.clone() }));
        let stale = Options { version: Some(VersionRule::Equal(3)), ..none };
        assert!(expire(&mut fields, b"f", 60, &stale, 0).is_err());
        let set = Options { version: Some(VersionRule::Set(8)), ..none };
        expire(&mut fields, b"f", 60, &set, 0).unwrap();
        assert_eq!(fields.get(b"f", 0), Some(&Field { deadline: 60, version: 8, ..field }));
        assert_eq!(persist(&mut fields, b"f", 0).reply, RedisValue::Integer(1));
        assert_eq!(persist(&mut fields, b"f", 0).reply, RedisValue::Integer(0));
        assert_eq!(expire(&mut fields, b"x", 60, &none, 0).unwrap().reply, RedisValue::Integer(0));
    }
}
