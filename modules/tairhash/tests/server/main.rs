//! The module in Debian's redis-server.

mod cluster;
mod commands;
mod expiry;
mod life;
mod replication;

use anyhow::Result;
use module_harness::{Server, library};

/// A server with the module.
fn server(arguments: &[&str]) -> Result<Server> {
    Server::start(&[&library("tairhash")?], arguments)
}
