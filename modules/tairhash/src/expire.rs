//! Removing fields whose time has come, without anybody asking for them.
//!
//! A timer takes keys from the index whose next deadline has passed, and removes their expired
//! fields. Only a master does: a replica is told by EXHDEL, and until then hides what has expired.

use std::sync::OnceLock;
use std::time::Duration;

use module_kit::keys::{ReadKey, WriteKey};
use module_kit::number::parse_integer;
use module_kit::server;
use redis_module::{Context, ContextFlags, NotifyEvent, RedisString};

use crate::index;
use crate::value::TairHash;

/// Fields of one key that are removed before it is another key's turn.
const FIELDS_PER_KEY: usize = 100;

/// How active expiry works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    enabled: bool,
    period: Duration,
    keys: usize,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

impl Settings {
    /// Reads the arguments that the module was loaded with.
    ///
    /// # Errors
    /// When an argument is unknown or its value out of range; the module doesn't load then.
    pub(crate) fn parse(args: &[RedisString]) -> Result<Self, &'static str> {
        let all: Vec<_> = args.iter().map(RedisString::as_slice).collect();
        Self::of_arguments(&all)
    }

    fn of_arguments(args: &[&[u8]]) -> Result<Self, &'static str> {
        let mut settings = Self { enabled: true, period: Duration::from_millis(100), keys: 1000 };
        for pair in args.chunks(2) {
            let number = pair.get(1).and_then(|text| parse_integer(text)).and_then(|n| u64::try_from(n).ok());
            let number = number.ok_or("an argument of the module is no number, or has none")?;
            match (pair[0].to_ascii_lowercase().as_slice(), number) {
                (b"enable_active_expire", 0 | 1) => settings.enabled = number == 1,
                (b"active_expire_period", 1..) => settings.period = Duration::from_millis(number),
                (b"active_expire_keys_per_loop", 1..) => settings.keys = number as usize,
                _ => return Err("the module has no such argument, or its value is out of range"),
            }
        }
        Ok(settings)
    }
}

/// Begins.
///
/// # Errors
/// When the server lacks an event that the index must follow.
pub(crate) fn start(context: &Context, settings: Settings) -> Result<(), &'static str> {
    server::on_swap(context, index::swap)?;
    server::on_flush(context, index::flush)?;
    let settings = *SETTINGS.get_or_init(|| settings);
    if settings.enabled {
        context.create_timer(settings.period, tick, settings);
    }
    Ok(())
}

/// The server's timers run once: each starts the next.
fn tick(context: &Context, settings: Settings) {
    let flags = context.get_flags();
    // While the server loads a file, or follows a master, expiry isn't ours.
    if flags.contains(ContextFlags::MASTER) && !flags.contains(ContextFlags::LOADING) {
        let now = server::now();
        for _ in 0..settings.keys {
            let Some(key) = index::take_due(now) else {
                break;
            };
            expire_key(context, key, now);
        }
    }
    context.create_timer(settings.period, tick, settings);
}

fn expire_key(context: &Context, (database, name): index::Key, now: i64) {
    if !server::select(context, database) {
        return;
    }
    let name = RedisString::create_from_slice(context.ctx, &name);
    // A key that now holds something else was a stale hint.
    let Ok(mut key) = WriteKey::<TairHash>::open(context, &name) else {
        return;
    };
    let Some(hash) = key.get_mut() else {
        return;
    };
    let names = hash.fields.remove_expired(now, FIELDS_PER_KEY);
    let place = (database, name.as_slice().to_vec());
    index::update(place, None, hash.fields.next_deadline());
    if names.is_empty() {
        return;
    }
    let is_empty = hash.fields.is_empty();
    if is_empty {
        key.delete();
    }
    drop(key);
    let mut arguments: Vec<&[u8]> = vec![name.as_slice()];
    arguments.extend(names.iter().map(Vec::as_slice));
    context.replicate("EXHDEL", &arguments[..]);
    context.notify_keyspace_event(NotifyEvent::MODULE, "exhexpired", &name);
    if is_empty {
        context.notify_keyspace_event(NotifyEvent::GENERIC, "del", &name);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_checked() {
        let parse = |text: &str| {
            let words: Vec<_> = text.split_whitespace().map(str::as_bytes).collect();
            Settings::of_arguments(&words)
        };
        let settings = parse("ENABLE_ACTIVE_EXPIRE 0 active_expire_period 5 active_expire_keys_per_loop 7");
        let expected = Settings { enabled: false, period: Duration::from_millis(5), keys: 7 };
        assert_eq!(settings, Ok(expected));
        assert!(parse("").unwrap().enabled);
        for text in [
            "what 1",
            "enable_active_expire",
            "enable_active_expire 2",
            "active_expire_period 0",
            "active_expire_period x",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
