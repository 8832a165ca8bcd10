//! Users: those that modules make, and what modules may ask of any.
//!
//! What a module holds of a user is a number, not an address: one that was freed is no user, and nothing else happens.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_int};
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use engine::command::KeyFlags;
use engine::quoting::split;
use engine::{AccessError, Denied, Engine, UserRef};
use module_abi::constants::{ERR, OK, acl_log, cmd_channel, cmd_key};
use module_abi::types::{self, ModuleString};

use super::channels;
use crate::api::export;
use crate::areas::Hooks;
use crate::context::Ctx;
use crate::guard::{FromRaw, Out, guarded, set_errno};
use crate::lend::with_engine;
use crate::slot::{self, Slot};
use crate::string::{self, ConstStr, Str, StrRef};

/// A user that a module holds.
#[derive(Clone, Debug)]
struct Held {
    slot: &'static Slot,
    user: UserRef,
}

/// The users that modules hold, by their numbers.
#[derive(Debug)]
struct AllHeld {
    by_number: BTreeMap<usize, Held>,
    last: usize,
}

static HELD: Mutex<AllHeld> = Mutex::new(AllHeld { by_number: BTreeMap::new(), last: 0 });

fn held() -> MutexGuard<'static, AllHeld> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a module hold a user.
fn hold(slot: &'static Slot, user: UserRef) -> *mut types::User {
    let mut held = held();
    held.last += 1;
    let number = held.last;
    held.by_number.insert(number, Held { slot, user });
    ptr::without_provenance_mut(number)
}

/// A user that a module hands over, unless it was freed or is none.
#[derive(Debug)]
pub(crate) struct User(Option<Held>);

impl FromRaw for User {
    type Raw = *mut types::User;

    unsafe fn from_raw(raw: *mut types::User) -> Self {
        Self(held().by_number.get(&raw.addr()).cloned())
    }
}

/// The same, where it isn't to be changed.
#[derive(Debug)]
pub(crate) struct ConstUser(User);

impl FromRaw for ConstUser {
    type Raw = *const types::User;

    unsafe fn from_raw(raw: *const types::User) -> Self {
        // SAFETY: nothing is asked of the number.
        Self(unsafe { User::from_raw(raw.cast_mut()) })
    }
}

impl User {
    /// Who it is.
    pub(crate) fn named(&self) -> Option<&UserRef> {
        self.0.as_ref().map(|held| &held.user)
    }
}

pub(crate) const HOOKS: Hooks = Hooks { keeps: |_| None, forget };

/// Frees the users that a module leaves behind: nobody could change them any more, so nobody acts for them either.
fn forget(slot: &'static Slot, engine: &mut Engine) {
    let mut left = Vec::new();
    held().by_number.retain(|_, held| {
        let is_its = held.slot.index() == slot.index();
        left.extend(is_its.then(|| held.user.clone()));
        !is_its
    });
    left.iter().for_each(|user| free(engine, user));
}

fn free(engine: &mut Engine, user: &UserRef) {
    if let UserRef::Unlisted(id) = user {
        engine.free_user(*id);
    }
}

/// A user of the module's own, who may do nothing yet.
#[allow(non_snake_case, reason = "named as in the API")]
pub(crate) unsafe extern "C" fn CreateModuleUser<const SLOT: usize>(name: *const c_char) -> *mut types::User {
    guarded("CreateModuleUser", || {
        // SAFETY: the module hands over a text that ends with NUL.
        let name = unsafe { <&CStr>::from_raw(name) };
        let id = with_engine(|engine| engine.create_user(name.to_bytes()));
        id.map_or(ptr::null_mut(), |id| hold(slot::slot(SLOT), UserRef::Unlisted(id)))
    })
}

/// A user of ACL LIST, by name.
#[allow(non_snake_case, reason = "named as in the API")]
pub(crate) unsafe extern "C" fn GetModuleUserFromUserName<const SLOT: usize>(
    name: *mut ModuleString,
) -> *mut types::User {
    guarded("GetModuleUserFromUserName", || {
        // SAFETY: the module hands over a string.
        let name = ConstStr(unsafe { <Option<&Str>>::from_raw(name) });
        let user = UserRef::Listed(name.bytes().to_vec());
        let is_there = with_engine(|engine| engine.has_user(&user)).unwrap_or(false);
        if is_there { hold(slot::slot(SLOT), user) } else { ptr::null_mut() }
    })
}

/// Asks the engine whether a user may do something; `errno` says why not.
fn check(user: &User, question: impl FnOnce(&Engine, &UserRef) -> Result<(), AccessError>) -> c_int {
    let outcome = user.named().and_then(|user| with_engine(|engine| question(engine, user)));
    set_errno(match outcome {
        Some(Ok(())) => return OK,
        Some(Err(AccessError::NoSuchCommand)) => libc::ENOENT,
        Some(Err(AccessError::Denied)) => libc::EACCES,
        Some(Err(AccessError::NoSuchUser)) | None => libc::EINVAL,
    });
    ERR
}

/// Enters into ACL LOG what a module has denied.
fn log(ctx: &Ctx, user: &[u8], object: Option<&Str>, reason: c_int) {
    let denied = match reason {
        acl_log::AUTH => Denied::Login,
        acl_log::CMD => Denied::Command,
        acl_log::KEY => Denied::Key,
        acl_log::CHANNEL => Denied::Channel,
        _ => return,
    };
    with_engine(|engine| engine.log_denied(ctx.client, user, denied, ConstStr(object).bytes()));
}

export! {
    /// Frees a user of the module's own, whose clients are closed; of a user of ACL LIST only what the module holds.
    fn FreeModuleUser(number: *mut types::User) {
        with_engine(|engine| {
            let freed = held().by_number.remove(&number.addr());
            freed.iter().for_each(|held| free(engine, &held.user));
        });
    }

    /// One rule, which holds at once for those who act for the user.
    fn SetModuleUserACL(user: User, rule: &CStr) -> c_int {
        let applied = user
            .named()
            .and_then(|user| with_engine(|engine| engine.apply_user_rule(user, rule.to_bytes())));
        if applied == Some(true) { OK } else { ERR }
    }

    /// Rules as ACL SETUSER takes them, all or none. What is wrong with them is put into `error`, which the module
    /// frees.
    fn SetModuleUserACLString(
        ctx: Option<&Ctx>,
        user: User,
        rules: &CStr,
        error: Out<*mut ModuleString>,
    ) -> c_int {
        // As in Redis, a quote that isn't closed voids all.
        let rules = split(rules.to_bytes()).unwrap_or_default();
        let rules: Vec<&[u8]> = rules.iter().map(Vec::as_slice).collect();
        let outcome =
            user.named().and_then(|user| with_engine(|engine| engine.apply_user_rules(user, &rules)));
        match outcome {
            Some(Ok(())) => return OK,
            Some(Err(reason)) => {
                let text = reason.as_bytes().strip_prefix(b"ERR ").unwrap_or(reason.as_bytes());
                error.put(match ctx {
                    Some(ctx) => StrRef::charged(text, ctx.slot).into_raw(),
                    None => StrRef::new(text).into_raw(),
                });
            }
            None => {}
        }
        ERR
    }

    /// All that a user may do, in rules; the module frees the string.
    fn GetModuleUserACLString(user: User) -> *mut ModuleString {
        let rules = user.named().and_then(|user| with_engine(|engine| engine.user_rules(user))).flatten();
        match (rules, user.0) {
            (Some(rules), Some(held)) => StrRef::charged(&rules, held.slot).into_raw(),
            _ => ptr::null_mut(),
        }
    }

    /// The name of the user for whom the client acts; NULL without a client.
    fn GetCurrentUserName(ctx: &Ctx) -> *mut ModuleString {
        let name = with_engine(|engine| engine.client_user(ctx.client?).map(<[u8]>::to_vec)).flatten();
        name.map_or(ptr::null_mut(), |name| ctx.give_string(StrRef::new(&name)))
    }

    fn ACLCheckCommandPermissions(user: User, argv: *mut *mut ModuleString, argc: c_int) -> c_int {
        // SAFETY: the module passes so many strings.
        let args = unsafe { string::all(argv, argc) };
        let args: Vec<&[u8]> = args.iter().map(|arg| arg.bytes()).collect();
        check(&user, |engine, user| engine.user_may_call(user, &args))
    }

    /// The flags say what is to be done with the key; without any, whether the user may use it at all is asked.
    fn ACLCheckKeyPermissions(user: User, key: Option<&Str>, flags: c_int) -> c_int {
        const ASKED: u64 = cmd_key::ACCESS | cmd_key::UPDATE | cmd_key::INSERT | cmd_key::DELETE;
        let Some(flags) = u32::try_from(flags).ok().filter(|flags| u64::from(*flags) & !ASKED == 0) else {
            set_errno(libc::EINVAL);
            return ERR;
        };
        let flags = KeyFlags::from_bits_truncate(flags);
        check(&user, |engine, user| engine.user_may_use_key(user, ConstStr(key).bytes(), flags))
    }

    /// The flags are those of ChannelAtPosWithFlags. Anybody may unsubscribe.
    fn ACLCheckChannelPermissions(user: User, channel: Option<&Str>, flags: c_int) -> c_int {
        if flags & !channels::ALL != 0 {
            set_errno(libc::EINVAL);
            return ERR;
        }
        if flags & cmd_channel::UNSUBSCRIBE != 0 {
            return OK;
        }
        let is_pattern = flags & cmd_channel::PATTERN != 0;
        check(&user, |engine, user| engine.user_may_use_channel(user, ConstStr(channel).bytes(), is_pattern))
    }

    fn ACLAddLogEntry(ctx: &Ctx, user: User, object: Option<&Str>, reason: c_int) {
        let name = |engine: &mut Engine| engine.user_name(user.named()?).map(<[u8]>::to_vec);
        if let Some(name) = with_engine(name).flatten() {
            log(ctx, &name, object, reason);
        }
    }

    fn ACLAddLogEntryByUserName(ctx: &Ctx, user: Option<&Str>, object: Option<&Str>, reason: c_int) {
        log(ctx, ConstStr(user).bytes(), object, reason);
    }

    /// The user as whom commands are called with the flag `C`, in the place of the client's; NULL ends that.
    fn SetContextUser(ctx: &Ctx, user: ConstUser) {
        ctx.user.replace(user.0.named().cloned());
    }
}
