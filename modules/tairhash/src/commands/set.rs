//! EXHSET, EXHSETNX, EXHMSET and EXHMSETWITHOPTS.

use module_kit::errors;
use module_kit::number::parse_integer;
use module_kit::options::{Existence, Expiry, Options, VersionRule};
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
    write(context, &args[1], "exhset", &all[2..3], |fields, now| set(fields, all[2], all[3], &options, now))
}

/// `EXHSETNX key field value`: 1, or 0 when the field is there.
pub(crate) fn exhsetnx(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 4, 4)?;
    let options = Options { existence: Some(Existence::Absent), ..Options::default() };
    write(context, &args[1], "exhset", &all[2..3], |fields, now| {
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

/// `EXHMSET key field value [field value …]`: OK. A field that expires expires still.
pub(crate) fn exhmset(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 4, usize::MAX)?;
    if all.len() % 2 != 0 {
        return Err(RedisError::WrongArity);
    }
    let named: Vec<&[u8]> = all[2..].iter().copied().step_by(2).collect();
    write(context, &args[1], "exhmset", &named, |fields, now| Ok(set_all(fields, &all[2..], now)))
}

fn set_all(fields: &mut Fields, pairs: &[&[u8]], now: i64) -> Outcome {
    let mut set = Vec::with_capacity(pairs.len() / 2);
    for pair in pairs.chunks_exact(2) {
        let current = fields.get(pair[0], now);
        let version = current.map_or(1, |field| field.version.saturating_add(1));
        let deadline = current.map_or(0, |field| field.deadline);
        let field = Field { name: pair[0].to_vec(), value: pair[1].to_vec(), version, deadline };
        fields.insert(field.clone());
        set.push(field);
    }
    Outcome { reply: RedisValue::SimpleStringStatic("OK"), replication: Replication::Fields(set) }
}

/// `EXHMSETWITHOPTS key field value version seconds [field value version seconds …]`: OK. Each version
/// is as after VER, and each field expires; when one version is stale nothing is set.
pub(crate) fn exhmsetwithopts(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 6, usize::MAX)?;
    if all.len() % 4 != 2 {
        return Err(RedisError::WrongArity);
    }
    let parse = |four: &[&[u8]]| {
        let number = |text| parse_integer(text).filter(|number| *number >= 0);
        let period = number(four[3]).and_then(|seconds| seconds.checked_mul(1000));
        let options = number(four[2]).zip(period).map(|(version, period)| Options {
            version: Some(VersionRule::Equal(version)),
            expiry: Some(Expiry::In(period)),
            ..Options::default()
        });
        options.ok_or(errors::SYNTAX)
    };
    let options: Vec<Options<'_>> = all[2..].chunks_exact(4).map(parse).collect::<Result<_, _>>()?;
    let pairs: Vec<[&[u8]; 2]> = all[2..].chunks_exact(4).map(|four| [four[0], four[1]]).collect();
    let named: Vec<&[u8]> = pairs.iter().map(|[name, _]| *name).collect();
    write(context, &args[1], "exhmset", &named, |fields, now| {
        set_all_with_options(fields, &pairs, &options, now)
    })
}

fn set_all_with_options(
    fields: &mut Fields,
    pairs: &[[&[u8]; 2]],
    options: &[Options<'_>],
    now: i64,
) -> Result<Outcome, RedisError> {
    for ([name, _], options) in pairs.iter().zip(options) {
        next_version(options, fields.get(name, now))?;
    }
    let mut set = Vec::with_capacity(pairs.len());
    for ([name, value], options) in pairs.iter().zip(options) {
        let current = fields.get(name, now);
        let version = current.map_or(1, |field| field.version.saturating_add(1));
        let deadline = deadline(options, current, now);
        let field = Field { name: name.to_vec(), value: value.to_vec(), version, deadline };
        fields.insert(field.clone());
        set.push(field);
    }
    Ok(Outcome { reply: RedisValue::SimpleStringStatic("OK"), replication: Replication::Fields(set) })
}

#[cfg(test)]
mod tests {
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
    }

    #[test]
    fn one_stale_version_stops_all() {
        let mut fields = Fields::default();
        let option = |version, period| Options {
            version: Some(VersionRule::Equal(version)),
            expiry: Some(Expiry::In(period)),
            ..Options::default()
        };
        let pairs: [[&[u8]; 2]; 2] = [[b"a", b"1"], [b"b", b"2"]];
        let mut set = |versions: [i64; 2]| {
            set_all_with_options(&mut fields, &pairs, &versions.map(|v| option(v, 50)), 7)
        };
        assert!(set([4, 4]).is_ok());
        assert!(set([1, 4]).is_err());
        let outcome = set([1, 0]).unwrap();
        let field = |name: &[u8; 1], value: &[u8; 1]| Field {
            name: name.to_vec(),
            value: value.to_vec(),
            version: 2,
            deadline: 57,
        };
        assert_eq!(outcome.replication, Replication::Fields(vec![field(b"a", b"1"), field(b"b", b"2")]));
    }
}
