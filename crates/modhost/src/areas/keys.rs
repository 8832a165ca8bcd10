//! Keys as such: opening, type, expiry, deletion.

use std::ffi::c_int;
use std::ptr;

use keyspace::ValueType;
use module_abi::constants::{ERR, NO_EXPIRE, OK, key_type};
use module_abi::types;

use crate::api::export;
use crate::context::Ctx;
use crate::guard::Out;
use crate::key::{Key, Seen};
use crate::lend::with_engine;
use crate::string::Str;

export! {
    fn OpenKey(ctx: &Ctx, name: Option<&Str>, mode: c_int) -> *mut types::Key {
        let key = name.and_then(|name| Key::open(ctx, name, mode));
        key.map_or(ptr::null_mut(), |key| ctx.give_key(key))
    }

    fn CloseKey(key: *mut types::Key) {
        // SAFETY: the module gives up a key that it has opened, or passes NULL.
        let Some(key_box) = (unsafe { Key::from_raw(key) }) else { return };
        if let Some(ctx) = key_box.context() {
            ctx.let_go_of_key(key);
        }
    }

    fn KeyExists(ctx: &Ctx, name: Option<&Str>) -> c_int {
        let is_there = name.is_some_and(|name| Key::open(ctx, name, module_abi::constants::key_mode::READ).is_some());
        c_int::from(is_there)
    }

    fn KeyType(key: Option<&Key>) -> c_int {
        match key.and_then(Key::look).map(|seen| seen.kind) {
            None => key_type::EMPTY,
            Some(ValueType::String) => key_type::STRING,
            Some(ValueType::Module) => key_type::MODULE,
        }
    }

    /// Bytes of a string; 0 for a module's value, which only its module can measure.
    fn ValueLength(key: Option<&Key>) -> usize {
        key.and_then(Key::look).map_or(0, |seen| seen.len)
    }

    fn DeleteKey(key: Option<&Key>) -> c_int {
        delete(key, false)
    }

    fn UnlinkKey(key: Option<&Key>) -> c_int {
        delete(key, true)
    }

    /// Milliseconds that are left; −1 where there is no expiry, or no key.
    fn GetExpire(key: Option<&Key>) -> i64 {
        let now = with_engine(|engine| engine.clock().now_ms()).unwrap_or(0);
        expiry(key).map_or(NO_EXPIRE, |at| (at - now).max(0))
    }

    /// Milliseconds from now on; −1 takes the expiry away.
    fn SetExpire(key: Option<&Key>, left: i64) -> c_int {
        let now = with_engine(|engine| engine.clock().now_ms()).unwrap_or(0);
        match left {
            NO_EXPIRE => set_expiry(key, None),
            left if left < 0 => ERR,
            left => set_expiry(key, Some(now.saturating_add(left))),
        }
    }

    fn GetAbsExpire(key: Option<&Key>) -> i64 {
        expiry(key).unwrap_or(NO_EXPIRE)
    }

    fn SetAbsExpire(key: Option<&Key>, at: i64) -> c_int {
        match at {
            NO_EXPIRE => set_expiry(key, None),
            at if at < 0 => ERR,
            at => set_expiry(key, Some(at)),
        }
    }

    fn GetKeyNameFromModuleKey(key: Option<&Key>) -> *const types::ModuleString {
        key.map_or(ptr::null(), |key| key.name.as_raw().cast_const())
    }

    fn GetDbIdFromModuleKey(key: Option<&Key>) -> c_int {
        key.map_or(-1, |key| key.db as c_int)
    }

    /// Tells those who watch or track a key that it has changed.
    fn SignalModifiedKey(ctx: &Ctx, name: Option<&Str>) -> c_int {
        let db = ctx.db();
        let told = name.and_then(|name| with_engine(|engine| engine.key_changed(db, name.bytes())));
        if told.is_some() { OK } else { ERR }
    }

    fn PublishMessage(_ctx: &Ctx, channel: Option<&Str>, message: Option<&Str>) -> c_int {
        publish(channel, message, false)
    }

    fn PublishMessageShard(_ctx: &Ctx, channel: Option<&Str>, message: Option<&Str>) -> c_int {
        publish(channel, message, true)
    }

    fn RandomKey(ctx: &Ctx) -> *mut types::ModuleString {
        let db = ctx.db();
        let key = with_engine(|engine| engine.random_key(db)).flatten();
        key.map_or(ptr::null_mut(), |key| ctx.give_string(crate::string::StrRef::new(&key)))
    }

    /// Removes all keys of all databases.
    fn ResetDataset(_restart_aof: c_int, is_async: c_int) {
        with_engine(|engine| engine.flush_all(is_async != 0));
    }

    /// Fails under a policy that doesn't keep it.
    fn SetLRU(key: Option<&Key>, idle_ms: i64) -> c_int {
        set_access(key, |engine| if idle_ms < 0 { None } else { engine.access_clock_idle(idle_ms) })
    }

    fn GetLRU(key: Option<&Key>, idle_ms: Out<i64>) -> c_int {
        get_access(key, &idle_ms, -1, |engine, clock| engine.idle_ms_of(clock))
    }

    /// Fails under a policy that doesn't keep it; 255 is the most that there is.
    fn SetLFU(key: Option<&Key>, frequency: i64) -> c_int {
        set_access(key, |engine| {
            if (0..=255).contains(&frequency) { engine.access_clock_frequency(frequency) } else { None }
        })
    }

    fn GetLFU(key: Option<&Key>, frequency: Out<i64>) -> c_int {
        get_access(key, &frequency, -1, |engine, clock| engine.frequency_of(clock))
    }
}

/// Gives how many have received the message.
fn publish(channel: Option<&Str>, message: Option<&Str>, to_shard: bool) -> c_int {
    let (Some(channel), Some(message)) = (channel, message) else { return 0 };
    let sent = with_engine(|engine| engine.publish_message(channel.bytes(), message.bytes(), to_shard));
    sent.unwrap_or(0) as c_int
}

fn delete(key: Option<&Key>, lazy: bool) -> c_int {
    let Some(key) = key.filter(|key| key.is_writable()) else { return ERR };
    key.with_engine(|engine, db, name| {
        let lazy = lazy || engine.config().lazyfree_lazy_server_del;
        engine.delete_key(db, name, lazy)
    });
    OK
}

fn expiry(key: Option<&Key>) -> Option<i64> {
    key.and_then(Key::look).and_then(|seen| seen.expiry)
}

/// Sets or takes away the expiry of a key that is there and open for writing.
fn set_expiry(key: Option<&Key>, at: Option<i64>) -> c_int {
    let Some(key) = key.filter(|key| key.is_writable()) else { return ERR };
    let set = |engine: &mut engine::Engine, db: usize, name: &[u8]| {
        engine.entry_mut(db, name).map(|mut entry| entry.set_expiry(at))
    };
    if key.with_engine(set).flatten().is_some() { OK } else { ERR }
}

/// Sets the access clock of a key, to what `clock` says under the policy in force; fails where that is nothing.
fn set_access(key: Option<&Key>, clock: impl FnOnce(&engine::Engine) -> Option<u32>) -> c_int {
    let Some(key) = key else { return ERR };
    let set = |engine: &mut engine::Engine, db: usize, name: &[u8]| {
        let clock = clock(engine)?;
        engine.entry_mut(db, name)?.set_clock(clock);
        Some(())
    };
    if key.with_engine(set).flatten().is_some() { OK } else { ERR }
}

/// Reads a figure from the access clock of a key; `none` where the policy in force doesn't keep it.
fn get_access(
    key: Option<&Key>,
    target: &Out<i64>,
    none: i64,
    figure: impl FnOnce(&engine::Engine, u32) -> Option<i64>,
) -> c_int {
    target.put(none);
    let Some(key) = key else { return ERR };
    let Some(Seen { clock, .. }) = key.look() else { return ERR };
    if let Some(value) = with_engine(|engine| figure(engine, clock)).flatten() {
        target.put(value);
    }
    OK
}
