//! Replies that come later: to commands that wait, which a module has called with the flag `K`.

use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::ptr;

use engine::{ClientId, Engine};
use module_abi::constants::{ERR, OK};
use module_abi::types::UnblockedFunc;

use crate::api::export;
use crate::areas::Hooks;
use crate::call_reply::CallReply;
use crate::context::Ctx;
use crate::guard::{Data, Out};
use crate::lend::{lend, with_engine};
use crate::slot::Slot;

/// What is done when a reply comes.
#[derive(Clone, Copy, Debug)]
struct Awaited {
    function: Option<UnblockedFunc>,
    data: Data,
    db: usize,
}

// SAFETY: the module's own pointer is only handed back to it.
unsafe impl Send for Awaited {}

/// The replies that a module awaits.
#[derive(Debug, Default)]
struct Promises(HashMap<ClientId, Awaited>);

pub(crate) const HOOKS: Hooks = Hooks { keeps: |_| None, forget };

fn forget(slot: &'static Slot, engine: &mut Engine) {
    let all = slot.with_state(|state: &mut Promises| std::mem::take(&mut state.0));
    for promise in all.into_keys() {
        engine.break_promise(promise);
    }
}

/// Notes that a module awaits a reply.
pub(crate) fn expect(slot: &Slot, promise: ClientId, db: usize) {
    let awaited = Awaited { function: None, data: ptr::null_mut(), db };
    slot.with_state(|state: &mut Promises| state.0.insert(promise, awaited));
}

/// Whether a module awaits a reply.
pub(crate) fn is_awaited(slot: &Slot, promise: ClientId) -> bool {
    slot.with_state(|state: &mut Promises| state.0.contains_key(&promise))
}

/// Gives a module the reply that it awaits, which is its to free.
pub(crate) fn keep(slot: &'static Slot, engine: &mut Engine, promise: ClientId, reply: Vec<u8>) {
    let awaited = slot.with_state(|state: &mut Promises| state.0.remove(&promise));
    let Some(Awaited { function: Some(function), data, db }) = awaited else { return };
    let Some(reply) = CallReply::parse(reply) else { return };
    let ctx = Ctx::detached(slot);
    ctx.own_db.set(db);
    lend(engine, || {
        // SAFETY: the module's function is given what it is documented to be given.
        unsafe { function(ctx.as_raw(), reply.into_raw(slot), data) };
        ctx.finish();
    });
}

export! {
    /// Has a function called with the reply when it comes.
    fn CallReplyPromiseSetUnblockHandler(
        reply: Option<&CallReply>,
        function: Option<UnblockedFunc>,
        data: Data,
    ) {
        let Some((promise, slot)) = reply.and_then(CallReply::promised) else { return };
        slot.with_state(|state: &mut Promises| {
            if let Some(awaited) = state.0.get_mut(&promise) {
                (awaited.function, awaited.data) = (function, data);
            }
        });
    }

    /// Ends the command's wait, if it hasn't ended; then the function isn't called.
    fn CallReplyPromiseAbort(reply: Option<&CallReply>, data: Out<*mut c_void>) -> c_int {
        let Some((promise, slot)) = reply.and_then(CallReply::promised) else { return ERR };
        let awaited = slot.with_state(|state: &mut Promises| state.0.get(&promise).copied());
        let is_broken = with_engine(|engine| engine.break_promise(promise)).unwrap_or(false);
        let Some(awaited) = awaited.filter(|_| is_broken) else { return ERR };
        slot.with_state(|state: &mut Promises| state.0.remove(&promise));
        data.put(awaited.data);
        OK
    }
}
