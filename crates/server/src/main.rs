//! The Redis-compatible server: sockets, the event loop, redis.conf and the command line, around an
//! [`engine::Engine`] that knows none of them.
//!
//! | file | what it does |
//! |---|---|
//! | `start.rs` | from the command line to a running server, and to its end |
//! | `configuration.rs` | the configuration file, the standard input and the options, with their includes |
//! | `limits.rs` | the descriptors that `maxclients` needs |
//! | `listen.rs` | the sockets that listen |
//! | `event_loop.rs` | waits, and does what is due by the clock |
//! | `sockets.rs` | gives every socket its turn, also while a command runs that lets others have theirs |
//! | `admission.rs` | which new connections become clients |
//! | `connection.rs` | one client's socket: what a turn reads, executes and writes |
//! | `stream.rs` | TCP or unix |
//! | `signals.rs` | SIGTERM, SIGINT, SIGHUP |
//! | `farewell.rs` | what is done when the server ends |
//! | `host.rs` | what the engine asks of the server: CONFIG REWRITE, CONFIG SET |
//! | `log.rs`, `banner.rs` | the log |
#![forbid(unsafe_code)]

mod admission;
mod banner;
mod configuration;
mod connection;
mod descriptors;
mod event_loop;
mod farewell;
mod host;
mod limits;
mod listen;
mod log;
mod signals;
mod sockets;
mod start;
mod stream;

use std::ffi::OsString;
use std::process::ExitCode;

#[global_allocator]
static ALLOC: zmalloc::ZMalloc = zmalloc::ZMalloc::new();

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    start::main(&arguments)
}
