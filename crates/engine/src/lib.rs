//! A whole Redis without a socket: command table, dispatch, expiry, eviction,
//! configuration, INFO.
//!
//! Bytes or argument vectors go in, replies come out; who carries them is somebody else's affair. A program opens an
//! engine, connects a client, and calls commands:
//!
//! ```
//! use engine::{Engine, Options, Reply};
//!
//! let mut engine = Engine::open(Options::default());
//! let client = engine.connect()?;
//! engine.call(client, &[b"SET", b"greeting", b"hello"]);
//! assert_eq!(engine.call(client, &[b"GET", b"greeting"]), Reply::Bulk(b"hello".to_vec()));
//! # Ok::<(), engine::Error>(())
//! ```
//!
//! # Two clocks
//! What data ages by is the caller's to set: TTLs, expiry, access times and `TIME`. So is the seed of everything
//! random, so that a run can be repeated. Only what bounds slices of work is always the real time.
//!
//! ```
//! use std::time::Duration;
//! use engine::{Clock, Engine, Options, Reply};
//!
//! let clock = Clock::manual(1_700_000_000_000);
//! let mut engine = Engine::open(Options { clock, seed: Some(7), ..Options::default() });
//! let client = engine.connect()?;
//! engine.call(client, &[b"SET", b"session", b"ada", b"EX", b"60"]);
//! engine.clock_mut().advance(Duration::from_secs(59));
//! assert_eq!(engine.call(client, &[b"TTL", b"session"]), Reply::Integer(1));
//! engine.clock_mut().advance(Duration::from_secs(1));
//! assert_eq!(engine.call(client, &[b"GET", b"session"]), Reply::Null);
//! # Ok::<(), engine::Error>(())
//! ```
//!
//! # Bytes
//! What a socket would carry can be given as it is, cut anywhere; the reply is appended to the client's output:
//!
//! ```
//! # let mut engine = engine::Engine::open(engine::Options::default());
//! # let client = engine.connect()?;
//! engine.receive(client, b"*2\r\n$4\r\nINCR\r\n$4\r\nhi");
//! assert_eq!(engine.output(client), b"");
//! engine.receive(client, b"ts\r\nDBSIZE\r\n");
//! assert_eq!(engine.output(client), b":1\r\n:1\r\n");
//! # Ok::<(), engine::Error>(())
//! ```
//!
//! `examples/embedded.rs` is a program that does all of this. Memory figures are right, and the memory
//! limit holds, in a program whose global allocator is `zmalloc::ZMalloc`.
#![forbid(unsafe_code)]

mod access;
mod acl;
mod args;
mod bits;
pub mod blocking;
#[cfg(test)]
mod blocking_tests;
mod busy;
mod c_float;
mod child;
mod client;
mod client_eviction;
mod client_state;
mod clients;
mod clock;
pub mod command;
mod command_stats;
mod commands;
pub mod config;
mod context;
mod cron;
mod defrag;
mod dispatch;
mod engine;
mod error;
mod eviction;
mod expiry;
mod host;
mod info;
mod intake;
mod internal;
mod latency;
mod lazyfree;
mod login;
mod long_double;
mod lookup;
mod module_directives;
mod module_types;
mod modules;
mod monitor;
mod names;
mod notify;
mod pause;
mod pubsub;
mod push;
pub mod quoting;
mod redacted;
pub mod resp;
mod rng;
mod secrets;
mod server_events;
mod services;
mod slowlog;
mod stats;
mod tracking;
mod transaction;
mod watch;

pub use acl::{AccessError, Denied, UserId, UserRef};
pub use busy::Turns;
pub use child::ChildReport;
pub use client::{ClientId, Close, Origin};
pub use client_state::ClientState;
pub use clock::{Budget, Clock};
pub use context::Context;
pub use engine::{Engine, Options, Shutdown};
pub use error::Error;
pub use host::{Embedded, Host, Readiness};
pub use info::REDIS_VERSION;
pub use internal::{Answer, Authority, Inner, Refusal};
pub use login::{Login, Verdict};
pub use modules::{DefragStage, KeyEvent, LoadRequest, ModuleDirective, ModuleMemory, ModuleReport, Modules};
pub use resp::Reply;
pub use rng::Rng;
pub use secrets::conceal_directive;
pub use server_events::{Going, ServerEvent};
pub use services::Look;
pub use stats::Stats;
