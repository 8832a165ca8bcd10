//! The server's log, in the line format of Redis's: `PID:ROLE DATE TIME LEVEL message`.
//!
//! Messages are logged by [`tracing`]'s macros; its levels are Redis's as follows.
//!
//! | `tracing` | Redis | mark |
//! |---|---|---|
//! | TRACE | debug | `.` |
//! | DEBUG | verbose | `-` |
//! | INFO | notice | `*` |
//! | WARN, ERROR | warning | `#` |

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use engine::config::LogLevel;
use jiff::Zoned;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::reload;

/// Whether this is a child process of the server.
static IS_CHILD: AtomicBool = AtomicBool::new(false);

/// Held while a line gets its time, for which the rules of the time zone may have to be read.
static TURN: Mutex<()> = Mutex::new(());

/// The role that every line names: a master, or a child process. (Redis also has `S` and `X`: replica and sentinel.)
fn role() -> char {
    if IS_CHILD.load(Ordering::Relaxed) { 'C' } else { 'M' }
}

/// Has lines name a child process from now on.
pub(crate) fn enter_child() {
    IS_CHILD.store(true, Ordering::Relaxed);
}

/// Runs `body` while no other thread is at a line in such a way that it holds what a child process needs for one.
pub(crate) fn alone(body: impl FnOnce()) {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let _stdout = io::stdout().lock();
    body();
}

/// What `loglevel` lets through: its level and all above it.
fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Debug => LevelFilter::TRACE,
        LogLevel::Verbose => LevelFilter::DEBUG,
        LogLevel::Notice => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
    }
}

/// What the log's directives say.
#[derive(Debug, Clone)]
pub(crate) struct LogSettings {
    /// `loglevel`.
    pub(crate) level: LogLevel,
    /// `logfile`: appended to, and opened for every message so that it can be rotated at any time.
    /// `None`, in redis.conf an empty name, is standard output.
    pub(crate) file: Option<PathBuf>,
}

/// The log of this process, once started.
#[derive(Debug)]
pub(crate) struct Log {
    level: LevelHandle,
    destination: Destination,
}

/// Changes what a running log lets through.
type LevelHandle = reload::Handle<LevelFilter, tracing_subscriber::Registry>;

/// Makes `tracing`'s macros write to the log, for the rest of the process.
///
/// # Errors
/// If the log file can't be opened; [`io::ErrorKind::AlreadyExists`] if there is a log already.
pub(crate) fn init(settings: &LogSettings) -> io::Result<Log> {
    let (subscriber, log) = build(settings)?;
    tracing::subscriber::set_global_default(subscriber)
        .map_err(|error| io::Error::new(io::ErrorKind::AlreadyExists, error))?;
    Ok(log)
}

fn build(settings: &LogSettings) -> io::Result<(impl Subscriber + Send + Sync, Log)> {
    let destination = match &settings.file {
        Some(path) => Destination::File(std::path::absolute(path)?),
        None => Destination::StandardOutput,
    };
    // Opened once now, so that a path that can't be written is refused at the start.
    destination.open()?;
    let (filter, level) = reload::Layer::new(filter(settings.level));
    let lines = tracing_subscriber::fmt::layer()
        .event_format(Line { now: Zoned::now })
        .with_writer(destination.clone())
        // Complaints about lost messages would go to standard error, and panic if that is closed.
        .log_internal_errors(false);
    let subscriber = tracing_subscriber::registry().with(filter).with(lines);
    Ok((subscriber, Log { level, destination }))
}

impl Log {
    /// Puts another `loglevel` into effect.
    pub(crate) fn set_level(&self, level: LogLevel) {
        // Fails only when the subscriber is gone, and then there is nothing to filter.
        let _ = self.level.reload(filter(level));
    }

    /// Writes `text` without the start of a log line, whatever the level: the banner.
    ///
    /// # Errors
    /// What opening or writing to the destination answered.
    pub(crate) fn raw(&self, text: &impl fmt::Display) -> io::Result<()> {
        self.destination.open()?.write_all(text.to_string().as_bytes())
    }
}

/// Where the log goes.
#[derive(Debug, Clone)]
enum Destination {
    StandardOutput,
    File(PathBuf),
}

impl Destination {
    fn open(&self) -> io::Result<Output> {
        match self {
            Self::StandardOutput => Ok(Output::Stdout(io::stdout())),
            Self::File(path) => open_to_append(path).map(Output::File),
        }
    }
}

fn open_to_append(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

impl<'a> MakeWriter<'a> for Destination {
    type Writer = Output;

    fn make_writer(&'a self) -> Output {
        // As in Redis, a message that can't be written is lost and the server goes on.
        self.open().unwrap_or(Output::Lost)
    }
}

/// An open [`Destination`].
enum Output {
    Stdout(io::Stdout),
    File(File),
    Lost,
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => {
                // Tools that read the log through a pipe wait for lines.
                let written = stdout.write(bytes)?;
                stdout.flush()?;
                Ok(written)
            }
            Self::File(file) => file.write(bytes),
            Self::Lost => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::File(file) => file.flush(),
            Self::Lost => Ok(()),
        }
    }
}

/// Formats an event as one line of the log.
struct Line<Now> {
    now: Now,
}

impl<S, N, Now> FormatEvent<S, N> for Line<Now>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
    Now: Fn() -> Zoned,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mark = match *event.metadata().level() {
            Level::TRACE => '.',
            Level::DEBUG => '-',
            Level::INFO => '*',
            Level::WARN | Level::ERROR => '#',
        };
        let role = role();
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let time = (self.now)();
        drop(turn);
        write!(writer, "{}:{role} {} {mark} ", process::id(), time.strftime("%d %b %Y %H:%M:%S.%3f"))?;
        let mut message = String::new();
        context.format_fields(Writer::new(&mut message), event)?;
        // What a client sent may be part of the message; it must not forge lines of the log.
        for character in message.chars() {
            if character.is_control() {
                write!(writer, "{}", character.escape_default())?;
            } else {
                writer.write_char(character)?;
            }
        }
        writeln!(writer)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;
    use tracing::{debug, error, info, trace, warn};

    use super::*;

    /// What `messages` leave in a log at a fixed time.
    fn logged_at(time: &str, messages: impl FnOnce()) -> String {
        let time: Zoned = time.parse().expect("a time with its zone");
        let output = Arc::new(Mutex::new(Vec::new()));
        let lines =
            tracing_subscriber::fmt::layer().event_format(Line { now: move || time.clone() }).with_writer({
                let output = Arc::clone(&output);
                move || Shared(Arc::clone(&output))
            });
        let subscriber = tracing_subscriber::registry().with(lines);
        with_default(subscriber, messages);
        let bytes = output.lock().expect("unpoisoned").clone();
        String::from_utf8(bytes).expect("text")
    }

    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("unpoisoned").write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn every_level() {
        trace!("at trace");
        debug!("at debug");
        info!("at info");
        warn!("at warn");
        error!("at error");
    }

    #[test]
    fn every_level_has_its_mark() {
        let lines = logged_at("2026-03-05T07:08:09.0456+02:00[+02:00]", every_level);
        let start = format!("{}:M 05 Mar 2026 07:08:09.045", process::id());
        assert_eq!(
            lines,
            format!(
                "{start} . at trace\n{start} - at debug\n{start} * at info\n\
                 {start} # at warn\n{start} # at error\n"
            )
        );
    }

    #[test]
    fn milliseconds_have_three_digits() {
        for (fraction, digits) in [("", "000"), (".007", "007"), (".9999", "999")] {
            let time = format!("2025-12-31T23:59:59{fraction}+00:00[UTC]");
            let line = logged_at(&time, || info!("x"));
            let end = format!("31 Dec 2025 23:59:59.{digits} * x\n");
            assert!(line.ends_with(&end), "{line}");
        }
    }

    #[test]
    fn arguments_and_fields_are_part_of_the_message() {
        let line = logged_at("2025-01-01T00:00:00+00:00[UTC]", || {
            info!(port = 6379, "accepted {}", "one");
        });
        assert!(line.ends_with(" * accepted one port=6379\n"), "{line}");
    }

    #[test]
    fn a_message_is_one_line_whatever_is_in_it() {
        let line = logged_at("2025-01-01T00:00:00+00:00[UTC]", || {
            info!("{}", "a\r\n1:M forged\x1b[2J\0é");
        });
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(!line.trim_end().contains(char::is_control), "{line}");
        assert!(line.contains(r"a\r\n1:M forged"), "{line}");
        assert!(line.contains('é'), "{line}");
    }

    fn in_a_file(level: LogLevel) -> (tempfile::TempDir, LogSettings) {
        let directory = tempfile::tempdir().expect("a directory");
        let settings = LogSettings { level, file: Some(directory.path().join("log")) };
        (directory, settings)
    }

    /// The messages in a log file, without the start of their lines.
    fn messages_in(settings: &LogSettings) -> Vec<String> {
        let path = settings.file.as_ref().expect("a file");
        let text = std::fs::read_to_string(path).expect("readable");
        let message = |line: &str| line.splitn(7, ' ').last().map(str::to_owned);
        text.lines().filter_map(message).collect()
    }

    #[test]
    fn the_level_can_change_while_the_log_runs() {
        let (_directory, settings) = in_a_file(LogLevel::Notice);
        let (subscriber, log) = build(&settings).expect("a log");
        let all = ["at trace", "at debug", "at info", "at warn", "at error"];
        with_default(subscriber, || {
            every_level();
            assert_eq!(messages_in(&settings), all[2..]);
            let levels = [LogLevel::Warning, LogLevel::Notice, LogLevel::Verbose, LogLevel::Debug];
            for (level, hidden) in levels.into_iter().zip([3, 2, 1, 0]) {
                std::fs::write(settings.file.as_ref().expect("a file"), "").expect("writable");
                log.set_level(level);
                every_level();
                assert_eq!(messages_in(&settings), all[hidden..], "{}", level.word());
            }
        });
    }

    #[test]
    fn a_file_is_appended_to_and_made_anew_after_rotation() {
        let (directory, settings) = in_a_file(LogLevel::Notice);
        let path = directory.path().join("log");
        std::fs::write(&path, "earlier\n").expect("writable");
        let (subscriber, log) = build(&settings).expect("a log");
        with_default(subscriber, || {
            log.raw(&"banner\n").expect("writable");
            info!("one");
            std::fs::rename(&path, directory.path().join("log.1")).expect("renamed");
            info!("two");
        });
        let rotated = std::fs::read_to_string(directory.path().join("log.1")).expect("text");
        assert!(rotated.starts_with("earlier\nbanner\n"), "{rotated}");
        assert!(rotated.ends_with(" * one\n"), "{rotated}");
        assert_eq!(messages_in(&settings), ["two"]);
    }

    #[test]
    fn a_lost_file_loses_messages_only() {
        let (directory, settings) = in_a_file(LogLevel::Notice);
        let (subscriber, log) = build(&settings).expect("a log");
        drop(directory);
        with_default(subscriber, || info!("lost"));
        assert!(log.raw(&"banner").is_err());
    }

    #[test]
    fn an_unusable_file_is_refused() {
        let (directory, mut settings) = in_a_file(LogLevel::Notice);
        settings.file = Some(directory.path().join("no/such/log"));
        let refusal = build(&settings).map(|_| ()).expect_err("refused");
        assert_eq!(refusal.kind(), io::ErrorKind::NotFound);
    }
}
