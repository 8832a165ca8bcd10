//! The figures about memory that INFO, MEMORY STATS and MEMORY DOCTOR share, taken at one moment.

use keyspace::Db;
use zmalloc::AllocatorInfo;

use crate::engine::Engine;

/// How memory is used. Bytes, where nothing else is said.
#[derive(Clone, Debug)]
pub(crate) struct MemoryFigures {
    /// The ledger: everything that is allocated, each block at its usable size.
    pub(crate) used: usize,
    /// The most that the ledger has shown.
    pub(crate) peak: usize,
    /// What the ledger showed when the engine had been opened and was empty.
    pub(crate) startup: usize,
    /// Clients: their table, names and buffers, and who has subscribed to, watches or tracks what.
    pub(crate) clients: usize,
    /// How many clients there are.
    pub(crate) client_count: usize,
    /// The databases that hold keys.
    pub(crate) databases: Vec<DatabaseFigures>,
    /// How many keys there are.
    pub(crate) keys: usize,
    /// What the kernel says is resident, where it says so.
    pub(crate) rss: Option<usize>,
    /// What the allocator says, where it can.
    pub(crate) allocator: Option<AllocatorInfo>,
}

/// What one database takes beside its entries. Bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DatabaseFigures {
    pub(crate) index: usize,
    /// The table of keys.
    pub(crate) main: usize,
    /// The index of keys that expire.
    pub(crate) expires: usize,
}

/// How much larger one figure is than another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Beyond {
    /// How many times the other.
    pub(crate) ratio: f64,
    /// The difference in bytes; negative when the figure is the smaller one.
    pub(crate) bytes: i64,
}

impl Beyond {
    fn of(figure: usize, other: usize) -> Self {
        let bytes = signed(figure) - signed(other);
        let ratio = if other == 0 { 1.0 } else { figure as f64 / other as f64 };
        Self { ratio, bytes }
    }
}

fn signed(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

impl MemoryFigures {
    /// Reads the ledger, the allocator and the kernel, and adds up clients and databases.
    pub(crate) fn collect(engine: &mut Engine) -> Self {
        let used = zmalloc::used_memory();
        let buffers: usize = engine.clients.iter().map(|(_, client)| client.memory()).sum();
        let shared = engine.pubsub.memory() + engine.tracking.memory() + engine.watches.memory();
        let occupied = engine.keyspace.iter().enumerate().filter(|(_, db)| !db.is_empty());
        let figures = |(index, db): (usize, &Db)| {
            let expires = db.expires_memory_overhead(zmalloc::good_size);
            DatabaseFigures { index, main: db.memory_overhead(zmalloc::good_size) - expires, expires }
        };
        let databases = occupied.map(figures).collect();
        Self {
            used,
            peak: zmalloc::peak_memory(),
            startup: engine.startup_memory,
            clients: engine.clients.memory() + buffers + shared,
            client_count: engine.clients.len(),
            databases,
            keys: engine.keyspace.len(),
            rss: zmalloc::process::rss(),
            allocator: AllocatorInfo::read().ok(),
        }
    }

    /// What isn't data: the start, clients, tables.
    pub(crate) fn overhead(&self) -> usize {
        let tables: usize = self.databases.iter().map(|db| db.main + db.expires).sum();
        self.startup + self.clients + tables
    }

    /// What is data.
    pub(crate) fn dataset(&self) -> usize {
        self.used.saturating_sub(self.overhead())
    }

    /// How much of what was allocated since the start is data, in percent.
    pub(crate) fn dataset_percentage(&self) -> f64 {
        percentage(self.dataset(), self.used.saturating_sub(self.startup))
    }

    /// How much of its peak the ledger shows now, in percent.
    pub(crate) fn peak_percentage(&self) -> f64 {
        percentage(self.used, self.peak)
    }

    /// What was allocated since the start, shared among the keys.
    pub(crate) fn bytes_per_key(&self) -> usize {
        self.used.saturating_sub(self.startup).checked_div(self.keys).unwrap_or(0)
    }

    /// What is resident and isn't the allocator's: the program, its libraries, stacks.
    pub(crate) fn rss_beyond_allocator(&self) -> Option<Beyond> {
        Some(Beyond::of(self.rss?, self.allocator?.resident))
    }

    /// What is resident and isn't in use: Redis's memory fragmentation.
    pub(crate) fn rss_beyond_used(&self) -> Option<Beyond> {
        Some(Beyond::of(self.rss?, self.used))
    }
}

fn percentage(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}
