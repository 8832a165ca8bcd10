//! Reports on the death of the process.
//!
//! After [`install`], a fatal signal (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) or a panic writes a
//! report to the log, and then the process ends as it would have without it: killed by the same
//! signal, or by SIGABRT after a panic. The report says what happened, where on the stack, during
//! which command of which client, and what the last published statistics were.
//!
//! A process that is dying cannot be trusted, so the report is written under these rules:
//!
//! - Nothing that it relies on is live state. The command is reached through a pointer that is only
//!   published while its arguments are borrowed ([`running`]); the statistics are text made earlier
//!   ([`publish_info`]).
//! - Sections come in the order of how little they need. What happened, the command and the
//!   statistics take no lock and no allocation; the stack's addresses need the unwinder; the names
//!   of its functions, last, need locks, files and memory.
//! - A fault inside the report costs the section in which it happened; the next one follows. A
//!   report that stands still is ended by a timer, with the original signal.
//! - A second thread that dies meanwhile waits for the first one's report.
//!
//! | file | what it does |
//! |---|---|
//! | `signals.rs` | catches fatal signals, ends the process |
//! | `panics.rs` | catches panics |
//! | `report.rs` | the sections of a report and their order |
//! | `stack.rs` | addresses and names of the calling functions |
//! | `command.rs` | the commands that this thread is running |
//! | `info.rs` | the last published statistics |
//! | `sink.rs` | formatted output to a file descriptor, escaping |
//! | `handler_stack.rs` | the stack that signal handlers run on |
//! | `context/` | registers at the time of a signal, by platform |
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! crash::install(crash::Setup {
//!     banner: "example 1.0".to_owned(),
//!     log: None,
//!     time_limit: std::time::Duration::from_secs(10),
//! })?;
//! crash::publish_info("used_memory:1024\r\n".to_owned());
//! let command = crash::Command { client: 7, args: &[b"GET", b"key"], secret: false };
//! let reply = crash::running(command, || "a crash in here names GET and its key");
//! # drop(reply);
//! # Ok(())
//! # }
//! ```

mod command;
mod context;
mod handler_stack;
mod info;
mod panics;
mod report;
mod signals;
mod sink;
mod stack;

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

pub use command::{Command, conceal, running};
pub use handler_stack::protect_thread;
pub use info::publish_info;

/// What a report needs to know beforehand.
#[derive(Debug, Clone)]
pub struct Setup {
    /// One line that identifies the program: name, version, build.
    pub banner: String,
    /// The log file, to which a report is appended; it is opened when the report is written, so
    /// that it may have been rotated meanwhile. `None`, or a file that can't be opened: standard
    /// output.
    pub log: Option<PathBuf>,
    /// How long a report may take before the process is ended without the rest of it. Rounded up
    /// to whole seconds, at least one.
    pub time_limit: Duration,
}

/// [`Setup`] in the form in which a signal handler can use it.
struct Installed {
    banner: String,
    log: Option<CString>,
    time_limit_seconds: u32,
    image: stack::Image,
}

static INSTALLED: OnceLock<Installed> = OnceLock::new();

/// Makes fatal signals and panics write a report.
///
/// Replaces the process's handlers of SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT and its panic
/// hook; a report also takes SIGALRM, for its timer. From here on a panic ends the process on
/// whichever thread it happens, and `catch_unwind` no longer contains it. The calling thread is
/// given a stack for signal handlers, as by [`protect_thread`].
///
/// # Errors
/// [`io::ErrorKind::AlreadyExists`] if called before in this process;
/// [`io::ErrorKind::InvalidInput`] if the log's path contains a NUL byte; otherwise what the
/// operating system answered. After an error the process may have some of the handlers.
pub fn install(setup: Setup) -> io::Result<()> {
    let log = match setup.log {
        // The working directory may change between now and the report.
        Some(path) => Some(CString::new(std::path::absolute(path)?.into_os_string().into_vec())?),
        None => None,
    };
    let seconds = setup.time_limit.as_secs() + u64::from(setup.time_limit.subsec_nanos() > 0);
    let installed = Installed {
        banner: setup.banner,
        log,
        time_limit_seconds: u32::try_from(seconds).unwrap_or(u32::MAX).max(1),
        image: stack::Image::of_this_program(),
    };
    if INSTALLED.set(installed).is_err() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "crash reports are installed already"));
    }
    protect_thread()?;
    panics::install();
    signals::install()
}
