//! The allocator of this program: one of the files below, chosen by a cargo feature. Each has it as
//! the global allocator, tells its name, and sets a limit if the allocator knows any.

#[cfg_attr(feature = "jemalloc", path = "subject/jemalloc.rs")]
#[cfg_attr(feature = "mimalloc", path = "subject/mimalloc.rs")]
#[cfg_attr(feature = "tcmalloc", path = "subject/tcmalloc.rs")]
#[cfg_attr(
    any(
        feature = "zmalloc-jemalloc",
        feature = "zmalloc-mimalloc",
        feature = "zmalloc-tcmalloc",
        feature = "zmalloc-libc",
        feature = "zmalloc-prefixed",
    ),
    path = "subject/zmalloc.rs"
)]
#[cfg_attr(feature = "stats_alloc", path = "subject/stats_alloc.rs")]
#[cfg_attr(feature = "cap", path = "subject/cap.rs")]
#[cfg_attr(feature = "alloc_tracker", path = "subject/alloc_tracker.rs")]
#[cfg_attr(feature = "peak_alloc", path = "subject/peak_alloc.rs")]
#[cfg_attr(
    not(any(
        feature = "jemalloc",
        feature = "mimalloc",
        feature = "tcmalloc",
        feature = "zmalloc-jemalloc",
        feature = "zmalloc-mimalloc",
        feature = "zmalloc-tcmalloc",
        feature = "zmalloc-libc",
        feature = "zmalloc-prefixed",
        feature = "stats_alloc",
        feature = "cap",
        feature = "alloc_tracker",
        feature = "peak_alloc",
    )),
    path = "subject/libc.rs"
)]
mod chosen;

pub(crate) use chosen::{name, set_limit};
