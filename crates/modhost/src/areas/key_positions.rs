//! Commands whose keys only their modules can find: they are called to tell the positions, and for nothing else.

use std::ffi::{c_char, c_int};
use std::ptr;

use engine::command::{Command, Key, KeyError, KeyFlags, Keys};
use engine::resp::Writer;

use super::commands::{Arguments, ModuleCommand, owner};
use crate::api::export;
use crate::context::Ctx;

/// Asks a module where the keys of a call are.
pub(crate) fn find(command: &Command, args: &[&[u8]]) -> Result<Keys, KeyError> {
    let Some((owner, function)) = owner(command) else { return Err(KeyError::UnknownCommand) };
    let ctx = Ctx::new(owner.slot(), None, Writer::default());
    ctx.ask_for_keys(owner);
    Arguments::new(args).call(&ctx, function);
    ctx.finish();
    let mut keys = Keys::new();
    for (position, flags) in ctx.take_key_positions() {
        if position >= args.len() {
            return Err(KeyError::WrongArguments);
        }
        keys.push(Key { position, flags });
    }
    Ok(keys)
}

fn note(ctx: &Ctx, position: c_int, flags: KeyFlags) {
    // What stands first is the command's name.
    if let Some(position) = usize::try_from(position).ok().filter(|&position| position != 0) {
        ctx.note_key_position(position, flags);
    }
}

export! {
    fn IsKeysPositionRequest(ctx: &Ctx) -> c_int {
        c_int::from(ctx.asks_for_keys())
    }

    fn KeyAtPos(ctx: &Ctx, position: c_int) {
        note(ctx, position, KeyFlags::RW | KeyFlags::ACCESS | KeyFlags::UPDATE);
    }

    fn KeyAtPosWithFlags(ctx: &Ctx, position: c_int, flags: c_int) {
        note(ctx, position, KeyFlags::from_bits_truncate(flags.cast_unsigned()));
    }

    fn GetCurrentCommandName(ctx: &Ctx) -> *const c_char {
        ctx.command().map_or(ptr::null(), ModuleCommand::name_for_c)
    }
}
