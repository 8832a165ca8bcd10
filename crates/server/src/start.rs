//! From the command line to a running server, and to its end.

use std::cell::RefCell;
use std::ffi::{OsStr, OsString};
use std::io::{self, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{self, ExitCode};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use std::{env, fmt};

use engine::config::Config;
use engine::{Engine, LoadRequest, Options};
use mio::{Poll, Waker};
use modhost::ModuleHost;
use tracing::{info, warn};

use crate::banner::Banner;
use crate::configuration::{self, Configuration};
use crate::descriptors::Descriptors;
use crate::event_loop::EventLoop;
use crate::farewell::{Farewell, PidFile};
use crate::host::{self, ServerHost};
use crate::limits;
use crate::listen::Listeners;
use crate::log::{self, Log, LogSettings};
use crate::signals::Signals;
use crate::sockets::{FIRST_LISTENER, SIGNALS, Sockets, WAKER};

const VERSION: &str = env!("CARGO_PKG_VERSION");

const USAGE: &str = "\
Usage: zmalloc-server [FILE] [-] [--DIRECTIVE VALUE...]...
       zmalloc-server -v | --version
       zmalloc-server -h | --help

FILE is a redis.conf; '-' reads more of one from the standard input. Options
are the directives of redis.conf, and override both.

Examples:
       zmalloc-server
       zmalloc-server /etc/redis/redis.conf --loglevel verbose
       zmalloc-server --port 7777 --save ''
       echo 'requirepass secret' | zmalloc-server -
";

/// How long a crash report may take.
const CRASH_REPORT_LIMIT: Duration = Duration::from_secs(20);

/// Runs the program with the arguments that follow its name.
pub(crate) fn main(arguments: &[OsString]) -> ExitCode {
    match arguments.first().map(|argument| argument.as_bytes()) {
        Some(b"-v" | b"--version") => print(&format!("{}\n", version())),
        Some(b"-h" | b"--help") => print(USAGE),
        _ => match serve(arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                failure.report();
                ExitCode::FAILURE
            }
        },
    }
}

/// The line that `--version` prints, made so that scripts which read redis-server's find the same fields.
fn version() -> String {
    format!(
        "zmalloc-server v={VERSION} redis={} malloc={} bits={}",
        engine::REDIS_VERSION,
        zmalloc::BACKEND,
        usize::BITS
    )
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Why the server didn't start, or ended.
enum Failure {
    /// There is no log yet.
    BeforeLog(Box<dyn std::error::Error>),
    /// The log has a line for it.
    Logged(String),
}

impl Failure {
    fn logged(what: &str, error: impl fmt::Display) -> Self {
        Self::Logged(format!("{what}: {error}"))
    }

    fn report(&self) {
        match self {
            // Nobody may be listening there either.
            Self::BeforeLog(error) => _ = writeln!(io::stderr(), "{error}"),
            Self::Logged(line) => warn!("{line}"),
        }
    }
}

fn serve(arguments: &[OsString]) -> Result<(), Failure> {
    let configuration = configuration::load(arguments).map_err(|error| Failure::BeforeLog(error.into()))?;
    let (log, log_file) = open_log(&configuration.config)?;
    log_configuration(&configuration);
    let Configuration { mut config, file, .. } = configuration;
    if config.crash_log_enabled {
        install_crash_reports(log_file);
    }
    limit_clients(&mut config);
    warn_of_small_limit(&config);
    host::give_back_in_background(&config);

    let failed = |what: &'static str| move |error: io::Error| Failure::logged(what, error);
    let poll = Poll::new().map_err(failed("Can't wait for events"))?;
    let signals = Signals::catch(poll.registry(), SIGNALS).map_err(failed("Can't catch signals"))?;
    let registry = poll.registry().try_clone().map_err(failed("Can't wait for events"))?;
    let mut listeners = Listeners::new(registry, FIRST_LISTENER);
    let registry = poll.registry().try_clone().map_err(failed("Can't wait for events"))?;
    listen(&mut listeners, &config)?;
    let waker = Waker::new(poll.registry(), WAKER).map_err(failed("Can't wait for threads"))?;

    announce(&log, &config);
    let listeners = Rc::new(RefCell::new(listeners));
    let host = ServerHost {
        config_file: file,
        listeners: Rc::clone(&listeners),
        log,
        descriptors: Descriptors::new(registry),
        waker: Arc::new(waker),
        executable: env::current_exe().unwrap_or_default(),
        is_child: false,
    };
    let mut engine =
        Engine::open(Options { config: config.clone(), host: Box::new(host), ..Options::default() });
    let modules = Rc::new(ModuleHost::new());
    engine.host_modules(Rc::clone(&modules) as _);
    if let Err(failure) = load_modules(&mut engine, &config) {
        listeners.borrow_mut().close();
        return Err(failure);
    }
    // Their rules may be about modules' commands.
    if let Err(error) = engine.load_users() {
        listeners.borrow_mut().close();
        return Err(Failure::logged("Aborting the start because of ACL errors", error));
    }
    let pid_file = path_of(&config.pidfile).and_then(|path| PidFile::write(&path));
    info!("Server initialized");
    if config.port != 0 {
        info!("Ready to accept connections tcp");
    }
    if !config.unixsocket.is_empty() {
        info!("Ready to accept connections unix");
    }

    let sockets = Sockets::new(poll, Rc::clone(&listeners), signals);
    let farewell = Farewell { modules: Rc::clone(&modules), sockets: sockets.clone(), listeners, pid_file };
    let mut event_loop = EventLoop::new(engine, modules, sockets, farewell);
    let ending = event_loop.run();
    // Freeing every key one by one would only delay the end; the operating system takes all of it at once.
    std::mem::forget(event_loop);
    ending.map(|_| ()).map_err(|error| Failure::logged("Can't wait for events", error))
}

/// Loads the modules that the configuration names; a server that can't doesn't start, as Redis's doesn't.
fn load_modules(engine: &mut Engine, config: &Config) -> Result<(), Failure> {
    for line in &config.modules {
        let words: Vec<&[u8]> = line.iter().map(Vec::as_slice).collect();
        let Some((path, args)) = words.split_first() else { continue };
        if engine.load_module(&LoadRequest { path, args, configs: &[] }).is_err() {
            let path = String::from_utf8_lossy(path);
            return Err(Failure::Logged(format!("Can't load module from {path}: server aborting")));
        }
    }
    match engine.config().module_directives.first() {
        None => Ok(()),
        Some((name, _)) => Err(Failure::Logged(format!(
            "Module Configuration detected without loadmodule directive or no ApplyConfig call: {name}: aborting"
        ))),
    }
}

fn open_log(config: &Config) -> Result<(Log, Option<PathBuf>), Failure> {
    let file = path_of(&config.logfile);
    let settings = LogSettings { level: config.loglevel, file: file.clone() };
    match log::init(&settings) {
        Ok(log) => Ok((log, file)),
        Err(error) => {
            let name = file.unwrap_or_default();
            Err(Failure::BeforeLog(format!("Can't open the log file '{}': {error}", name.display()).into()))
        }
    }
}

/// The path in a directive that may be empty for none.
fn path_of(directive: &[u8]) -> Option<PathBuf> {
    (!directive.is_empty()).then(|| Path::new(OsStr::from_bytes(directive)).to_owned())
}

fn log_configuration(configuration: &Configuration) {
    info!("{}, pid={}, just started", version(), process::id());
    match &configuration.file {
        Some(path) => info!("Configuration loaded from {}", path.display()),
        None => info!("There is no configuration file: what no option sets has its default"),
    }
    for notice in configuration.loaded.notices() {
        info!("{notice}");
    }
}

fn install_crash_reports(log_file: Option<PathBuf>) {
    let setup = crash::Setup { banner: version(), log: log_file, time_limit: CRASH_REPORT_LIMIT };
    if let Err(error) = crash::install(setup) {
        warn!("A crash won't be reported: {error}");
    }
}

/// Lowers `maxclients` to what the operating system allows.
fn limit_clients(config: &mut Config) {
    let possible = limits::allow_clients(config.maxclients);
    if possible < config.maxclients {
        warn!(
            "The operating system doesn't allow as many open files as maxclients {} needs; it is {possible} now. \
             To have more, raise the limit (ulimit -n).",
            config.maxclients
        );
        config.maxclients = possible;
    }
}

/// A number of megabytes without its unit is easily written, and leaves no room for any key.
fn warn_of_small_limit(config: &Config) {
    const MB: u64 = 1 << 20;
    if (1..MB).contains(&config.maxmemory) {
        warn!(
            "WARNING: maxmemory is {} bytes, which is less than 1 MB. Is that what you want?",
            config.maxmemory
        );
    }
}

fn listen(listeners: &mut Listeners, config: &Config) -> Result<(), Failure> {
    let tcp = |error| Failure::logged(&format!("Failed listening on port {} (TCP)", config.port), error);
    listeners.listen_tcp(config).map_err(tcp)?;
    listeners
        .listen_unix(config)
        .map_err(|error| Failure::logged("Failed opening the unix socket", error))?;
    if listeners.is_empty() {
        let nowhere = "Configured to not listen anywhere: neither a port and an address nor a unix socket";
        return Err(Failure::Logged(nowhere.to_owned()));
    }
    Ok(())
}

/// Says which process this is, and where: in the banner if it is wanted or somebody watches, else in a line.
fn announce(log: &Log, config: &Config) {
    let (port, pid) = (config.port, process::id());
    let is_watched = config.logfile.is_empty() && io::stdout().is_terminal();
    let banner = Banner { version: VERSION, mode: "standalone", port, pid };
    if !(config.always_show_logo || is_watched) || log.raw(&banner).is_err() {
        info!("Running mode=standalone, port={port}, PID: {pid}");
    }
}
