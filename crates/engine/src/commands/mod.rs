//! The commands, one file a family. Which function runs which command is in [`crate::command::table`].

pub(crate) mod acl;
pub(crate) mod bitfield;
pub(crate) mod bits;
pub(crate) mod client;
pub(crate) mod client_kill;
mod client_kind;
pub(crate) mod client_list;
pub(crate) mod client_pause;
pub(crate) mod command;
pub(crate) mod config;
pub(crate) mod connection;
pub(crate) mod counters;
pub(crate) mod debug;
mod digest;
pub(crate) mod dump;
pub(crate) mod expire;
pub(crate) mod help;
pub(crate) mod info;
pub(crate) mod keys;
pub(crate) mod latency;
pub(crate) mod lcs;
pub(crate) mod lolwut;
pub(crate) mod memory;
pub(crate) mod modules;
pub(crate) mod object;
pub(crate) mod pubsub;
pub(crate) mod scan;
pub(crate) mod server;
pub(crate) mod slowlog;
pub(crate) mod strings;
pub(crate) mod tracking;
pub(crate) mod transactions;
pub(crate) mod wait;

use crate::error::{Error, c_text};

/// The error of a sub-command that was given too many arguments, where the table can't tell.
fn subcommand_error(container: &str, name: &[u8]) -> Error {
    let shown = c_text(name);
    let known: &[u8] = b"ERR unknown subcommand or wrong number of arguments for '";
    let shown = &shown[..shown.len().min(128)];
    Error::new([known, shown, b"'. Try ", container.as_bytes(), b" HELP."].concat())
}
