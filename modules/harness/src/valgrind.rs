//! The server and its modules under a memory checker.
//!
//! Debian's redis-server takes its memory from the shared library of jemalloc, which valgrind doesn't
//! look into by itself: it has to be told that `malloc` and `free` are there. A module that allocates
//! through the server is then checked block by block.

use std::path::Path;

use anyhow::{Context, Result};

use crate::client::Client;
use crate::server::Server;

/// Runs redis-server with these modules under valgrind's memcheck, has `work` done, shuts it down, and
/// returns what memcheck has complained about: bad reads and writes, uses of what was never written,
/// blocks that nothing points to any more. Nothing is an empty string.
///
/// # Errors
/// When valgrind isn't installed, or the work fails.
pub fn findings(modules: &[&Path], work: impl FnOnce(&mut Client) -> Result<()>) -> Result<String> {
    let valgrind = |directory: &Path| {
        let log = format!("--log-file={}", directory.join("valgrind").display());
        let options = ["valgrind", "--quiet", "--leak-check=full", "--show-leak-kinds=definite", &log];
        let options = options.into_iter().chain(["--soname-synonyms=somalloc=libjemalloc.so.2"]);
        options.map(str::to_owned).collect()
    };
    let mut server = Server::start_under(valgrind, modules, &[])?;
    work(&mut server.connect()?)?;
    let log = server.shut_down()?.join("valgrind");
    std::fs::read_to_string(log).context("valgrind has written no log")
}
