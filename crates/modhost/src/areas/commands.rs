//! Commands: registering them, and running them.

use std::any::Any;
use std::cell::Cell;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

use engine::command::{BeginSearch, Categories, Command, FindKeys, Flags, KeyFlags, KeySpec, NewCommand};
use engine::{Context, Engine, Error};
use module_abi::constants::{ERR, OK};
use module_abi::types::{self, CommandFunc, ModuleString};

use crate::api::export;
use crate::areas::Hooks;
use crate::blocked;
use crate::context::Ctx;
use crate::guard::FromRaw;
use crate::lend::{lend, with_engine};
use crate::slot::{self, Slot};
use crate::string::{Str, StrRef};

/// A command of a module, as its handler knows it. It stays when the module goes, for the next one in the same slot
/// that has a command of that name.
#[derive(Debug)]
pub(crate) struct ModuleCommand {
    /// The full name: `container|command` for a sub-command.
    pub(crate) full_name: String,
    /// The same for C.
    name_for_c: CString,
    slot: usize,
    /// The function, a [`CommandFunc`]; NULL while no module has the command, or where it consists of sub-commands.
    function: AtomicPtr<c_void>,
}

/// Every command that a module ever had, by its slot and full name.
static KNOWN: LazyLock<Mutex<HashMap<(usize, String), &'static ModuleCommand>>> =
    LazyLock::new(Mutex::default);

fn known(slot: &Slot, full_name: &str) -> &'static ModuleCommand {
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    known.entry((slot.index(), full_name.to_owned())).or_insert_with(|| {
        Box::leak(Box::new(ModuleCommand {
            full_name: full_name.to_owned(),
            name_for_c: CString::new(full_name).unwrap_or_default(),
            slot: slot.index(),
            function: AtomicPtr::default(),
        }))
    })
}

impl ModuleCommand {
    fn function(&self) -> Option<CommandFunc> {
        let function = NonNull::new(self.function.load(Ordering::Acquire))?;
        // SAFETY: nothing else is stored than such a function's address.
        Some(unsafe { std::mem::transmute::<NonNull<c_void>, CommandFunc>(function) })
    }

    fn set_function(&self, function: Option<CommandFunc>) {
        let address = function.map_or(ptr::null_mut(), |function| function as *mut c_void);
        self.function.store(address, Ordering::Release);
    }

    /// The full name, as C takes it; it stays.
    pub(crate) fn name_for_c(&self) -> *const c_char {
        self.name_for_c.as_ptr()
    }

    /// The slot of its module.
    pub(crate) fn slot(&self) -> &'static Slot {
        slot::slot(self.slot)
    }
}

/// The commands that a module has registered.
#[derive(Debug, Default)]
pub(crate) struct Registered {
    commands: Vec<NewCommand>,
}

pub(crate) const HOOKS: Hooks = Hooks { keeps: |_| None, forget };

fn forget(slot: &'static Slot, engine: &mut Engine) {
    let commands = slot.with_state(|state: &mut Registered| std::mem::take(&mut state.commands));
    for command in commands {
        engine.remove_command(&command.name);
        known(slot, &command.name).set_function(None);
        for inner in &command.subcommands {
            known(slot, &format!("{}|{}", command.name, inner.name)).set_function(None);
        }
    }
}

thread_local! {
    /// Room for the addresses of a command's arguments, kept for the next command.
    static ARGUMENTS: Cell<Vec<*mut ModuleString>> = const { Cell::new(Vec::new()) };
}

/// What a module's command is known by, and its function, as long as its module is there.
pub(crate) fn owner(command: &Command) -> Option<(&'static ModuleCommand, CommandFunc)> {
    let owner = command.owner().and_then(<dyn Any + Send + Sync>::downcast_ref::<ModuleCommand>)?;
    Some((owner, owner.function()?))
}

/// A command's arguments, as its module is given them.
#[derive(Debug)]
pub(crate) struct Arguments(Vec<*mut ModuleString>);

impl Arguments {
    pub(crate) fn new(args: &[&[u8]]) -> Self {
        let mut strings = ARGUMENTS.take();
        strings.extend(args.iter().map(|arg| StrRef::new(arg).into_raw()));
        Self(strings)
    }

    /// Calls a module's function.
    pub(crate) fn call(&mut self, ctx: &Ctx, function: CommandFunc) {
        ctx.arg_count.set(self.0.len());
        // SAFETY: the module's function is given what it is documented to be given; the module is loaded as long as its
        // commands are registered.
        unsafe { function(ctx.as_raw(), self.0.as_mut_ptr(), self.0.len() as c_int) };
    }

    /// The text of an argument that nobody has had yet.
    fn text(&self, at: usize) -> Option<&[u8]> {
        // SAFETY: made above, and a module may change the array only once it is called.
        unsafe { self.0.get(at)?.cast::<Str>().as_ref() }.map(Str::bytes)
    }
}

impl Drop for Arguments {
    fn drop(&mut self) {
        let mut strings = std::mem::take(&mut self.0);
        for string in strings.drain(..) {
            // SAFETY: made above; the module has references of its own to what it keeps.
            drop(unsafe { StrRef::from_raw(string) });
        }
        ARGUMENTS.set(strings);
    }
}

/// Runs a module's command.
fn run(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let Some((owner, function)) = owner(context.command()) else {
        return Err(Error::fixed("ERR the module of this command is not loaded any more"));
    };
    let reply = std::mem::take(context.reply());
    let begun = context.engine().command_began();
    let ctx = Ctx::for_command(owner.slot(), context.client_id(), reply, owner, begun);
    let mut arguments = Arguments::new(args);
    if let Some((key, copy)) = args.get(1).zip(arguments.text(1)) {
        context.engine().expect_copy(key, copy);
    }
    lend(context.engine(), || {
        arguments.call(&ctx, function);
        drop(arguments);
        ctx.finish();
    });
    context.engine().forget_copy();
    *context.reply() = ctx.reply.take();
    if ctx.pending.borrow().is_some() {
        wait(context, &ctx, args);
    }
    Ok(())
}

/// Begins the wait that a command has asked for.
#[cold]
fn wait(context: &mut Context<'_>, ctx: &Ctx, args: &[&[u8]]) {
    if let Some(pending) = ctx.pending.take() {
        blocked::wait(context, pending, args, |waiter| Box::new(waiter));
    }
}

/// What a command's flags say, in the words of CreateCommand; `None` where one of the words is unknown.
fn parse_flags(text: &str) -> Option<Flags> {
    let mut flags = Flags::empty();
    for word in text.split_ascii_whitespace() {
        flags |= match word.to_ascii_lowercase().as_str() {
            "write" => Flags::WRITE,
            "readonly" => Flags::READONLY,
            "admin" => Flags::ADMIN,
            "deny-oom" => Flags::DENYOOM,
            "deny-script" => Flags::NOSCRIPT,
            "allow-loading" => Flags::LOADING,
            "pubsub" => Flags::PUBSUB,
            "allow-stale" => Flags::STALE,
            "no-monitor" => Flags::SKIP_MONITOR,
            "no-slowlog" => Flags::SKIP_SLOWLOG,
            "fast" => Flags::FAST,
            "no-auth" => Flags::NO_AUTH,
            "may-replicate" => Flags::MAY_REPLICATE,
            "no-mandatory-keys" => Flags::NO_MANDATORY_KEYS,
            "blocking" => Flags::BLOCKING,
            "allow-busy" => Flags::ALLOW_BUSY,
            // The first two say who finds the keys and channels. What the others are about isn't here: scripts whose
            // replies differ, a cluster, connections among its nodes.
            "getkeys-api"
            | "getchannels-api"
            | "random"
            | "no-cluster"
            | "internal"
            | "touches-arbitrary-keys" => Flags::empty(),
            _ => return None,
        };
    }
    Some(flags)
}

/// Where the keys are, from the first, the last and the distance; a last that is negative counts from the end. What is
/// done with them can't be told from these, so it is taken for the most that there is, as Redis does, even where the
/// command is flagged as one that only reads.
fn key_spec(first: c_int, last: c_int, step: c_int, may_vary: bool) -> Option<KeySpec> {
    let first_key = usize::try_from(first).ok().filter(|&first| first != 0)?;
    let last = if last >= 0 { last - first } else { last };
    let varying = if may_vary { KeyFlags::VARIABLE_FLAGS } else { KeyFlags::empty() };
    Some(KeySpec {
        flags: KeyFlags::RW | KeyFlags::ACCESS | KeyFlags::UPDATE | varying,
        flags_of: None,
        notes: None,
        begin: BeginSearch::Index(first_key),
        find: FindKeys::Range { last: last as isize, step: step.max(1) as usize, limit: 0 },
    })
}

fn describe(
    slot: &Slot,
    name: &str,
    full_name: &str,
    function: Option<CommandFunc>,
    flags: &CStr,
    keys: (c_int, c_int, c_int),
) -> Option<NewCommand> {
    let flag_text = flags.to_string_lossy();
    let flags = parse_flags(&flag_text)?;
    let command = known(slot, full_name);
    command.set_function(function);
    let mut new = NewCommand::new(name, function.is_some().then_some(run as _));
    new.module = slot.name();
    new.owner = Some(command);
    new.flags |= flags;
    let says = |flag: &str| flag_text.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case(flag));
    new.find_keys = says("getkeys-api").then_some(super::key_positions::find as _);
    new.find_channels = says("getchannels-api").then_some(super::channels::find as _);
    new.keys = key_spec(keys.0, keys.1, keys.2, new.find_keys.is_some()).into_iter().collect();
    Some(new)
}

/// Registers a command as it is now.
fn register(new: &NewCommand) -> c_int {
    let added = with_engine(|engine| engine.add_command(new).is_some()).unwrap_or(false);
    if added { OK } else { ERR }
}

/// Changes a command of a module, by its full name, and registers it again.
pub(crate) fn change(slot: &Slot, full_name: &str, change: impl FnOnce(&mut NewCommand) -> c_int) -> c_int {
    let (outer, inner) = match full_name.split_once('|') {
        Some((outer, inner)) => (outer, Some(inner)),
        None => (full_name, None),
    };
    let changed = slot.with_state(|state: &mut Registered| {
        let container = state.commands.iter_mut().find(|command| command.name == outer)?;
        let command = match inner {
            None => &mut *container,
            Some(inner) => container.subcommands.iter_mut().find(|command| command.name == inner)?,
        };
        (change(command) == OK).then(|| container.clone())
    });
    changed.map_or(ERR, |command| register(&command))
}

/// A command as a module knows it: `RedisModuleCommand *`.
impl FromRaw for Option<&'static ModuleCommand> {
    type Raw = *mut types::Command;

    unsafe fn from_raw(raw: *mut types::Command) -> Self {
        // SAFETY: the caller vouches for one that GetCommand gave, or NULL; they stay.
        unsafe { raw.cast::<ModuleCommand>().as_ref() }
    }
}

export! {
    fn CreateCommand(
        ctx: &Ctx,
        name: &CStr,
        function: Option<CommandFunc>,
        flags: &CStr,
        first: c_int,
        last: c_int,
        step: c_int,
    ) -> c_int {
        let name = name.to_string_lossy().to_ascii_lowercase();
        let is_taken = with_engine(|engine| engine.command(name.as_bytes()).is_some()).unwrap_or(true);
        // A name with a space in it would be taken for two words, one with a bar for a sub-command.
        if !ctx.slot.is_loading() || is_taken || name.contains([' ', '|']) {
            return ERR;
        }
        let Some(new) = describe(ctx.slot, &name, &name, function, flags, (first, last, step)) else {
            return ERR;
        };
        if register(&new) == ERR {
            return ERR;
        }
        ctx.slot.with_state(|state: &mut Registered| state.commands.push(new));
        OK
    }

    /// Only a module's own commands are given.
    fn GetCommand(ctx: &Ctx, name: &CStr) -> *mut types::Command {
        let name = name.to_string_lossy().to_ascii_lowercase();
        let command = known(ctx.slot, &name);
        let is_there = change(ctx.slot, &name, |_| OK) == OK;
        if is_there { std::ptr::from_ref(command).cast_mut().cast() } else { std::ptr::null_mut() }
    }

    /// Only a command without a function can have sub-commands, and they have none.
    fn CreateSubcommand(
        parent: Option<&'static ModuleCommand>,
        name: &CStr,
        function: Option<CommandFunc>,
        flags: &CStr,
        first: c_int,
        last: c_int,
        step: c_int,
    ) -> c_int {
        let Some((parent, slot)) = parent.map(|parent| (parent, parent.slot())) else { return ERR };
        let name = name.to_string_lossy().to_ascii_lowercase();
        let is_container = !parent.full_name.contains('|') && parent.function().is_none();
        if !slot.is_loading() || !is_container || name.contains([' ', '|']) {
            return ERR;
        }
        let full_name = format!("{}|{name}", parent.full_name);
        let Some(new) = describe(slot, &name, &full_name, function, flags, (first, last, step)) else {
            return ERR;
        };
        change(slot, &parent.full_name, |parent| {
            if function.is_none() || parent.subcommands.iter().any(|known| known.name == name) {
                return ERR;
            }
            parent.subcommands.push(new);
            OK
        })
    }

    /// Categories by name, separated by spaces; none follow from the command's flags.
    fn SetCommandACLCategories(command: Option<&'static ModuleCommand>, categories: &CStr) -> c_int {
        let Some((command, slot)) = command.map(|command| (command, command.slot())) else { return ERR };
        let text = categories.to_string_lossy();
        let mut acl = Categories::empty();
        for word in text.split_ascii_whitespace() {
            match with_engine(|engine| engine.category(word.as_bytes())).flatten() {
                Some(category) => acl |= category,
                None => return ERR,
            }
        }
        if !slot.is_loading() {
            return ERR;
        }
        change(slot, &command.full_name, |command| {
            command.acl = acl;
            OK
        })
    }
}
