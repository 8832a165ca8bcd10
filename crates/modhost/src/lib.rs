//! Hosts the modules that Redis loads.
//!
#![doc = include_str!("../README.md")]

mod api;
mod areas;
mod blocked;
mod call_reply;
mod child_process;
mod context;
mod data_type;
mod defrag;
mod dictionary;
mod foreign;
mod gil;
mod guard;
mod host;
mod inbox;
mod io;
mod key;
mod lend;
mod library;
mod pool;
mod slot;
mod string;

pub use api::bound_names;
pub use host::ModuleHost;
pub use slot::SLOTS;
