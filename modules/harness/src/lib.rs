//! Runs redis-server with modules, for the tests of the modules: Debian's, unmodified.
//!
//! [`server`], [`client`] and [`cluster`] start and speak; [`checks`], [`dump`] and [`valgrind`] are what every
//! module must stand.
#![forbid(unsafe_code)]

pub mod checks;
pub mod client;
pub mod cluster;
pub mod dump;
pub mod server;
pub mod valgrind;

pub use client::{Client, Reply};
pub use server::{Server, library};
