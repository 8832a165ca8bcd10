//! What the engine asks of whoever hosts modules. The engine knows commands, values and events; what a shared library
//! is only the host knows.

use std::fmt::Debug;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use keyspace::Defrag;

use crate::client::ClientId;
use crate::command::{Command, NewCommand};
use crate::config::EventClasses;
use crate::config::rewrite::rewrite_lines;
use crate::context::Context;
use crate::engine::Engine;
use crate::error::Error;
use crate::host::Readiness;
use crate::login::{Login, Verdict};
use crate::quoting::quote_if_needed;
use crate::server_events::ServerEvent;

/// A host of modules.
///
/// Its methods are called with the engine to work on, never while one of the engine's parts is borrowed; so they may
/// call commands, and come back here from within.
pub trait Modules: Debug {
    /// Loads a module from a file, as MODULE LOAD and LOADEX ask for it.
    ///
    /// # Errors
    /// What the client is told; nothing of the module is left then.
    fn load(&self, engine: &mut Engine, request: &LoadRequest<'_>) -> Result<(), Error>;

    /// Unloads the module of that name.
    ///
    /// # Errors
    /// What the client is told; the module is there as before.
    fn unload(&self, engine: &mut Engine, name: &[u8]) -> Result<(), Error>;

    /// Does what is due by the clock, and what was left for the thread that runs commands. Called in every round of a
    /// server's loop.
    fn attend(&self, engine: &mut Engine) {
        let _ = engine;
    }

    /// How long it is until there is something to do by the clock.
    fn until_due(&self, engine: &Engine) -> Option<Duration> {
        let _ = engine;
        None
    }

    /// Whether modules have left more to do since [`Modules::attend`] was called, which is done in the same round.
    fn has_more(&self) -> bool {
        false
    }

    /// The modules that are loaded, in the order in which they were.
    fn list(&self) -> Vec<ModuleReport>;

    /// A key has changed, or isn't there, and that is published as `event`.
    fn key_event(&self, engine: &mut Engine, event: &KeyEvent<'_>) {
        let _ = (engine, event);
    }

    /// The reply has come that was promised under this name: see [`Engine::call_inner_or_wait`].
    fn promise_kept(&self, engine: &mut Engine, promise: ClientId, reply: Vec<u8>) {
        let _ = (engine, promise, reply);
    }

    /// A descriptor is ready that is watched for modules. Says what it is to be watched for from now on.
    fn descriptor_ready(&self, engine: &mut Engine, fd: i32, ready: Readiness) -> Readiness {
        let _ = (engine, fd, ready);
        Readiness::default()
    }

    /// The classes of events that [`Self::key_event`] wants to know of. The engine remembers the answer until
    /// [`Engine::events_wanted_anew`].
    fn wanted_key_events(&self) -> EventClasses {
        EventClasses::empty()
    }

    /// Something happens to the server as a whole.
    fn server_event(&self, engine: &mut Engine, event: &ServerEvent<'_>) {
        let _ = (engine, event);
    }

    /// Whether [`Self::server_event`] wants to know of keys before they go ([`ServerEvent::KeyGoes`]). The engine
    /// remembers the answer as that above.
    fn wants_going_keys(&self) -> bool {
        false
    }

    /// Does what modules have put off until the command that ran is done: see [`Engine::call_after_command`].
    fn after_command(&self, engine: &mut Engine) {
        let _ = engine;
    }

    /// The directives that modules have registered, with their values.
    fn directives(&self, engine: &mut Engine) -> Vec<ModuleDirective> {
        let _ = engine;
        Vec::new()
    }

    /// Sets directives of modules, by name, and puts that into effect.
    ///
    /// # Errors
    /// The name of the one that failed, and the reason, which may be empty; everything is as it was.
    fn set_directives(&self, engine: &mut Engine, pairs: &[(&str, &[u8])]) -> Result<(), (String, String)> {
        let _ = (engine, pairs);
        Ok(())
    }

    /// Whether [`Self::filter`] wants to see commands. The engine remembers the answer as those above.
    fn has_filters(&self) -> bool {
        false
    }

    /// A client's command is about to be looked up; gives the arguments that it is to have instead.
    fn filter(&self, engine: &mut Engine, client: ClientId, args: &[&[u8]]) -> Option<Vec<Vec<u8>>> {
        let _ = (engine, client, args);
        None
    }

    /// Whether [`Self::log_in`] wants to be asked. The engine remembers the answer as those above.
    fn has_login_callbacks(&self) -> bool {
        false
    }

    /// A client wants to log in, by AUTH or HELLO.
    fn log_in(&self, context: &mut Context<'_>, login: &Login<'_>) -> Verdict {
        let _ = (context, login);
        Verdict::NotHandled
    }

    /// A client that was logged in so that this is told ([`Engine::log_in`]) acts for another user, or goes.
    fn user_changed(&self, engine: &mut Engine, client: ClientId) {
        let _ = (engine, client);
    }

    /// The sections that modules add to INFO: those that are named, all of them when `names` is empty. Each begins with
    /// an empty line and its title.
    fn info(&self, engine: &mut Engine, names: &[&[u8]]) -> String {
        let _ = (engine, names);
        String::new()
    }

    /// A pass of active defragmentation through the keyspace begins or ends: modules may move what they hold beside
    /// it. The engine is in use meanwhile.
    fn defrag(&self, stage: DefragStage, defrag: &mut dyn Defrag) {
        let _ = (stage, defrag);
    }
}

/// How far a pass of active defragmentation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefragStage {
    /// Nothing was moved yet.
    Begin,
    /// All of the keyspace was visited.
    End,
}

/// A module to be loaded.
#[derive(Clone, Copy, Debug)]
pub struct LoadRequest<'a> {
    /// The path of the file.
    pub path: &'a [u8],
    /// What the module's OnLoad is given.
    pub args: &'a [&'a [u8]],
    /// Directives and the values that they are to have, where the module registers them (LOADEX).
    pub configs: &'a [(&'a [u8], &'a [u8])],
}

/// A directive that a module has registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleDirective {
    /// Its name.
    pub name: String,
    /// Whether it can be set only when its module is loaded.
    pub is_immutable: bool,
    /// Whether CONFIG GET shows it only by its full name.
    pub is_hidden: bool,
    /// Whether CONFIG SET needs `enable-protected-configs`.
    pub is_protected: bool,
    /// Its value, as CONFIG GET shows it.
    pub value: Vec<u8>,
    /// Its default, in the same way.
    pub default: Vec<u8>,
}

/// What is told of a module that is loaded.
#[derive(Clone, Debug, Default)]
pub struct ModuleReport {
    /// The name that it gave itself.
    pub name: String,
    /// Its version.
    pub version: i32,
    /// The path that it was loaded from.
    pub path: Vec<u8>,
    /// What its OnLoad was given.
    pub args: Vec<Vec<u8>>,
    /// The version of the API that it was written for.
    pub api: i32,
    /// The names of the modules that use functions which it shares.
    pub used_by: Vec<String>,
    /// The names of the modules whose functions it uses.
    pub using: Vec<String>,
    /// How many command filters it has.
    pub filters: usize,
    /// The options that it has set, by name.
    pub options: Vec<&'static str>,
    /// What it holds.
    pub memory: ModuleMemory,
}

/// What a module holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModuleMemory {
    /// Bytes in live blocks, each at its usable size: what the module has taken less what it has freed, so negative
    /// where it has freed more of others' than it holds. It is the sum of the bytes below.
    pub live: i64,
    /// The most that these ever were.
    pub peak: i64,
    /// Live blocks, counted in the same way.
    pub blocks: i64,
    /// Bytes in blocks that the module has asked for as such. Those of its values in the keyspace are among them.
    pub raw: i64,
    /// Bytes in strings that the module holds.
    pub strings: i64,
    /// Bytes in keys that it has open.
    pub keys: i64,
    /// Bytes in replies to commands that it has called.
    pub replies: i64,
    /// Bytes in dictionaries, their keys among them.
    pub dictionaries: i64,
    /// Bytes that go with contexts.
    pub pool: i64,
    /// Bytes in contexts for threads.
    pub contexts: i64,
    /// Bytes in whatever else it was handed: iterators, cursors, what it has read of INFO.
    pub others: i64,
    /// How many values of the module's types the keyspace holds.
    pub values: i64,
    /// How often the module has freed a block of a size of which it had none left: another's, then. The least that it
    /// can have been.
    pub foreign_frees: i64,
}

impl ModuleMemory {
    /// The figures with the names under which they are shown.
    pub fn fields(&self) -> [(&'static str, i64); 13] {
        [
            ("live", self.live),
            ("peak", self.peak),
            ("blocks", self.blocks),
            ("raw", self.raw),
            ("strings", self.strings),
            ("keys", self.keys),
            ("replies", self.replies),
            ("dictionaries", self.dictionaries),
            ("pool", self.pool),
            ("contexts", self.contexts),
            ("others", self.others),
            ("values", self.values),
            ("foreign_frees", self.foreign_frees),
        ]
    }
}

/// A change of a key, as it is published.
#[derive(Clone, Copy, Debug)]
pub struct KeyEvent<'a> {
    /// The number of the database.
    pub db: usize,
    /// The key.
    pub key: &'a [u8],
    /// Its class.
    pub class: EventClasses,
    /// Its name.
    pub event: &'a str,
}

impl Engine {
    /// Has modules hosted. Without a host MODULE LOAD is refused, and there are none.
    pub fn host_modules(&mut self, modules: Rc<dyn Modules>) {
        self.modules = Some(modules);
    }

    /// Says that modules want to know of other events than before.
    pub fn events_wanted_anew(&mut self) {
        let modules = self.modules.as_ref();
        self.module_events = modules.map_or(EventClasses::empty(), |modules| modules.wanted_key_events());
        self.has_filters = modules.is_some_and(|modules| modules.has_filters());
        self.asks_who_logs_in = modules.is_some_and(|modules| modules.has_login_callbacks());
        self.foretells = modules.is_some_and(|modules| modules.wants_going_keys());
    }

    /// Whether modules want to see commands before they run.
    pub fn has_filters(&self) -> bool {
        self.has_filters
    }

    /// Loads a module.
    ///
    /// # Errors
    /// As [`Modules::load`], and where nobody hosts modules.
    pub fn load_module(&mut self, request: &LoadRequest<'_>) -> Result<(), Error> {
        let modules =
            self.modules.clone().ok_or(Error::fixed("ERR there is nobody here who hosts modules"))?;
        modules.load(self, request)
    }

    /// The modules that are loaded, in the order in which they were; none without a host.
    pub fn module_reports(&self) -> Vec<ModuleReport> {
        self.modules.as_ref().map_or(Vec::new(), |modules| modules.list())
    }

    /// The text of a configuration file that loads the modules which are loaded now, each with its arguments.
    pub(crate) fn with_modules(&self, text: &[u8]) -> Vec<u8> {
        if self.modules.is_none() {
            return text.to_vec();
        }
        let line = |module: &ModuleReport| {
            let words = std::iter::once(&module.path).chain(&module.args);
            let words: Vec<String> = words.map(|word| quote_if_needed(word)).collect();
            format!("loadmodule {}", words.join(" ")).into_bytes()
        };
        let lines: Vec<Vec<u8>> = self.module_reports().iter().map(line).collect();
        rewrite_lines(text, "loadmodule", &lines)
    }

    /// Watches a descriptor for modules, until that is asked for with nothing to watch for: see [`Host::watch`].
    ///
    /// # Errors
    /// As [`Host::watch`].
    ///
    /// [`Host::watch`]: crate::Host::watch
    pub fn watch_descriptor(&mut self, fd: i32, readiness: Readiness) -> io::Result<()> {
        self.host.watch(fd, readiness)
    }

    /// Tells modules that a descriptor is ready which the host was asked to watch. The program around the engine calls
    /// this from its event loop.
    pub fn descriptor_ready(&mut self, fd: i32, ready: Readiness) {
        let Some(modules) = self.modules.clone() else { return };
        self.clock.refresh();
        let readiness = modules.descriptor_ready(self, fd, ready);
        // One that the module has closed without a word isn't watched any more.
        let _ = self.host.watch(fd, readiness);
        self.serve_waiting();
        self.settle();
    }

    /// Adds a command, in the place of one of that name that was added before; `None`, and nothing changed, when a
    /// command of the engine's own has that name, or it isn't a name.
    pub fn add_command(&mut self, command: &NewCommand) -> Option<&'static Command> {
        self.commands.add(command)
    }

    /// Takes a command away that was added; says whether it was there.
    pub fn remove_command(&mut self, name: &str) -> bool {
        self.commands.take_away(name)
    }

    /// The command of that name, whatever its case.
    pub fn command(&self, name: &[u8]) -> Option<&'static Command> {
        self.commands.command(name)
    }
}
