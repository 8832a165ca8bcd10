//! Redis's and Valkey's `zmalloc` for C: what `include/zmalloc.h` declares, over the crate
//! `zmalloc`.
//!
//! A function here converts its arguments and calls its counterpart there; what it does is said
//! in the header, where a C programmer looks. A test compares the two.
//!
//! | file | functions |
//! |---|---|
//! | `hot` | none: the short way of the most used ones |
//! | `allocate` | that return a block, and that free one |
//! | `usable` | the same with the block's usable size |
//! | `valkey` | names that Valkey has of its own |
//! | `handler` | what happens when there is no memory |
//! | `statistics` | figures of the ledger, the allocator and the system |
//! | `release` | giving memory back |
//! | `jemalloc` | what Redis calls of jemalloc directly; only over jemalloc |
//!
//! # Panics
//! None crosses: every function is `extern "C"`, from which a panic doesn't unwind but ends the
//! process, as an abort. Nothing here is known to panic.
//!
//! # Null
//! Where C says a null pointer is allowed, it is; the `# Safety` sections say what else has to hold.

pub mod allocate;
mod convert;
pub mod handler;
mod hot;
pub mod release;
pub mod statistics;
pub mod usable;
pub mod valkey;

#[cfg(zmalloc_over_jemalloc)]
pub mod jemalloc;
