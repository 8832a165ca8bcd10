//! EXSET and EXSETVER.

use module_kit::errors;
use module_kit::number::parse_integer;
use module_kit::options::{Allowed, Options};
use redis_module::{Context, RedisError, RedisResult, RedisString, RedisValue};

use super::{arguments, expiry_of_overwrite};
use crate::effect::{Change, KeyExpiry, Outcome, Replication, run};
use crate::value::TairString;

const ALLOWED: Allowed = Allowed {
    expiry: true,
    keep_ttl: true,
    existence: true,
    version: true,
    flags: true,
    with_version: true,
    greater_version: false,
    bounds: false,
    default: false,
    non_negative: false,
    zero_expiry: false,
};

/// `EXSET key value [EX s | EXAT s | PX ms | PXAT ms | KEEPTTL] [NX | XX] [VER v | ABS v] [FLAGS f]
/// [WITHVERSION]`: OK or the new version, or null when NX or XX forbids it.
pub(crate) fn exset(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 3, usize::MAX)?;
    // Options are read before the key is opened: a command with bad syntax is refused as such
    // whatever the key holds, and no expired key is deleted on its behalf.
    let options = Options::parse(&all[3..], ALLOWED)?;
    run(context, &args[1], "exset", |current, now| set(current, all[2], &options, now))
}

fn set(
    current: Option<&mut TairString>,
    value: &[u8],
    options: &Options<'_>,
    now: i64,
) -> Result<Outcome, RedisError> {
    if options.forbids(current.is_some()) {
        return Ok(Outcome::unchanged(RedisValue::Null));
    }
    let version = options.next_version(current.as_ref().map(|current| current.version))?;
    let change = match current {
        Some(current) => {
            current.version = version;
            current.flags = options.flags.unwrap_or(current.flags);
            current.value = value.to_vec();
            Change::Edited
        }
        None => {
            let flags = options.flags.unwrap_or(0);
            Change::Created(TairString { version, flags, value: value.to_vec() })
        }
    };
    let reply = match options.with_version {
        true => RedisValue::Integer(version),
        false => RedisValue::SimpleStringStatic("OK"),
    };
    Ok(Outcome::changed(reply, change, expiry_of_overwrite(options, now)))
}

/// `EXSETVER key version`: 1, or 0 when there is no such key.
pub(crate) fn exsetver(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 3, 3)?;
    let version = parse_integer(all[2]).ok_or(errors::SYNTAX)?;
    run(context, &args[1], "exsetver", |current, _| set_version(current, version))
}

/// A key that isn't there is replied for whatever the version is, as documented.
fn set_version(current: Option<&mut TairString>, version: i64) -> Result<Outcome, RedisError> {
    let Some(current) = current else {
        return Ok(Outcome::unchanged(RedisValue::Integer(0)));
    };
    if version <= 0 {
        return Err(errors::SYNTAX);
    }
    current.version = version;
    Ok(Outcome {
        reply: RedisValue::Integer(1),
        change: Change::Edited,
        expiry: KeyExpiry::Keep,
        // The version is absolute as the client sent it.
        replication: Replication::Verbatim,
    })
}

#[cfg(test)]
mod tests {
    use module_kit::options::{Existence, Expiry, VersionRule};

    use super::*;

    fn stored() -> TairString {
        TairString { version: 3, flags: 10, value: b"old".to_vec() }
    }

    #[test]
    fn flags_stay_unless_given() {
        let mut value = stored();
        set(Some(&mut value), b"new", &Options::default(), 0).unwrap();
        assert_eq!(value, TairString { version: 4, flags: 10, value: b"new".to_vec() });
        set(Some(&mut value), b"new", &Options { flags: Some(5), ..Options::default() }, 0).unwrap();
        assert_eq!((value.flags, value.version), (5, 5));
    }

    #[test]
    fn an_expiry_is_absolute_and_lost_unless_kept() {
        let expiry = |options: Options<'_>| set(None, b"", &options, 1000).unwrap().expiry;
        let none = Options::default();
        assert_eq!(expiry(none), KeyExpiry::Never);
        assert_eq!(expiry(Options { keep_ttl: true, ..none }), KeyExpiry::Keep);
        assert_eq!(expiry(Options { expiry: Some(Expiry::In(5)), ..none }), KeyExpiry::At(1005));
        assert_eq!(expiry(Options { expiry: Some(Expiry::At(5)), ..none }), KeyExpiry::At(5));
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut value = stored();
        let stale = Options { version: Some(VersionRule::Equal(9)), ..Options::default() };
        assert!(set(Some(&mut value), b"new", &stale, 0).is_err());
        let absent = Options { existence: Some(Existence::Absent), ..Options::default() };
        let outcome = set(Some(&mut value), b"new", &absent, 0).unwrap();
        assert_eq!(outcome, Outcome::unchanged(RedisValue::Null));
        let present = Options { existence: Some(Existence::Present), ..Options::default() };
        assert_eq!(set(None, b"new", &present, 0).unwrap(), Outcome::unchanged(RedisValue::Null));
        assert_eq!(value, stored());
    }

    #[test]
    fn a_version_is_set_alone() {
        let mut value = stored();
        assert_eq!(set_version(Some(&mut value), 100).unwrap().replication, Replication::Verbatim);
        assert!(set_version(Some(&mut value), 0).is_err());
        assert_eq!(value, TairString { version: 100, ..stored() });
        assert_eq!(set_version(None, 0).unwrap(), Outcome::unchanged(RedisValue::Integer(0)));
    }
}
