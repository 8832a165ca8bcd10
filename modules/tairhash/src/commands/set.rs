//! EXHSET, EXHSETNX, EXHMSET and EXHDEL.

use module_kit::options::{Existence, Options};
use redis_module::{Context, RedisError, RedisResult, RedisString, RedisValue};

use super::{OPTIONS, arguments, deadline, next_version};
use crate::effect::{Outcome, Replication, write};
use crate::fields::{Field, Fields};

/// `EXHSET key field value [EX s | EXAT s | PX ms | PXAT ms | KEEPTTL] [NX | XX] [VER v | ABS v | GT
/// v]`: 1 for a new field, 0 for another value, -1 when NX or XX forbids it.
pub(crate) fn exhset(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 4, usize::MAX)?;
    // Options are read before the key is opened: a command with bad syntax is refused as such
    // whatever the key holds.
    let options = Options::parse(&all[4..], OPTIONS)?;
    write(context, &args[1], "exhset", |fields, now| set(fields, all[2], all[3], &options, now))
}

/// `EXHSETNX key field value`: 1, or 0 when the field is there.
pub(crate) fn exhsetnx(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 4, 4)?;
    let options = Options { existence: Some(Existence::Absent), ..Options::default() };
    write(context, &args[1], "exhset", |fields, now| {
        let outcome = set(fields, all[2], all[3], &options, now)?;
        let reply = RedisValue::Integer(i64::from(outcome.reply == RedisValue::Integer(1)));
        Ok(Outcome { reply, ..outcome })
    })
}

fn set(
    fields: &mut Fields,
    name: &[u8],
    value: &[u8],
    options: &Options<'_>,
    now: i64,
) -> Result<Outcome, RedisError> {
    let current = fields.get(name, now);
    if options.forbids(current.is_some()) {
        return Ok(Outcome::unchanged(RedisValue::Integer(-1)));
    }
    let is_new = current.is_none();
    let field = Field {
        name: name.to_vec(),
        value: value.to_vec(),
        version: next_version(options, current)?,
        deadline: deadline(options, current, now),
    };
    fields.insert(field.clone());
    let reply = RedisValue::Integer(i64::from(is_new));
    Ok(Outcome { reply, replication: Replication::Fields(vec![field]) })
}

/// `EXHMSET key field value [field value …]`: OK.
pub(crate) fn exhmset(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 4, usize::MAX)?;
    if all.len() % 2 != 0 {
        return Err(RedisError::WrongArity);
    }
    write(context, &args[1], "exhmset", |fields, now| Ok(set_all(fields, &all[2..], now)))
}

fn set_all(fields: &mut Fields, pairs: &[&[u8]], now: i64) -> Outcome {
    let mut set = Vec::with_capacity(pairs.len() / 2);
    for pair in pairs.chunks_exact(2) {
        let current = fields.get(pair[0], now);
        let version = current.map_or(1, |field| field.version.saturating_add(1));
        let field = Field { name: pair[0].to_vec(), value: pair[1].to_vec(), version, deadline: 0 };
        fields.insert(field.clone());
        set.push(field);
    }
    Outcome { reply: RedisValue::SimpleStringStatic("OK"), replication: Replication::Fields(set) }
}

/// `EXHDEL key field [field …]`: how many there were.
pub(crate) fn exhdel(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 3, usize::MAX)?;
    write(context, &args[1], "exhdel", |fields, now| Ok(delete(fields, &all[2..], now)))
}

fn delete(fields: &mut Fields, names: &[&[u8]], now: i64) -> Outcome {
    // A field that has expired is removed as well, but wasn't there for the client.
    let removed: Vec<_> = names.iter().filter_map(|name| fields.remove(name)).collect();
    let live = removed.iter().filter(|field| !field.is_expired(now)).count();
    let replication = if removed.is_empty() { Replication::Nothing } else { Replication::Verbatim };
    Outcome { reply: RedisValue::Integer(live as i64), replication }
}

#[cfg(test)]
mod tests {
    use module_kit::options::{Expiry, VersionRule};

    use super::*;

    fn reply(fields: &mut Fields, options: Options<'_>, now: i64) -> Option<i64> {
        match set(fields, b"f", b"v", &options, now).ok()?.reply {
            RedisValue::Integer(reply) => Some(reply),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_field_lives_its_documented_life() {
        let mut fields = Fields::default();
        let none = Options::default();
        let version = |rule| Options { version: Some(rule), ..none };
        assert_eq!(reply(&mut fields, Options { existence: Some(Existence::Present), ..none }, 0), Some(-1));
        assert_eq!(reply(&mut fields, version(VersionRule::Equal(1)), 0), Some(1));
        assert_eq!(reply(&mut fields, version(VersionRule::Equal(1)), 0), Some(0));
        assert_eq!(reply(&mut fields, version(VersionRule::Equal(1)), 0), None);
        assert_eq!(reply(&mut fields, version(VersionRule::Set(9)), 0), Some(0));
        assert_eq!(reply(&mut fields, version(VersionRule::Greater(9)), 0), None);
        assert_eq!(fields.get(b"f", 0).unwrap().version, 9);
        assert_eq!(reply(&mut fields, Options { expiry: Some(Expiry::In(10)), ..none }, 100), Some(0));
        assert_eq!(fields.get(b"f", 109).unwrap().deadline, 110);
        assert_eq!(reply(&mut fields, Options { keep_ttl: true, ..none }, 105), Some(0));
        assert!(fields.get(b"f", 110).is_none());
        // Expired, it is a new field, which begins with version 1 and no expiry.
        assert_eq!(reply(&mut fields, Options { keep_ttl: true, ..none }, 110), Some(1));
        let field = fields.get(b"f", i64::MAX).unwrap();
        assert_eq!((field.version, field.deadline), (1, 0));
    }

    #[test]
    fn many_at_once() {
        let mut fields = Fields::default();
        let outcome = set_all(&mut fields, &[b"a", b"1", b"b", b"2", b"a", b"3"], 0);
        let Replication::Fields(told) = outcome.replication else { panic!("fields have changed") };
        assert_eq!(told.last(), fields.get(b"a", 0));
        assert_eq!((fields.len(), fields.get(b"a", 0).unwrap().version), (2, 2));
        let outcome = delete(&mut fields, &[b"a", b"x", b"a"], 0);
        assert_eq!((outcome.reply, outcome.replication), (RedisValue::Integer(1), Replication::Verbatim));
        assert_eq!(delete(&mut fields, &[b"x"], 0), Outcome::unchanged(RedisValue::Integer(0)));
    }
}
