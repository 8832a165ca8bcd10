//! The module in Debian's redis-server.

mod commands;
mod crossing;
mod life;
mod memory;
mod replication;

use anyhow::Result;
use module_harness::Server;

/// A server with the module.
fn server(arguments: &[&str]) -> Result<Server> {
    Server::with("tairstring", arguments)
}
