//! What Rust's own types, and those of two collection libraries, own.

mod boxed;
mod ordered;
mod plain;
mod shared;
mod std_hash;
mod strings;
mod tuples;
mod vec;
mod wrappers;

#[cfg(feature = "allocator-api2")]
mod allocator_api2;
#[cfg(feature = "hashbrown")]
pub(crate) mod hashbrown;
