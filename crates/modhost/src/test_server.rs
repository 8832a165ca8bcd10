//! A host within a test: see [`TestServer`].

mod clients;
mod error;
mod event_loop;
mod log;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use engine::config::load::Origin;
use engine::config::{Config, Protection, Source};
use engine::{ClientId, Clock, Engine, LoadRequest, ModuleMemory, ModuleReport, Modules, Options, Reply};
use tempfile::TempDir;

use crate::host::ModuleHost;
use crate::leak::Leak;
use crate::slot::{self, Slot};
use clients::Inbox;
use event_loop::EventLoop;
use log::Log;

pub use error::TestError;
pub use log::LogLine;

/// How long a [`TestServer`] waits for threads of modules, in real time, before it gives up.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long threads may work before it is looked whether that has led to anything.
const TURN: Duration = Duration::from_millis(1);
/// How many rounds in which nothing happens are quiet: what one round ends may begin something in the next.
const CALM: usize = 3;
/// What the data clock shows at first, in milliseconds since 1970.
const BEGIN_MS: i64 = 1_700_000_000_000;

/// A server in the process of a test, without sockets, that modules are loaded into.
///
/// Its data clock, by which keys expire and timers run, stands still until [`advance`](Self::advance); its random
/// numbers are the same in every run. MODULE and DEBUG are allowed. Each of its methods runs on the calling thread;
/// threads of modules may use the server while it waits, in [`call`](Self::call) and wherever else that is said.
///
/// A process can have many, on different threads too: each loads a copy of a module's file, so that the module's
/// statics are its own. [`ModuleHost`] says what becomes of the modules when a server is dropped.
pub struct TestServer {
    // Dropped before all others: values are freed by their modules.
    /// The engine, for what a test wants of it beyond what is here.
    pub engine: Engine,
    /// The client that [`call`](Self::call) is for.
    pub client: ClientId,
    modules: Rc<ModuleHost>,
    event_loop: EventLoop,
    inboxes: HashMap<ClientId, Inbox>,
    /// What each module held when its OnLoad was done, or leaks were last asked for.
    loaded_with: BTreeMap<String, Leak>,
    log: Log,
    directory: TempDir,
    copies: u32,
}

impl fmt::Debug for TestServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestServer").field("modules", &self.modules).finish_non_exhaustive()
    }
}

impl Default for TestServer {
    fn default() -> Self {
        Self::new()
    }
}

impl TestServer {
    /// A server without modules, with Redis's defaults.
    ///
    /// # Panics
    /// When there can be no temporary directory.
    pub fn new() -> Self {
        Self::open(Config::default())
    }

    /// The same, with these lines of redis.conf, such as `maxmemory 10mb`; they may be for directives of modules that
    /// are loaded later. Nothing is included, and `loadmodule` loads nothing.
    ///
    /// # Errors
    /// When a directive is unknown, or its value is refused.
    ///
    /// # Panics
    /// As [`TestServer::new`].
    pub fn with_configuration(lines: &str) -> Result<Self, TestError> {
        let mut config = Config::default();
        let source = Source { origin: Origin::File, text: lines.as_bytes().to_vec() };
        config.load(&source, &mut |_| Ok(Vec::new())).map_err(TestError::Configuration)?;
        Ok(Self::open(config))
    }

    fn open(mut config: Config) -> Self {
        config.enable_module_command = Protection::Yes;
        config.enable_debug_command = Protection::Yes;
        let event_loop = EventLoop::default();
        let host = Box::new(event_loop.clone());
        let mut engine =
            Engine::open(Options { config, clock: Clock::manual(BEGIN_MS), seed: Some(7), host });
        let modules = Rc::new(ModuleHost::new());
        let log = Log::new();
        modules.set_log(log.dispatch.clone());
        engine.host_modules(Rc::clone(&modules) as _);
        let client = engine.connect().expect("the first of 10000 clients");
        let directory = TempDir::new().expect("a temporary directory");
        Self {
            engine,
            client,
            modules,
            event_loop,
            inboxes: HashMap::new(),
            loaded_with: BTreeMap::new(),
            log,
            directory,
            copies: 0,
        }
    }

    /// Notes what a module holds, against which leaks are reckoned; gives what was noted before.
    fn remember(&mut self, module: &str) -> Option<Leak> {
        match self.modules.held(module) {
            Some(held) => self.loaded_with.insert(module.to_owned(), held),
            None => self.loaded_with.remove(module),
        }
    }

    /// Runs something whose log is to be kept.
    fn logged<R>(&mut self, body: impl FnOnce(&mut Self) -> R) -> R {
        let dispatch = self.log.dispatch.clone();
        tracing::dispatcher::with_default(&dispatch, || body(self))
    }
}

/// # Modules
impl TestServer {
    /// Loads a module from a copy of the file at this path; gives the name that it has given itself.
    ///
    /// # Errors
    /// When there is no such file, or the module isn't loaded; the error shows what was logged.
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<String, TestError> {
        self.load_with(path, &[], &[])
    }

    /// The same with arguments for its OnLoad, and values for directives that it registers there.
    ///
    /// # Errors
    /// As for [`TestServer::load`].
    pub fn load_with(
        &mut self,
        path: impl AsRef<Path>,
        args: &[&str],
        configs: &[(&str, &str)],
    ) -> Result<String, TestError> {
        let path = path.as_ref();
        self.copies += 1;
        let name = path.file_name().unwrap_or_default().display();
        let copy = self.directory.path().join(format!("{}-{name}", self.copies));
        fs::copy(path, &copy).map_err(|reason| TestError::File { path: path.to_owned(), reason })?;
        let args: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
        let configs: Vec<(&[u8], &[u8])> =
            configs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        let request =
            LoadRequest { path: copy.as_os_str().as_encoded_bytes(), args: &args, configs: &configs };
        let before = self.log.lines().len();
        if self.logged(|server| server.engine.load_module(&request)).is_err() {
            let log = self.log.lines().split_off(before);
            return Err(TestError::NotLoaded { path: path.to_owned(), log });
        }
        let report = self.engine.module_reports().pop().expect("it was loaded last");
        self.remember(&report.name);
        Ok(report.name)
    }

    /// Unloads a module, as MODULE UNLOAD does; what it leaves is among the [`leaks`](Self::leaks).
    ///
    /// # Errors
    /// When it can't be unloaded, or isn't loaded.
    pub fn unload(&mut self, module: &str) -> Result<(), TestError> {
        self.find(module)?;
        let modules = Rc::clone(&self.modules);
        let outcome = self.logged(|server| modules.unload(&mut server.engine, module.as_bytes()));
        outcome.map_err(|error| TestError::NotUnloaded {
            name: module.to_owned(),
            reply: String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    fn find(&self, module: &str) -> Result<&'static Slot, TestError> {
        self.modules.slot_of(module).ok_or_else(|| TestError::NoModule(module.to_owned()))
    }

    /// What MODULE LIST and INFO tell of a module.
    ///
    /// # Errors
    /// When it isn't loaded.
    pub fn report(&self, module: &str) -> Result<ModuleReport, TestError> {
        let mut reports = self.engine.module_reports().into_iter();
        reports.find(|report| report.name == module).ok_or_else(|| TestError::NoModule(module.to_owned()))
    }

    /// What a module holds, to the byte.
    ///
    /// # Panics
    /// When it isn't loaded.
    #[track_caller]
    pub fn memory(&self, module: &str) -> ModuleMemory {
        self.report(module).unwrap_or_else(|error| panic!("{error}")).memory
    }

    /// What the process uses, in bytes, modules' blocks included: all of it where `zmalloc::ZMalloc` is its global
    /// allocator, and otherwise what went through `zmalloc`. Other tests that run at the same time count in it too.
    pub fn used_memory(&self) -> usize {
        zmalloc::used_memory()
    }

    /// The host of the modules: it tells what each [holds](ModuleHost::held), block by block.
    pub fn host(&self) -> &ModuleHost {
        &self.modules
    }

    /// Empties the databases and unloads every module; gives what any module has left behind since the server was made
    /// or this was last called. A module that can't be unloaded is held against what it had then, or when its OnLoad
    /// was done; one that makes something on its first use, and keeps it, is used and asked once before the test
    /// proper.
    ///
    /// # Errors
    /// When the server doesn't come to rest: see [`TestServer::settle`].
    pub fn leaks(&mut self) -> Result<Vec<Leak>, TestError> {
        self.engine.flush_all(false);
        self.settle()?;
        // One that shares functions can go when those who use them have gone.
        let mut stay = Vec::new();
        loop {
            let before = self.engine.module_reports().len();
            stay.clear();
            for report in self.engine.module_reports().into_iter().rev() {
                match self.unload(&report.name) {
                    Ok(()) => {}
                    Err(TestError::NotUnloaded { reply, .. }) => stay.push((report.name, reply)),
                    Err(other) => return Err(other),
                }
            }
            if stay.len() == before {
                break;
            }
        }
        let mut leaks = self.modules.take_leaks();
        for (name, reason) in stay {
            let then = self.remember(&name);
            let more = self.modules.held(&name).and_then(|held| held.above(then.as_ref()));
            leaks.extend(more.map(|leak| Leak { stays: Some(reason), ..leak }));
        }
        Ok(leaks)
    }

    /// Asserts that there are no [`leaks`](Self::leaks).
    ///
    /// # Panics
    /// When there are, and when the server doesn't come to rest.
    #[track_caller]
    pub fn assert_no_leaks(&mut self) {
        let leaks = self.leaks().unwrap_or_else(|error| panic!("{error}"));
        let lines: Vec<String> =
            leaks.iter().map(|leak| format!("the module {} leaves {leak}", leak.module)).collect();
        assert!(leaks.is_empty(), "{}", lines.join("\n"));
    }

    /// Has one allocation of a module fail: the `nth` from now, 1 being the next, of those that may: TryAlloc,
    /// TryCalloc and TryRealloc. Those before and behind it succeed. A number that was given before is forgotten; 0
    /// gives none. Alloc, Calloc, Realloc and Strdup end the server when they fail, so they never do.
    ///
    /// # Errors
    /// When the module isn't loaded.
    pub fn fail_allocation(&mut self, module: &str, nth: u64) -> Result<(), TestError> {
        slot::fault(self.find(module)?.index()).set(nth);
        Ok(())
    }

    /// The same for the module that is loaded next, from the beginning of its OnLoad.
    pub fn fail_allocation_on_load(&mut self, nth: u64) {
        self.modules.fail_on_load(nth);
    }

    /// Whether the failure that was asked for has come; if it hasn't it won't.
    ///
    /// # Errors
    /// When the module isn't loaded.
    pub fn take_failure(&mut self, module: &str) -> Result<bool, TestError> {
        Ok(!slot::fault(self.find(module)?.index()).set(0))
    }

    /// Everything that was logged by the host, and by modules on whichever thread.
    pub fn log(&self) -> Vec<LogLine> {
        self.log.lines()
    }
}

/// # Clients
impl TestServer {
    /// Has the first client call a command, whose name is the first word, and gives its reply: see
    /// [`TestServer::try_call`].
    ///
    /// # Panics
    /// Where `try_call` gives an error.
    #[track_caller]
    pub fn call<A: AsRef<[u8]>>(&mut self, args: &[A]) -> Reply {
        self.try_call(self.client, args).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Has a client call a command. Where that waits for something, threads of modules may work meanwhile.
    ///
    /// # Errors
    /// When there is no reply within [`PATIENCE`], or no whole one; when the client was closed, or has replies to
    /// earlier commands to read.
    pub fn try_call<A: AsRef<[u8]>>(&mut self, client: ClientId, args: &[A]) -> Result<Reply, TestError> {
        match self.inboxes.get(&client).map_or(0, Inbox::owed) {
            0 => self.send(client, args)?,
            owed => return Err(TestError::Unread(owed)),
        }
        let reply = self.reply(client);
        if reply.is_err() {
            self.inboxes.entry(client).or_default().give_up();
        }
        reply
    }

    /// One more client, which speaks RESP2 as all do at first; `HELLO 3` changes that.
    ///
    /// # Errors
    /// When `maxclients` are connected.
    pub fn connect(&mut self) -> Result<ClientId, TestError> {
        let client = self.logged(|server| server.engine.connect());
        client
            .map_err(|error| TestError::NotConnected(String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// A client goes. One that has gone already is no error.
    pub fn disconnect(&mut self, client: ClientId) {
        self.logged(|server| server.engine.disconnect(client));
        self.inboxes.remove(&client);
    }

    /// Has a client send a command without waiting for the reply: it may be blocked.
    ///
    /// # Errors
    /// When it was closed.
    pub fn send<A: AsRef<[u8]>>(&mut self, client: ClientId, args: &[A]) -> Result<(), TestError> {
        if self.engine.closing(client).is_some() {
            return Err(TestError::Closed);
        }
        let args: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
        self.inboxes.entry(client).or_default().sent(&args);
        self.logged(|server| server.engine.execute(client, &args));
        self.collect(client)
    }

    /// Waits for the reply to a client's earliest command that it hasn't read the reply of.
    ///
    /// # Errors
    /// As [`TestServer::try_call`].
    pub fn reply(&mut self, client: ClientId) -> Result<Reply, TestError> {
        let (began, mut calm) = (Instant::now(), 0);
        loop {
            if let Some(reply) = self.poll_reply(client)? {
                return Ok(reply);
            }
            let command = || self.inboxes.get(&client).map(Inbox::next_command).unwrap_or_default();
            match self.engine.client_state(client) {
                None => return Err(TestError::Closed),
                Some(state) if !state.waiting && calm == CALM => {
                    return Err(TestError::NoReply { command: command() });
                }
                Some(_) if began.elapsed() > PATIENCE => {
                    return Err(self.waited(format!("the reply to {}", command())));
                }
                Some(_) => {}
            }
            calm = if self.turn() { 0 } else { CALM.min(calm + 1) };
        }
    }

    /// The same, if it is there.
    ///
    /// # Errors
    /// As [`TestServer::try_call`].
    pub fn poll_reply(&mut self, client: ClientId) -> Result<Option<Reply>, TestError> {
        self.collect(client)?;
        Ok(self.inboxes.entry(client).or_default().next())
    }

    /// What a client that speaks RESP3 was sent beside the replies to its commands, since this was last asked.
    ///
    /// # Errors
    /// When it isn't whole.
    pub fn take_pushes(&mut self, client: ClientId) -> Result<Vec<Reply>, TestError> {
        self.collect(client)?;
        Ok(self.inboxes.entry(client).or_default().take_pushes())
    }

    /// Takes what the engine has for a client, and lets it go if it is to be closed.
    fn collect(&mut self, client: ClientId) -> Result<(), TestError> {
        let filled = self.inboxes.entry(client).or_default().fill(&mut self.engine, client);
        if self.engine.closing(client).is_some() {
            self.logged(|server| server.engine.disconnect(client));
        }
        filled
    }
}

/// # Time
impl TestServer {
    /// Moves the data clock on. On its way it stops whenever a timer, or the time that a client waits, is due, and what
    /// is due happens then; one that is due at once each time has a millisecond for itself. In the end all keys whose
    /// time has come are gone.
    pub fn advance(&mut self, by: Duration) {
        const LEAST: Duration = Duration::from_millis(1);
        let mut left = by;
        self.logged(|server| {
            while !left.is_zero() {
                let due = server.engine.attend().unwrap_or(left);
                let step = due.max(LEAST).min(left);
                server.engine.clock_mut().advance(step);
                left -= step;
                server.engine.tick();
            }
            server.remove_expired();
            server.engine.attend();
        });
    }

    /// Removes what has expired, all of it; the engine's own rounds leave some for the next.
    fn remove_expired(&mut self) {
        let now = self.engine.clock().now_ms();
        for db in 0..self.engine.database_count() {
            let (mut due, mut cursor) = (Vec::new(), 0);
            loop {
                cursor = self.engine.scan_keys(db, cursor, |entry| {
                    if entry.expiry().is_some_and(|expiry| expiry <= now) {
                        due.push(entry.key().to_vec());
                    }
                });
                if cursor == 0 {
                    break;
                }
            }
            // Looked at, a key that is due is removed.
            for key in &due {
                _ = self.engine.entry_mut(db, key);
            }
        }
        self.engine.tick();
    }

    /// Lets everything happen that can without the data clock: threads work, descriptors that are ready are told of,
    /// clients that modules have blocked are served, values are freed. It is over when no client waits for a module
    /// alone (clients may wait for keys), and nothing is left to do. What threads do that nobody waits for isn't seen:
    /// use [`run_until`](Self::run_until).
    ///
    /// # Errors
    /// When that takes longer than [`PATIENCE`].
    pub fn settle(&mut self) -> Result<(), TestError> {
        let mut calm = 0;
        self.run_rounds("the server comes to rest", |server, was_busy| {
            calm = if was_busy { 0 } else { calm + 1 };
            calm >= CALM && server.modules.waiting_clients() == 0 && server.pending_frees() == 0
        })
    }

    /// Lets threads work, and serves what comes of it, until something is so.
    ///
    /// # Errors
    /// When it isn't after [`PATIENCE`]; `what` is named then.
    pub fn run_until(
        &mut self,
        what: &str,
        mut is_so: impl FnMut(&mut Self) -> bool,
    ) -> Result<(), TestError> {
        self.run_rounds(what, |server, _| is_so(server))
    }

    fn run_rounds(
        &mut self,
        what: &str,
        mut is_over: impl FnMut(&mut Self, bool) -> bool,
    ) -> Result<(), TestError> {
        let began = Instant::now();
        loop {
            let was_busy = self.turn();
            if is_over(self, was_busy) {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                return Err(self.waited(what.to_owned()));
            }
        }
    }

    /// One round of the event loop, in which threads may work for a moment; says whether something came of it.
    pub fn turn(&mut self) -> bool {
        self.logged(|server| {
            let Self { engine, modules, event_loop, .. } = server;
            let ready = modules.while_idle(engine, || event_loop.wait(TURN));
            for &(fd, readiness) in &ready {
                engine.descriptor_ready(fd, readiness);
            }
            let due = engine.attend();
            engine.work();
            let doomed = engine.take_doomed();
            doomed.iter().for_each(|&client| engine.disconnect(client));
            let has_served = !engine.take_ready().is_empty();
            has_served || !ready.is_empty() || !doomed.is_empty() || due == Some(Duration::ZERO)
        })
    }

    /// Tells modules that the server ends.
    pub fn announce_shutdown(&mut self) {
        let modules = Rc::clone(&self.modules);
        self.logged(|server| modules.announce_shutdown(&mut server.engine));
    }

    /// How many objects wait to be freed on another thread.
    fn pending_frees(&mut self) -> u64 {
        let info = self.engine.info_text(&["memory"]);
        let line = info.lines().find_map(|line| line.strip_prefix("lazyfree_pending_objects:"));
        line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
    }

    fn waited(&self, what: String) -> TestError {
        const LINES: usize = 20;
        let mut log = self.log.lines();
        TestError::Waited { what, log: log.split_off(log.len().saturating_sub(LINES)) }
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for report in self.engine.module_reports().into_iter().rev() {
            // One that refuses stays open.
            let _ = self.unload(&report.name);
        }
    }
}
