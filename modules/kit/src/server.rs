//! What a module asks of the server beyond keys.
#![allow(unsafe_code)]

use redis_module::{Context, RedisString, raw};

/// Says that the module's types can be loaded from what is cut short or garbled: without it the
/// server ends itself at the first such RESTORE.
pub fn handle_read_errors(context: &Context) {
    context.set_module_options(raw::ModuleOptions::HANDLE_IO_ERRORS);
}

/// Milliseconds since 1970.
pub fn now() -> i64 {
    // SAFETY: has no preconditions.
    unsafe { raw::RedisModule_Milliseconds.expect("Redis 4")() }
}

/// The database that a context works on.
pub fn database(context: &Context) -> i32 {
    // SAFETY: the context is valid as long as its wrapper is used.
    unsafe { raw::RedisModule_GetSelectedDb.expect("Redis 4")(context.ctx) }
}

/// Makes a context work on another database; false when there is none of that number.
pub fn select(context: &Context, database: i32) -> bool {
    // SAFETY: as above.
    let status = unsafe { raw::RedisModule_SelectDb.expect("Redis 4")(context.ctx, database) };
    status == raw::REDISMODULE_OK as i32
}

/// Sends a message to the subscribers of a channel, in the whole cluster.
pub fn publish(context: &Context, channel: &[u8], message: &[u8]) {
    let channel = RedisString::create_from_slice(context.ctx, channel);
    let message = RedisString::create_from_slice(context.ctx, message);
    // SAFETY: the context is valid as long as its wrapper is used, and the strings live on.
    unsafe {
        raw::RedisModule_PublishMessage.expect("Redis 7")(context.ctx, channel.inner, message.inner);
    }
}

/// Calls a function after two databases were swapped, with their numbers. A module has one such
/// function.
///
/// # Errors
/// When the server knows no such event.
pub fn on_swap(context: &Context, function: fn(i32, i32)) -> Result<(), &'static str> {
    static FUNCTION: std::sync::OnceLock<fn(i32, i32)> = std::sync::OnceLock::new();
    unsafe extern "C" fn call(
        _context: *mut raw::RedisModuleCtx,
        _event: raw::RedisModuleEvent,
        _subevent: u64,
        data: *mut std::ffi::c_void,
    ) {
        // SAFETY: the event comes with this structure.
        let swapped = unsafe { &*data.cast::<raw::RedisModuleSwapDbInfo>() };
        if let Some(function) = FUNCTION.get() {
            function(swapped.dbnum_first, swapped.dbnum_second);
        }
    }
    let _ = FUNCTION.set(function);
    let event = raw::RedisModuleEvent { id: raw::REDISMODULE_EVENT_SWAPDB, dataver: 1 };
    // SAFETY: the callback has the type of the event's callbacks, and stays as long as the module.
    let status =
        unsafe { raw::RedisModule_SubscribeToServerEvent.expect("Redis 6")(context.ctx, event, Some(call)) };
    if status == raw::REDISMODULE_OK as i32 { Ok(()) } else { Err("the server has no event SWAPDB") }
}

/// Calls a function after a database was flushed, with its number, -1 for all.
///
/// # Errors
/// When the server knows no such event.
pub fn on_flush(context: &Context, function: fn(i32)) -> Result<(), &'static str> {
    static FUNCTION: std::sync::OnceLock<fn(i32)> = std::sync::OnceLock::new();
    unsafe extern "C" fn call(
        _context: *mut raw::RedisModuleCtx,
        _event: raw::RedisModuleEvent,
        subevent: u64,
        data: *mut std::ffi::c_void,
    ) {
        // SAFETY: the event comes with this structure.
        let flushed = unsafe { &*data.cast::<raw::RedisModuleFlushInfo>() };
        if subevent == raw::REDISMODULE_SUBEVENT_FLUSHDB_START
            && let Some(function) = FUNCTION.get()
        {
            function(flushed.dbnum);
        }
    }
    let _ = FUNCTION.set(function);
    let event = raw::RedisModuleEvent { id: raw::REDISMODULE_EVENT_FLUSHDB, dataver: 1 };
    // SAFETY: the callback has the type of the event's callbacks, and stays as long as the module.
    let status =
        unsafe { raw::RedisModule_SubscribeToServerEvent.expect("Redis 6")(context.ctx, event, Some(call)) };
    if status == raw::REDISMODULE_OK as i32 { Ok(()) } else { Err("the server has no event FLUSHDB") }
}
