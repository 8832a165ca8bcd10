//! A global allocator for modules: the server's memory, or the system's while no server is there.
//!
#![doc = include_str!("../README.md")]

mod arena;
pub mod defrag;
mod global;
mod heap;
mod host;
#[cfg(feature = "redis-module")]
pub mod info;
mod ledger;
mod statics;
mod thread;
#[cfg(feature = "heapwalk")]
pub mod value;

pub use self::global::ModuleAlloc;
pub use self::host::BindError;
pub use self::ledger::Usage;
