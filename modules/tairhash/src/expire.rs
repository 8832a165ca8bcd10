//! Removing fields whose time has come.
//!
//! A timer takes keys from the index whose next deadline has passed, and removes their expired
//! fields. A command removes the expired fields that it names, reading ones too, as Redis removes an
//! expired key that somebody reads; and a write removes a few others. Only a master removes fields: a
//! replica is told by EXHDEL, and until then hides what has expired. Everybody who has subscribed to
//! `tairhash@DB@KEY__:expired` is told the field.

use std::sync::atomic::{AtomicI32, Ordering};

use module_kit::keys::{ReadKey, WriteKey};
use module_kit::server;
use redis_module::{Context, ContextFlags, NotifyEvent, RedisString};

use crate::fields::Fields;
use crate::index;
use crate::settings::Settings;
use crate::statistics::{self, By};
use crate::value::TairHash;

/// Begins.
///
/// # Errors
/// When the server lacks an event that the index must follow.
pub(crate) fn start(context: &Context, settings: Settings) -> Result<(), String> {
    let swap = |one, other| {
        index::swap(one, other);
        statistics::swap(one, other);
    };
    server::on_swap(context, swap)?;
    server::on_flush(context, index::flush)?;
    if settings.is_active {
        context.create_timer(settings.period, tick, settings);
    }
    Ok(())
}

/// The server's timers run once: each starts the next.
fn tick(context: &Context, settings: Settings) {
    static LAST: AtomicI32 = AtomicI32::new(-1);
    if may_remove(context) {
        let now = server::now();
        for database in index::databases(LAST.load(Ordering::Relaxed), settings.databases) {
            if server::select(context, database) {
                remove_due(context, now, settings.per_database, By::Timer);
            }
            LAST.store(database, Ordering::Relaxed);
        }
        statistics::turn(u64::try_from(server::now() - now).unwrap_or(0));
    }
    context.create_timer(settings.period, tick, settings);
}

/// Whether it is ours to remove fields. It isn't while the server loads a file or follows a master,
/// and not while CLIENT PAUSE or a failover has promised that nothing changes: a removal that would
/// be replicated then ends the server.
pub(crate) fn may_remove(context: &Context) -> bool {
    let flags = context.get_flags();
    flags.contains(ContextFlags::MASTER)
        && !flags.contains(ContextFlags::LOADING)
        && !context.avoid_replication_traffic()
}

/// Removes up to `most` fields of the selected database whose time has come.
pub(crate) fn remove_due(context: &Context, now: i64, most: usize, by: By) {
    let database = server::database(context);
    let mut left = most;
    while left > 0
        && let Some(name) = index::take_due(database, now)
    {
        let name = RedisString::create_from_slice(context.ctx, &name);
        // A key that now holds something else was a stale hint, which is one less to look at.
        left -= remove(context, &name, by, |fields| fields.remove_expired(now, left)).max(1);
    }
}

/// Removes those of the named fields of a key that have expired.
pub(crate) fn remove_named(context: &Context, name: &RedisString, fields: &[&[u8]], now: i64) {
    if may_remove(context) {
        remove(context, name, By::Command, |all| all.remove_if_expired(fields, now));
    }
}

/// Opens a key, lets `choose` remove fields, and carries out the rest. Returns how many there were.
fn remove(
    context: &Context,
    name: &RedisString,
    by: By,
    choose: impl FnOnce(&mut Fields) -> Vec<Vec<u8>>,
) -> usize {
    let Ok(mut key) = WriteKey::<TairHash>::open(context, name) else {
        return 0;
    };
    let Some(hash) = key.get_mut() else {
        return 0;
    };
    let before = hash.fields.next_deadline();
    let names = choose(&mut hash.fields);
    let place = (server::database(context), name.as_slice().to_vec());
    // The entry may have been taken, so it is put back even where nothing has changed.
    index::update(place.clone(), before, None);
    index::update(place, None, hash.fields.next_deadline());
    let is_last = hash.fields.is_empty() && !names.is_empty();
    if is_last {
        key.delete();
    }
    drop(key);
    tell(context, name, &names, by);
    if is_last {
        context.notify_keyspace_event(NotifyEvent::GENERIC, "del", name);
    }
    names.len()
}

/// Tells replicas, subscribers and the statistics that fields of a key have expired and are gone.
pub(crate) fn tell(context: &Context, name: &RedisString, fields: &[Vec<u8>], by: By) {
    if fields.is_empty() {
        return;
    }
    let database = server::database(context);
    let mut arguments: Vec<&[u8]> = vec![name.as_slice()];
    arguments.extend(fields.iter().map(Vec::as_slice));
    context.replicate("EXHDEL", &arguments[..]);
    let channel = [format!("tairhash@{database}@").as_bytes(), name.as_slice(), b"__:expired"].concat();
    fields.iter().for_each(|field| server::publish(context, &channel, field));
    context.notify_keyspace_event(NotifyEvent::MODULE, "exhexpired", name);
    statistics::removed(database, fields.len(), by);
}

/// A value that came to a key by RENAME or MOVE is expected there from now on. (RESTORE and COPY tell
/// the type itself, SWAPDB and FLUSHALL are events of their own.)
pub(crate) fn follow_key(context: &Context, _kind: NotifyEvent, event: &str, name: &[u8]) {
    if !matches!(event, "rename_to" | "move_to") {
        return;
    }
    let database = server::database(context);
    let key = RedisString::create_from_slice(context.ctx, name);
    if let Ok(key) = ReadKey::<TairHash>::open(context, &key)
        && let Some(hash) = key.get()
    {
        index::update((database, name.to_vec()), None, hash.fields.next_deadline());
    }
}
