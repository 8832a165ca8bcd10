//! EXCAS and EXCAD by version; CAS and CAD by value, on Redis's own strings.

use module_kit::errors;
use module_kit::keys::StringKey;
use module_kit::number::parse_integer;
use module_kit::options::{Allowed, Options};
use module_kit::server;
use redis_module::{Context, NotifyEvent, RedisResult, RedisString, RedisValue};

use super::{arguments, expiry_of_overwrite};
use crate::effect::{Change, KeyExpiry, Outcome, run};
use crate::value::TairString;

const EXPIRY: Allowed = Allowed {
    expiry: true,
    keep_ttl: true,
    existence: false,
    version: false,
    greater_version: false,
    flags: false,
    bounds: false,
    default: false,
    non_negative: false,
    with_version: false,
    zero_expiry: false,
};

/// `EXCAS key newvalue version [EX s | EXAT s | PX ms | PXAT ms | KEEPTTL]`: `[OK, "", version]`;
/// `[CAS_FAILED, value, version]` when the version is another; -1 when there is no such key. An
/// expiry is lost unless KEEPTTL is given.
pub(crate) fn excas(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 4, usize::MAX)?;
    let options = Options::parse(&all[4..], EXPIRY)?;
    let expected = parse_integer(all[3]).ok_or(errors::VERSION)?;
    if expected < 0 {
        return Err(errors::SYNTAX);
    }
    run(context, &args[1], "excas", |current, now| {
        Ok(compare_and_set(current, all[2], expected, &options, now))
    })
}

fn compare_and_set(
    current: Option<&mut TairString>,
    value: &[u8],
    expected: i64,
    options: &Options<'_>,
    now: i64,
) -> Outcome {
    let Some(current) = current else {
        return Outcome::unchanged(RedisValue::Integer(-1));
    };
    // Both replies have the same shape, and the failure is no error: clients would throw the value
    // away that comes with it.
    let reply = |status, value: &[u8], version| {
        let value = RedisValue::StringBuffer(value.to_vec());
        RedisValue::Array(vec![RedisValue::SimpleStringStatic(status), value, RedisValue::Integer(version)])
    };
    if current.version != expected {
        return Outcome::unchanged(reply("CAS_FAILED", &current.value, current.version));
    }
    current.version = expected.saturating_add(1);
    current.value = value.to_vec();
    Outcome::changed(reply("OK", b"", current.version), Change::Edited, expiry_of_overwrite(options, now))
}

/// `EXCAD key version`: 1, 0 when the version is another, -1 when there is no such key.
pub(crate) fn excad(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 3, 3)?;
    let expected = parse_integer(all[2]).ok_or(errors::SYNTAX)?;
    run(context, &args[1], "excad", |current, _| Ok(compare_and_delete(current, expected)))
}

fn compare_and_delete(current: Option<&mut TairString>, expected: i64) -> Outcome {
    match current {
        None => Outcome::unchanged(RedisValue::Integer(-1)),
        Some(current) if current.version != expected => Outcome::unchanged(RedisValue::Integer(0)),
        Some(_) => Outcome::changed(RedisValue::Integer(1), Change::Deleted, KeyExpiry::Keep),
    }
}

/// `CAS key oldvalue newvalue [EX s | EXAT s | PX ms | PXAT ms | KEEPTTL]`: 1, 0 when the value is
/// another, -1 when there is no such key. An expiry is lost unless KEEPTTL is given.
pub(crate) fn cas(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 4, usize::MAX)?;
    let options = Options::parse(&all[4..], EXPIRY)?;
    let mut key = StringKey::open(context, &args[1])?;
    let kept = key.expiry().filter(|_| options.keep_ttl);
    match key.get() {
        None => return Ok(RedisValue::Integer(-1)),
        Some(value) if value != all[2] => return Ok(RedisValue::Integer(0)),
        Some(_) => key.set(&args[3]),
    }
    // A comparison that came out here might not there: replicas are told the result.
    match options.expiry.map(|expiry| expiry.deadline(server::now())).or(kept) {
        Some(deadline) => {
            key.set_expiry(Some(deadline));
            let deadline = deadline.to_string();
            context.replicate("SET", &[all[1], all[3], b"PXAT", deadline.as_bytes()]);
        }
        None => context.replicate("SET", &[all[1], all[3]]),
    }
    context.notify_keyspace_event(NotifyEvent::STRING, "set", &args[1]);
    Ok(RedisValue::Integer(1))
}

/// `CAD key value`: 1, 0 when the value is another, -1 when there is no such key.
pub(crate) fn cad(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 3, 3)?;
    let mut key = StringKey::open(context, &args[1])?;
    match key.get() {
        None => return Ok(RedisValue::Integer(-1)),
        Some(value) if value != all[2] => return Ok(RedisValue::Integer(0)),
        Some(_) => key.delete(),
    }
    context.replicate("DEL", &[all[1]]);
    context.notify_keyspace_event(NotifyEvent::GENERIC, "del", &args[1]);
    Ok(RedisValue::Integer(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_compares_the_version() {
        let mut value = TairString { version: 1, flags: 0, value: b"bar".to_vec() };
        let none = Options::default();
        let reply = |status, value: &[u8], version| {
            let value = RedisValue::StringBuffer(value.to_vec());
            RedisValue::Array(vec![
                RedisValue::SimpleStringStatic(status),
                value,
                RedisValue::Integer(version),
            ])
        };
        let outcome = compare_and_set(Some(&mut value), b"new", 1, &none, 0);
        assert_eq!((outcome.reply, outcome.change), (reply("OK", b"", 2), Change::Edited));
        let outcome = compare_and_set(Some(&mut value), b"newer", 1, &none, 0);
        assert_eq!((outcome.reply, outcome.change), (reply("CAS_FAILED", b"new", 2), Change::None));
        assert_eq!(compare_and_set(None, b"", 1, &none, 0).reply, RedisValue::Integer(-1));
    }

    #[test]
    fn a_deletion_compares_the_version() {
        let mut value = TairString { version: 5, flags: 0, value: Vec::new() };
        assert_eq!(compare_and_delete(Some(&mut value), 4).change, Change::None);
        assert_eq!(compare_and_delete(Some(&mut value), 5).change, Change::Deleted);
        assert_eq!(compare_and_delete(None, 5).reply, RedisValue::Integer(-1));
    }
}
