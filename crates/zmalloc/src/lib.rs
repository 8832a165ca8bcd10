//! A global allocator that knows exactly how many bytes are in use.
//!
//! [`ZMalloc`] puts jemalloc under a Rust program, or another allocator ([below](#allocators)), and
//! keeps a ledger beside it: [`used_memory`] is the number of bytes that the program's live blocks
//! occupy, each counted at its usable size (the whole size class that the allocator set aside, not
//! only what was asked for). Over jemalloc counting costs one comparison per allocation or free,
//! because the ledger reads the counters that jemalloc keeps per thread anyway.
//!
//! ```
//! use zmalloc::ZMalloc;
//!
//! #[global_allocator]
//! static ALLOC: ZMalloc = ZMalloc::new();
//!
//! let before = zmalloc::used_memory();
//! let block = vec![0u8; 1_000_000];
//! // The whole block counts: jemalloc, for one, gives whole pages, here 245 of 4096 bytes.
//! assert!(zmalloc::used_memory() - before >= 1_000_000);
//! drop(block);
//! assert_eq!(zmalloc::used_memory(), before);
//! ```
//!
//! # What there is
//!
//! | question | answer |
//! |---|---|
//! | how many bytes does the program use? | [`used_memory`], [`peak_memory`] |
//! | whose are they? | [`Tally`], [`tallies`] |
//! | how is their number kept down? | [`set_limit`], [`set_soft_mark`] |
//! | what if there is no memory? | [`oom`]; on demand, for tests: [`fail`] |
//! | where is Redis's `zmalloc`? | [`zmalloc()`], [`ztrymalloc`] and the rest of the family, [`Flags`] |
//! | what does a block of this layout take? | [`good_size`], [`usable_size`] |
//! | what does the allocator hold beyond that, and why? | [`AllocatorInfo`], [`size_classes`], [`large_size_classes`] |
//! | of which sizes are blocks asked for? | [`count_allocations`], [`allocation_counts`] |
//! | what is the allocator's own report? | [`stats_text`], [`stats_json`] |
//! | what does the kernel say? | [`process`] |
//! | how is memory given back? | [`purge`], [`flush_thread_cache`], [`set_background_thread`] |
//! | what does a value take, and can it be moved together? | [`defrag`] |
//!
//! # How the files build on each other
//!
//! `global` (what Rust's allocation calls do), `api` (what C's do) and `tally` (bytes with a name)
//! stand on `request`, the long way of an allocation: past `fail` (failures on demand), the limit,
//! `oom` (memory given back) and `counts` (allocations by size, on demand). That stands, as does the
//! short way, on `ledger` (who counts, and keeps the limit) and `backend` (who allocates: a contract,
//! and the one implementation that this build selects). `defrag` moves blocks by all of these. `stats`
//! is the view of the back end's own figures, `process` that of the operating system's. The ledger knows
//! no layout and the back end knows no ledger.
//!
//! # Allocators
//!
//! One of these is chosen when the crate is built; [`BACKEND`] names it.
//!
//! | name | what it is | compiled in |
//! |---|---|---|
//! | `jemalloc` | jemalloc 5.3 | on 64-bit Linux; elsewhere by the feature |
//! | `mimalloc` | mimalloc 3 | by the feature |
//! | `tcmalloc`, `tcmalloc_minimal` | the system's gperftools, 2.6 or newer | always, if it is installed |
//! | `libc` | the C library's | always |
//! | `prefixed` | the C library's, with each block's size in front of it | always |
//!
//! The choice falls, the first that applies, by
//!
//! 1. a sanitizer, in `SANITIZER` (`address`, `undefined` or `memory`) or as `-Zsanitizer` in the
//!    compiler's flags: `libc`, as that is what sanitizers watch. `thread` changes nothing;
//! 2. `MALLOC` in the environment of the build: any name of the table that is compiled in;
//! 3. the features of these names; of several the first in the order jemalloc, mimalloc, tcmalloc,
//!    tcmalloc_minimal, prefixed, libc;
//! 4. the platform: `jemalloc` on 64-bit Linux, `libc` on other systems that can tell a block's
//!    size, else `prefixed`.
//!
//! A choice that can't be met stops the build. The feature `pool`, or `MALLOC_POOL=1` in the
//! environment, puts a pool of small blocks in front of `libc` or `prefixed` on 64-bit targets.
//!
//! Over all but jemalloc the ledger counts by itself, in counters that each thread has for its own.
//! Only jemalloc answers [`AllocatorInfo::read`]; what an allocator doesn't know or can't do is an
//! error, never a figure made up.
//!
//! # jemalloc's quantum
//!
//! The distance between the smallest size classes is fixed when jemalloc is built: 16 bytes, or 8
//! with `JEMALLOC_SYS_WITH_LG_QUANTUM=3` in the environment of the build, which saves 8 bytes on
//! every block of 17 to 24, 33 to 40 and 49 to 56 bytes. This crate is right with both;
//! [`quantum`] tells which one is there.

mod api;
mod backend;
mod counts;
pub mod defrag;
mod error;
pub mod fail;
mod global;
mod ledger;
pub mod oom;
pub mod process;
#[doc(hidden)]
pub mod raw;
mod release;
mod request;
mod stats;
mod sync;
mod tally;

pub use api::*;
pub use counts::{AllocationCount, allocation_counts, count_allocations};
pub use error::ControlError;
pub use global::{ZMalloc, good_size, usable_size};
pub use ledger::{limit, peak_memory, set_limit, set_soft_mark, used_memory};
pub use oom::set_oom_handler;
pub use release::{flush_thread_cache, purge, set_background_thread};
pub use stats::{
    AllocatorInfo, BACKEND, ClassCounts, GOOD_SIZE_IS_EXACT, SizeClass, large_size_classes, quantum,
    size_classes, stats_json, stats_text,
};
pub use tally::{Tally, tallies};
