//! Clients that modules have blocked: who they are, and what is called when their wait ends.
//!
//! A module holds one reference to a blocked client, from BlockClient until it calls UnblockClient. That may happen on
//! any thread: the client is then put into the host's [`Inbox`](crate::inbox::Inbox), from which the thread that runs
//! commands takes it, has the callback reply, and frees it.

use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::blocking::{News, Ticket, Waiter};
use engine::resp::{Version, Writer};
use engine::{ClientId, Context, Engine, Error};
use module_abi::constants::{ERR, OK, block_unblock};
use module_abi::types::{self, CommandFunc, DisconnectFunc, ModuleString};

use crate::areas::commands::ModuleCommand;
use crate::context::Ctx;
use crate::guard::{Data, FromRaw};
use crate::lend::lend;
use crate::slot::Slot;
use crate::string::StrRef;

/// Frees a module's data.
pub(crate) type FreeFunc = unsafe extern "C" fn(ctx: *mut types::Ctx, data: *mut c_void);

/// What a module asks for when it blocks a client.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Callbacks {
    pub(crate) reply: Option<CommandFunc>,
    pub(crate) timeout: Option<CommandFunc>,
    pub(crate) free: Option<FreeFunc>,
}

/// What is called of a blocked client, and with what; it stands behind a `RedisModuleBlockedClient *`.
#[derive(Debug)]
pub(crate) struct Blocked {
    pub(crate) slot: &'static Slot,
    /// The client; none where it couldn't be blocked.
    pub(crate) client: Option<ClientId>,
    pub(crate) db: usize,
    pub(crate) version: Version,
    command: Option<&'static ModuleCommand>,
    callbacks: Callbacks,
    /// What ends a wait for keys; none for a client that doesn't wait for any.
    on_keys: Option<c_int>,
    private_data: AtomicPtr<c_void>,
    state: Mutex<State>,
}

/// What changes of a blocked client.
#[derive(Debug, Default)]
struct State {
    /// The wait, once it has begun.
    ticket: Option<Ticket>,
    /// Whether somebody has ended the wait, and nobody else may.
    is_unblocked: bool,
    /// Whether it was ended without a reply.
    is_aborted: bool,
    /// Whether the client waits no longer, for another reason than that it was unblocked.
    is_gone: bool,
    disconnect: Option<DisconnectFunc>,
    /// What was replied in contexts for threads.
    replies: Vec<u8>,
    /// Such contexts as are in use.
    contexts: Vec<AtomicPtr<Ctx>>,
    /// When the module has begun to work on it.
    begun: Option<Instant>,
    /// How long it has worked.
    worked: Duration,
}

/// A module's clients that it hasn't unblocked.
#[derive(Debug, Default)]
struct Count {
    all: usize,
    /// Those of them that wait for no keys, so for the module alone.
    on_module: usize,
}

/// Why a module can't be unloaded.
pub(crate) fn keeps(slot: &'static Slot) -> Option<&'static str> {
    let count = slot.with_state(|count: &mut Count| count.all);
    (count != 0).then_some(
        "Error unloading module: the module has blocked clients. Please wait them unblocked and try again",
    )
}

/// How many clients wait for a thread of the module's, or for whatever else unblocks them without a key.
pub(crate) fn waiting_for(slot: &Slot) -> usize {
    slot.with_state(|count: &mut Count| count.on_module)
}

/// Why a callback is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The client is to be told what it waited for.
    Reply,
    /// Its time is up.
    Timeout,
    /// The module's data is to be freed, or the client goes.
    End {
        /// Whether the client waited no longer when it was unblocked.
        is_gone: bool,
    },
}

/// The callback that a context is for.
#[derive(Debug)]
pub(crate) struct Occasion {
    pub(crate) blocked: Arc<Blocked>,
    pub(crate) cause: Cause,
    pub(crate) ready_key: Option<StrRef>,
}

/// A wait that is to begin when the command has returned.
#[derive(Debug)]
pub(crate) struct Pending {
    blocked: Arc<Blocked>,
    keys: Vec<StrRef>,
    timeout: Option<Duration>,
}

impl Blocked {
    /// Blocks the client of a context as soon as its command returns; `client` is none where that isn't possible. Gives
    /// the module's reference.
    pub(crate) fn begin(
        ctx: &Ctx,
        client: Option<ClientId>,
        callbacks: Callbacks,
        keys: Option<(Vec<StrRef>, c_int)>,
        timeout: Option<Duration>,
        data: Data,
    ) -> *mut types::BlockedClient {
        let (keys, on_keys) = keys.map_or((Vec::new(), None), |(keys, flags)| (keys, Some(flags)));
        let blocked = Arc::new(Self {
            slot: ctx.slot,
            client,
            db: ctx.db(),
            version: ctx.reply.borrow().version(),
            command: ctx.command(),
            callbacks,
            on_keys,
            private_data: AtomicPtr::new(data),
            state: Mutex::default(),
        });
        ctx.slot.with_state(|count: &mut Count| {
            count.all += 1;
            count.on_module += usize::from(on_keys.is_none());
        });
        if client.is_some() {
            let blocked = Arc::clone(&blocked);
            *ctx.pending.borrow_mut() = Some(Pending { blocked, keys, timeout });
        }
        Arc::into_raw(blocked).cast_mut().cast()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As a module knows it.
    pub(crate) fn as_raw(&self) -> *mut types::BlockedClient {
        ptr::from_ref(self).cast_mut().cast()
    }

    /// One more reference to a client that a module has blocked.
    pub(crate) fn retain(&self) -> Arc<Self> {
        // SAFETY: every one of them was made by `begin`, as the content of an `Arc`.
        unsafe {
            Arc::increment_strong_count(self);
            Arc::from_raw(self)
        }
    }

    pub(crate) fn private_data(&self) -> Data {
        self.private_data.load(Ordering::Acquire)
    }

    pub(crate) fn set_private_data(&self, data: Data) {
        self.private_data.store(data, Ordering::Release);
    }

    pub(crate) fn set_disconnect(&self, function: Option<DisconnectFunc>) {
        self.state().disconnect = function;
    }

    /// Begins to measure how long the module works.
    pub(crate) fn begin_work(&self) {
        self.state().begun = Some(Instant::now());
    }

    /// Ends that; says whether it had begun.
    pub(crate) fn end_work(&self) -> bool {
        let mut state = self.state();
        let worked = state.begun.map(|begun| begun.elapsed());
        state.worked += worked.unwrap_or_default();
        worked.is_some()
    }

    /// Notes a context for a thread, whose replies go to the client.
    pub(crate) fn add_context(&self, ctx: *mut Ctx) {
        self.state().contexts.push(AtomicPtr::new(ctx));
    }

    /// Takes the replies of a context that is going.
    pub(crate) fn remove_context(&self, ctx: &Ctx) {
        let mut state = self.state();
        state.contexts.retain(|known| !ptr::eq(known.load(Ordering::Relaxed), ctx));
        let reply = ctx.reply.take().into_inner();
        state.replies.extend_from_slice(&reply);
    }

    /// Ends the wait: the thread that runs commands is told. Once is enough.
    pub(crate) fn unblock(&self, data: Data) -> c_int {
        {
            let mut state = self.state();
            if self.on_keys.is_some() && self.callbacks.timeout.is_none() && !state.is_aborted {
                return ERR;
            }
            if state.is_unblocked {
                return OK;
            }
            state.is_unblocked = true;
            let State { contexts, replies, .. } = &mut *state;
            for ctx in contexts {
                // SAFETY: the context is taken off the list before it is freed. That no other thread writes a reply
                // while it ends the wait, the module sees to.
                let ctx = unsafe { &*ctx.load(Ordering::Relaxed) };
                let version = ctx.reply.borrow().version();
                let reply = ctx.reply.replace(Writer::new(Vec::new(), version));
                replies.extend_from_slice(&reply.into_inner());
            }
        }
        self.set_private_data(data);
        self.leave();
        OK
    }

    /// Ends the wait without a callback.
    pub(crate) fn abort(&self) -> c_int {
        {
            let mut state = self.state();
            state.is_aborted = true;
            state.disconnect = None;
        }
        self.unblock(ptr::null_mut())
    }

    /// Whether the wait was ended without a callback.
    pub(crate) fn is_aborted(&self) -> bool {
        self.state().is_aborted
    }

    /// Gives up the module's reference to the host.
    fn leave(&self) {
        // SAFETY: the reference that `begin` gave to the module, which may not use it any more; this is done once.
        let own = unsafe { Arc::from_raw(ptr::from_ref(self)) };
        let gil = self.slot.gil();
        if gil.inbox.unblocked(own) {
            gil.wake();
        }
    }

    /// Ends the wait of a client that was unblocked, frees the module's data, and forgets it all.
    pub(crate) fn finish(self: Arc<Self>, engine: &mut Engine) {
        let ticket = self.state().ticket;
        if let Some(ticket) = ticket {
            engine.end_wait(ticket, Box::new(()));
        }
        let is_gone = self.client.is_none() || self.state().is_gone;
        let data = self.private_data.swap(ptr::null_mut(), Ordering::AcqRel);
        if let Some(free) = self.callbacks.free.filter(|_| !data.is_null()) {
            let ctx = self.context(Cause::End { is_gone });
            // SAFETY: the module's function is given the data that it is for.
            lend(engine, || unsafe { free(ctx.as_raw(), data) });
        }
        self.slot.with_state(|count: &mut Count| {
            count.all -= 1;
            count.on_module -= usize::from(self.on_keys.is_none());
        });
    }

    /// A context in which nobody is replied to.
    pub(crate) fn context(self: &Arc<Self>, cause: Cause) -> Ctx {
        let mut ctx = Ctx::detached(self.slot);
        ctx.client = self.client;
        ctx.own_db.set(self.db);
        ctx.has_own_db = matches!(cause, Cause::End { .. });
        ctx.occasion = Some(Occasion { blocked: Arc::clone(self), cause, ready_key: None });
        ctx
    }
}

/// Has the client wait that a command has blocked, with copies of its arguments; `waiter` makes what waits.
pub(crate) fn wait(
    context: &mut Context<'_>,
    pending: Pending,
    args: &[&[u8]],
    waiter: impl FnOnce(ModuleWaiter) -> Box<dyn Waiter>,
) {
    let Pending { blocked, keys, timeout } = pending;
    let args = args.iter().map(|arg| StrRef::new(arg)).collect();
    let waiter = waiter(ModuleWaiter { blocked: Arc::clone(&blocked), args });
    let keys: Vec<&[u8]> = keys.iter().map(|key| key.bytes()).collect();
    let ticket = context.wait(&keys, timeout, waiter);
    blocked.state().ticket = Some(ticket);
}

/// A client that waits for a module.
#[derive(Debug)]
pub(crate) struct ModuleWaiter {
    pub(crate) blocked: Arc<Blocked>,
    /// The command's arguments, which callbacks are given.
    args: Vec<StrRef>,
}

impl ModuleWaiter {
    /// Calls a callback, which replies; gives its answer.
    fn call(
        &self,
        context: &mut Context<'_>,
        function: CommandFunc,
        cause: Cause,
        key: Option<&[u8]>,
    ) -> c_int {
        let mut ctx = self.blocked.context(cause);
        ctx.reply = std::mem::take(context.reply()).into();
        ctx.set_command(self.blocked.command);
        ctx.arg_count.set(self.args.len());
        if let Some(occasion) = &mut ctx.occasion {
            occasion.ready_key = key.map(|key| StrRef::charged(key, self.blocked.slot));
        }
        let mut argv: Vec<*mut ModuleString> = self.args.iter().map(|arg| arg.as_raw()).collect();
        let answer = lend(context.engine(), || {
            // SAFETY: the module's function is given what it is documented to be given.
            let answer = unsafe { function(ctx.as_raw(), argv.as_mut_ptr(), argv.len() as c_int) };
            ctx.finish();
            answer
        });
        *context.reply() = ctx.reply.take();
        answer
    }

    /// Counts the time that the module has worked for the command.
    pub(crate) fn count_work(&self, context: &mut Context<'_>) {
        let worked = self.blocked.state().worked;
        let command = context.command();
        context.engine().add_command_time(command, worked);
    }

    /// Says that the wait is over without the module's doing. Where keys were waited for, the module isn't expected
    /// to unblock the client.
    pub(crate) fn gone(&self) {
        let leaves = {
            let mut state = self.blocked.state();
            state.is_gone = true;
            self.blocked.on_keys.is_some() && !std::mem::replace(&mut state.is_unblocked, true)
        };
        if leaves {
            self.blocked.leave();
        }
    }
}

impl Waiter for ModuleWaiter {
    fn key_ready(&mut self, context: &mut Context<'_>, _db: usize, key: &[u8]) -> Result<bool, Error> {
        let Some(reply) = self.blocked.callbacks.reply else { return Ok(false) };
        let is_unblocked = self.blocked.state().is_unblocked;
        if is_unblocked || self.call(context, reply, Cause::Reply, Some(key)) != OK {
            return Ok(false);
        }
        let is_first = !std::mem::replace(&mut self.blocked.state().is_unblocked, true);
        if is_first {
            self.blocked.leave();
        }
        self.count_work(context);
        Ok(true)
    }

    fn wants_removals(&self) -> bool {
        self.blocked.on_keys.is_some_and(|flags| flags & block_unblock::DELETED != 0)
    }

    fn woken(&mut self, context: &mut Context<'_>, _news: News) -> Result<(), Error> {
        let Callbacks { reply, timeout, .. } = self.blocked.callbacks;
        let is_aborted = self.blocked.state().is_aborted;
        match self.blocked.on_keys {
            _ if is_aborted => {}
            Some(_) => {
                if let Some(timeout) = timeout {
                    self.call(context, timeout, Cause::Timeout, None);
                }
            }
            None => {
                if let Some(reply) = reply {
                    self.call(context, reply, Cause::Reply, None);
                }
            }
        }
        let replies = std::mem::take(&mut self.blocked.state().replies);
        context.reply().raw(&replies);
        self.count_work(context);
        Ok(())
    }

    fn timed_out(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        if self.blocked.state().is_unblocked {
            // The thread was faster than the clock.
            return self.woken(context, Box::new(()));
        }
        if let Some(timeout) = self.blocked.callbacks.timeout {
            self.call(context, timeout, Cause::Timeout, None);
        }
        self.count_work(context);
        self.gone();
        Ok(())
    }

    fn ended(&mut self, engine: &mut Engine) {
        let disconnect = self.blocked.state().disconnect;
        if let Some(disconnect) = disconnect {
            let ctx = self.blocked.context(Cause::End { is_gone: true });
            // SAFETY: the module's function is given what it is documented to be given.
            lend(engine, || unsafe { disconnect(ctx.as_raw(), self.blocked.as_raw()) });
        }
        self.gone();
    }

    fn may_be_unblocked(&self) -> bool {
        self.blocked.callbacks.timeout.is_some() && !self.blocked.state().is_unblocked
    }
}

impl FromRaw for &Blocked {
    type Raw = *mut types::BlockedClient;

    unsafe fn from_raw(raw: *mut types::BlockedClient) -> Self {
        assert!(!raw.is_null(), "a blocked client");
        // SAFETY: the caller vouches for a client that it hasn't unblocked.
        unsafe { &*raw.cast::<Blocked>() }
    }
}

impl FromRaw for Option<&Blocked> {
    type Raw = *mut types::BlockedClient;

    unsafe fn from_raw(raw: *mut types::BlockedClient) -> Self {
        // SAFETY: the caller vouches for a client that it hasn't unblocked, or NULL.
        unsafe { raw.cast::<Blocked>().as_ref() }
    }
}
