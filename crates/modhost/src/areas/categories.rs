//! ACL categories that modules add.

use std::ffi::{CStr, c_int};

use engine::Engine;
use engine::command::CategoryError;
use module_abi::constants::{ERR, OK};

use crate::api::export;
use crate::areas::Hooks;
use crate::context::Ctx;
use crate::guard::set_errno;
use crate::lend::with_engine;
use crate::slot::Slot;

/// The categories that a module has added while its OnLoad runs.
#[derive(Debug, Default)]
struct Added(Vec<String>);

pub(crate) const HOOKS: Hooks = Hooks { keeps: |_| None, forget };

/// Takes back those that a module has added whose OnLoad fails. Those of one that was loaded stay when it goes: others
/// may have commands in them.
fn forget(slot: &'static Slot, engine: &mut Engine) {
    let Added(names) = slot.with_state(std::mem::take);
    names.iter().for_each(|name| engine.remove_category(name));
}

/// A module is loaded: what it has added stays.
pub(crate) fn keep(slot: &'static Slot) {
    slot.with_state(|Added(names): &mut Added| names.clear());
}

export! {
    /// Only while OnLoad runs.
    fn AddACLCategory(ctx: &Ctx, name: &CStr) -> c_int {
        if !ctx.slot.is_loading() {
            return ERR;
        }
        // What isn't UTF-8 is no name either way.
        let name = name.to_string_lossy();
        match with_engine(|engine| engine.add_category(&name)) {
            Some(Ok(())) => {
                ctx.slot.with_state(|Added(names): &mut Added| names.push(name.into_owned()));
                OK
            }
            outcome => {
                set_errno(match outcome {
                    Some(Err(CategoryError::NotAName)) => libc::EINVAL,
                    Some(Err(CategoryError::Taken)) => libc::EBUSY,
                    Some(Err(CategoryError::Full)) => libc::ENOMEM,
                    _ => libc::ENOTSUP,
                });
                ERR
            }
        }
    }
}
