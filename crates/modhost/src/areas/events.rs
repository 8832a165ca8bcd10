//! Events of the server: who is told of them, and with which data.

use std::ffi::{CString, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

use engine::{ClientId, ClientState, Engine, Going, ServerEvent};
use module_abi::constants::{ERR, OK, client_info, event, subevent};
use module_abi::structs::{
    ClientInfo, ConfigChange, CronLoop, Event, FlushInfo, KeyInfo, ModuleChange, SwapDbInfo,
};
use module_abi::types::EventFunc;

use crate::api::export;
use crate::areas::Hooks;
use crate::context::Ctx;
use crate::guard::FromRaw;
use crate::key::Key;
use crate::lend::{lend, with_engine};
use crate::slot::{self, Slot};

/// The version of every struct that comes with an event.
const DATA_VERSION: u64 = 1;
/// That of what is told of a client.
pub(crate) const CLIENT_INFO_VERSION: u64 = DATA_VERSION;

/// For each event, by number, how many sub-events it has, and whether there is a struct whose version counts.
const EVENTS: [(u64, bool); 18] = [
    (2, true),
    (6, false),
    (2, true),
    (5, false),
    (2, true),
    (0, false),
    (2, false),
    (2, false),
    (0, true),
    (2, true),
    (2, true),
    (0, true),
    (3, false),
    (2, false),
    (3, false),
    (2, false),
    (1, true),
    (4, true),
];

/// A subscription of a module.
#[derive(Clone, Copy, Debug)]
struct Subscription {
    event: u64,
    version: u64,
    function: EventFunc,
}

/// What a module has subscribed to, each event once.
#[derive(Debug, Default)]
struct Registered(Vec<Subscription>);

/// The events, as bits by number, that some module of this process has subscribed to.
static WANTED: AtomicU32 = AtomicU32::new(0);

/// Finds out anew which events are wanted.
fn recount() {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let wanted_by = |slot: &'static Slot| {
        slot.with_state(|Registered(all): &mut Registered| {
            all.iter().fold(0, |set, its| set | 1 << its.event)
        })
    };
    let wanted = slot::taken().map(wanted_by).fold(0, |set, its: u32| set | its);
    WANTED.store(wanted, Ordering::Relaxed);
}

/// Whether a module may have subscribed to an event.
#[inline]
pub(crate) fn is_wanted(event: u64) -> bool {
    WANTED.load(Ordering::Relaxed) & 1 << event != 0
}

/// Tells the modules that have subscribed; `data` makes what the event comes with, in the context of each call.
fn fire_with(
    engine: &mut Engine,
    slots: &[&'static Slot],
    event: u64,
    subevent: u64,
    mut data: impl FnMut(&Ctx) -> *mut c_void,
) {
    if !is_wanted(event) {
        return;
    }
    for slot in slots {
        let find = |Registered(all): &mut Registered| all.iter().find(|its| its.event == event).copied();
        let Some(Subscription { version, function, .. }) = slot.with_state(find) else { continue };
        let ctx = Ctx::detached(slot);
        let data = data(&ctx);
        lend(engine, || {
            // SAFETY: the function is given what it is documented to be given with this event.
            unsafe { function(ctx.as_raw(), Event { id: event, version }, subevent, data) };
            ctx.finish();
        });
    }
}

/// The same, with data that is the same for all, or none.
fn fire<T>(engine: &mut Engine, slots: &[&'static Slot], event: u64, subevent: u64, data: Option<&mut T>) {
    let data = data.map_or(ptr::null_mut(), |data| ptr::from_mut(data).cast());
    fire_with(engine, slots, event, subevent, |_| data);
}

/// Tells modules that the loop is about to wait, or has waited.
pub(crate) fn event_loop(engine: &mut Engine, slots: &[&'static Slot], subevent: u64) {
    fire::<()>(engine, slots, event::EVENTLOOP, subevent, None);
}

/// Tells modules that the server ends.
pub(crate) fn shutdown(engine: &mut Engine, slots: &[&'static Slot]) {
    fire::<()>(engine, slots, event::SHUTDOWN, 0, None);
}

/// A module that has come or gone, as others are told.
#[derive(Debug)]
pub(crate) struct Change {
    name: CString,
    version: i32,
}

impl Change {
    /// What is told of a module, which is still there.
    pub(crate) fn of(slot: &Slot) -> Self {
        let identity = slot.identity();
        let name = CString::new(identity.name.clone()).unwrap_or_default();
        Self { name, version: identity.version }
    }

    /// Tells the other modules.
    pub(crate) fn tell(&self, engine: &mut Engine, slots: &[&'static Slot], subevent: u64) {
        let mut data = ModuleChange {
            version: DATA_VERSION,
            module_name: self.name.as_ptr(),
            module_version: self.version,
        };
        fire(engine, slots, event::MODULE_CHANGE, subevent, Some(&mut data));
    }
}

/// What a module is told of a client.
pub(crate) fn client_info(id: ClientId, state: &ClientState) -> ClientInfo {
    let flags = [
        (state.subscribed, client_info::PUBSUB),
        (state.waiting, client_info::BLOCKED),
        (state.tracking, client_info::TRACKING),
        (state.unix, client_info::UNIXSOCKET),
        (state.transaction, client_info::MULTI),
    ];
    let flags = flags.iter().filter(|(is_set, _)| *is_set).fold(0, |all, (_, flag)| all | flag);
    // A path stands where an address would; its port is the 0 that Redis shows behind it.
    let (host, port) = state.address.rsplit_once(':').unwrap_or((&state.address, ""));
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let mut addr = [0; 46];
    let room = addr.len() - 1;
    for (to, from) in addr[..room].iter_mut().zip(host.bytes()) {
        *to = from as c_char;
    }
    ClientInfo {
        version: DATA_VERSION,
        flags,
        id: id.number(),
        addr,
        port: port.parse().unwrap_or(0),
        db: state.db as u16,
    }
}

/// Tells modules what the engine tells.
pub(crate) fn tell(engine: &mut Engine, slots: &[&'static Slot], what: &ServerEvent<'_>) {
    match *what {
        ServerEvent::FlushBegins { db, sync } => flush(engine, slots, subevent::FLUSHDB_START, db, sync),
        ServerEvent::FlushEnds { db, sync } => flush(engine, slots, subevent::FLUSHDB_END, db, sync),
        ServerEvent::Connected(id) => client(engine, slots, subevent::CLIENT_CHANGE_CONNECTED, id),
        ServerEvent::Disconnects(id) => client(engine, slots, subevent::CLIENT_CHANGE_DISCONNECTED, id),
        ServerEvent::Cron { hz } => {
            let mut data = CronLoop { version: DATA_VERSION, hz: hz as i32 };
            fire(engine, slots, event::CRON_LOOP, 0, Some(&mut data));
        }
        ServerEvent::ChildBegins => {
            fire::<()>(engine, slots, event::FORK_CHILD, subevent::FORK_CHILD_BORN, None);
        }
        ServerEvent::ChildEnds => {
            fire::<()>(engine, slots, event::FORK_CHILD, subevent::FORK_CHILD_DIED, None);
        }
        ServerEvent::Swapped(first, second) => {
            let mut data =
                SwapDbInfo { version: DATA_VERSION, dbnum_first: first as i32, dbnum_second: second as i32 };
            fire(engine, slots, event::SWAPDB, 0, Some(&mut data));
        }
        ServerEvent::ConfigSet(names) => config_set(engine, slots, names),
        ServerEvent::KeyGoes { db, key, why } => key_goes(engine, slots, db, key, why),
    }
}

fn flush(engine: &mut Engine, slots: &[&'static Slot], subevent: u64, db: Option<usize>, sync: bool) {
    let dbnum = db.map_or(-1, |db| db as i32);
    let mut data = FlushInfo { version: DATA_VERSION, sync: sync.into(), dbnum };
    fire(engine, slots, event::FLUSHDB, subevent, Some(&mut data));
}

fn client(engine: &mut Engine, slots: &[&'static Slot], subevent: u64, id: ClientId) {
    if let Some(state) = engine.client_state(id) {
        fire(engine, slots, event::CLIENT_CHANGE, subevent, Some(&mut client_info(id, &state)));
    }
}

fn config_set(engine: &mut Engine, slots: &[&'static Slot], names: &[&str]) {
    let names: Vec<CString> = names.iter().filter_map(|name| CString::new(*name).ok()).collect();
    let pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let mut data = ConfigChange {
        version: DATA_VERSION,
        num_changes: pointers.len() as u32,
        config_names: pointers.as_ptr(),
    };
    fire(engine, slots, event::CONFIG, subevent::CONFIG_CHANGE, Some(&mut data));
}

fn key_goes(engine: &mut Engine, slots: &[&'static Slot], db: usize, key: &[u8], why: Going) {
    let subevent = match why {
        Going::Deleted => subevent::KEY_DELETED,
        Going::Expired => subevent::KEY_EXPIRED,
        Going::Evicted => subevent::KEY_EVICTED,
        Going::Overwritten => subevent::KEY_OVERWRITTEN,
    };
    let mut open: Option<Key>;
    let mut info = KeyInfo { version: DATA_VERSION, key: ptr::null_mut() };
    for slot in slots {
        open = None;
        fire_with(engine, &[slot], event::KEY, subevent, |ctx| {
            ctx.own_db.set(db);
            info.key = ptr::from_mut(open.insert(Key::going(ctx, db, key))).cast();
            ptr::from_mut(&mut info).cast()
        });
    }
}

pub(crate) const HOOKS: Hooks = Hooks { keeps: |_| None, forget };

fn forget(slot: &'static Slot, _engine: &mut Engine) {
    slot.with_state(|Registered(all): &mut Registered| all.clear());
    recount();
}

impl FromRaw for Event {
    type Raw = Self;

    unsafe fn from_raw(raw: Self) -> Self {
        raw
    }
}

export! {
    /// Each event has one function; none ends the subscription.
    fn SubscribeToServerEvent(ctx: &Ctx, event: Event, function: Option<EventFunc>) -> c_int {
        let Some(&(_, has_struct)) = EVENTS.get(event.id as usize) else { return ERR };
        if has_struct && event.version > DATA_VERSION {
            return ERR;
        }
        ctx.slot.with_state(|Registered(all): &mut Registered| {
            all.retain(|its| its.event != event.id);
            all.extend(function.map(|function| Subscription { event: event.id, version: event.version, function }));
        });
        recount();
        with_engine(Engine::events_wanted_anew);
        OK
    }

    fn IsSubEventSupported(event: Event, subevent: u64) -> c_int {
        EVENTS.get(event.id as usize).is_some_and(|(count, _)| subevent < *count).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_split() {
        let state = |address: &str| ClientState {
            address: address.to_owned(),
            unix: false,
            db: 3,
            subscribed: true,
            waiting: false,
            tracking: false,
            transaction: true,
        };
        let mut engine = Engine::open(engine::Options::default());
        let id = engine.connect().expect("a client");
        let told = |address: &str| {
            let info = client_info(id, &state(address));
            assert_eq!((info.flags, info.db), (client_info::PUBSUB | client_info::MULTI, 3));
            let text = info.addr.iter().take_while(|byte| **byte != 0).map(|byte| *byte as u8);
            (String::from_utf8(text.collect()).expect("ASCII"), info.port)
        };
        assert_eq!(told("127.0.0.1:7000"), ("127.0.0.1".to_owned(), 7000));
        assert_eq!(told("[::1]:7000"), ("::1".to_owned(), 7000));
        assert_eq!(told(&format!("/{}:0", "x".repeat(60))).0.len(), 45);
    }
}
