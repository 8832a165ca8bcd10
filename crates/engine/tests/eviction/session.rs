//! An engine whose time stands still, and a client of it.

use std::time::Duration;

use engine::config::{Config, MaxmemoryPolicy};
use engine::{ClientId, Clock, Engine, Options, Reply};

/// Where the data clock of every check begins, in milliseconds.
const NOW: i64 = 1_700_000_000_000;

/// What a check is: a name and a function that panics.
pub(crate) type Check = (&'static str, fn());

pub(crate) struct Session {
    pub(crate) engine: Engine,
    id: ClientId,
}

impl Session {
    /// Evictions take as long as it takes, so that the real time has no part in what happens.
    pub(crate) fn new(policy: MaxmemoryPolicy) -> Self {
        Self::configured(|config| {
            config.maxmemory_policy = policy;
            config.maxmemory_eviction_tenacity = 100;
        })
    }

    pub(crate) fn configured(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        // What is kept of the commands themselves is nobody's to evict, and grows with how long they happen to take.
        config.latency_tracking = false;
        config.slowlog_log_slower_than = -1;
        change(&mut config);
        let options = Options { config, clock: Clock::manual(NOW), seed: Some(1), ..Options::default() };
        let mut engine = Engine::open(options);
        let id = engine.connect().expect("there is room for a client");
        let mut session = Self { engine, id };
        // The index of directives is made when it is first used, and is nobody's to evict.
        session.ok("CONFIG SET maxmemory 0");
        session
    }

    /// Calls a command of words without quotes.
    pub(crate) fn call(&mut self, line: &str) -> Reply {
        let args: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        self.engine.call(self.id, &args)
    }

    #[track_caller]
    pub(crate) fn ok(&mut self, line: &str) {
        assert_eq!(self.call(line), Reply::Simple("OK".to_owned()), "{line}");
    }

    /// Makes the limit so many bytes less than what is in use now.
    pub(crate) fn limit_below_use(&mut self, bytes: usize) -> usize {
        self.set_limit(zmalloc::used_memory() - bytes)
    }

    /// Makes the limit so many bytes more than what is in use now.
    pub(crate) fn limit_above_use(&mut self, bytes: usize) -> usize {
        self.set_limit(zmalloc::used_memory() + bytes)
    }

    fn set_limit(&mut self, limit: usize) -> usize {
        self.ok(&format!("CONFIG SET maxmemory {limit}"));
        limit
    }

    pub(crate) fn advance(&mut self, seconds: u64) {
        self.engine.clock_mut().advance(Duration::from_secs(seconds));
    }

    /// A field of INFO that is a number.
    pub(crate) fn info(&mut self, name: &str) -> u64 {
        let [number] = self.info_at_once([name]);
        number
    }

    /// Several fields of INFO that are numbers, of one moment.
    pub(crate) fn info_at_once<const N: usize>(&mut self, names: [&str; N]) -> [u64; N] {
        let text = self.engine.info_text(&[] as &[&str]);
        names.map(|name| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no number {name} in {text}"))
        })
    }

    pub(crate) fn exists(&mut self, key: &str) -> bool {
        self.call(&format!("EXISTS {key}")) == Reply::Integer(1)
    }

    pub(crate) fn size(&mut self) -> i64 {
        match self.call("DBSIZE") {
            Reply::Integer(size) => size,
            other => panic!("{other:?}"),
        }
    }
}
