//! Child processes of modules.

use std::ffi::{c_int, c_void};
use std::sync::PoisonError;

use engine::Engine;
use module_abi::constants::{ERR, OK};
use module_abi::types::ForkDoneFunc;

use crate::api::export;
use crate::areas::Hooks;
use crate::child_process::{self, ChildProcess, Side};
use crate::gil::Gil;
use crate::guard::{Data, guarded, set_errno};
use crate::lend::{lend, with_engine};
use crate::slot::{self, Slot};

/// The child of a module, and what the module wants called when it has ended.
#[derive(Debug)]
pub(crate) struct Forked {
    process: ChildProcess,
    slot: &'static Slot,
    done: Option<ForkDoneFunc>,
    data: Data,
}

// SAFETY: the module's own pointer is only handed back to it.
unsafe impl Send for Forked {}

pub(crate) const HOOKS: Hooks = Hooks { keeps: |_| None, forget };

/// Ends the child of a module that goes: there is nobody to be told of it.
fn forget(slot: &'static Slot, engine: &mut Engine) {
    end(&slot.gil(), engine, |forked| forked.slot.index() == slot.index());
}

/// Ends the child, because the server ends.
pub(crate) fn shut_down(gil: &Gil, engine: &mut Engine) {
    end(gil, engine, |forked| {
        tracing::warn!(
            "Module {} has a child process still, {}: it is ended",
            forked.slot.name(),
            forked.process.pid()
        );
        true
    });
}

/// Takes the child out of its place, if it is the one that is meant.
fn take(gil: &Gil, is_meant: impl FnOnce(&mut Forked) -> bool) -> Option<Forked> {
    let mut place = gil.child.lock().unwrap_or_else(PoisonError::into_inner);
    place.as_mut().is_some_and(is_meant).then(|| place.take()).flatten()
}

/// Ends the child, if it is the one that is meant; says whether it was. The module isn't called.
fn end(gil: &Gil, engine: &mut Engine, is_meant: impl FnOnce(&Forked) -> bool) -> bool {
    let Some(mut forked) = take(gil, |forked| is_meant(forked)) else { return false };
    forked.process.end();
    engine.child_ends();
    true
}

/// Ends the child of a host that is going, and tells nobody.
pub(crate) fn abandon(gil: &Gil) {
    drop(take(gil, |_| true));
}

/// Hears what the child has to say, and tells its module when it has ended.
pub(crate) fn attend(gil: &Gil, engine: &mut Engine) {
    if !engine.has_child() {
        return;
    }
    let mut ending = None;
    let ended = take(gil, |forked| {
        // In this order: what it has said last is there when it has ended.
        ending = forked.process.ending();
        while let Some(report) = forked.process.report() {
            engine.child_reports(report);
        }
        ending.is_some()
    });
    let (Some(forked), Some(ending)) = (ended, ending) else { return };
    let Forked { process, slot, done, data } = forked;
    tracing::info!(
        "The child process {} of module {} has ended: exit code {}, signal {}",
        process.pid(),
        slot.name(),
        ending.status,
        ending.signal
    );
    if let Some(done) = done {
        // SAFETY: the module's function is given what it is documented to be given; the child of a module that goes is
        // forgotten.
        lend(engine, || unsafe { done(ending.status, ending.signal, data) });
    }
    engine.child_ends();
}

/// Forks, for a module; gives the number of the process, 0 in the child, or what is wrong.
fn begin(
    slot: &'static Slot,
    engine: &mut Engine,
    done: Option<ForkDoneFunc>,
    data: Data,
) -> Result<c_int, c_int> {
    if engine.has_child() || engine.is_child() {
        return Err(libc::EEXIST);
    }
    let gil = slot.gil();
    match child_process::fork(engine, &gil) {
        Ok(Side::Child) => Ok(0),
        Ok(Side::Parent(process, took)) => {
            let pid = process.pid();
            tracing::debug!("Module {} has forked a child process off: {pid}", slot.name());
            *gil.child.lock().unwrap_or_else(PoisonError::into_inner) =
                Some(Forked { process, slot, done, data });
            engine.child_begins(took);
            Ok(pid)
        }
        Err(error) => {
            tracing::warn!("Module {} can't fork: {error}", slot.name());
            Err(error.raw_os_error().unwrap_or(libc::EAGAIN))
        }
    }
}

/// Forks a child process off that sees all data as they are now. The function is called in the parent, on the thread
/// that runs commands, when the child has ended.
#[allow(non_snake_case, reason = "named as in the API")]
pub(crate) unsafe extern "C" fn Fork<const SLOT: usize>(
    done: Option<ForkDoneFunc>,
    data: *mut c_void,
) -> c_int {
    guarded("Fork", || {
        let outcome = with_engine(|engine| begin(slot::slot(SLOT), engine, done, data));
        outcome.unwrap_or(Err(libc::ENOTSUP)).unwrap_or_else(|number| {
            set_errno(number);
            -1
        })
    })
}

/// Ends the child of that number, and forgets what was to be called then.
#[allow(non_snake_case, reason = "named as in the API")]
pub(crate) unsafe extern "C" fn KillForkChild<const SLOT: usize>(pid: c_int) -> c_int {
    guarded("KillForkChild", || {
        let gil = slot::slot(SLOT).gil();
        let ended = with_engine(|engine| end(&gil, engine, |forked| forked.process.pid() == pid));
        if ended == Some(true) { OK } else { ERR }
    })
}

export! {
    /// Tells the parent, and INFO, how far the child has come, from 0 to 1.
    fn SendChildHeartbeat(progress: f64) {
        child_process::tell_progress(progress);
    }

    /// Ends a child process, without anything that a program does when it ends.
    fn ExitFromChild(status: c_int) -> c_int {
        child_process::exit_child(status);
        OK
    }
}
