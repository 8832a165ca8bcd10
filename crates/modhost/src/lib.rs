//! Hosts the modules that Redis loads.
//!
#![doc = include_str!("../README.md")]
//!
//! # Testing a module
//!
//! [`TestServer`] runs modules within a test: commands go in, replies come out, and what a module holds is known to the
//! byte. This is a whole test of a module in C (`tests/modules/notes.c`), which keeps one note in a block that it asks
//! for with TryAlloc; a module in Rust is built by cargo instead, as a `cdylib`.
//!
//! ```
//! use std::process::Command;
//! use engine::Reply;
//! use modhost::TestServer;
//!
//! let directory = tempfile::tempdir()?;
//! let library = directory.path().join("notes.so");
//! let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/modules/notes.c");
//! let mut cc = Command::new("cc");
//! let status = cc.args(["-shared", "-fPIC", "-o"]).arg(&library).arg(source).status()?;
//! assert!(status.success());
//!
//! let mut server = TestServer::new();
//! assert_eq!(server.load(&library)?, "notes");
//! server.call(&["note.put", "milk"]);
//! let before = server.memory("notes");
//! assert_eq!(before.blocks, 1);
//!
//! // A note that there is no memory for is refused, and the one that is there stays.
//! server.fail_allocation("notes", 1)?;
//! assert_eq!(server.call(&["note.put", "bread"]), Reply::Error(b"ERR no memory for that note".to_vec()));
//! assert!(server.take_failure("notes")?);
//! assert_eq!(server.call(&["note.get"]), Reply::Bulk(b"milk".to_vec()));
//! assert_eq!(server.memory("notes").live, before.live);
//!
//! server.call(&["note.put", "bread"]);
//! assert_eq!(server.call(&["note.get"]), Reply::Bulk(b"bread".to_vec()));
//! server.assert_no_leaks();
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Time is the test's own: [`TestServer::advance`] has keys expire and timers run. [`TestServer::send`] and
//! [`TestServer::reply`] are for clients that block, [`TestServer::settle`] and [`TestServer::run_until`] for what
//! threads and the event loop do.

mod api;
mod areas;
mod blocked;
mod call_reply;
mod charge;
mod child_process;
mod context;
mod counters;
mod data_type;
mod defrag;
mod dictionary;
mod foreign;
mod gil;
mod guard;
mod host;
mod inbox;
mod io;
mod key;
mod leak;
mod lend;
mod library;
mod pool;
mod sizes;
mod slot;
mod sorted;
mod string;
mod test_server;

pub use api::bound_names;
pub use counters::SLOTS;
pub use host::ModuleHost;
pub use leak::Leak;
pub use test_server::{LogLine, PATIENCE, TestError, TestServer};
