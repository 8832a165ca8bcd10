//! The server's event loop: descriptors that modules have watched, and functions that it is to call once.
//!
//! None of these functions is given a context. Every module has its own, which know the slot that it is in.

use std::collections::HashMap;
use std::ffi::{c_int, c_void};

use engine::{Engine, Readiness};
use module_abi::constants::{ERR, OK, event_loop};
use module_abi::types::{EventLoopFunc, EventLoopOneShotFunc};

use crate::areas::Hooks;
use crate::guard::{Data, guarded, set_errno};
use crate::inbox::OneShot;
use crate::lend::{lend, with_engine};
use crate::slot::{self, Slot};

/// What is called for a descriptor.
#[derive(Clone, Copy, Debug)]
struct Watched {
    readable: Option<EventLoopFunc>,
    writable: Option<EventLoopFunc>,
    data: Data,
}

// SAFETY: the module's own pointer is only handed back to it.
unsafe impl Send for Watched {}

impl Watched {
    fn readiness(&self) -> Readiness {
        Readiness { readable: self.readable.is_some(), writable: self.writable.is_some() }
    }
}

/// The descriptors that a module has watched.
#[derive(Debug, Default)]
struct Descriptors(HashMap<c_int, Watched>);

pub(crate) const HOOKS: Hooks = Hooks { keeps: |_| None, forget };

fn forget(slot: &'static Slot, engine: &mut Engine) {
    let all = slot.with_state(|state: &mut Descriptors| std::mem::take(&mut state.0));
    for fd in all.into_keys() {
        // One that the module has closed isn't watched any more.
        let _ = engine.watch_descriptor(fd, Readiness::default());
    }
}

fn watched(slot: &Slot, fd: c_int) -> Option<Watched> {
    slot.with_state(|state: &mut Descriptors| state.0.get(&fd).copied())
}

/// Calls what a module wants called for a descriptor; says what it is watched for then. `None` where the module has it
/// not watched.
pub(crate) fn ready(
    slot: &'static Slot,
    engine: &mut Engine,
    fd: c_int,
    ready: Readiness,
) -> Option<Readiness> {
    watched(slot, fd)?;
    let turns = [(ready.readable, event_loop::READABLE), (ready.writable, event_loop::WRITABLE)];
    let ready = turns.into_iter().filter(|(is_ready, _)| *is_ready).map(|(_, mask)| mask);
    // As in Redis, each is told all that the descriptor is ready for: where the other side is gone, that is both.
    let mask = ready.clone().fold(0, |all, mask| all | mask);
    for turn in ready {
        // The first function may have taken the second away.
        let Some(watched) = watched(slot, fd) else { break };
        let function = if turn == event_loop::READABLE { watched.readable } else { watched.writable };
        if let Some(function) = function {
            // SAFETY: the module's function is given what it is documented to be given.
            lend(engine, || unsafe { function(fd, watched.data, mask) });
        }
    }
    Some(watched(slot, fd).map_or(Readiness::default(), |watched| watched.readiness()))
}

/// Whether a mask names nothing but reading and writing; sets C's `errno` if not.
fn is_mask(mask: c_int) -> bool {
    let is_mask = mask & !(event_loop::READABLE | event_loop::WRITABLE) == 0;
    if !is_mask {
        set_errno(libc::EINVAL);
    }
    is_mask
}

/// Changes what is called for a descriptor, and has the host watch for that; what it refuses isn't noted.
fn change(slot: &Slot, fd: c_int, change: impl FnOnce(Watched) -> Watched) -> c_int {
    let before = watched(slot, fd);
    let after =
        change(before.unwrap_or(Watched { readable: None, writable: None, data: std::ptr::null_mut() }));
    let outcome = with_engine(|engine| engine.watch_descriptor(fd, after.readiness()));
    match outcome {
        Some(Ok(())) => {
            slot.with_state(|state: &mut Descriptors| match after.readiness().is_none() {
                true => _ = state.0.remove(&fd),
                false => _ = state.0.insert(fd, after),
            });
            OK
        }
        Some(Err(error)) => {
            set_errno(error.raw_os_error().unwrap_or(libc::ENOTSUP));
            ERR
        }
        None => {
            set_errno(libc::ENOTSUP);
            ERR
        }
    }
}

/// Has a function called whenever the descriptor is ready for what the mask says.
#[allow(non_snake_case, reason = "named as in the API")]
pub(crate) unsafe extern "C" fn EventLoopAdd<const SLOT: usize>(
    fd: c_int,
    mask: c_int,
    function: Option<EventLoopFunc>,
    data: *mut c_void,
) -> c_int {
    guarded("EventLoopAdd", || {
        if fd < 0 {
            set_errno(libc::ERANGE);
            return ERR;
        }
        if !is_mask(mask) || function.is_none() {
            set_errno(libc::EINVAL);
            return ERR;
        }
        change(slot::slot(SLOT), fd, |mut watched| {
            if mask & event_loop::READABLE != 0 {
                watched.readable = function;
            }
            if mask & event_loop::WRITABLE != 0 {
                watched.writable = function;
            }
            watched.data = data;
            watched
        })
    })
}

/// Has it no longer called; a descriptor that isn't watched is no error.
#[allow(non_snake_case, reason = "named as in the API")]
pub(crate) unsafe extern "C" fn EventLoopDel<const SLOT: usize>(fd: c_int, mask: c_int) -> c_int {
    guarded("EventLoopDel", || {
        if fd < 0 {
            set_errno(libc::ERANGE);
            return ERR;
        }
        if !is_mask(mask) {
            return ERR;
        }
        let slot = slot::slot(SLOT);
        if watched(slot, fd).is_none() {
            return OK;
        }
        change(slot, fd, |mut watched| {
            if mask & event_loop::READABLE != 0 {
                watched.readable = None;
            }
            if mask & event_loop::WRITABLE != 0 {
                watched.writable = None;
            }
            watched
        })
    })
}

/// Has a function called once, on the thread that runs commands; any thread may ask for that.
#[allow(non_snake_case, reason = "named as in the API")]
pub(crate) unsafe extern "C" fn EventLoopAddOneShot<const SLOT: usize>(
    function: Option<EventLoopOneShotFunc>,
    data: *mut c_void,
) -> c_int {
    guarded("EventLoopAddOneShot", || {
        let Some(function) = function else {
            set_errno(libc::EINVAL);
            return ERR;
        };
        let slot = slot::slot(SLOT);
        let gil = slot.gil();
        if gil.inbox.one_shot(OneShot { slot, function, data }) {
            gil.wake();
        }
        OK
    })
}
