//! What can go wrong with a server under test.

use std::path::PathBuf;
use std::{fmt, io};

use engine::config::LoadError;

use super::LogLine;

/// Why something couldn't be done. Its text says what, and shows the log as far as that tells more.
#[derive(Debug)]
#[non_exhaustive]
pub enum TestError {
    /// A file couldn't be read or copied.
    File {
        /// Which one.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// A line of the configuration was refused.
    Configuration(LoadError),
    /// A module wasn't loaded.
    NotLoaded {
        /// Its file.
        path: PathBuf,
        /// What was logged meanwhile, by the host and in the module's OnLoad.
        log: Vec<LogLine>,
    },
    /// A module wasn't unloaded.
    NotUnloaded {
        /// Its name.
        name: String,
        /// What MODULE UNLOAD would reply.
        reply: String,
    },
    /// No module has that name.
    NoModule(String),
    /// No client can be connected.
    NotConnected(String),
    /// The client was closed, and what it was owed has been read.
    Closed,
    /// Replies to earlier commands of the client haven't been read.
    Unread(usize),
    /// A command replied nothing, and doesn't wait for anything.
    NoReply {
        /// The command's words.
        command: String,
    },
    /// What was waited for has not come within [`PATIENCE`](super::PATIENCE).
    Waited {
        /// What that was.
        what: String,
        /// The end of the log.
        log: Vec<LogLine>,
    },
    /// What a client was sent is no reply, or not all of one: a module has announced other elements than it sent.
    Malformed {
        /// The command's words.
        command: String,
        /// What it replied.
        bytes: Vec<u8>,
    },
}

impl fmt::Display for TestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, reason } => write!(f, "{}: {reason}", path.display()),
            Self::Configuration(error) => error.fmt(f),
            Self::NotLoaded { path, log } => {
                write!(f, "{} wasn't loaded", path.display())?;
                show(f, log)
            }
            Self::NotUnloaded { name, reply } => write!(f, "the module {name} stays: {reply}"),
            Self::NoModule(name) => write!(f, "there is no module {name}"),
            Self::NotConnected(reason) => write!(f, "no client can be connected: {reason}"),
            Self::Closed => f.write_str("the client was closed"),
            Self::Unread(count) => write!(f, "{count} replies to earlier commands haven't been read"),
            Self::NoReply { command } => write!(f, "{command}: replied nothing"),
            Self::Waited { what, log } => {
                write!(f, "waited in vain: {what}")?;
                show(f, log)
            }
            Self::Malformed { command, bytes } => {
                write!(f, "{command}: not a whole reply: {}", bytes.escape_ascii())
            }
        }
    }
}

impl std::error::Error for TestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::File { reason, .. } => Some(reason),
            Self::Configuration(error) => Some(error),
            _ => None,
        }
    }
}

fn show(f: &mut fmt::Formatter<'_>, log: &[LogLine]) -> fmt::Result {
    log.iter().try_for_each(|line| write!(f, "\n    {line}"))
}
