//! The log of a server under test, kept to be looked at.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use engine::config::LogLevel;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Its level.
    pub level: LogLevel,
    /// The message. A module's begins with the module's name, as in `<name> text`.
    pub text: String,
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.level.word(), self.text)
    }
}

/// Collects what is logged.
#[derive(Debug)]
pub(super) struct Log {
    lines: Arc<Mutex<Vec<LogLine>>>,
    /// Whoever sends lines here.
    pub(super) dispatch: Dispatch,
}

impl Log {
    pub(super) fn new() -> Self {
        let lines = Arc::<Mutex<Vec<LogLine>>>::default();
        let dispatch = Dispatch::new(Collector { lines: Arc::clone(&lines) });
        Self { lines, dispatch }
    }

    /// Everything that has been logged.
    pub(super) fn lines(&self) -> Vec<LogLine> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Collector {
    lines: Arc<Mutex<Vec<LogLine>>>,
}

impl Subscriber for Collector {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        // Lines are kept without the spans that they stand in, so all spans may be one.
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut message = Message::default();
        event.record(&mut message);
        let level = match *event.metadata().level() {
            Level::TRACE => LogLevel::Debug,
            Level::DEBUG => LogLevel::Verbose,
            Level::INFO => LogLevel::Notice,
            Level::WARN | Level::ERROR => LogLevel::Warning,
        };
        let line = LogLine { level, text: message.0 };
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

/// The message of an event.
#[derive(Default)]
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
