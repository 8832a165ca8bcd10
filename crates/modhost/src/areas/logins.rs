//! Clients that log in: as users whom modules name, and as modules decide that are asked.

use std::ffi::{c_char, c_int};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::blocking::{News, Waiter};
use engine::{ClientId, Context, Engine, Error, Login, UserRef, Verdict};
use module_abi::constants::{AUTH_HANDLED, ERR, OK};
use module_abi::types::{self, AuthFunc, ModuleString, UserChangedFunc};

use super::users::User;
use crate::api::export;
use crate::areas::Hooks;
use crate::blocked::{self, Callbacks, Cause, FreeFunc, ModuleWaiter};
use crate::context::{Ctx, LoginStage};
use crate::guard::{Data, Out, bytes};
use crate::lend::{lend, with_engine};
use crate::slot::Slot;
use crate::string::{Str, StrRef};

/// A client whose user a module wants to know the end of.
#[derive(Debug)]
struct Watched {
    client: ClientId,
    function: UserChangedFunc,
    data: Data,
}

// SAFETY: the data is the module's, which is given it back by the thread that has the engine.
unsafe impl Send for Watched {}

/// What a module has to do with logging in.
#[derive(Debug, Default)]
struct Logins {
    watched: Vec<Watched>,
    /// What is asked when clients log in, each with its place among those of all modules.
    callbacks: Vec<(u64, AuthFunc)>,
}

/// The place of the next callback.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Whether a module is to be asked when clients log in.
pub(crate) fn has_callbacks(slot: &'static Slot) -> bool {
    slot.with_state(|state: &mut Logins| !state.callbacks.is_empty())
}

/// Tells the module that has made a client its user that it no longer is.
pub(crate) fn user_changed(engine: &mut Engine, slots: &[&'static Slot], client: ClientId) {
    let take = |slot: &&'static Slot| {
        slot.with_state(|state: &mut Logins| {
            let place = state.watched.iter().position(|watched| watched.client == client)?;
            Some(state.watched.swap_remove(place))
        })
    };
    if let Some(watched) = slots.iter().find_map(take) {
        // SAFETY: the module's function is given what it was passed with.
        lend(engine, || unsafe { (watched.function)(client.number(), watched.data) });
    }
}

pub(crate) const HOOKS: Hooks = Hooks { keeps: |_| None, forget };

/// Closes the clients whose users a module wants to know the end of: it is told now, while it is still there.
fn forget(slot: &'static Slot, engine: &mut Engine) {
    slot.with_state(|state: &mut Logins| state.callbacks.clear());
    while let Some(client) = slot.with_state(|state: &mut Logins| Some(state.watched.last()?.client)) {
        engine.revoke_login(client);
        // One that has gone unnoticed would be met again.
        slot.with_state(|state: &mut Logins| state.watched.retain(|watched| watched.client != client));
    }
}

/// Has a client act for a user.
fn log_in(
    ctx: &Ctx,
    user: &UserRef,
    function: Option<UserChangedFunc>,
    data: Data,
    number: &Out<u64>,
) -> c_int {
    let Some(client) = ctx.client.filter(|_| !ctx.is_for_thread()) else { return ERR };
    if with_engine(|engine| engine.log_in(client, user, function.is_some())) != Some(true) {
        return ERR;
    }
    if let Some(function) = function {
        let watched = Watched { client, function, data };
        ctx.slot.with_state(|state: &mut Logins| state.watched.push(watched));
    }
    if ctx.login.get() == LoginStage::Asked {
        ctx.login.set(LoginStage::Done);
    }
    number.put(client.number());
    OK
}

/// Asks modules whether a client may log in: those callbacks that were registered before the one of this place, the
/// latest first.
pub(crate) fn ask_all(
    context: &mut Context<'_>,
    slots: &[&'static Slot],
    login: &Login<'_>,
    before: u64,
) -> Verdict {
    let mut all: Vec<(u64, &'static Slot, AuthFunc)> = Vec::new();
    for slot in slots {
        slot.with_state(|state: &mut Logins| {
            let earlier = state.callbacks.iter().filter(|(place, _)| *place < before);
            all.extend(earlier.map(|(place, function)| (*place, *slot, *function)));
        });
    }
    all.sort_unstable_by_key(|(place, ..)| *place);
    for (place, slot, function) in all.into_iter().rev() {
        let ctx = Ctx::new(slot, Some(context.client_id()), engine::resp::Writer::default());
        let verdict = ask(context, &ctx, login, function);
        if let Some(pending) = ctx.pending.take() {
            let reply = ctx.login_reply.get();
            blocked::wait(context, pending, login.args, |inner| {
                let [user, password] = [login.user, login.password].map(<[u8]>::to_vec);
                let args = login.args.iter().map(|arg| arg.to_vec()).collect();
                Box::new(LoginWaiter { inner, reply, place, user, password, args })
            });
            return Verdict::Waits;
        }
        if verdict != Verdict::NotHandled {
            return verdict;
        }
    }
    Verdict::NotHandled
}

/// Asks a callback, which may reply in the context.
fn ask(context: &mut Context<'_>, ctx: &Ctx, login: &Login<'_>, function: AuthFunc) -> Verdict {
    let before = context.reply().len();
    ctx.reply.replace(std::mem::take(context.reply()));
    ctx.login.set(LoginStage::Asked);
    ctx.arg_count.set(login.args.len());
    let [user, password] = [login.user, login.password].map(StrRef::new);
    let mut error: *mut ModuleString = ptr::null_mut();
    let answer = lend(context.engine(), || {
        // SAFETY: the module's function is given what it is documented to be given.
        let answer = unsafe { function(ctx.as_raw(), user.as_raw(), password.as_raw(), &mut error) };
        // SAFETY: the module gives the string up, also if it has left it to the context.
        if let Some(text) = unsafe { error.cast::<Str>().as_ref() } {
            ctx.let_go_of_string(text);
        }
        ctx.finish();
        answer
    });
    // SAFETY: as above.
    let error = unsafe { StrRef::from_raw(error) };
    *context.reply() = ctx.reply.take();
    match ctx.login.get() {
        _ if answer != AUTH_HANDLED => Verdict::NotHandled,
        LoginStage::Done => Verdict::Accepted,
        _ if context.reply().len() != before => Verdict::Answered,
        _ => Verdict::Denied(error.map(|error| reason(error.bytes()))),
    }
}

/// What the client is told; as with the API's other functions a text without a code is an `ERR`, and one that brings
/// its own begins with `-`.
fn reason(text: &[u8]) -> Error {
    Error::new(text.strip_prefix(b"-").map_or_else(|| [b"ERR ", text].concat(), <[u8]>::to_vec))
}

/// A client that wants to log in, and waits for a module to decide.
#[derive(Debug)]
struct LoginWaiter {
    inner: ModuleWaiter,
    /// What decides when the wait is over.
    reply: Option<AuthFunc>,
    /// The place of the callback that has it wait: those before it may be asked yet.
    place: u64,
    user: Vec<u8>,
    password: Vec<u8>,
    args: Vec<Vec<u8>>,
}

impl LoginWaiter {
    /// Goes on with AUTH or HELLO.
    fn conclude(&self, context: &mut Context<'_>, reply: Option<AuthFunc>) -> Result<(), Error> {
        let args: Vec<&[u8]> = self.args.iter().map(Vec::as_slice).collect();
        let login = Login { user: &self.user, password: &self.password, args: &args };
        let blocked = &self.inner.blocked;
        let mut verdict = Verdict::NotHandled;
        if let Some(function) = reply {
            let ctx = blocked.context(Cause::Reply);
            verdict = ask(context, &ctx, &login, function);
        }
        if verdict == Verdict::NotHandled {
            let slots: Vec<&'static Slot> = blocked.slot.fellows().collect();
            verdict = ask_all(context, &slots, &login, self.place);
        }
        context.conclude_login(&args, verdict)
    }
}

impl Waiter for LoginWaiter {
    fn woken(&mut self, context: &mut Context<'_>, _news: News) -> Result<(), Error> {
        let reply = self.reply.filter(|_| !self.inner.blocked.is_aborted());
        self.inner.count_work(context);
        self.conclude(context, reply)
    }

    /// Nothing sets it a time; if something did, the module would no longer be asked.
    fn timed_out(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        self.inner.gone();
        self.conclude(context, None)
    }

    fn ended(&mut self, engine: &mut Engine) {
        self.inner.ended(engine);
    }

    fn may_be_unblocked(&self) -> bool {
        false
    }
}

export! {
    /// The function is asked when clients log in, before those that were registered earlier.
    fn RegisterAuthCallback(ctx: &Ctx, function: Option<AuthFunc>) {
        if let Some(function) = function {
            let place = NEXT.fetch_add(1, Ordering::Relaxed);
            ctx.slot.with_state(|state: &mut Logins| state.callbacks.push((place, function)));
            with_engine(Engine::events_wanted_anew);
        }
    }

    /// Has the client that wants to log in wait, in the function that is asked about it. NULL elsewhere, which the
    /// client is told; where it can't wait it is told that, and the module gets something to unblock all the same.
    fn BlockClientOnAuth(
        ctx: &Ctx,
        reply: Option<AuthFunc>,
        free: Option<FreeFunc>,
    ) -> *mut types::BlockedClient {
        if ctx.login.get() == LoginStage::None {
            let text = "ERR Module blocking client on auth when not currently undergoing module authentication";
            ctx.reply.borrow_mut().error(&Error::fixed(text));
            return ptr::null_mut();
        }
        ctx.login_reply.set(reply);
        let is_free = ctx.occasion.is_none() && ctx.pending.borrow().is_none();
        super::blocking::block(
            ctx,
            is_free,
            Callbacks { free, ..Callbacks::default() },
            0,
            None,
            ptr::null_mut(),
        )
    }

    /// A user of ACL LIST, by name. The function is called once the client acts for another user or goes, or the
    /// module does.
    fn AuthenticateClientWithACLUser(
        ctx: &Ctx,
        name: *const c_char,
        len: usize,
        function: Option<UserChangedFunc>,
        data: Data,
        number: Out<u64>,
    ) -> c_int {
        // SAFETY: the module passes that many bytes.
        let user = UserRef::Listed(unsafe { bytes(name, len) }.to_vec());
        log_in(ctx, &user, function, data, &number)
    }

    fn AuthenticateClientWithUser(
        ctx: &Ctx,
        user: User,
        function: Option<UserChangedFunc>,
        data: Data,
        number: Out<u64>,
    ) -> c_int {
        user.named().map_or(ERR, |user| log_in(ctx, user, function, data, &number))
    }

    fn DeauthenticateAndCloseClient(_ctx: Option<&Ctx>, number: u64) -> c_int {
        let revoked = with_engine(|engine| {
            let client = engine.client_numbered(number)?;
            Some(engine.revoke_login(client))
        });
        if revoked.flatten() == Some(true) { OK } else { ERR }
    }

    /// The argument is shown nowhere, neither by MONITOR nor by SLOWLOG. The command's name can't be hidden.
    fn RedactClientCommandArgument(ctx: Option<&Ctx>, position: c_int) -> c_int {
        let Some((ctx, _)) = ctx.and_then(|ctx| Some((ctx, ctx.client?))) else { return ERR };
        let place = usize::try_from(position).ok().filter(|at| (1..ctx.arg_count.get()).contains(at));
        let Some(place) = place else { return ERR };
        // What a client has waited for was shown when it began to wait.
        if ctx.occasion.is_none() {
            with_engine(|engine| engine.redact_argument(place));
        }
        OK
    }
}
