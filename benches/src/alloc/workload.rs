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
    /// Operations of two runs whose instructions are counted. The difference of the two is what the
    /// operations between them take, without what the program does to start and to end.
    pub counted: (u64, u64),
}

/// All of them.
pub const WORKLOADS: &[Workload] = &[
    Workload { name: "pair16", label: "pair, 16 bytes", timed: 8_000_000, counted: (1000, 21_000) },
    Workload { name: "pair64", label: "pair, 64 bytes", timed: 8_000_000, counted: (1000, 21_000) },
    Workload { name: "pair512", label: "pair, 512 bytes", timed: 8_000_000, counted: (1000, 21_000) },
    Workload { name: "pair4096", label: "pair, 4,096 bytes", timed: 4_000_000, counted: (1000, 11_000) },
    Workload { name: "pair65536", label: "pair, 65,536 bytes", timed: 300_000, counted: (1000, 6000) },
    Workload {
        name: "sized64",
        label: "pair, 64 bytes, size not constant",
        timed: 8_000_000,
        counted: (1000, 21_000),
    },
    Workload { name: "mixed", label: "20,000 live blocks", timed: 600_000, counted: (40_000, 100_000) },
    Workload {
        name: "growth",
        label: "push to a growing Vec",
        timed: 20_000_000,
        counted: (10_000, 210_000),
    },
    Workload {
        name: "threads1",
        label: "pair, 64 bytes, 1 thread",
        timed: 8_000_000,
        counted: (8000, 48_000),
    },
    Workload {
        name: "threads2",
        label: "pair, 64 bytes, 2 threads",
        timed: 8_000_000,
        counted: (8000, 48_000),
    },
    Workload {
        name: "threads4",
        label: "pair, 64 bytes, 4 threads",
        timed: 8_000_000,
        counted: (8000, 48_000),
    },
    Workload {
        name: "threads8",
        label: "pair, 64 bytes, 8 threads",
        timed: 8_000_000,
        counted: (8000, 48_000),
    },
    Workload {
        name: "handover",
        label: "producer and consumer",
        timed: 2_000_000,
        counted: (20_000, 120_000),
    },
];
