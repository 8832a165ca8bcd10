//! A global allocator that knows exactly how many bytes are in use.
//!
//! [`ZMalloc`] puts jemalloc under a Rust program and keeps a ledger beside it: [`used_memory`] is
//! the number of bytes that the program's live blocks occupy, each counted at its usable size (the
//! whole size class that the allocator set aside, not only what was asked for). Counting costs one
//! comparison per allocation or free, because the ledger reads the counters that jemalloc keeps per
//! thread anyway.
//!
//! ```
//! use zmalloc::ZMalloc;
//!
//! #[global_allocator]
//! static ALLOC: ZMalloc = ZMalloc::new();
//!
//! let before = zmalloc::used_memory();
//! let block = vec![0u8; 1_000_000];
//! // A block past 32 KiB takes whole pages: 245 of 4096 bytes.
//! assert_eq!(zmalloc::used_memory() - before, 1_003_520);
//! drop(block);
//! assert_eq!(zmalloc::used_memory(), before);
//! ```
//!
//! # What there is
//!
//! | question | answer |
//! |---|---|
//! | how many bytes does the program use? | [`used_memory`], [`peak_memory`] |
//! | what does a block of this layout take? | [`good_size`], [`usable_size`] |
//! | what does the allocator hold beyond that, and why? | [`AllocatorInfo`], [`size_classes`], [`stats_text`] |
//! | what does the kernel say? | [`process`] |
//! | how is memory given back? | [`purge`], [`flush_thread_cache`], [`set_background_thread`] |
//!
//! # How the files build on each other
//!
//! `global` (what Rust's allocation calls do) stands on `ledger` (who counts) and `backend` (who
//! allocates: a contract, and the one implementation that this build selects); `stats` is the view
//! of the back end's own figures, `process` that of the operating system's. The ledger knows no
//! layout and the back end knows no ledger.
//!
//! # jemalloc's quantum
//!
//! The distance between the smallest size classes is fixed when jemalloc is built: 16 bytes, or 8
//! with `JEMALLOC_SYS_WITH_LG_QUANTUM=3` in the environment of the build, which saves 8 bytes on
//! every block of 17 to 24, 33 to 40 and 49 to 56 bytes. This crate is right with both;
//! [`quantum`] tells which one is there.

mod backend;
mod error;
mod global;
mod ledger;
pub mod process;
mod stats;

pub use error::ControlError;
pub use global::{ZMalloc, good_size, usable_size};
pub use ledger::{peak_memory, used_memory};
pub use stats::{
    AllocatorInfo, BACKEND, SizeClass, flush_thread_cache, purge, quantum, set_background_thread,
    size_classes, stats_text,
};
