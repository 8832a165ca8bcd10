//! The workloads of `alloc-worker`, and how much of each is measured.

/// One workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Workload {
    /// As the program takes it.
    pub name: &'static str,
    /// As the tables have it.
    pub label: &'static str,
    /// Operations of a run whose time is taken: some tens of milliseconds of them.
    pub timed: u64,
    /// How often instructions are counted; the median is taken. More than once where jemalloc gives pages
    /// back by the clock, which makes one run in three take half as much again.
    pub counts: u32,
    /// Operations of two runs whose instructions are counted. The difference of the two is what the
    /// operations between them take, without what the program does to start and to end.
    pub counted: (u64, u64),
}

impl Workload {
    const fn new(name: &'static str, label: &'static str, timed: u64, counted: (u64, u64)) -> Self {
        Self { name, label, timed, counts: 1, counted }
    }
}

/// All of them.
pub const WORKLOADS: &[Workload] = &[
    Workload::new("pair16", "pair, 16 bytes", 8_000_000, (1000, 21_000)),
    Workload::new("pair64", "pair, 64 bytes", 8_000_000, (1000, 21_000)),
    Workload::new("pair512", "pair, 512 bytes", 8_000_000, (1000, 21_000)),
    Workload::new("pair4096", "pair, 4,096 bytes", 4_000_000, (1000, 11_000)),
    Workload { counts: 5, ..Workload::new("pair65536", "pair, 65,536 bytes", 300_000, (1000, 6000)) },
    Workload::new("sized64", "pair, 64 bytes, size not constant", 8_000_000, (1000, 21_000)),
    Workload::new("mixed", "20,000 live blocks", 600_000, (40_000, 100_000)),
    Workload::new("growth", "push to a growing Vec", 20_000_000, (10_000, 210_000)),
    Workload::new("threads1", "pair, 64 bytes, 1 thread", 8_000_000, (8000, 48_000)),
    Workload::new("threads2", "pair, 64 bytes, 2 threads", 8_000_000, (8000, 48_000)),
    Workload::new("threads4", "pair, 64 bytes, 4 threads", 8_000_000, (8000, 48_000)),
    Workload::new("threads8", "pair, 64 bytes, 8 threads", 8_000_000, (8000, 48_000)),
    Workload::new("handover", "producer and consumer", 2_000_000, (20_000, 120_000)),
];
