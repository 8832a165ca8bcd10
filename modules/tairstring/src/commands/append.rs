//! EXAPPEND and EXPREPEND.

use module_kit::options::{Allowed, Options};
use redis_module::{Context, RedisError, RedisResult, RedisString, RedisValue};

use super::arguments;
use crate::effect::{Change, KeyExpiry, Outcome, Replication, run};
use crate::value::TairString;

/// Where the new bytes go.
#[derive(Clone, Copy)]
enum End {
    Back,
    Front,
}

/// `EXAPPEND key value [NX | XX] [VER v | ABS v]`: the version, or null when NX or XX forbids it.
pub(crate) fn exappend(context: &Context, args: Vec<RedisString>) -> RedisResult {
    extend_key(context, &args, End::Back)
}

/// `EXPREPEND key value [NX | XX] [VER v | ABS v]`: the same at the front.
pub(crate) fn exprepend(context: &Context, args: Vec<RedisString>) -> RedisResult {
    extend_key(context, &args, End::Front)
}

fn extend_key(context: &Context, args: &[RedisString], end: End) -> RedisResult {
    let all = arguments(args, 3, usize::MAX)?;
    let options =
        Options::parse(&all[3..], Allowed { existence: true, version: true, ..Allowed::default() })?;
    let event = match end {
        End::Back => "exappend",
        End::Front => "exprepend",
    };
    run(context, &args[1], event, |current, _| extend(current, all[2], &options, end))
}

fn extend(
    current: Option<&mut TairString>,
    value: &[u8],
    options: &Options<'_>,
    end: End,
) -> Result<Outcome, RedisError> {
    if options.forbids(current.is_some()) {
        return Ok(Outcome::unchanged(RedisValue::Null));
    }
    let version = options.next_version(current.as_ref().map(|current| current.version))?;
    let change = match (current, end) {
        (Some(current), End::Back) => {
            current.value.extend_from_slice(value);
            current.version = version;
            Change::Edited
        }
        (Some(current), End::Front) => {
            current.value.splice(0..0, value.iter().copied());
            current.version = version;
            Change::Edited
        }
        (None, _) => Change::Created(TairString { version, flags: 0, value: value.to_vec() }),
    };
    let command = match end {
        End::Back => "EXAPPEND",
        End::Front => "EXPREPEND",
    };
    // The piece travels, not the whole, with the version that it led to.
    let piece = vec![value.to_vec(), b"ABS".to_vec(), version.to_string().into_bytes()];
    Ok(Outcome {
        reply: RedisValue::Integer(version),
        change,
        expiry: KeyExpiry::Keep,
        replication: Replication::Command(command, piece),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends() {
        let mut value = TairString { version: 1, flags: 4, value: b"b".to_vec() };
        let none = Options::default();
        extend(Some(&mut value), b"c", &none, End::Back).unwrap();
        let outcome = extend(Some(&mut value), b"a", &none, End::Front).unwrap();
        assert_eq!(value, TairString { version: 3, flags: 4, value: b"abc".to_vec() });
        assert_eq!(outcome.reply, RedisValue::Integer(3));
        let told = vec![b"a".to_vec(), b"ABS".to_vec(), b"3".to_vec()];
        assert_eq!(outcome.replication, Replication::Command("EXPREPEND", told));
    }
}
