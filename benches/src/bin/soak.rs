//! The long soak of the built server: clients that misbehave, real input, clients that are told of much, modules that
//! come and go, kills and restarts.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use benches::audience::Audience;
use benches::misbehave::Crowd;
use benches::modules::{self, GUESTS, Library};
use benches::promises::Promises;
use benches::resp::{Connection, Reply};
use benches::server::Server;
use benches::{real_input, redis_cli, told};
use clap::{Parser, ValueEnum};

/// Does to a server what takes long, and prints what became of its promises.
#[derive(Parser)]
struct Arguments {
    /// The server to judge
    #[arg(long)]
    ours: PathBuf,
    /// Clients that misbehave
    #[arg(long, default_value_t = 50_000)]
    clients: u64,
    /// Seconds after which no more of them connect
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// The seed of what the clients do
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often the real input is loaded and flushed
    #[arg(long, default_value_t = 3)]
    loads: u32,
    /// The directory with the modules in Rust
    #[arg(long)]
    modules: Option<PathBuf>,
    /// How often each module is loaded
    #[arg(long, default_value_t = 1_000)]
    module_rounds: u32,
    /// For how many seconds threads of a module use the server
    #[arg(long, default_value_t = 10)]
    module_seconds: u64,
    /// How often the server is killed
    #[arg(long, default_value_t = 20)]
    kills: u32,
    /// Only one part
    #[arg(long)]
    only: Option<Part>,
}

/// The parts of the soak.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Clients that misbehave
    Clients,
    /// Real input
    Input,
    /// Messages to many, and tracking of many keys
    Told,
    /// Modules that come and go, and their threads
    Modules,
    /// Kills and restarts
    Kills,
}

/// How long memory may take to be given back.
const PATIENCE: Duration = Duration::from_secs(60);
/// How much more of `used_memory` than at the start may stay: one part in so many.
const USED_PART: u64 = 100;
/// How much more resident memory than at the start may stay after a purge, in bytes.
const RSS_SLACK: u64 = 20 << 20;
/// How many keys the real input has at least.
const MANY_KEYS: u64 = 1_000_000;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut promises = Promises::default();
    let is_wanted = |part| arguments.only.is_none_or(|only| only == part);
    if is_wanted(Part::Clients) {
        misbehaving_clients(&arguments, &mut promises).context("clients that misbehave")?;
    }
    if is_wanted(Part::Input) {
        real_input(&arguments, &mut promises).context("real input")?;
    }
    if is_wanted(Part::Told) {
        told_clients(&arguments, &mut promises).context("clients that are told of much")?;
    }
    if is_wanted(Part::Modules) {
        guests(&arguments, &mut promises).context("modules that come and go")?;
    }
    if is_wanted(Part::Kills) {
        kills(&arguments, &mut promises).context("kills and restarts")?;
    }
    println!("memory in bytes\n\n{promises}");
    Ok(if promises.broken() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Starts the server to judge. It neither counts how long commands take nor logs those that take long: both stay, and
/// are the more the busier the machine is, so that no two figures of memory could be compared.
fn start(arguments: &Arguments, more: &[&str]) -> Result<Server> {
    let untimed = ["--latency-tracking", "no", "--slowlog-log-slower-than", "-1"];
    Server::start(&arguments.ours, &[&untimed[..], more].concat())
}

/// Tens of thousands of clients come, misbehave and vanish; nothing of them is left.
fn misbehaving_clients(arguments: &Arguments, promises: &mut Promises) -> Result<()> {
    let directory = tempfile::tempdir().context("cannot make a directory")?;
    let socket = directory.path().join("socket");
    let server = start(arguments, &["--unixsocket", &socket.to_string_lossy()])?;
    let mut observer = Observer::of(&server)?;
    let start = observer.memory()?;
    let crowd = Crowd {
        port: server.port(),
        socket,
        clients: arguments.clients,
        time: Duration::from_secs(arguments.seconds),
        seed: arguments.seed,
    };
    for (kind, count) in crowd.run()? {
        promises.note(&format!("clients: {kind}"), count);
    }
    promises.note("clients: peak of used_memory", observer.field("used_memory_peak")?);
    observer.wait_until_alone()?;
    observer.flush()?;
    observer.promise_memory("clients", start, promises)
}

/// A real data set is loaded as its owner would load it, looked at, and flushed.
fn real_input(arguments: &Arguments, promises: &mut Promises) -> Result<()> {
    let server = start(arguments, &[])?;
    let port = server.port().to_string();
    let mut observer = Observer::of(&server)?;
    let start = observer.memory()?;
    for load in 1..=arguments.loads {
        let written = redis_cli::pipe(server.port(), |output| real_input::write(output))?;
        let Reply::Integer(keys) = observer.connection.command(&[b"DBSIZE"])? else {
            bail!("DBSIZE is no integer");
        };
        ensure!(keys.unsigned_abs() == written.keys, "{keys} keys are there of {}", written.keys);
        ensure!(written.keys >= MANY_KEYS, "{} keys aren't a million", written.keys);
        let full = observer.memory()?;
        if load == 1 {
            println!("{}", redis_cli::run(&["-p", &port, "INFO", "memory"])?);
            println!("{}", redis_cli::run(&["-p", &port, "--no-raw", "MEMORY", "STATS"])?);
            promises.note("input: words", written.words);
            promises.note("input: packages", written.packages);
            promises.note("input: keys", written.keys);
            promises.note("input: bytes of keys and values", written.payload);
            promises.note("input: used_memory", full.used);
            promises.note("input: resident", full.rss);
        }
        observer.flush()?;
        observer.promise_memory(&format!("input, load {load}"), start, promises)?;
    }
    Ok(())
}

/// A thousand clients are told of messages, and others of changes of a hundred thousand keys that they have read; when
/// they have gone, so has all that was kept for them. What a server makes once, and keeps, it has made the first time.
fn told_clients(arguments: &Arguments, promises: &mut Promises) -> Result<()> {
    let server = start(arguments, &[])?;
    let mut observer = Observer::of(&server)?;
    drop(Audience::gather(server.port(), told::CHANNEL, told::SUBSCRIBERS)?);
    told::invalidate(&server, told::track(&server)?)?;
    observer.flush()?;
    let start = observer.memory()?;
    let audience = Audience::gather(server.port(), told::CHANNEL, told::SUBSCRIBERS)?;
    let subscribed = observer.field("used_memory")?;
    told::publish(&server, &audience)?;
    drop(audience);
    promises.note("told: subscribers", told::SUBSCRIBERS as u64);
    promises.note("told: messages to each", told::MESSAGES);
    promises.note("told: used_memory with subscribers", subscribed);
    observer.promise_memory("told, messages", start, promises)?;

    let readers = told::track(&server)?;
    promises.note("told: keys tracked", observer.connection.info_field("stats", "tracking_total_keys")?);
    promises.note("told: keys and readers", observer.connection.info_field("stats", "tracking_total_items")?);
    promises.note("told: used_memory with keys tracked", observer.field("used_memory")?);
    told::invalidate(&server, readers)?;
    promises.note("told: changes told to each reader", told::KEYS);
    observer.flush()?;
    observer.promise_memory("told, tracking", start, promises)
}

/// Modules are loaded and unloaded, with traffic in between, and leave nothing; then the threads of one take turns with
/// a client. What a server makes once, and keeps, it has made in the first few rounds.
fn guests(arguments: &Arguments, promises: &mut Promises) -> Result<()> {
    // More than the server remembers of what modules have left.
    const FEW: u32 = 40;
    let built = arguments.modules.as_deref().context("--modules names the directory of those in Rust")?;
    let directory = tempfile::tempdir().context("cannot make a directory")?;
    let log = directory.path().join("log");
    let log_name = log.to_string_lossy();
    let options = ["--enable-module-command", "yes", "--logfile", &log_name];
    let library = Library::new(directory.path(), built)?;
    library.build_examples()?;
    let server = start(arguments, &options)?;
    let mut observer = Observer::of(&server)?;
    // Those that stay come last: from then on they are part of what there is.
    for guest in GUESTS {
        modules::come_and_go(&server, &library, guest, FEW)?;
        let (start, lost) = (observer.memory()?, modules::lost(&log)?);
        let began = Instant::now();
        if guest.stays {
            modules::go_on(&server, guest, arguments.module_rounds)?;
        } else {
            modules::come_and_go(&server, &library, guest, arguments.module_rounds)?;
        }
        let took = u64::try_from(began.elapsed().as_millis())?;
        promises.note(&format!("modules, {}: all rounds, ms", guest.name), took);
        // What a module hasn't freed is its own affair; that it is told of, to the byte, isn't.
        let lost = modules::lost(&log)? - lost;
        promises.note(&format!("modules, {}: left unfreed by it, by the log", guest.name), lost);
        observer.promise_memory_but(lost, &format!("modules, {}", guest.name), start, promises)?;
    }
    promises.note("modules: rounds of each", arguments.module_rounds.into());
    modules::take_turns(&server, &library, Duration::from_secs(1))?;
    let start = observer.memory()?;
    let turns = modules::take_turns(&server, &library, Duration::from_secs(arguments.module_seconds))?;
    promises.note("modules: threads", modules::THREADS.into());
    promises.note("modules: turns of theirs", turns);
    observer.promise_memory("modules, threads", start, promises)?;
    Ok(())
}

/// A server that was killed can be started again on the same port and the same unix socket.
fn kills(arguments: &Arguments, promises: &mut Promises) -> Result<()> {
    let directory = tempfile::tempdir().context("cannot make a directory")?;
    let socket = directory.path().join("socket");
    let socket = socket.to_string_lossy();
    let options = ["--unixsocket", &socket];
    let mut server = Server::start(&arguments.ours, &options)?;
    let port = server.port();
    let mut slowest = Duration::ZERO;
    for _ in 0..arguments.kills {
        // What the kill interrupts: a request, and a client that waits for the next.
        let mut connected = [server.connect()?, server.connect()?];
        connected[0].command(&[b"SET", b"key", b"value"])?;
        connected[1].send(b"*2\r\n$3\r\nGET\r\n$3\r\n")?;
        // It is killed by SIGKILL when it is dropped.
        drop(server);
        let start = Instant::now();
        server = Server::start_on(port, Path::new(&arguments.ours), &options)?;
        slowest = slowest.max(start.elapsed());
        let pong = redis_cli::run(&["-s", &socket, "PING"])?;
        ensure!(pong == "PONG\n", "by the unix socket it replied {pong:?}");
        let size = server.connect()?.command(&[b"DBSIZE"])?;
        ensure!(size == Reply::Integer(0), "it is new, and holds {size:?} keys");
    }
    promises.note("kills: restarts on the same port and socket", arguments.kills.into());
    promises.note("kills: slowest restart, ms", u64::try_from(slowest.as_millis())?);
    Ok(())
}

/// What a server uses, in bytes.
#[derive(Clone, Copy)]
struct Memory {
    used: u64,
    rss: u64,
}

/// A connection that looks at a server from outside.
struct Observer {
    connection: Connection,
}

impl Observer {
    fn of(server: &Server) -> Result<Self> {
        Ok(Self { connection: server.connect()? })
    }

    fn field(&mut self, name: &str) -> Result<u64> {
        self.connection.info_field("memory", name)
    }

    /// What is in use once nothing is that needn't be.
    fn memory(&mut self) -> Result<Memory> {
        self.wait_until_alone()?;
        self.expect_ok(&[b"MEMORY", b"PURGE"])?;
        Ok(Memory { used: self.field("used_memory")?, rss: self.field("used_memory_rss")? })
    }

    fn flush(&mut self) -> Result<()> {
        self.expect_ok(&[b"FLUSHALL"])
    }

    fn wait_until_alone(&mut self) -> Result<()> {
        let start = Instant::now();
        while self.connection.info_field("clients", "connected_clients")? > 1 {
            ensure!(start.elapsed() < PATIENCE, "other clients stay connected");
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Waits until memory is back where it began, and notes whether it is.
    fn promise_memory(&mut self, what: &str, start: Memory, promises: &mut Promises) -> Result<()> {
        self.promise_memory_but(0, what, start, promises)
    }

    /// The same where so many bytes are known to stay.
    fn promise_memory_but(
        &mut self,
        lost: u64,
        what: &str,
        start: Memory,
        promises: &mut Promises,
    ) -> Result<()> {
        let used = start.used + lost + start.used / USED_PART;
        let limit = Memory { used, rss: start.rss + lost + RSS_SLACK };
        let begin = Instant::now();
        let mut now = self.memory()?;
        while (now.used > limit.used || now.rss > limit.rss) && begin.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(100));
            now = self.memory()?;
        }
        promises.note(&format!("{what}: used_memory at the start"), start.used);
        promises.at_most(&format!("{what}: used_memory at the end"), now.used, limit.used);
        promises.note(&format!("{what}: resident at the start"), start.rss);
        promises.at_most(&format!("{what}: resident at the end"), now.rss, limit.rss);
        Ok(())
    }

    fn expect_ok(&mut self, command: &[&[u8]]) -> Result<()> {
        match self.connection.command(command)? {
            Reply::Simple(ok) if ok == "OK" => Ok(()),
            other => bail!("{} replied {other:?}", command.concat().escape_ascii()),
        }
    }
}
