//! Timers: functions of modules that are called once, after so many milliseconds of the data clock.

use std::collections::BTreeMap;
use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicU64, Ordering};

use engine::Engine;
use module_abi::constants::{ERR, OK};
use module_abi::types::{TimerFunc, TimerId};

use crate::api::export;
use crate::areas::Hooks;
use crate::context::Ctx;
use crate::guard::{Data, Out};
use crate::lend::{lend, with_engine};
use crate::slot::Slot;

/// A function, and what it is to be given.
#[derive(Clone, Copy, Debug)]
struct Timer {
    function: TimerFunc,
    data: Data,
    db: usize,
}

// SAFETY: the module's own pointer is only handed back to it.
unsafe impl Send for Timer {}

/// The timers of a module, by when they are due, in milliseconds since 1970, and by number.
#[derive(Debug, Default)]
struct Timers {
    all: BTreeMap<(i64, TimerId), Timer>,
}

pub(crate) const HOOKS: Hooks = Hooks { keeps, forget };

fn keeps(slot: &'static Slot) -> Option<&'static str> {
    let has_timers = slot.with_state(|state: &mut Timers| !state.all.is_empty());
    has_timers.then_some(
        "Error unloading module: the module holds timer that is not fired. \
         Please stop the timer or wait until it fires.",
    )
}

fn forget(slot: &'static Slot, _engine: &mut Engine) {
    slot.with_state(|state: &mut Timers| state.all.clear());
}

/// Calls the functions of a module that are due; gives when the next one is.
pub(crate) fn run(slot: &'static Slot, engine: &mut Engine) -> Option<i64> {
    let now = engine.clock().now_ms();
    // What a function sets up anew has to wait for the next time, even if it is due at once.
    let due: Vec<Timer> = slot.with_state(|state: &mut Timers| {
        let later = state.all.split_off(&(now.saturating_add(1), 0));
        std::mem::replace(&mut state.all, later).into_values().collect()
    });
    if !due.is_empty() {
        lend(engine, || {
            for timer in due {
                let ctx = Ctx::detached(slot);
                ctx.own_db.set(timer.db);
                // SAFETY: the module's function is given what it is documented to be given.
                unsafe { (timer.function)(ctx.as_raw(), timer.data) };
            }
        });
    }
    slot.with_state(|state: &mut Timers| state.all.keys().next().map(|(due, _)| *due))
}

/// The number that the next timer gets.
static NEXT: AtomicU64 = AtomicU64::new(1);

fn now() -> i64 {
    with_engine(|engine| engine.clock().now_ms()).unwrap_or(0)
}

/// Takes a timer by its number out of the state, or only looks at it.
fn with_timer<R>(slot: &Slot, id: TimerId, body: impl FnOnce(&mut Timers, (i64, TimerId)) -> R) -> Option<R> {
    slot.with_state(|state: &mut Timers| {
        let key = state.all.keys().find(|(_, known)| *known == id).copied()?;
        Some(body(state, key))
    })
}

export! {
    fn CreateTimer(ctx: &Ctx, period: i64, function: Option<TimerFunc>, data: Data) -> TimerId {
        let Some(function) = function else { return 0 };
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let due = now().saturating_add(period.max(0));
        let timer = Timer { function, data, db: ctx.db() };
        ctx.slot.with_state(|state: &mut Timers| state.all.insert((due, id), timer));
        ctx.slot.gil().expect_timer(due);
        id
    }

    fn StopTimer(ctx: &Ctx, id: TimerId, data: Out<*mut c_void>) -> c_int {
        match with_timer(ctx.slot, id, |state, key| state.all.remove(&key)).flatten() {
            Some(timer) => {
                data.put(timer.data);
                OK
            }
            None => ERR,
        }
    }

    /// Milliseconds until it is due.
    fn GetTimerInfo(ctx: &Ctx, id: TimerId, remaining: Out<u64>, data: Out<*mut c_void>) -> c_int {
        match with_timer(ctx.slot, id, |state, key| state.all.get(&key).map(|timer| (key.0, timer.data))).flatten() {
            Some((due, its_data)) => {
                remaining.put(u64::try_from(due - now()).unwrap_or(0));
                data.put(its_data);
                OK
            }
            None => ERR,
        }
    }
}
