//! Opening keys for commands, and what replicas and the AOF are told.

use module_kit::keys::{ReadKey, WriteKey};
use module_kit::server;
use redis_module::{Context, NotifyEvent, RedisError, RedisResult, RedisString, RedisValue};

use crate::expire;
use crate::fields::{Field, Fields};
use crate::index;
use crate::settings::Settings;
use crate::statistics::By;
use crate::value::TairHash;

/// What replicas are told. They must end up the same whenever and however often they hear it, so
/// nothing in it is relative: not a version, not an expiry.
#[derive(Debug, PartialEq)]
pub(crate) enum Replication {
    /// Nothing has changed.
    Nothing,
    /// The command as it came, when nothing in it is relative.
    Verbatim,
    /// These fields are gone.
    Deleted(Vec<Vec<u8>>),
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

/// Runs a reading command over the fields that it names. A key that isn't there is an empty hash.
/// Expired fields count as gone everywhere; on a master the named ones are removed then.
///
/// # Errors
/// WRONGTYPE.
pub(crate) fn read(
    context: &Context,
    name: &RedisString,
    named: &[&[u8]],
    command: impl FnOnce(Option<&Fields>, i64) -> RedisValue,
) -> RedisResult {
    let key = ReadKey::<TairHash>::open(context, name)?;
    let now = server::now();
    let fields = key.get().map(|hash| &hash.fields);
    let reply = command(fields, now);
    let has_expired = fields.is_some_and(|fields| fields.holds_expired(named, now));
    drop(key);
    if has_expired {
        expire::remove_named(context, name, named, now);
    }
    Ok(reply)
}

/// Runs a writing command over the fields that it names: removes those that have expired, and a few
/// others of the database; lets it change the fields; keeps the index; removes a key without fields;
/// tells replicas.
///
/// # Errors
/// WRONGTYPE, or those of the command; then it has changed nothing.
pub(crate) fn write(
    context: &Context,
    name: &RedisString,
    event: &str,
    named: &[&[u8]],
    command: impl FnOnce(&mut Fields, i64) -> Result<Outcome, RedisError>,
) -> RedisResult {
    let now = server::now();
    let may_remove = expire::may_remove(context);
    if may_remove {
        expire::remove_due(context, now, Settings::current().per_write, By::Command);
    }
    let mut key = WriteKey::<TairHash>::open(context, name)?;
    let mut created = TairHash::default();
    let is_new = key.get().is_none();
    let fields = match key.get_mut() {
        Some(hash) => &mut hash.fields,
        None => &mut created.fields,
    };
    let before = fields.next_deadline();
    if may_remove {
        expire::tell(context, name, &fields.remove_if_expired(named, now), By::Command);
    }
    let outcome = command(fields, now);
    let (is_empty, after) = (fields.is_empty(), fields.next_deadline());
    index::update((server::database(context), name.as_slice().to_vec()), before, after);
    match (is_new, is_empty) {
        (true, true) | (false, false) => {}
        (true, false) => key.set(created),
        (false, true) => {
            key.delete();
            context.notify_keyspace_event(NotifyEvent::GENERIC, "del", name);
        }
    }
    let outcome = outcome?;
    match &outcome.replication {
        Replication::Nothing => return Ok(outcome.reply),
        Replication::Verbatim => context.replicate_verbatim(),
        Replication::Deleted(names) => {
            let mut all = vec![name.as_slice()];
            all.extend(names.iter().map(Vec::as_slice));
            context.replicate("EXHDEL", &all[..]);
        }
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
