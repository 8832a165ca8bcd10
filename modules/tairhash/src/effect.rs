//! Opening keys for commands, and what replicas and the AOF are told.

use module_kit::keys::{ReadKey, WriteKey};
use module_kit::server;
use redis_module::{Context, NotifyEvent, RedisError, RedisResult, RedisString, RedisValue};

use crate::fields::{Field, Fields};
use crate::index;
use crate::value::TairHash;

/// What replicas are told. They must end up the same whenever and however often they hear it, so
/// nothing in it is relative: not a version, not an expiry.
#[derive(Debug, PartialEq)]
pub(crate) enum Replication {
    /// Nothing has changed.
    Nothing,
    /// The command as it came, when nothing in it is relative.
    Verbatim,
    /// These fields, each as an EXHSET with ABS and PXAT.
    Fields(Vec<Field>),
}

/// What a command did.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) reply: RedisValue,
    pub(crate) replication: Replication,
}

impl Outcome {
    /// A reply, and no change.
    pub(crate) fn unchanged(reply: RedisValue) -> Self {
        Self { reply, replication: Replication::Nothing }
    }
}

/// Runs a reading command. A key that isn't there is an empty hash. Expired fields count as gone, on
/// replicas too, but nothing is removed: a replica waits for its master to say so.
///
/// # Errors
/// WRONGTYPE.
pub(crate) fn read(
    context: &Context,
    name: &RedisString,
    command: impl FnOnce(Option<&Fields>, i64) -> RedisValue,
) -> RedisResult {
    let key = ReadKey::<TairHash>::open(context, name)?;
    Ok(command(key.get().map(|hash| &hash.fields), server::now()))
}

/// Runs a writing command: lets it change the fields, keeps the index, removes a key without fields,
/// tells replicas.
///
/// # Errors
/// WRONGTYPE, or those of the command; then nothing has changed.
pub(crate) fn write(
    context: &Context,
    name: &RedisString,
    event: &str,
    command: impl FnOnce(&mut Fields, i64) -> Result<Outcome, RedisError>,
) -> RedisResult {
    let mut key = WriteKey::<TairHash>::open(context, name)?;
    let now = server::now();
    let outcome = match key.get_mut() {
        Some(hash) => {
            let before = hash.fields.next_deadline();
            let outcome = command(&mut hash.fields, now)?;
            let place = (server::database(context), name.as_slice().to_vec());
            index::update(place, before, hash.fields.next_deadline());
            outcome
        }
        None => {
            let mut hash = TairHash::default();
            let outcome = command(&mut hash.fields, now)?;
            if !hash.fields.is_empty() {
                let place = (server::database(context), name.as_slice().to_vec());
                index::update(place, None, hash.fields.next_deadline());
                key.set(hash);
            }
            outcome
        }
    };
    if key.get().is_some_and(|hash| hash.fields.is_empty()) {
        key.delete();
        context.notify_keyspace_event(NotifyEvent::GENERIC, "del", name);
    }
    match &outcome.replication {
        Replication::Nothing => return Ok(outcome.reply),
        Replication::Verbatim => context.replicate_verbatim(),
        Replication::Fields(fields) => fields.iter().for_each(|field| replicate(context, name, field)),
    }
    context.notify_keyspace_event(NotifyEvent::MODULE, event, name);
    Ok(outcome.reply)
}

/// Several fields are several commands; the server puts them between MULTI and EXEC.
fn replicate(context: &Context, name: &RedisString, field: &Field) {
    let all = state(name.as_slice(), field);
    let all: Vec<&[u8]> = all.iter().map(Vec::as_slice).collect();
    context.replicate("EXHSET", &all[..]);
}

/// The arguments of the EXHSET that leaves this field.
fn state(name: &[u8], field: &Field) -> Vec<Vec<u8>> {
    let number = |number: i64| number.to_string().into_bytes();
    let mut all = vec![name.to_vec(), field.name.clone(), field.value.clone()];
    all.extend([b"ABS".to_vec(), number(field.version)]);
    if field.deadline != 0 {
        all.extend([b"PXAT".to_vec(), number(field.deadline)]);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_told_in_absolute_terms() {
        let field = |deadline| Field { name: b"f".to_vec(), value: b"v".to_vec(), version: 7, deadline };
        let text = |deadline| {
            let words = state(b"k", &field(deadline));
            words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(text(0), "k f v ABS 7");
        assert_eq!(text(5), "k f v ABS 7 PXAT 5");
    }
}
