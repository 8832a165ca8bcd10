//! What a command does to its key, and what replicas and the AOF are told.

use module_kit::keys::WriteKey;
use module_kit::server;
use redis_module::{Context, NotifyEvent, RedisError, RedisResult, RedisString, RedisValue};

use crate::value::TairString;

/// What became of the value.
#[derive(Debug, PartialEq)]
pub(crate) enum Change {
    /// Nothing.
    None,
    /// There is a new one.
    Created(TairString),
    /// It was changed where it is.
    Edited,
    /// It goes.
    Deleted,
}

/// What becomes of the key's expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyExpiry {
    /// It stays.
    Keep,
    /// The key expires no longer.
    Never,
    /// The key expires then, in milliseconds since 1970.
    At(i64),
}

/// What replicas are told. They must end up the same whenever and however often they hear it, so
/// nothing in it is relative: not a version, not an expiry.
#[derive(Debug, PartialEq)]
pub(crate) enum Replication {
    /// The whole state, as an EXSET with ABS, FLAGS and PXAT or KEEPTTL.
    State,
    /// The command as it came, when nothing in it is relative.
    Verbatim,
    /// This command with these arguments after the key.
    Command(&'static str, Vec<Vec<u8>>),
}

/// What a command did.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) reply: RedisValue,
    pub(crate) change: Change,
    pub(crate) expiry: KeyExpiry,
    pub(crate) replication: Replication,
}

impl Outcome {
    /// A reply, and no change.
    pub(crate) fn unchanged(reply: RedisValue) -> Self {
        Self { reply, change: Change::None, expiry: KeyExpiry::Keep, replication: Replication::State }
    }

    /// A change that is replicated as the state that it leaves.
    pub(crate) fn changed(reply: RedisValue, change: Change, expiry: KeyExpiry) -> Self {
        Self { reply, change, expiry, replication: Replication::State }
    }
}

/// Runs a command over its key: opens it, lets `command` do its work, and carries out the rest.
///
/// # Errors
/// WRONGTYPE, or those of the command; then nothing has changed.
pub(crate) fn run(
    context: &Context,
    name: &RedisString,
    event: &str,
    command: impl FnOnce(Option<&mut TairString>, i64) -> Result<Outcome, RedisError>,
) -> RedisResult {
    let mut key = WriteKey::<TairString>::open(context, name)?;
    let outcome = command(key.get_mut(), server::now())?;
    let was_expiring = key.expiry();
    match outcome.change {
        Change::None => return Ok(outcome.reply),
        Change::Deleted => {
            key.delete();
            context.replicate("DEL", &[name]);
            context.notify_keyspace_event(NotifyEvent::GENERIC, "del", name);
            return Ok(outcome.reply);
        }
        Change::Created(value) => key.set(value),
        Change::Edited => {}
    }
    match outcome.expiry {
        KeyExpiry::Keep => {}
        KeyExpiry::Never if was_expiring.is_none() => {}
        KeyExpiry::Never => key.set_expiry(None),
        KeyExpiry::At(deadline) => key.set_expiry(Some(deadline)),
    }
    match outcome.replication {
        Replication::Verbatim => context.replicate_verbatim(),
        Replication::Command(command, arguments) => {
            let mut all: Vec<&[u8]> = vec![name.as_slice()];
            all.extend(arguments.iter().map(Vec::as_slice));
            context.replicate(command, &all[..]);
        }
        Replication::State => {
            let value = key.get().expect("the command left a value");
            let state = state(name.as_slice(), value, outcome.expiry);
            let all: Vec<&[u8]> = state.iter().map(Vec::as_slice).collect();
            context.replicate("EXSET", &all[..]);
        }
    }
    context.notify_keyspace_event(NotifyEvent::MODULE, event, name);
    Ok(outcome.reply)
}

/// The arguments of the EXSET that leaves this state.
fn state(name: &[u8], value: &TairString, expiry: KeyExpiry) -> Vec<Vec<u8>> {
    let number = |number: i64| number.to_string().into_bytes();
    let mut all = vec![name.to_vec(), value.value.clone()];
    all.extend([b"ABS".to_vec(), number(value.version)]);
    all.extend([b"FLAGS".to_vec(), number(i64::from(value.flags))]);
    match expiry {
        KeyExpiry::Keep => all.push(b"KEEPTTL".to_vec()),
        KeyExpiry::Never => {}
        KeyExpiry::At(deadline) => all.extend([b"PXAT".to_vec(), number(deadline)]),
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_absolute() {
        let value = TairString { version: 7, flags: 9, value: b"v".to_vec() };
        let text = |expiry| {
            let words = state(b"k", &value, expiry);
            words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(text(KeyExpiry::Keep), "k v ABS 7 FLAGS 9 KEEPTTL");
        assert_eq!(text(KeyExpiry::Never), "k v ABS 7 FLAGS 9");
        assert_eq!(text(KeyExpiry::At(5)), "k v ABS 7 FLAGS 9 PXAT 5");
    }
}
