//! Calling commands. The C function that takes the arguments packs them; here they are read and the command is run.

use std::borrow::Cow;
use std::ffi::{CStr, c_int, c_longlong, c_void};
use std::ptr;

use engine::resp::Version;
use engine::{Answer, Authority, Engine, Inner, Refusal};
use module_abi::types::{self, ModuleString};
use smallvec::SmallVec;

use crate::api::Binding;
use crate::areas::{filters, promises};
use crate::call_reply::CallReply;
use crate::context::Ctx;
use crate::guard::{bytes, set_errno};
use crate::lend::with_engine;
use crate::string::{Str, StrRef};

/// Everything here is bound by [`foreign`](crate::foreign).
pub(crate) const BINDINGS: &[Binding] = &[];

/// What follows a letter of a format, as C packs it.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Argument {
    letter: c_int,
    pointer: *const c_void,
    count: usize,
    number: c_longlong,
}

/// Up to this many arguments are passed on without an allocation.
const FEW: usize = 8;

/// References to strings that are among the arguments.
pub(crate) type Held = SmallVec<[StrRef; FEW]>;

/// Arguments, those that are numbers as their texts.
pub(crate) type Collected<'a> = SmallVec<[Cow<'a, [u8]>; FEW]>;

/// What a format asks for beside its arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CallFlags {
    /// `3`, or `0` with a client that speaks it.
    resp3: bool,
    auto_resp: bool,
    as_user: bool,
    as_script: bool,
    no_writes: bool,
    deny_oom: bool,
    errors_as_replies: bool,
    dry_run: bool,
    may_wait: bool,
}

impl CallFlags {
    /// The flags in a format; `None` where a letter is unknown.
    pub(crate) fn parse(format: &[u8]) -> Option<Self> {
        let mut flags = Self::default();
        for letter in format {
            match letter {
                b'3' => flags.resp3 = true,
                b'0' => flags.auto_resp = true,
                b'C' => flags.as_user = true,
                b'S' => flags.as_script = true,
                b'W' => flags.no_writes = true,
                b'M' => flags.deny_oom = true,
                b'E' => flags.errors_as_replies = true,
                b'D' => flags.dry_run = true,
                b'K' => flags.may_wait = true,
                // What would be replicated has nowhere to go; the rest are arguments.
                b'!' | b'A' | b'R' | b'c' | b's' | b'b' | b'l' | b'v' => {}
                _ => return None,
            }
        }
        Some(flags)
    }
}

/// The arguments of a call, the first of which is the command's name. Strings are where they are, and `held` is given a
/// reference to each, so that nobody changes them meanwhile.
///
/// # Safety
/// The arguments are what the format's letters say, for as long as they are used.
pub(crate) unsafe fn collect<'a>(name: &'a CStr, arguments: &[Argument], held: &mut Held) -> Collected<'a> {
    let mut collected = Collected::with_capacity(arguments.len() + 1);
    collected.push(Cow::Borrowed(name.to_bytes()));
    let mut string = |pointer: *const c_void| -> Cow<'a, [u8]> {
        // SAFETY: the caller vouches for a string, or NULL.
        let string: Option<&'a Str> = unsafe { pointer.cast::<Str>().as_ref() };
        held.extend(string.map(Str::retain));
        string.map_or(&[][..], Str::bytes).into()
    };
    for argument in arguments {
        match u8::try_from(argument.letter).unwrap_or(0) {
            // SAFETY: the caller vouches for a text that ends with NUL.
            b'c' => collected.push(unsafe { CStr::from_ptr(argument.pointer.cast()) }.to_bytes().into()),
            b's' => collected.push(string(argument.pointer)),
            // SAFETY: the caller vouches for so many bytes.
            b'b' => collected.push(unsafe { bytes(argument.pointer.cast(), argument.count) }.into()),
            b'l' => collected.push(argument.number.to_string().into_bytes().into()),
            b'v' => {
                for at in 0..argument.count {
                    // SAFETY: the caller vouches for an array of so many strings.
                    let pointer = unsafe { *argument.pointer.cast::<*mut ModuleString>().add(at) };
                    collected.push(string(pointer.cast_const().cast()));
                }
            }
            _ => {}
        }
    }
    collected
}

/// Whose permissions count for what a module calls: where it asks for that, the user's that it has set, or else the
/// client's.
fn authority(ctx: &Ctx, as_user: bool) -> Authority {
    match (&*ctx.user.borrow(), ctx.client) {
        _ if !as_user => Authority::Unlimited,
        (Some(user), client) => Authority::User(user.clone(), client),
        (None, Some(client)) => Authority::Client(client),
        (None, None) => Authority::Nobody,
    }
}

/// What C's `errno` is set to where a command wasn't called.
fn number_of(refusal: &Refusal) -> c_int {
    match refusal {
        Refusal::Unknown(_) => libc::ENOENT,
        Refusal::Arity(_) => libc::EINVAL,
        Refusal::Permission(_) => libc::EACCES,
        Refusal::NoUser(_) => libc::ENOTSUP,
        Refusal::NoScript(_) => libc::ESPIPE,
        Refusal::Writes(_) | Refusal::Memory(_) => libc::ENOSPC,
    }
}

/// Calls a command.
///
/// # Safety
/// The arguments are what the format's letters say.
pub(crate) unsafe fn call(
    ctx: &Ctx,
    name: &CStr,
    format: &CStr,
    arguments: &[Argument],
) -> *mut types::CallReply {
    let Some(flags) = CallFlags::parse(format.to_bytes()) else {
        set_errno(libc::EBADF);
        return ptr::null_mut();
    };
    let mut held = Held::new();
    // SAFETY: passed on.
    let args = unsafe { collect(name, arguments, &mut held) };
    let args: SmallVec<[&[u8]; FEW]> = args.iter().map(Cow::as_ref).collect();
    let db = ctx.db();
    let outcome = with_engine(|engine| {
        let client_version = ctx.client.map_or(Version::V2, |client| engine.protocol_of(client));
        let version = match flags {
            CallFlags { resp3: true, .. } => Version::V3,
            CallFlags { auto_resp: true, .. } => client_version,
            _ => Version::V2,
        };
        let inner = Inner {
            db,
            version,
            authority: authority(ctx, flags.as_user),
            as_script: flags.as_script,
            no_writes: flags.no_writes,
            deny_oom: flags.deny_oom,
            dry_run: flags.dry_run,
        };
        let filter = |engine: &mut Engine| filters::run(engine, ctx.slot.fellows(), 0, Some(ctx.slot), &args);
        // Those of a module that is being loaded aren't known to the engine yet.
        let has_filters = engine.has_filters() || ctx.slot.is_loading();
        let filtered = if has_filters { filter(engine) } else { None };
        let filtered: Option<Vec<&[u8]>> =
            filtered.as_ref().map(|args| args.iter().map(Vec::as_slice).collect());
        let args = filtered.as_deref().unwrap_or(&args);
        // Who may not wait itself can't have others wait for it.
        if flags.may_wait && ctx.client.is_none_or(|client| engine.may_wait(client)) {
            return engine.call_inner_or_wait(&inner, args);
        }
        let outcome = engine.call_inner(&inner, args, Vec::new());
        outcome.map(Answer::Reply).map_err(|(refusal, _)| refusal)
    });
    set_errno(0);
    let reply = match outcome {
        Some(Ok(Answer::Reply(reply))) => reply,
        Some(Ok(Answer::Promise(promise))) => {
            promises::expect(ctx.slot, promise, db);
            let reply = CallReply::promise(promise, ctx.slot);
            // A module may keep it for longer than the context lasts, unless it leaves it to that.
            let reply = if ctx.frees_automatically() { reply.owned_by(ctx) } else { reply };
            return ctx.give_reply(reply);
        }
        Some(Err(refusal)) => {
            if !flags.errors_as_replies {
                set_errno(number_of(&refusal));
                return ptr::null_mut();
            }
            let mut writer = engine::resp::Writer::default();
            writer.error(refusal.error());
            writer.into_inner()
        }
        None => {
            set_errno(libc::ENOTSUP);
            return ptr::null_mut();
        }
    };
    let reply = CallReply::parse(reply).map(|reply| reply.owned_by(ctx));
    reply.map_or(ptr::null_mut(), |reply| ctx.give_reply(reply))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_stand_anywhere() {
        let flags = CallFlags::parse(b"!cs3E").unwrap();
        assert!(flags.resp3 && flags.errors_as_replies && !flags.as_user);
        assert_eq!(CallFlags::parse(b"EcC3s"), CallFlags::parse(b"C3Ecs"));
        assert_eq!(CallFlags::parse(b"cx"), None);
        assert_eq!(CallFlags::parse(b""), Some(CallFlags::default()));
    }
}
