//! Events of the server: who wants to be told of which.

use std::ffi::{c_int, c_void};

use engine::Engine;
use module_abi::constants::{ERR, OK};
use module_abi::structs::Event;
use module_abi::types::EventFunc;

use crate::api::export;
use crate::context::Ctx;
use crate::guard::FromRaw;
use crate::lend::lend;
use crate::slot::Slot;

/// How many sub-events each event has, by its number; 0 for one that has none.
const SUBEVENTS: [u64; 18] = [2, 6, 2, 5, 2, 0, 2, 2, 0, 2, 2, 0, 3, 2, 3, 2, 1, 4];

/// What a module wants to be told.
#[derive(Debug, Default)]
struct Subscriptions {
    all: Vec<(u64, EventFunc)>,
}

impl FromRaw for Event {
    type Raw = Event;

    unsafe fn from_raw(raw: Event) -> Event {
        raw
    }
}

/// Tells a module of an event, if it wants to know of it. `data` leads to what the event's documentation says.
///
/// # Safety
/// `data` is NULL where the event has none, and otherwise leads to its struct.
pub(crate) unsafe fn tell(
    slot: &'static Slot,
    engine: &mut Engine,
    id: u64,
    subevent: u64,
    data: *mut c_void,
) {
    let wanting = |state: &mut Subscriptions| -> Vec<EventFunc> {
        state.all.iter().filter(|(wanted, _)| *wanted == id).map(|(_, function)| *function).collect()
    };
    let functions = slot.with_state(wanting);
    if functions.is_empty() {
        return;
    }
    let ctx = Ctx::detached(slot);
    lend(engine, || {
        for function in functions {
            // SAFETY: the module's function is given what it is documented to be given, by the caller's word.
            unsafe { function(ctx.as_raw(), Event { id, version: 1 }, subevent, data) };
        }
        ctx.finish();
    });
}

export! {
    /// One function for each event; none ends the subscription.
    fn SubscribeToServerEvent(ctx: &Ctx, wanted: Event, function: Option<EventFunc>) -> c_int {
        if wanted.id >= SUBEVENTS.len() as u64 {
            return ERR;
        }
        ctx.slot.with_state(|state: &mut Subscriptions| {
            let count = state.all.len();
            state.all.retain(|(id, _)| *id != wanted.id);
            match function {
                Some(function) => {
                    state.all.push((wanted.id, function));
                    OK
                }
                None if state.all.len() != count => OK,
                None => ERR,
            }
        })
    }

    /// −1 for an event that isn't known.
    fn IsSubEventSupported(asked: Event, subevent: u64) -> c_int {
        match usize::try_from(asked.id).ok().and_then(|id| SUBEVENTS.get(id)) {
            Some(count) => c_int::from(subevent < *count),
            None => -1,
        }
    }
}
