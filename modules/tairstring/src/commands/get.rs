//! EXGET and EXGAE.

use module_kit::errors;
use module_kit::keys::ReadKey;
use module_kit::options::{Allowed, Options};
use redis_module::{Context, RedisResult, RedisString, RedisValue};

use super::arguments;
use crate::effect::{Change, KeyExpiry, Outcome, Replication, run};
use crate::value::TairString;

/// `EXGET key [WITHFLAGS]`: value, version and flags, or null.
pub(crate) fn exget(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 2, 3)?;
    let with_flags = all.get(2).is_some_and(|option| option.eq_ignore_ascii_case(b"WITHFLAGS"));
    if all.len() == 3 && !with_flags {
        return Err(errors::SYNTAX);
    }
    let key = ReadKey::<TairString>::open(context, &args[1])?;
    Ok(key.get().map_or(RedisValue::Null, |value| reply(value, with_flags)))
}

fn reply(value: &TairString, with_flags: bool) -> RedisValue {
    let mut parts = vec![RedisValue::StringBuffer(value.value.clone()), RedisValue::Integer(value.version)];
    if with_flags {
        parts.push(RedisValue::Integer(i64::from(value.flags)));
    }
    RedisValue::Array(parts)
}

/// `EXGAE key EX s | EXAT s | PX ms | PXAT ms`: value, version and flags, or null; the key expires
/// then. The version stays.
pub(crate) fn exgae(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 4, 4)?;
    let options = Options::parse(&all[2..], Allowed { expiry: true, ..Allowed::default() })?;
    let expiry = options.expiry.ok_or(errors::SYNTAX)?;
    run(context, &args[1], "exgae", |current, now| {
        Ok(current.map_or(Outcome::unchanged(RedisValue::Null), |value| {
            get_and_expire(value, expiry.deadline(now))
        }))
    })
}

fn get_and_expire(value: &TairString, deadline: i64) -> Outcome {
    Outcome {
        reply: reply(value, true),
        change: Change::Edited,
        expiry: KeyExpiry::At(deadline),
        // The value needn't travel for its expiry.
        replication: Replication::Command("PEXPIREAT", vec![deadline.to_string().into_bytes()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_stays_when_an_expiry_is_set() {
        let value = TairString { version: 1, flags: 233, value: b"foo".to_vec() };
        let outcome = get_and_expire(&value, 5000);
        let parts =
            [RedisValue::StringBuffer(b"foo".to_vec()), RedisValue::Integer(1), RedisValue::Integer(233)];
        assert_eq!(outcome.reply, RedisValue::Array(parts.to_vec()));
        assert_eq!(outcome.expiry, KeyExpiry::At(5000));
        assert_eq!(reply(&value, false), RedisValue::Array(parts[..2].to_vec()));
    }
}
