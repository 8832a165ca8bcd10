//! The engine itself: its parts, and what its owner may ask of it.

use std::rc::Rc;
use std::time::{Duration, Instant};

use keyspace::Keyspace;

use crate::acl::Acl;
use crate::bits::Direction;
use crate::blocking::Waits;
use crate::busy::Busy;
use crate::child::Child;
use crate::client::{Client, ClientId, Close, Origin};
use crate::clients::Clients;
use crate::clock::Clock;
use crate::command::Index;
use crate::command_stats::CommandStats;
use crate::config::{Config, EventClasses};
use crate::cron::Cron;
use crate::defrag::Defrag;
use crate::error::Error;
use crate::eviction::Eviction;
use crate::expiry::Expiry;
use crate::host::{Embedded, Host};
use crate::latency;
use crate::lazyfree::LazyFree;
use crate::lookup::Foreseen;
use crate::module_types::Registered;
use crate::modules::Modules;
use crate::names::Seeded;
use crate::pause::Pause;
use crate::pubsub::PubSub;
use crate::push::Delivery;
use crate::redacted::Redacted;
use crate::resp::Reply;
use crate::rng::Rng;
use crate::server_events::ServerEvent;
use crate::slowlog::SlowLog;
use crate::stats::Stats;
use crate::tracking::Tracking;
use crate::transaction::Transaction;
use crate::watch::Watches;

/// What an engine is opened with.
#[derive(Debug)]
pub struct Options {
    /// The directives; the default is Redis's.
    pub config: Config,
    /// The data clock.
    pub clock: Clock,
    /// The seed of everything random, hash keys included; `None` takes it from the system.
    pub seed: Option<u64>,
    /// What surrounds the engine.
    pub host: Box<dyn Host>,
}

impl Default for Options {
    fn default() -> Self {
        Self { config: Config::default(), clock: Clock::system(), seed: None, host: Box::new(Embedded) }
    }
}

/// How the server that the engine is part of should end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shutdown {
    /// Don't wait for anything.
    pub now: bool,
    /// End even if something that should be saved can't be.
    pub force: bool,
}

/// A Redis without a socket. See the [crate's documentation](crate) for an example.
#[derive(Debug)]
pub struct Engine {
    pub(crate) keyspace: Keyspace,
    pub(crate) clients: Clients,
    pub(crate) config: Config,
    pub(crate) acl: Acl,
    pub(crate) command_stats: CommandStats,
    pub(crate) slowlog: SlowLog,
    pub(crate) latency: latency::Monitor,
    /// Clients that are shown every command.
    pub(crate) monitors: Vec<ClientId>,
    /// When the last command of the batch that is being executed ended.
    pub(crate) last_end: Option<Instant>,
    /// When the last command began that has begun.
    pub(crate) began: Instant,
    pub(crate) clock: Clock,
    pub(crate) rng: Rng,
    pub(crate) stats: Stats,
    pub(crate) commands: Index,
    pub(crate) host: Box<dyn Host>,
    pub(crate) module_types: Registered,
    pub(crate) lazyfree: LazyFree,
    /// The process that was forked off.
    pub(crate) child: Child,
    /// Where the next BITOP begins.
    pub(crate) bitop_direction: Direction,
    pub(crate) cron: Cron,
    pub(crate) expiry: Expiry,
    pub(crate) eviction: Eviction,
    pub(crate) defrag: Defrag,
    /// When the engine was opened.
    pub(crate) opened: Instant,
    /// What the ledger showed when that was done, in bytes.
    pub(crate) startup_memory: usize,
    /// Forty hexadecimal digits that no other run has.
    pub(crate) run_id: String,
    pub(crate) shutdown: Option<Shutdown>,
    /// Clients that are to be closed although it isn't their command that ran.
    pub(crate) doomed: Vec<ClientId>,
    /// Empty reply buffers, kept for the next client that needs one.
    pub(crate) spare: Vec<Vec<u8>>,
    /// The hash of the running command's first key, where that is known already.
    pub(crate) foreseen: Option<Foreseen>,
    /// Requests of the batch that is being executed; kept for its capacity.
    pub(crate) batch: Vec<crate::intake::Taken>,
    pub(crate) delivery: Delivery,
    pub(crate) pubsub: PubSub,
    pub(crate) tracking: Tracking,
    pub(crate) watches: Watches,
    /// What all clients held when they were last counted for `maxmemory-clients`, in bytes.
    pub(crate) counted_memory: usize,
    /// Whether the command that runs leaves keys' access clocks as they are.
    pub(crate) leaves_no_trace: bool,
    /// Keys that were removed because their time had come, which nobody has been told of yet.
    pub(crate) just_expired: Vec<(usize, Vec<u8>)>,
    pub(crate) waits: Waits,
    pub(crate) pause: Option<Pause>,
    pub(crate) busy: Busy,
    /// A queue that EXEC has emptied, for the next MULTI.
    pub(crate) spare_transaction: Option<Box<Transaction>>,
    /// Whoever hosts modules.
    pub(crate) modules: Option<Rc<dyn Modules>>,
    /// The classes of events that modules want to know of.
    pub(crate) module_events: EventClasses,
    /// Clients that nobody sees, for the commands that modules call.
    pub(crate) idle_inner: Vec<ClientId>,
    /// Whether the host of modules is to be called when the command is done.
    pub(crate) is_deferred: bool,
    /// The client whose command runs.
    pub(crate) current: Option<ClientId>,
    /// What modules want shown nowhere of the commands that run.
    pub(crate) redacted: Redacted,
    /// Whether modules are asked when clients log in.
    pub(crate) asks_who_logs_in: bool,
    /// Whether modules want to see commands before they run.
    pub(crate) has_filters: bool,
    /// Whether modules are to be told of keys before they go.
    pub(crate) foretells: bool,
    /// Whether they are being told.
    pub(crate) is_foretelling: bool,
}

impl Engine {
    /// Opens an engine with empty databases.
    pub fn open(options: Options) -> Self {
        let mut rng = options.seed.map_or_else(Rng::from_system, Rng::seeded);
        let hash_seed = (u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64())).to_ne_bytes();
        let run_id = (0..5).map(|_| format!("{:08x}", rng.below(1 << 32))).collect();
        let databases = options.config.databases as usize;
        let expiry = Expiry::new(databases);
        let hasher = Seeded::new(hash_seed);
        let wake = options.host.waker();
        let mut engine = Self {
            keyspace: Keyspace::new(databases, hash_seed),
            clients: Clients::new(),
            acl: Acl::new(&options.config.requirepass),
            command_stats: CommandStats::new(),
            slowlog: SlowLog::default(),
            latency: latency::Monitor::default(),
            monitors: Vec::new(),
            last_end: None,
            began: Instant::now(),
            config: options.config,
            clock: options.clock,
            rng,
            stats: Stats::default(),
            commands: Index::new(),
            host: options.host,
            module_types: Registered::default(),
            lazyfree: LazyFree::default(),
            child: Child::default(),
            bitop_direction: Direction::Forward,
            cron: Cron::default(),
            expiry,
            eviction: Eviction::new(),
            defrag: Defrag::default(),
            opened: Instant::now(),
            startup_memory: 0,
            run_id,
            shutdown: None,
            doomed: Vec::new(),
            spare: Vec::new(),
            foreseen: None,
            batch: Vec::new(),
            delivery: Delivery::default(),
            pubsub: PubSub::new(&hasher),
            tracking: Tracking::new(&hasher),
            just_expired: Vec::new(),
            counted_memory: 0,
            leaves_no_trace: false,
            watches: Watches::new(databases, &hasher),
            waits: Waits::new(databases, &hasher, wake),
            pause: None,
            busy: Busy::default(),
            spare_transaction: None,
            modules: None,
            module_events: EventClasses::empty(),
            idle_inner: Vec::new(),
            is_deferred: false,
            current: None,
            redacted: Redacted::default(),
            asks_who_logs_in: false,
            has_filters: false,
            foretells: false,
            is_foretelling: false,
        };
        engine.startup_memory = zmalloc::used_memory();
        engine
    }

    /// Connects a client of this program's own.
    ///
    /// # Errors
    /// As for [`Engine::accept`].
    pub fn connect(&mut self) -> Result<ClientId, Error> {
        self.accept(Origin { fd: -1, ..Origin::default() })
    }

    /// Connects a client that came from elsewhere.
    ///
    /// # Errors
    /// When `maxclients` are connected; the error is what the client should be told.
    pub fn accept(&mut self, origin: Origin) -> Result<ClientId, Error> {
        if self.clients.len() >= self.config.maxclients as usize {
            self.stats.rejected_connections += 1;
            return Err(Error::fixed("ERR max number of clients reached"));
        }
        self.stats.connections_received += 1;
        let user = self.acl.default_user().clone();
        let id = self.clients.insert(origin, user);
        self.tell(&ServerEvent::Connected(id));
        Ok(id)
    }

    /// Forgets a client and everything it held. A client that is gone already is no error.
    pub fn disconnect(&mut self, id: ClientId) {
        if self.clients.get(id).is_some() && !self.is_inner(id) {
            self.tell(&ServerEvent::Disconnects(id));
            self.user_changes(id);
        }
        self.abandon_wait(id);
        self.detach(id);
        let Some(client) = self.clients.remove(id) else { return };
        if client.is_postponed {
            self.forget_postponed(id);
            self.forget_kept(id);
        }
        if client.has_tracked {
            self.forget_reader();
        }
        self.uncount_client(client.counted_memory);
        self.forget_delivery(id, client.is_announced);
        self.recycle(client.output.bytes);
    }

    /// Ends all by which what others do reaches a client.
    pub(crate) fn detach(&mut self, id: ClientId) {
        self.unwatch_all(id);
        self.unsubscribe_all(id);
        self.untrack(id);
        self.end_monitor(id);
    }

    /// Whether, and how, the client is to be closed. A client that is gone is to be closed at once.
    pub fn closing(&self, id: ClientId) -> Option<Close> {
        self.clients.get(id).map_or(Some(Close::Now), |client| client.close)
    }

    /// The clients that became due for closing outside of their own commands, since this was last asked.
    pub fn take_doomed(&mut self) -> Vec<ClientId> {
        std::mem::take(&mut self.doomed)
    }

    /// Executes one command and decodes its reply.
    ///
    /// A command that writes no reply gives [`Reply::Null`]; of several replies the first is given and all are
    /// taken.
    ///
    /// # Panics
    /// When the client isn't connected.
    pub fn call(&mut self, id: ClientId, args: &[&[u8]]) -> Reply {
        let before = self.connected_mut(id).output.bytes.len();
        self.execute(id, args);
        let output = &mut self.connected_mut(id).output.bytes;
        let reply = match Reply::decode(&output[before..]) {
            Ok((reply, _)) => reply,
            Err(_) => Reply::Null,
        };
        output.truncate(before);
        reply
    }

    /// What the client is owed and hasn't been sent. Empty for a client that is gone.
    pub fn output(&self, id: ClientId) -> &[u8] {
        self.clients.get(id).map_or(&[], |client| client.output.pending())
    }

    /// Says that `count` bytes of the client's output have been sent.
    ///
    /// # Panics
    /// When it was owed fewer.
    pub fn sent(&mut self, id: ClientId, count: usize) {
        let Some(client) = self.clients.get_mut(id) else { return };
        let output = &mut client.output;
        assert!(count <= output.pending().len(), "more was sent than there was to send");
        output.sent += count;
        self.stats.net_output_bytes += count as u64;
        if output.sent == output.bytes.len() {
            output.sent = 0;
            output.above_soft_limit = None;
            let buffer = std::mem::take(&mut output.bytes);
            self.recycle(buffer);
        }
    }

    /// The data clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The data clock, to be set or advanced.
    pub fn clock_mut(&mut self) -> &mut Clock {
        &mut self.clock
    }

    /// The directives that are in force.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Whether SHUTDOWN was called, and how; asking takes the answer.
    pub fn take_shutdown(&mut self) -> Option<Shutdown> {
        self.shutdown.take()
    }

    /// How long the engine has been open, in real time.
    pub fn uptime(&self) -> Duration {
        self.opened.elapsed()
    }

    pub(crate) fn connected_mut(&mut self, id: ClientId) -> &mut Client {
        self.clients.get_mut(id).expect("the client is connected")
    }

    /// A buffer for replies: one that was used before, where there is one.
    pub(crate) fn reply_buffer(&mut self) -> Vec<u8> {
        self.spare.pop().unwrap_or_default()
    }

    /// Keeps an output buffer for the next client, unless it is large or there are enough.
    pub(crate) fn recycle(&mut self, mut buffer: Vec<u8>) {
        const ENOUGH: usize = 64;
        const LARGE: usize = 32 * 1024;
        if buffer.capacity() != 0 && buffer.capacity() <= LARGE && self.spare.len() < ENOUGH {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    /// Frees half of the buffers that nobody uses, so that a burst leaves nothing behind a few rounds later.
    pub(crate) fn release_spare(&mut self) {
        self.spare.truncate(self.spare.len() / 2);
        self.spare.shrink_to_fit();
    }
}
