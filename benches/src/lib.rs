//! What the benchmarks and the soak share: the parts of each, starting servers, measuring their CPU time and memory,
//! loading keys, misbehaving, and printing figures.
#![forbid(unsafe_code)]

pub mod alloc;
pub mod audience;
pub mod cache;
pub mod comparison;
pub mod load;
pub mod misbehave;
pub mod modules;
pub mod paced;
pub mod process;
pub mod promises;
pub mod real_input;
pub mod redis_benchmark;
pub mod redis_cli;
pub mod resp;
pub mod server;
pub mod summary;
pub mod table;
pub mod told;
pub mod transactions;
