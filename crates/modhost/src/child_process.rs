//! Child processes: forking one off, hearing from it, ending it.
//!
//! A child has one thread, the one that forked, and a copy of everything else as it stood at that moment: of what other
//! threads were at, too. What they held locked stays locked in it for ever. So the locks that a child can come by are
//! taken before the fork, and let go of on both sides:
//!
//! - the C library's and jemalloc's, the latter's background threads included, by handlers of their own
//!   (`pthread_atfork`), as are those of the ledger;
//! - those of this crate that other threads take without having the engine, here;
//! - that of the log, by [`Host::while_forking`](engine::Host::while_forking).
//!
//! The engine itself nobody else has: whoever forks has it. Its thread that frees values isn't in the child, which
//! frees them itself. So in a child a module may allocate, use keys and values, call commands and log. What its own
//! threads, or those of libraries that it links, had locked is the module's to think of, as in Redis.
//!
//! A child never gets back to the event loop. It ends by ExitFromChild, or where the function returns that has forked
//! it ([`lend`]), and then without destructors, which would undo what is the parent's: the file of a
//! unix socket, say. Descriptors that only the parent may use are `/dev/null` in the child, so that nothing it does
//! reaches the sockets of clients or changes what the parent waits for; and a client whose connection the parent closes
//! sees that at once, not only when the child ends.

use std::ffi::c_int;
use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use engine::{ChildReport, Engine};

use crate::gil::Gil;
use crate::lend;
use crate::slot::{self, Slot};

/// The status of children that end because they are told to. As in Redis this counts as SIGUSR1, whoever exits so.
const TOLD_TO_END: c_int = 255;

/// How long a child that is told to end may take for it.
const PATIENCE: Duration = Duration::from_secs(1);

/// Of a child's time, what may go into finding out what copy-on-write has cost it.
const MEASURING_SHARE: u32 = 100;

/// How a child has ended, as its parent is told: what it exited with, or −1; and the signal, or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ending {
    pub(crate) status: c_int,
    pub(crate) signal: c_int,
}

impl Ending {
    /// What `waitpid` says.
    fn of(status: c_int) -> Self {
        let signal = if libc::WIFSIGNALED(status) { libc::WTERMSIG(status) } else { 0 };
        let status = if libc::WIFEXITED(status) { libc::WEXITSTATUS(status) } else { -1 };
        if status == TOLD_TO_END || signal == libc::SIGUSR1 {
            return Self { status: 1, signal: libc::SIGUSR1 };
        }
        Self { status, signal }
    }
}

/// A child, as its parent sees it. It is ended with the value.
#[derive(Debug)]
pub(crate) struct ChildProcess {
    pid: libc::pid_t,
    reports: PipeReader,
    /// Whether it has ended, and the system has forgotten it.
    is_over: bool,
}

/// Which of the two processes this is.
#[derive(Debug)]
pub(crate) enum Side {
    /// The parent, and how long the fork took.
    Parent(ChildProcess, Duration),
    /// The child.
    Child,
}

/// What a child knows of its parent.
#[derive(Debug)]
struct Parent {
    reports: PipeWriter,
    /// When it was last measured what copy-on-write has cost, how long that took, and what came out, in bytes.
    measured: Option<(Instant, Duration, usize)>,
}

/// Who the parent is, in a child.
static PARENT: Mutex<Option<Parent>> = Mutex::new(None);

/// Whether this process is a child.
static IS_CHILD: AtomicBool = AtomicBool::new(false);

/// Whether this process is a child that was forked off here.
#[inline]
pub(crate) fn is_child() -> bool {
    IS_CHILD.load(Ordering::Relaxed)
}

/// Forks a child off, which is that engine's.
///
/// # Errors
/// What the system answers: no more processes, no memory, no descriptors.
pub(crate) fn fork(engine: &mut Engine, gil: &Gil) -> io::Result<Side> {
    let (reports, to_parent) = io::pipe()?;
    set_nonblocking(reports.as_raw_fd())?;
    let mut outcome = Err(io::ErrorKind::Other.into());
    let began = Instant::now();
    let slots: Vec<_> = slot::taken().map(Slot::hold).collect();
    let shared = gil.hold();
    engine.while_forking(&mut || {
        // SAFETY: what other threads could hold locked that the child uses is held by this one; see above.
        outcome = match unsafe { libc::fork() } {
            -1 => Err(io::Error::last_os_error()),
            pid => Ok(pid),
        };
    });
    drop((slots, shared));
    match outcome? {
        0 => {
            drop(reports);
            become_child(engine, to_parent);
            Ok(Side::Child)
        }
        pid => Ok(Side::Parent(ChildProcess { pid, reports, is_over: false }, began.elapsed())),
    }
}

/// Makes a child of this process, which was forked off just now.
fn become_child(engine: &mut Engine, reports: PipeWriter) {
    IS_CHILD.store(true, Ordering::Relaxed);
    *parent() = Some(Parent { reports, measured: None });
    for signal in [libc::SIGUSR1, libc::SIGTERM, libc::SIGINT] {
        // SAFETY: what the signals did in the parent was for its event loop; here they end the process.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let shared = engine.become_child();
    // SAFETY: the path ends with NUL.
    let null = unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
    for descriptor in shared {
        // SAFETY: the engine knows these as its own and its host's, whose owners can go on with what takes their place:
        // it is open, and gives and takes nothing.
        unsafe {
            if null < 0 {
                libc::close(descriptor);
            } else {
                libc::dup3(null, descriptor, libc::O_CLOEXEC);
            }
        }
    }
    if null >= 0 {
        // SAFETY: it was opened above.
        drop(unsafe { OwnedFd::from_raw_fd(null) });
    }
    lend::end_with_this_call();
}

fn set_nonblocking(descriptor: c_int) -> io::Result<()> {
    // SAFETY: the descriptor is open.
    let outcome = unsafe { libc::fcntl(descriptor, libc::F_SETFL, libc::O_NONBLOCK) };
    if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The bytes of a report: three numbers of eight bytes each. A pipe takes so few in one piece.
const REPORT: usize = 24;

fn encode(report: ChildReport) -> [u8; REPORT] {
    let mut bytes = [0; REPORT];
    bytes[..8].copy_from_slice(&u64::from(report.is_last).to_ne_bytes());
    bytes[8..16].copy_from_slice(&(report.cow as u64).to_ne_bytes());
    bytes[16..].copy_from_slice(&report.progress.unwrap_or(f64::NAN).to_ne_bytes());
    bytes
}

fn decode(bytes: [u8; REPORT]) -> ChildReport {
    let number = |at: usize| -> [u8; 8] { std::array::from_fn(|byte| bytes[at + byte]) };
    let progress = f64::from_ne_bytes(number(16));
    ChildReport {
        cow: u64::from_ne_bytes(number(8)) as usize,
        progress: (!progress.is_nan()).then_some(progress),
        is_last: u64::from_ne_bytes(number(0)) != 0,
    }
}

impl ChildProcess {
    /// Its number.
    pub(crate) fn pid(&self) -> libc::pid_t {
        self.pid
    }

    /// The next report that it has sent, if there is one.
    pub(crate) fn report(&mut self) -> Option<ChildReport> {
        let mut bytes = [0; REPORT];
        // One is read whole or not at all, as it was written.
        match self.reports.read(&mut bytes) {
            Ok(REPORT) => Some(decode(bytes)),
            _ => None,
        }
    }

    /// How it has ended, if it has; asked once more after that, it hasn't.
    pub(crate) fn ending(&mut self) -> Option<Ending> {
        self.wait(libc::WNOHANG)
    }

    fn wait(&mut self, options: c_int) -> Option<Ending> {
        if self.is_over {
            return None;
        }
        let mut status = 0;
        // SAFETY: there is a place for the status.
        let ended = unsafe { libc::waitpid(self.pid, &mut status, options) };
        match ended {
            0 => return None,
            -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => return None,
            // Somebody else has waited for it, a module perhaps: how it ended nobody knows.
            -1 => status = 0,
            _ => {}
        }
        self.is_over = true;
        Some(Ending::of(status))
    }

    /// Ends it: tells it to end, and kills it where it doesn't.
    pub(crate) fn end(&mut self) {
        let until = Instant::now() + PATIENCE;
        self.signal(libc::SIGUSR1);
        while self.ending().is_none() && !self.is_over {
            if Instant::now() >= until {
                self.signal(libc::SIGKILL);
                while self.wait(0).is_none() && !self.is_over {}
            } else {
                thread::sleep(Duration::from_millis(1));
            }
        }
    }

    fn signal(&self, signal: c_int) {
        // SAFETY: the process hasn't been waited for, so its number is no other's.
        unsafe { libc::kill(self.pid, signal) };
    }
}

impl Drop for ChildProcess {
    fn drop(&mut self) {
        if !self.is_over {
            self.end();
        }
    }
}

fn parent() -> std::sync::MutexGuard<'static, Option<Parent>> {
    PARENT.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Parent {
    /// What copy-on-write has cost this process so far, in bytes; measured anew if that must be, or if the last time is
    /// long enough ago.
    fn cow(&mut self, must_be_new: bool) -> usize {
        match self.measured {
            Some((at, took, cow)) if !must_be_new && at.elapsed() < took * MEASURING_SHARE => cow,
            _ => {
                let began = Instant::now();
                let cow = zmalloc::process::private_dirty().unwrap_or(0);
                let now = Instant::now();
                self.measured = Some((now, now - began, cow));
                cow
            }
        }
    }

    fn tell(&mut self, progress: Option<f64>, is_last: bool) -> io::Result<()> {
        let cow = self.cow(is_last);
        self.reports.write_all(&encode(ChildReport { cow, progress, is_last }))
    }
}

/// Tells the parent how far this child has come. Nothing where this process is no child. One whose parent is gone ends.
pub(crate) fn tell_progress(progress: f64) {
    let told = parent().as_mut().map_or(Ok(()), |parent| parent.tell(Some(progress), false));
    if let Err(error) = told {
        tracing::warn!("A child process can't tell its parent anything, and ends: {error}");
        exit(1);
    }
}

/// Tells the parent what this child has cost, and ends it. Whoever isn't a child goes on.
pub(crate) fn exit_child(status: c_int) {
    if !is_child() {
        return;
    }
    let told = parent().as_mut().map_or(Ok(()), |parent| parent.tell(None, true));
    if let Err(error) = told {
        tracing::warn!("A child process can't tell its parent anything: {error}");
        exit(1);
    }
    exit(status)
}

/// Ends a child that has come back to where its parent goes on.
#[cold]
pub(crate) fn exit_astray() -> ! {
    tracing::warn!("A module's child process has returned instead of calling ExitFromChild: it is ended");
    exit(1)
}

/// Ends the process, and nothing else.
fn exit(status: c_int) -> ! {
    // SAFETY: it may be called at any time.
    unsafe { libc::_exit(status) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_told_as_they_are() {
        for progress in [None, Some(0.0), Some(0.25), Some(1.0)] {
            for (cow, is_last) in [(0, false), (usize::MAX, true)] {
                let report = ChildReport { cow, progress, is_last };
                assert_eq!(decode(encode(report)), report);
            }
        }
    }

    #[test]
    fn endings_are_those_that_redis_tells() {
        let exited = |status: c_int| Ending::of(status << 8);
        assert_eq!(exited(0), Ending { status: 0, signal: 0 });
        assert_eq!(exited(7), Ending { status: 7, signal: 0 });
        assert_eq!(exited(255), Ending { status: 1, signal: libc::SIGUSR1 });
        assert_eq!(Ending::of(libc::SIGKILL), Ending { status: -1, signal: libc::SIGKILL });
        assert_eq!(Ending::of(libc::SIGUSR1), Ending { status: 1, signal: libc::SIGUSR1 });
    }
}
