//! Keyspace notifications: modules are told of changes, tell of their own, and do what they may not do at once a
//! little later.

use std::ffi::{CStr, CString, c_int};

use engine::config::EventClasses;
use engine::{Engine, KeyEvent};
use module_abi::constants::{ERR, OK, notify};
use module_abi::types::NotificationFunc;

use crate::api::export;
use crate::context::Ctx;
use crate::lend::{lend, with_engine};
use crate::slot::Slot;
use crate::string::{Str, StrRef};

/// The classes as the engine knows them, and as modules do.
const CLASSES: [(EventClasses, c_int); 14] = [
    (EventClasses::GENERIC, notify::GENERIC),
    (EventClasses::STRING, notify::STRING),
    (EventClasses::LIST, notify::LIST),
    (EventClasses::SET, notify::SET),
    (EventClasses::HASH, notify::HASH),
    (EventClasses::SORTED_SET, notify::ZSET),
    (EventClasses::EXPIRED, notify::EXPIRED),
    (EventClasses::EVICTED, notify::EVICTED),
    (EventClasses::STREAM, notify::STREAM),
    (EventClasses::MODULE, notify::MODULE),
    (EventClasses::NEW, notify::NEW),
    (EventClasses::KEYSPACE, notify::KEYSPACE),
    (EventClasses::KEYEVENT, notify::KEYEVENT),
    (EventClasses::KEY_MISS, notify::KEY_MISS),
];

fn to_engine(classes: c_int) -> EventClasses {
    let wanted = CLASSES.iter().filter(|(_, theirs)| classes & theirs != 0);
    wanted.fold(EventClasses::empty(), |all, (ours, _)| all | *ours)
}

fn to_module(classes: EventClasses) -> c_int {
    CLASSES.iter().filter(|(ours, _)| classes.contains(*ours)).fold(0, |all, (_, theirs)| all | theirs)
}

/// What a module wants to be told.
#[derive(Debug, Default)]
struct Subscriptions {
    all: Vec<(c_int, NotificationFunc)>,
    /// Whether the module is being told right now: a change that it makes meanwhile isn't told it again.
    is_busy: bool,
}

/// The classes that a module wants to know of.
pub(crate) fn wanted(slot: &'static Slot) -> EventClasses {
    let classes = |state: &mut Subscriptions| state.all.iter().fold(0, |all, (classes, _)| all | classes);
    to_engine(slot.with_state(classes))
}

/// Tells a module of a change.
pub(crate) fn tell(slot: &'static Slot, engine: &mut Engine, event: &KeyEvent<'_>) {
    let class = to_module(event.class);
    let functions: Vec<NotificationFunc> = slot.with_state(|state: &mut Subscriptions| {
        let wanting = state.all.iter().filter(|(classes, _)| classes & class != 0);
        let functions: Vec<_> =
            if state.is_busy { Vec::new() } else { wanting.map(|(_, function)| *function).collect() };
        state.is_busy |= !functions.is_empty();
        functions
    });
    let Some(name) = CString::new(event.event).ok().filter(|_| !functions.is_empty()) else { return };
    let ctx = Ctx::detached(slot);
    ctx.own_db.set(event.db);
    let key = StrRef::new(event.key);
    lend(engine, || {
        for function in functions {
            // SAFETY: the module's function is given what it is documented to be given.
            unsafe { function(ctx.as_raw(), class, name.as_ptr(), key.as_raw()) };
        }
        ctx.finish();
    });
    slot.with_state(|state: &mut Subscriptions| state.is_busy = false);
}

export! {
    fn SubscribeToKeyspaceEvents(ctx: &Ctx, classes: c_int, function: Option<NotificationFunc>) -> c_int {
        let Some(function) = function else { return ERR };
        ctx.slot.with_state(|state: &mut Subscriptions| state.all.push((classes, function)));
        with_engine(Engine::key_events_wanted_anew);
        OK
    }

    /// Publishes an event of a key as the server's own commands do.
    fn NotifyKeyspaceEvent(ctx: &Ctx, class: c_int, event: &CStr, key: Option<&Str>) -> c_int {
        let Some(key) = key else { return ERR };
        let db = ctx.db();
        let event = event.to_string_lossy();
        with_engine(|engine| engine.publish_key_event(db, key.bytes(), to_engine(class), &event));
        OK
    }

    /// The classes that are published: `notify-keyspace-events`.
    fn GetNotifyKeyspaceEvents() -> c_int {
        with_engine(|engine| to_module(engine.config().notify_keyspace_events)).unwrap_or(0)
    }

    fn GetKeyspaceNotificationFlagsAll() -> c_int {
        CLASSES.iter().fold(notify::LOADED, |all, (_, class)| all | class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_its_counterpart() {
        for (ours, theirs) in CLASSES {
            assert_eq!(to_engine(theirs), ours);
            assert_eq!(to_module(ours), theirs);
        }
        assert_eq!(to_module(EventClasses::ALL) & notify::ALL, notify::ALL);
    }
}
