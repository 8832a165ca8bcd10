//! Functions that modules share with each other.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_int, c_void};
use std::ptr;

use engine::Engine;
use module_abi::constants::{ERR, OK};

use crate::api::export;
use crate::areas::Hooks;
use crate::context::Ctx;
use crate::slot::Slot;

/// What a module shares, and who uses it.
#[derive(Debug, Default)]
struct Shared {
    /// Addresses, by name.
    functions: BTreeMap<String, usize>,
    /// The slots of the modules that have asked for one.
    users: Vec<usize>,
}

pub(crate) const HOOKS: Hooks = Hooks { keeps, forget };

fn keeps(slot: &'static Slot) -> Option<&'static str> {
    let is_used = slot.with_state(|state: &mut Shared| !state.users.is_empty());
    is_used.then_some(
        "Error unloading module: the module exports APIs used by other modules. \
         Please unload them first and try again.",
    )
}

fn forget(slot: &'static Slot, _engine: &mut Engine) {
    for other in slot.fellows() {
        other.with_state(|state: &mut Shared| state.users.retain(|user| *user != slot.index()));
    }
}

/// The names of the modules that use what a module shares.
pub(crate) fn users(slot: &'static Slot) -> Vec<String> {
    let users = slot.with_state(|state: &mut Shared| state.users.clone());
    slot.fellows().filter(|other| users.contains(&other.index())).map(Slot::name).collect()
}

/// The names of the modules whose functions a module uses.
pub(crate) fn used(slot: &'static Slot) -> Vec<String> {
    let is_used =
        |other: &&'static Slot| other.with_state(|state: &mut Shared| state.users.contains(&slot.index()));
    slot.fellows().filter(is_used).map(Slot::name).collect()
}

export! {
    /// A name is given once.
    fn ExportSharedAPI(ctx: &Ctx, name: &CStr, function: *mut c_void) -> c_int {
        let name = name.to_string_lossy().into_owned();
        let is_taken = |slot: &'static Slot| slot.with_state(|state: &mut Shared| state.functions.contains_key(&name));
        if ctx.slot.fellows().any(is_taken) {
            return ERR;
        }
        ctx.slot.with_state(|state: &mut Shared| state.functions.insert(name, function.expose_provenance()));
        OK
    }

    /// The module whose function it is can't be unloaded before this one.
    fn GetSharedAPI(ctx: &Ctx, name: &CStr) -> *mut c_void {
        let name = name.to_string_lossy();
        for owner in ctx.slot.fellows() {
            let found = owner.with_state(|state: &mut Shared| {
                let address = state.functions.get(&*name).copied()?;
                if owner.index() != ctx.slot.index() && !state.users.contains(&ctx.slot.index()) {
                    state.users.push(ctx.slot.index());
                }
                Some(address)
            });
            if let Some(address) = found {
                return ptr::with_exposed_provenance_mut(address);
            }
        }
        ptr::null_mut()
    }
}
