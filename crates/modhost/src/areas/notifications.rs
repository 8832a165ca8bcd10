//! Keyspace notifications: modules are told of changes of keys, and tell of their own.

use std::ffi::{CStr, CString, c_int};

use engine::config::EventClasses;
use engine::{Engine, KeyEvent};
use module_abi::constants::{ERR, OK, notify, options};
use module_abi::types::NotificationFunc;

use crate::api::export;
use crate::context::Ctx;
use crate::lend::{lend, with_engine};
use crate::slot::Slot;
use crate::string::{Str, StrRef};

/// The classes as modules and as the engine know them.
const CLASSES: [(c_int, EventClasses); 14] = [
    (notify::KEYSPACE, EventClasses::KEYSPACE),
    (notify::KEYEVENT, EventClasses::KEYEVENT),
    (notify::GENERIC, EventClasses::GENERIC),
    (notify::STRING, EventClasses::STRING),
    (notify::LIST, EventClasses::LIST),
    (notify::SET, EventClasses::SET),
    (notify::HASH, EventClasses::HASH),
    (notify::ZSET, EventClasses::SORTED_SET),
    (notify::EXPIRED, EventClasses::EXPIRED),
    (notify::EVICTED, EventClasses::EVICTED),
    (notify::STREAM, EventClasses::STREAM),
    (notify::KEY_MISS, EventClasses::KEY_MISS),
    (notify::MODULE, EventClasses::MODULE),
    (notify::NEW, EventClasses::NEW),
];

fn to_engine(types: c_int) -> EventClasses {
    CLASSES.iter().filter(|(bit, _)| types & bit != 0).map(|(_, class)| *class).collect()
}

fn to_module(classes: EventClasses) -> c_int {
    CLASSES.iter().filter(|(_, class)| classes.contains(*class)).fold(0, |types, (bit, _)| types | bit)
}

/// A subscription of a module.
#[derive(Clone, Copy, Debug)]
struct Subscription {
    classes: EventClasses,
    function: NotificationFunc,
    /// Whether its function runs, which isn't told of what it does itself.
    is_running: bool,
}

/// What a module has subscribed to.
#[derive(Debug, Default)]
struct Subscriptions(Vec<Subscription>);

/// The classes that a module wants to know of.
pub(crate) fn wanted(slot: &'static Slot) -> EventClasses {
    slot.with_state(|Subscriptions(all): &mut Subscriptions| all.iter().map(|its| its.classes).collect())
}

/// Tells a module of a change.
pub(crate) fn tell(slot: &'static Slot, engine: &mut Engine, event: &KeyEvent<'_>) {
    let Ok(name) = CString::new(event.event) else { return };
    let count = slot.with_state(|Subscriptions(all): &mut Subscriptions| all.len());
    for place in 0..count {
        tell_one(engine, slot, place, &name, event);
    }
}

fn tell_one(engine: &mut Engine, slot: &'static Slot, place: usize, name: &CStr, event: &KeyEvent<'_>) {
    let may_nest = slot.options() & options::OPTIONS_ALLOW_NESTED_KEYSPACE_NOTIFICATIONS != 0;
    let set_running = |is_running| {
        slot.with_state(|Subscriptions(all): &mut Subscriptions| {
            let subscription = all.get_mut(place)?;
            let before = *subscription;
            subscription.is_running = is_running;
            Some(before)
        })
    };
    let Some(subscription) =
        slot.with_state(|Subscriptions(all): &mut Subscriptions| all.get(place).copied())
    else {
        return;
    };
    if !subscription.classes.intersects(event.class) || subscription.is_running && !may_nest {
        return;
    }
    set_running(true);
    let ctx = Ctx::detached(slot);
    ctx.own_db.set(event.db);
    let key = StrRef::new(event.key);
    lend(engine, || {
        // SAFETY: the function is given what it is documented to be given.
        unsafe { (subscription.function)(ctx.as_raw(), to_module(event.class), name.as_ptr(), key.as_raw()) };
        ctx.finish();
    });
    set_running(subscription.is_running);
}

export! {
    fn SubscribeToKeyspaceEvents(ctx: &Ctx, types: c_int, function: Option<NotificationFunc>) -> c_int {
        let Some(function) = function else { return ERR };
        let subscription = Subscription { classes: to_engine(types), function, is_running: false };
        ctx.slot.with_state(|Subscriptions(all): &mut Subscriptions| all.push(subscription));
        with_engine(Engine::events_wanted_anew);
        OK
    }

    /// Classes that never happen here are passed over.
    fn NotifyKeyspaceEvent(ctx: &Ctx, types: c_int, event: &CStr, key: Option<&Str>) -> c_int {
        let (Some(key), db) = (key, ctx.db()) else { return ERR };
        let event = event.to_string_lossy();
        with_engine(|engine| engine.publish_key_event(db, key.bytes(), to_engine(types), &event));
        OK
    }

    fn GetNotifyKeyspaceEvents() -> c_int {
        with_engine(|engine| to_module(engine.config().notify_keyspace_events)).unwrap_or(0)
    }

    /// The classes that a module can subscribe to here.
    fn GetKeyspaceNotificationFlagsAll() -> c_int {
        to_module(EventClasses::all())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_translated_both_ways() {
        assert_eq!(to_module(EventClasses::ALL), notify::ALL);
        for (bit, class) in CLASSES {
            assert_eq!((to_engine(bit), to_module(class)), (class, bit));
        }
        assert_eq!(to_engine(to_module(EventClasses::all())), EventClasses::all());
    }
}
