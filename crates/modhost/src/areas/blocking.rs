//! Clients that wait for a module: for a thread of it, or for keys.

use std::ffi::{c_int, c_longlong, c_void};
use std::ptr;
use std::time::Duration;

use engine::Error;
use module_abi::constants::{ERR, OK, block_unblock};
use module_abi::types::{self, CommandFunc, DisconnectFunc, ModuleString};

use crate::api::export;
use crate::areas::Hooks;
use crate::blocked::{self, Blocked, Callbacks, Cause, FreeFunc, Occasion};
use crate::context::Ctx;
use crate::guard::Data;
use crate::lend::with_engine;
use crate::string::{ConstStr, Str, StrRef};

pub(crate) const HOOKS: Hooks = Hooks { keeps: blocked::keeps, forget: |_, _| () };

/// Blocks a client if `is_free` says that it isn't in the midst of something. One that can't be is told so, and the
/// module gets something to unblock all the same.
pub(crate) fn block(
    ctx: &Ctx,
    is_free: bool,
    callbacks: Callbacks,
    timeout: c_longlong,
    keys: Option<(Vec<StrRef>, c_int)>,
    data: Data,
) -> *mut types::BlockedClient {
    let client =
        ctx.client.filter(|&client| is_free && with_engine(|engine| engine.may_wait(client)) == Some(true));
    if client.is_none() {
        let in_transaction = |client| with_engine(|engine| engine.in_transaction(client)) == Some(true);
        let error = if ctx.client.is_some_and(in_transaction) {
            Error::fixed("ERR Blocking module command called from transaction")
        } else {
            Error::fixed("ERR Blocking module command called where nothing may block")
        };
        ctx.reply.borrow_mut().error(&error);
    }
    // As in Redis, no time at all is for ever.
    let timeout = u64::try_from(timeout).ok().filter(|&timeout| timeout != 0).map(Duration::from_millis);
    Blocked::begin(ctx, client, callbacks, keys, timeout, data)
}

/// Blocks the client of a command.
fn block_command(
    ctx: &Ctx,
    callbacks: Callbacks,
    timeout: c_longlong,
    keys: Option<(Vec<StrRef>, c_int)>,
    data: Data,
) -> *mut types::BlockedClient {
    let is_free = ctx.command().is_some() && ctx.occasion.is_none() && ctx.pending.borrow().is_none();
    block(ctx, is_free, callbacks, timeout, keys, data)
}

/// The keys that a module passes.
fn names(keys: *const *mut ModuleString, count: c_int) -> Vec<StrRef> {
    let key = |at| {
        // SAFETY: the module passes so many strings.
        let key = unsafe { (*keys.add(at)).cast::<Str>().as_ref() };
        key.map(|key| StrRef::new(key.bytes()))
    };
    (0..usize::try_from(count).unwrap_or(0)).filter_map(key).collect()
}

/// Whether a context is for a callback that is called for this reason.
fn is_for(ctx: &Ctx, cause: Cause) -> c_int {
    c_int::from(ctx.occasion.as_ref().is_some_and(|occasion| occasion.cause == cause))
}

export! {
    fn BlockClient(
        ctx: &Ctx,
        reply: Option<CommandFunc>,
        timeout: Option<CommandFunc>,
        free: Option<FreeFunc>,
        timeout_ms: c_longlong,
    ) -> *mut types::BlockedClient {
        block_command(ctx, Callbacks { reply, timeout, free }, timeout_ms, None, ptr::null_mut())
    }

    fn BlockClientOnKeys(
        ctx: &Ctx,
        reply: Option<CommandFunc>,
        timeout: Option<CommandFunc>,
        free: Option<FreeFunc>,
        timeout_ms: c_longlong,
        keys: *mut *mut ModuleString,
        count: c_int,
        data: Data,
    ) -> *mut types::BlockedClient {
        let keys = Some((names(keys, count), block_unblock::DEFAULT));
        block_command(ctx, Callbacks { reply, timeout, free }, timeout_ms, keys, data)
    }

    fn BlockClientOnKeysWithFlags(
        ctx: &Ctx,
        reply: Option<CommandFunc>,
        timeout: Option<CommandFunc>,
        free: Option<FreeFunc>,
        timeout_ms: c_longlong,
        keys: *mut *mut ModuleString,
        count: c_int,
        data: Data,
        flags: c_int,
    ) -> *mut types::BlockedClient {
        let keys = Some((names(keys, count), flags));
        block_command(ctx, Callbacks { reply, timeout, free }, timeout_ms, keys, data)
    }

    /// Those who wait for the key are asked when the command that runs is done.
    fn SignalKeyAsReady(ctx: &Ctx, key: Option<&Str>) {
        let (db, key) = (ctx.db(), ConstStr(key));
        with_engine(|engine| engine.signal_key(db, key.bytes()));
    }

    /// The key that was signalled, in the reply callback of a client that waits for keys.
    fn GetBlockedClientReadyKey(ctx: &Ctx) -> *mut ModuleString {
        let key = ctx.occasion.as_ref().and_then(|occasion| occasion.ready_key.as_deref());
        key.map_or(ptr::null_mut(), Str::as_raw)
    }

    fn UnblockClient(blocked: Option<&Blocked>, data: *mut c_void) -> c_int {
        blocked.map_or(ERR, |blocked| blocked.unblock(data))
    }

    fn AbortBlock(blocked: Option<&Blocked>) -> c_int {
        blocked.map_or(ERR, Blocked::abort)
    }

    fn IsBlockedReplyRequest(ctx: &Ctx) -> c_int {
        is_for(ctx, Cause::Reply)
    }

    fn IsBlockedTimeoutRequest(ctx: &Ctx) -> c_int {
        is_for(ctx, Cause::Timeout)
    }

    /// Whether the client waited no longer, in the function that frees the data.
    fn BlockedClientDisconnected(ctx: &Ctx) -> c_int {
        is_for(ctx, Cause::End { is_gone: true })
    }

    fn GetBlockedClientPrivateData(ctx: &Ctx) -> *mut c_void {
        ctx.occasion.as_ref().map_or(ptr::null_mut(), |occasion| occasion.blocked.private_data())
    }

    fn GetBlockedClientHandle(ctx: &Ctx) -> *mut types::BlockedClient {
        ctx.occasion.as_ref().map_or(ptr::null_mut(), |Occasion { blocked, .. }| blocked.as_raw())
    }

    fn BlockClientGetPrivateData(blocked: &Blocked) -> *mut c_void {
        blocked.private_data()
    }

    fn BlockClientSetPrivateData(blocked: &Blocked, data: *mut c_void) {
        blocked.set_private_data(data);
    }

    fn SetDisconnectCallback(blocked: &Blocked, function: Option<DisconnectFunc>) {
        blocked.set_disconnect(function);
    }

    /// The time from here to BlockedClientMeasureTimeEnd counts as the command's.
    fn BlockedClientMeasureTimeStart(blocked: &Blocked) -> c_int {
        blocked.begin_work();
        OK
    }

    fn BlockedClientMeasureTimeEnd(blocked: &Blocked) -> c_int {
        if blocked.end_work() { OK } else { ERR }
    }
}
