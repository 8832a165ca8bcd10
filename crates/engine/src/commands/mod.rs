//! The commands, one file a family. Which function runs which command is in [`crate::command::table`].

pub(crate) mod bitfield;
pub(crate) mod bits;
pub(crate) mod client;
pub(crate) mod command;
pub(crate) mod config;
pub(crate) mod connection;
pub(crate) mod counters;
pub(crate) mod debug;
pub(crate) mod expire;
pub(crate) mod help;
pub(crate) mod info;
pub(crate) mod keys;
pub(crate) mod lcs;
pub(crate) mod memory;
pub(crate) mod object;
pub(crate) mod scan;
pub(crate) mod server;
pub(crate) mod strings;
