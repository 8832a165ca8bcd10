//! The module in Debian's redis-server.

mod commands;
mod life;
mod replication;

use anyhow::Result;
use module_harness::{Server, library};

/// A server with the module.
fn server(arguments: &[&str]) -> Result<Server> {
    Server::start(&[&library("tairstring")?], arguments)
}
