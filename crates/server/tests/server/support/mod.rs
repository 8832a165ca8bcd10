//! A server for a test, and what talks to it.

mod client;
mod modules;
mod oracle;
mod processes;
mod redis_cli;
mod server;

use std::time::{Duration, Instant};

pub(crate) use client::{Client, encode};
pub(crate) use modules::{compile, compile_bare};
pub(crate) use oracle::Oracle;
pub(crate) use processes::{has_no_pending_signal, signal, wait_until_busy};
pub(crate) use redis_cli::redis_cli;
pub(crate) use server::{Server, Stopped, free_port, run};

/// How long anything that is bound to happen may take: long, because it costs time only when a test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Waits until `condition` gives a value.
///
/// # Panics
/// When it hasn't by the [`DEADLINE`]; `what` says what was waited for.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
