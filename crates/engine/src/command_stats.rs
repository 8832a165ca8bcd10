//! What is counted of each command, and of each kind of error.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::client::ClientId;
use crate::command::{self, Call, Command, Flags};
use crate::engine::Engine;
use crate::error::Error;
use crate::latency::Histogram;

/// What is counted of one command.
#[derive(Clone, Debug, Default)]
pub(crate) struct Row {
    pub(crate) calls: u64,
    /// The time that the calls took together, in nanoseconds.
    pub(crate) took_ns: u64,
    /// Calls that were refused before the command ran.
    pub(crate) rejected: u64,
    /// Calls that the command answered with an error.
    pub(crate) failed: u64,
    /// How long the calls took that were made while `latency-tracking` was on.
    pub(crate) histogram: Histogram,
}

impl Row {
    pub(crate) fn is_used(&self) -> bool {
        self.calls != 0 || self.rejected != 0 || self.failed != 0
    }
}

/// A row for each command, and how often each kind of error was answered.
#[derive(Debug)]
pub(crate) struct CommandStats {
    rows: Vec<Row>,
    pub(crate) errors: BTreeMap<Vec<u8>, u64>,
}

impl CommandStats {
    pub(crate) fn new() -> Self {
        Self { rows: vec![Row::default(); command::table_len()], errors: BTreeMap::new() }
    }

    pub(crate) fn of(&self, command: &'static Command) -> &Row {
        static UNUSED: Row =
            Row { calls: 0, took_ns: 0, rejected: 0, failed: 0, histogram: Histogram::EMPTY };
        self.rows.get(command::number(command)).unwrap_or(&UNUSED)
    }

    fn of_mut(&mut self, command: &'static Command) -> &mut Row {
        let number = command::number(command);
        if number >= self.rows.len() {
            self.rows.resize_with(number + 1, Row::default);
        }
        &mut self.rows[number]
    }

    pub(crate) fn reject(&mut self, command: &'static Command) {
        self.of_mut(command).rejected += 1;
    }

    /// Counts an error by its code; one without a code counts as `ERR`.
    #[cold]
    pub(crate) fn count_error(&mut self, error: &Error) {
        let code = if error.as_bytes().contains(&b' ') { error.code() } else { b"ERR" };
        match self.errors.get_mut(code) {
            Some(count) => *count += 1,
            None => _ = self.errors.insert(code.to_vec(), 1),
        }
    }
}

impl Engine {
    /// Adds to the time that a command has taken what was spent on it elsewhere, while its client waited.
    pub fn add_command_time(&mut self, command: &'static Command, took: Duration) {
        self.command_stats.of_mut(command).took_ns += took.as_nanos() as u64;
    }

    /// The moment at which a command begins: the one at which the command before it ended, if it was of the same
    /// batch, so that the clock is read once for each.
    #[inline]
    pub(crate) fn begin_measure(&mut self) -> Instant {
        let begun = self.last_end.take().unwrap_or_else(Instant::now);
        self.began = begun;
        begun
    }

    /// When the last command began that has begun, in real time.
    #[inline]
    pub fn command_began(&self) -> Instant {
        self.began
    }

    /// Counts a call that began at `begun`, for INFO, SLOWLOG, LATENCY and those who watch with MONITOR.
    #[inline]
    pub(crate) fn end_measure(
        &mut self,
        id: ClientId,
        call: &Call,
        args: &[&[u8]],
        begun: Instant,
        failed: bool,
    ) {
        let ended = Instant::now();
        self.last_end = Some(ended);
        let took = ended - begun;
        let took_ns = took.as_nanos() as u64;
        let row = self.command_stats.of_mut(call.command);
        row.calls += 1;
        row.took_ns += took_ns;
        row.failed += u64::from(failed);
        if self.config.latency_tracking {
            row.histogram.record(took_ns);
        }
        let is_fast = call.command.flags.contains(Flags::FAST);
        self.note_latency(if is_fast { "fast-command" } else { "command" }, took);
        self.note_slow(id, call, args, took);
        self.feed_monitors(id, call, args);
    }
}
