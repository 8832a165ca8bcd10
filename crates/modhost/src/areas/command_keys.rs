//! Which arguments of a command, of the server's or of a module's, are keys.

use std::ffi::c_int;
use std::ptr;

use engine::command::{Key, KeyError};
use module_abi::types::ModuleString;

use crate::api::export;
use crate::areas::memory::allocate;
use crate::context::Ctx;
use crate::guard::{Out, set_errno};
use crate::lend::with_engine;
use crate::string;

/// A block of so many numbers, which the module frees.
fn hand_over(ctx: &Ctx, numbers: impl ExactSizeIterator<Item = c_int>) -> *mut c_int {
    let block = allocate(ctx.slot, numbers.len() * size_of::<c_int>()).cast::<c_int>();
    for (at, number) in numbers.enumerate() {
        // SAFETY: the block has room for as many numbers as there are.
        unsafe { block.add(at).write(number) };
    }
    block
}

/// The positions of the keys of a call, and what is done with each where that is asked for. Where there are none it is
/// NULL, and `errno` says why: 0 if the call has no keys.
fn positions(
    ctx: &Ctx,
    argv: *mut *mut ModuleString,
    argc: c_int,
    count: &Out<c_int>,
    flags: Option<&Out<*mut c_int>>,
) -> *mut c_int {
    // SAFETY: the module passes so many strings.
    let args = unsafe { string::all(argv, argc) };
    let args: Vec<&[u8]> = args.iter().map(|arg| arg.bytes()).collect();
    let keys = match with_engine(|engine| engine.command_keys(&args)) {
        Some(Ok(keys)) => keys,
        outcome => {
            set_errno(match outcome {
                None => libc::ENOTSUP,
                Some(Err(KeyError::UnknownCommand)) => libc::ENOENT,
                Some(Err(KeyError::WrongArity)) => libc::EINVAL,
                Some(_) => 0,
            });
            return ptr::null_mut();
        }
    };
    count.put(keys.len() as c_int);
    if keys.is_empty() {
        set_errno(0);
        return ptr::null_mut();
    }
    if let Some(flags) = flags {
        flags.put(hand_over(ctx, keys.iter().map(|key| key.flags.bits().cast_signed())));
    }
    hand_over(ctx, keys.iter().map(|Key { position, .. }| *position as c_int))
}

export! {
    fn GetCommandKeys(ctx: &Ctx, argv: *mut *mut ModuleString, argc: c_int, count: Out<c_int>) -> *mut c_int {
        positions(ctx, argv, argc, &count, None)
    }

    fn GetCommandKeysWithFlags(
        ctx: &Ctx,
        argv: *mut *mut ModuleString,
        argc: c_int,
        count: Out<c_int>,
        flags: Out<*mut c_int>,
    ) -> *mut c_int {
        positions(ctx, argv, argc, &count, Some(&flags))
    }
}
