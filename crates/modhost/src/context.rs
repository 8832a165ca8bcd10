//! Contexts: the surroundings of a call, which modules hand back to nearly every function.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::sync::Arc;
use std::time::Instant;

use engine::command::{Channel, KeyFlags};
use engine::resp::{Version, Writer};
use engine::{ClientId, Engine, UserRef};
use module_abi::types::{self, AuthFunc, GetApiFunc};

use crate::areas::commands::ModuleCommand;
use crate::areas::memory;
use crate::blocked::{Blocked, Occasion, Pending};
use crate::call_reply::CallReply;
use crate::charge::{Handed, Held};
use crate::counters::Kind;
use crate::dictionary::Dict;
use crate::guard::FromRaw;
use crate::key::Key;
use crate::lend::{peek, with_engine};
use crate::pool::Pool;
use crate::slot::Slot;
use crate::string::{Str, StrRef};

/// What stands behind a `RedisModuleCtx *`.
///
/// All of it can be changed through a shared reference: a callback may be given the context that another function is
/// working on.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Ctx {
    /// The first word, which OnLoad calls.
    get_api: GetApiFunc,
    /// The module.
    pub(crate) slot: &'static Slot,
    /// The client whose command runs, if one does.
    pub(crate) client: Option<ClientId>,
    /// The database that is selected, where there is no client.
    pub(crate) own_db: Cell<usize>,
    /// The command that runs, if one does.
    command: Cell<Option<&'static ModuleCommand>>,
    /// When the command began, or, without one, the module first let others have their turn.
    pub(crate) begun: Cell<Option<Instant>>,
    /// When others may have their turn again, once they have had one.
    pub(crate) next_turn: Cell<Option<Instant>>,
    /// The reply.
    pub(crate) reply: RefCell<Writer>,
    /// Whether the database is its own although there is a client.
    pub(crate) has_own_db: bool,
    /// A wait that begins when the command returns.
    pub(crate) pending: RefCell<Option<Pending>>,
    /// The callback that it is for, of those that a blocked client has.
    pub(crate) occasion: Option<Occasion>,
    /// The blocked client to which a thread replies here.
    thread: Option<Arc<Blocked>>,
    /// Where in the reply lengths are missing, innermost last.
    pub(crate) postponed: RefCell<Vec<usize>>,
    /// The positions of keys that a command has told, where it is called for nothing else.
    key_positions: RefCell<Option<Vec<(usize, KeyFlags)>>>,
    /// The channels that a command has told, in the same way.
    channels: RefCell<Option<Vec<Channel>>>,
    /// How many arguments the command has, its name included.
    pub(crate) arg_count: Cell<usize>,
    /// The user for whom commands are called from here, if not the client's.
    pub(crate) user: RefCell<Option<UserRef>>,
    /// How far the client has come that wants to log in, in the callback that decides.
    pub(crate) login: Cell<LoginStage>,
    /// What decides when a client that wants to log in no longer waits.
    pub(crate) login_reply: Cell<Option<AuthFunc>>,
    /// Objects that are freed with the context, once AutoMemory was called.
    auto: RefCell<Option<Vec<Auto>>>,
    pub(crate) pool: Pool,
}

/// How far a client has come that wants to log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum LoginStage {
    /// It doesn't want to.
    #[default]
    None,
    /// A module is asked.
    Asked,
    /// The module has made it a user.
    Done,
}

/// An object that a context frees.
#[derive(Debug)]
enum Auto {
    String(*mut types::ModuleString),
    Key(*mut types::Key),
    Reply(*mut types::CallReply),
    Dict(*mut types::Dict),
}

impl Ctx {
    /// A context of a module, for a client if one has called it.
    pub(crate) fn new(slot: &'static Slot, client: Option<ClientId>, reply: Writer) -> Self {
        Self {
            get_api: memory::get_api(slot.index()),
            slot,
            client,
            own_db: Cell::new(0),
            command: Cell::new(None),
            begun: Cell::new(None),
            next_turn: Cell::new(None),
            reply: RefCell::new(reply),
            has_own_db: false,
            pending: RefCell::new(None),
            occasion: None,
            thread: None,
            postponed: RefCell::new(Vec::new()),
            key_positions: RefCell::new(None),
            channels: RefCell::new(None),
            arg_count: Cell::new(0),
            user: RefCell::new(None),
            login: Cell::default(),
            login_reply: Cell::new(None),
            auto: RefCell::new(None),
            pool: Pool::new(slot),
        }
    }

    /// The context of a command that runs.
    pub(crate) fn for_command(
        slot: &'static Slot,
        client: ClientId,
        reply: Writer,
        command: &'static ModuleCommand,
        begun: Instant,
    ) -> Self {
        let ctx = Self::new(slot, Some(client), reply);
        ctx.begun.set(Some(begun));
        ctx.command.set(Some(command));
        ctx
    }

    /// The full name of the command that runs.
    pub(crate) fn command_name(&self) -> &'static str {
        self.command.get().map_or("", |command| &command.full_name)
    }

    /// The command that runs, if one does.
    pub(crate) fn command(&self) -> Option<&'static ModuleCommand> {
        self.command.get()
    }

    /// Says which command it is that a callback replies to.
    pub(crate) fn set_command(&self, command: Option<&'static ModuleCommand>) {
        self.command.set(command);
    }

    /// Has a command tell where its keys are, and do nothing else.
    pub(crate) fn ask_for_keys(&self, command: &'static ModuleCommand) {
        self.command.set(Some(command));
        *self.key_positions.borrow_mut() = Some(Vec::new());
    }

    /// Whether the command is only asked where its keys are.
    pub(crate) fn asks_for_keys(&self) -> bool {
        self.key_positions.borrow().is_some()
    }

    /// Notes the position of a key, if that was asked for.
    pub(crate) fn note_key_position(&self, position: usize, flags: KeyFlags) {
        if let Some(positions) = &mut *self.key_positions.borrow_mut() {
            positions.push((position, flags));
        }
    }

    /// The positions that were noted.
    pub(crate) fn take_key_positions(&self) -> Vec<(usize, KeyFlags)> {
        self.key_positions.borrow_mut().take().unwrap_or_default()
    }

    /// Has a command tell which of its arguments are channels, and do nothing else.
    pub(crate) fn ask_for_channels(&self, command: &'static ModuleCommand) {
        self.command.set(Some(command));
        *self.channels.borrow_mut() = Some(Vec::new());
    }

    /// Whether the command is only asked which of its arguments are channels.
    pub(crate) fn asks_for_channels(&self) -> bool {
        self.channels.borrow().is_some()
    }

    /// Notes a channel, if that was asked for.
    pub(crate) fn note_channel(&self, channel: Channel) {
        if let Some(channels) = &mut *self.channels.borrow_mut() {
            channels.push(channel);
        }
    }

    /// The channels that were noted.
    pub(crate) fn take_channels(&self) -> Vec<Channel> {
        self.channels.borrow_mut().take().unwrap_or_default()
    }

    /// Whether it is for a thread, which can't have its client act for another user.
    pub(crate) fn is_for_thread(&self) -> bool {
        self.thread.is_some()
    }

    /// A context in which there is nobody to reply to.
    pub(crate) fn detached(slot: &'static Slot) -> Self {
        Self::new(slot, None, Writer::new(Vec::new(), Version::V2))
    }

    /// A context in which a thread replies to a client that is blocked; the module frees it.
    pub(crate) fn for_thread(blocked: &Blocked) -> *mut types::Ctx {
        let mut ctx = Self::new(blocked.slot, blocked.client, Writer::new(Vec::new(), blocked.version));
        ctx.own_db.set(blocked.db);
        ctx.has_own_db = true;
        ctx.thread = Some(blocked.retain());
        let raw = ctx.into_raw();
        blocked.add_context(raw.cast());
        raw
    }

    /// Hands the context to a module, which frees it.
    pub(crate) fn into_raw(self) -> *mut types::Ctx {
        Handed::new(self).into_raw()
    }

    /// Takes a context back.
    ///
    /// # Safety
    /// It is one that [`Self::into_raw`] gave, and that nobody uses any more.
    pub(crate) unsafe fn from_raw_owned(raw: *mut types::Ctx) -> Option<Handed<Self>> {
        // SAFETY: by the caller's word.
        unsafe { Handed::from_raw(raw) }
    }

    /// As a module knows it.
    pub(crate) fn as_raw(&self) -> *mut types::Ctx {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// The number of the database that is selected.
    pub(crate) fn db(&self) -> usize {
        match self.client.filter(|_| !self.has_own_db) {
            Some(client) => peek(|engine| engine.selected_database(client)).unwrap_or(0),
            None => self.own_db.get(),
        }
    }

    /// Selects a database; says whether there is one of that number.
    pub(crate) fn select(&self, db: usize) -> bool {
        let select = |engine: &mut Engine| match self.client.filter(|_| !self.has_own_db) {
            Some(client) => engine.select_database(client, db),
            None => db < engine.database_count(),
        };
        let exists = with_engine(select).unwrap_or(false);
        if exists {
            self.own_db.set(db);
        }
        exists
    }

    /// Has objects that are made from now on freed with the context.
    pub(crate) fn free_automatically(&self) {
        self.auto.borrow_mut().get_or_insert_default();
    }

    /// Whether AutoMemory was called.
    pub(crate) fn frees_automatically(&self) -> bool {
        self.auto.borrow().is_some()
    }

    fn keep(&self, object: Auto) {
        if let Some(objects) = &mut *self.auto.borrow_mut() {
            objects.push(object);
        }
    }

    /// Takes an object off the list of those that are freed with the context; says whether it was there.
    #[inline]
    fn let_go(&self, address: *mut c_void) -> bool {
        self.frees_automatically() && self.let_go_of_kept(address)
    }

    #[inline(never)]
    fn let_go_of_kept(&self, address: *mut c_void) -> bool {
        if let Some(objects) = &mut *self.auto.borrow_mut()
            && let Some(place) = objects.iter().rposition(|object| object.address() == address)
        {
            objects.swap_remove(place);
            return true;
        }
        false
    }

    /// Hands a new string to the module.
    pub(crate) fn give_string(&self, string: StrRef) -> *mut types::ModuleString {
        string.charge(self.slot);
        let raw = string.into_raw();
        self.keep(Auto::String(raw));
        raw
    }

    /// The module no longer leaves the string to the context; says whether it did.
    pub(crate) fn let_go_of_string(&self, string: &Str) -> bool {
        self.let_go(string.as_raw().cast())
    }

    /// Hands an open key to the module.
    pub(crate) fn give_key(&self, key: Key) -> *mut types::Key {
        let raw = key.into_raw();
        self.keep(Auto::Key(raw));
        raw
    }

    /// The module has closed the key itself.
    pub(crate) fn let_go_of_key(&self, key: *mut types::Key) {
        self.let_go(key.cast());
    }

    /// Hands a reply to the module.
    pub(crate) fn give_reply(&self, reply: CallReply) -> *mut types::CallReply {
        let raw = reply.into_raw(self.slot);
        self.keep(Auto::Reply(raw));
        raw
    }

    /// The module has freed the reply itself.
    pub(crate) fn let_go_of_reply(&self, reply: *mut types::CallReply) {
        self.let_go(reply.cast());
    }

    /// Hands a dictionary to the module.
    pub(crate) fn give_dict(&self, dict: Dict) -> *mut types::Dict {
        let raw = dict.into_raw();
        self.keep(Auto::Dict(raw));
        raw
    }

    /// The module frees the dictionary itself.
    pub(crate) fn let_go_of_dict(&self, dict: *mut types::Dict) {
        self.let_go(dict.cast());
    }

    /// Frees what was left to the context, which is done with.
    #[inline]
    pub(crate) fn finish(&self) {
        if self.frees_automatically() {
            self.free_kept();
        }
    }

    #[inline(never)]
    fn free_kept(&self) {
        let Some(objects) = self.auto.borrow_mut().take() else { return };
        for object in objects.into_iter().rev() {
            // SAFETY: the module left these to the context, and has given none of them up itself, which takes it off
            // the list.
            unsafe {
                match object {
                    Auto::String(string) => StrRef::give_up(string, self.slot),
                    Auto::Key(key) => drop(Key::from_raw(key)),
                    Auto::Reply(reply) => drop(CallReply::from_raw(reply)),
                    Auto::Dict(dict) => drop(Dict::from_raw(dict)),
                }
            }
        }
    }
}

impl Held for Ctx {
    const KIND: Kind = Kind::Context;

    fn holder(&self) -> &'static Slot {
        self.slot
    }
}

impl Drop for Ctx {
    fn drop(&mut self) {
        self.finish();
        if let Some(blocked) = self.thread.take() {
            blocked.remove_context(self);
        }
    }
}

impl Auto {
    fn address(&self) -> *mut c_void {
        match *self {
            Self::String(string) => string.cast(),
            Self::Key(key) => key.cast(),
            Self::Reply(reply) => reply.cast(),
            Self::Dict(dict) => dict.cast(),
        }
    }
}

impl FromRaw for &Ctx {
    type Raw = *mut types::Ctx;

    unsafe fn from_raw(raw: *mut types::Ctx) -> Self {
        assert!(!raw.is_null(), "a context");
        // SAFETY: the caller vouches for a context that is there.
        unsafe { &*raw.cast::<Ctx>() }
    }
}

impl FromRaw for Option<&Ctx> {
    type Raw = *mut types::Ctx;

    unsafe fn from_raw(raw: *mut types::Ctx) -> Self {
        // SAFETY: the caller vouches for a context that is there, or NULL.
        unsafe { raw.cast::<Ctx>().as_ref() }
    }
}
