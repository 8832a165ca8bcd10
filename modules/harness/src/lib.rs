//! Runs redis-server with modules, for the tests of the modules: Debian's, unmodified.
#![forbid(unsafe_code)]

pub mod client;
pub mod cluster;
pub mod server;

pub use client::{Client, Reply};
pub use server::{Server, library};
