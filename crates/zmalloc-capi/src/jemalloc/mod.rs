//! What Redis and Valkey call of jemalloc directly, by the names that their own build of it has.
//!
//! The allocation calls go past the ledger and the limit like all others.

pub mod allocate;
pub mod control;
pub mod defrag;
pub mod extended;
pub mod flags;
