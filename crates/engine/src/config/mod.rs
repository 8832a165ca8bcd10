//! The configuration: Redis's directives, as `redis.conf`, the command line and CONFIG know
//! them.
//!
//! | file | what it does |
//! |---|---|
//! | [`table`] | the one table of directives |
//! | [`directive`] | what a directive is; look-up by name |
//! | [`value`] | the syntax of values, `check` that of single directives |
//! | [`types`] | the types of the fields, `events` the classes of notifications |
//! | [`load`] | a configuration text, with its includes |
//! | [`arguments`] | the command line as a configuration text |
//! | [`set`] | CONFIG SET |
//! | [`get`] | CONFIG GET |
//! | [`rewrite`] | CONFIG REWRITE |
//!
//! A setting that has an effect is a plain field of [`Config`]. One that tunes a feature
//! which is not here is only remembered, and one that would switch such a feature on is
//! refused: the table says which.
//!
//! ```
//! use engine::config::{Config, Source, load::Origin};
//!
//! let mut config = Config::default();
//! let file = Source {
//!     origin: Origin::File,
//!     text: b"# Ours\nport 7000\nrequirepass 'a b'\nsave ''\n".to_vec(),
//! };
//! let loaded = config.load(&file, &mut |_include| Ok(Vec::new()))?;
//! assert!(loaded.contains("port") && config.port == 7000);
//!
//! let change = config.set(&[b"timeout", b"30", b"hz", b"20"], true)?;
//! assert_eq!(change.names(), ["timeout", "hz"]);
//!
//! let new = config.rewrite(&file.text);
//! assert!(new.starts_with(&file.text) && new.ends_with(b"hz 20\ntimeout 30\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod arguments;
mod check;
pub mod directive;
mod events;
pub mod get;
pub mod load;
pub mod rewrite;
pub mod set;
pub mod table;
pub mod types;
pub mod value;

use std::collections::BTreeMap;

pub use directive::Directive;
pub use events::EventClasses;
pub use load::{LoadError, Loaded, Source};
pub use set::{Change, SetError};
pub use types::{
    ClientOutputBufferLimits, LogLevel, MaxmemoryPolicy, MemoryShare, OutputBufferLimit, Protection,
    PubsubDefault, SanitizeDumpPayload,
};

/// The settings in force, each named as its directive, and those that wait for a feature.
///
/// The default is Redis 7.0's, without save points (`save ""`) and without a directory: the
/// caller sets [`Config::dir`] to its working directory at the start.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// TCP port; 0 for none.
    pub port: u16,
    /// Addresses to listen on; `*` and `::*` are all, a leading `-` allows a failure.
    pub bind: Vec<String>,
    /// Path of the unix socket; empty for none.
    pub unixsocket: Vec<u8>,
    /// Permission bits of the unix socket; 0 leaves them to the umask.
    pub unixsocketperm: u32,
    /// Connections that may wait to be accepted.
    pub tcp_backlog: u32,
    /// Seconds between TCP keep-alive probes; 0 for none.
    pub tcp_keepalive: u32,
    /// Seconds after which an idle client is closed; 0 for never.
    pub timeout: u32,
    /// The most clients connected at once.
    pub maxclients: u32,
    /// Whether clients from elsewhere are refused while there is no password.
    pub protected_mode: bool,
    /// The default user's password; empty for none.
    pub requirepass: Vec<u8>,
    /// Which channels a new user may use.
    pub acl_pubsub_default: PubsubDefault,
    /// Path of the file that declares the users; empty for none.
    pub aclfile: Vec<u8>,
    /// The most entries of ACL LOG.
    pub acllog_max_len: u64,
    /// Who may load and unload modules with MODULE.
    pub enable_module_command: Protection,
    /// The `loadmodule` lines: a path and arguments each, as they were written.
    pub modules: Vec<Vec<Vec<u8>>>,
    /// Directives of modules that aren't loaded yet, and their values.
    pub module_directives: Vec<(String, Vec<u8>)>,
    /// The `user` lines: a name and its rules each, as they were written.
    pub users: Vec<Vec<Vec<u8>>>,
    /// Milliseconds from which on an event is noted by the latency monitor; 0 for none.
    pub latency_monitor_threshold: u64,
    /// Whether the durations of commands are counted.
    pub latency_tracking: bool,
    /// The percentiles of durations that INFO shows, as they were written.
    pub latency_tracking_info_percentiles: Vec<String>,
    /// Microseconds from which on a command is entered into the slow log; -1 for never.
    pub slowlog_log_slower_than: i64,
    /// The most entries of the slow log.
    pub slowlog_max_len: u64,
    /// How many databases there are.
    pub databases: u32,
    /// Background rounds a second, from 1 to 500.
    pub hz: u32,
    /// How much goes to the log.
    pub loglevel: LogLevel,
    /// Path of the log; empty for the standard output.
    pub logfile: Vec<u8>,
    /// The working directory.
    pub dir: Vec<u8>,
    /// Path of the file that holds the process id; empty for none.
    pub pidfile: Vec<u8>,
    /// When clients that don't read are dropped.
    pub client_output_buffer_limit: ClientOutputBufferLimits,
    /// The most bytes of unfinished requests of one client.
    pub client_query_buffer_limit: u64,
    /// The most bytes of one argument, and of a string value.
    pub proto_max_bulk_len: u64,
    /// How long a command of a module runs before it lets others have their turn, in milliseconds.
    pub busy_reply_threshold: u64,
    /// Whether eviction frees values in the background.
    pub lazyfree_lazy_eviction: bool,
    /// Whether expiry frees values in the background.
    pub lazyfree_lazy_expire: bool,
    /// Whether a command that replaces a value frees the old one in the background.
    pub lazyfree_lazy_server_del: bool,
    /// Whether DEL frees values in the background, as UNLINK does.
    pub lazyfree_lazy_user_del: bool,
    /// Whether FLUSHDB and FLUSHALL without an option work in the background.
    pub lazyfree_lazy_user_flush: bool,
    /// The most bytes of memory that may be in use before keys give way; 0 for no limit.
    pub maxmemory: u64,
    /// The most memory that all clients may take together.
    pub maxmemory_clients: MemoryShare,
    /// Which keys give way at the memory limit.
    pub maxmemory_policy: MaxmemoryPolicy,
    /// How many keys are looked at, at least, to choose the one that gives way.
    pub maxmemory_samples: u32,
    /// How long eviction may make a command wait, from 0 to 100: 10 is half a millisecond, 100 as long as it takes.
    pub maxmemory_eviction_tenacity: u32,
    /// Whether long strings are compressed where values are written: in the payloads of DUMP.
    pub rdbcompression: bool,
    /// Whose payloads RESTORE checks in full before it reads their values.
    pub sanitize_dump_payload: SanitizeDumpPayload,
    /// Which keyspace notifications are published.
    pub notify_keyspace_events: EventClasses,
    /// The most keys that are remembered for clients that track what they read; 0 for no limit.
    pub tracking_table_max_keys: u64,
    /// How slowly an access frequency grows.
    pub lfu_log_factor: u32,
    /// Minutes after which an access frequency falls by one; 0 for never.
    pub lfu_decay_time: u32,
    /// How hard active expiry works, from 1 to 10.
    pub active_expire_effort: u32,
    /// Whether data is moved together when memory is fragmented; without effect where the allocator can't tell
    /// what should move.
    pub activedefrag: bool,
    /// Fragmentation up to so many bytes is left alone.
    pub active_defrag_ignore_bytes: u64,
    /// Fragmentation up to so many percent is left alone.
    pub active_defrag_threshold_lower: u32,
    /// Fragmentation in percent from which on the effort is the greatest.
    pub active_defrag_threshold_upper: u32,
    /// The least effort, in percent of a processor's time.
    pub active_defrag_cycle_min: u32,
    /// The greatest effort, in percent of a processor's time.
    pub active_defrag_cycle_max: u32,
    /// Whether the start-up banner is shown even when the log isn't a terminal.
    pub always_show_logo: bool,
    /// Whether the allocator's own thread gives unused pages back, where it has one.
    pub jemalloc_bg_thread: bool,
    /// Who may use DEBUG.
    pub enable_debug_command: Protection,
    /// Who may set protected directives.
    pub enable_protected_configs: Protection,
    /// Whether a crash writes a report.
    pub crash_log_enabled: bool,
    /// The values, other than defaults, of directives that wait for a feature.
    waiting: BTreeMap<&'static str, Vec<u8>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            port: 6379,
            bind: vec!["*".to_owned(), "-::*".to_owned()],
            unixsocket: Vec::new(),
            unixsocketperm: 0,
            tcp_backlog: 511,
            tcp_keepalive: 300,
            timeout: 0,
            maxclients: 10_000,
            protected_mode: true,
            requirepass: Vec::new(),
            acl_pubsub_default: PubsubDefault::Resetchannels,
            aclfile: Vec::new(),
            acllog_max_len: 128,
            users: Vec::new(),
            enable_module_command: Protection::No,
            modules: Vec::new(),
            module_directives: Vec::new(),
            latency_monitor_threshold: 0,
            latency_tracking: true,
            latency_tracking_info_percentiles: ["50", "99", "99.9"].map(str::to_owned).into(),
            slowlog_log_slower_than: 10_000,
            slowlog_max_len: 128,
            databases: 16,
            hz: 10,
            loglevel: LogLevel::Notice,
            logfile: Vec::new(),
            dir: Vec::new(),
            pidfile: Vec::new(),
            client_output_buffer_limit: ClientOutputBufferLimits::default(),
            client_query_buffer_limit: 1 << 30,
            proto_max_bulk_len: 512 << 20,
            busy_reply_threshold: 5000,
            lazyfree_lazy_eviction: false,
            lazyfree_lazy_expire: false,
            lazyfree_lazy_server_del: false,
            lazyfree_lazy_user_del: false,
            lazyfree_lazy_user_flush: false,
            maxmemory: 0,
            maxmemory_clients: MemoryShare::Bytes(0),
            maxmemory_policy: MaxmemoryPolicy::Noeviction,
            maxmemory_samples: 5,
            maxmemory_eviction_tenacity: 10,
            rdbcompression: true,
            sanitize_dump_payload: SanitizeDumpPayload::No,
            notify_keyspace_events: EventClasses::empty(),
            tracking_table_max_keys: 1_000_000,
            lfu_log_factor: 10,
            lfu_decay_time: 1,
            active_expire_effort: 1,
            activedefrag: false,
            active_defrag_ignore_bytes: 100 << 20,
            active_defrag_threshold_lower: 10,
            active_defrag_threshold_upper: 100,
            active_defrag_cycle_min: 1,
            active_defrag_cycle_max: 25,
            always_show_logo: false,
            jemalloc_bg_thread: true,
            enable_debug_command: Protection::No,
            enable_protected_configs: Protection::No,
            crash_log_enabled: true,
            waiting: BTreeMap::new(),
        }
    }
}

impl Config {
    /// Whether a new user may use every channel.
    pub(crate) fn grants_all_channels(&self) -> bool {
        self.acl_pubsub_default == PubsubDefault::Allchannels
    }
}
