//! Descriptors that modules have watched.

use std::collections::HashSet;
use std::io;
use std::os::fd::{AsRawFd, RawFd};

use engine::Readiness;
use mio::event::Event;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};

/// The token of descriptor 0; no client has one that is so large.
pub(crate) const FIRST_DESCRIPTOR: usize = usize::MAX / 2;

/// Descriptors that are watched for modules.
#[derive(Debug)]
pub(crate) struct Descriptors {
    registry: Registry,
    watched: HashSet<i32>,
}

impl Descriptors {
    /// None yet.
    pub(crate) fn new(registry: Registry) -> Self {
        Self { registry, watched: HashSet::new() }
    }

    /// The descriptor with which they are watched.
    pub(crate) fn watched_with(&self) -> RawFd {
        self.registry.as_raw_fd()
    }

    /// Watches a descriptor for what is wanted, or no longer.
    ///
    /// An event is had once for each time that a descriptor becomes ready. One that is registered anew is looked at
    /// anew, though: so whoever is told that it is ready, and asks again, is told as long as it is.
    ///
    /// # Errors
    /// When the system can't watch it.
    pub(crate) fn watch(&mut self, fd: i32, wanted: Readiness) -> io::Result<()> {
        let interest = match (wanted.readable, wanted.writable) {
            (true, true) => Interest::READABLE | Interest::WRITABLE,
            (true, false) => Interest::READABLE,
            (false, true) => Interest::WRITABLE,
            (false, false) => {
                let was_watched = self.watched.remove(&fd);
                return if was_watched { self.registry.deregister(&mut SourceFd(&fd)) } else { Ok(()) };
            }
        };
        let Some(token) = usize::try_from(fd).ok().and_then(|fd| fd.checked_add(FIRST_DESCRIPTOR)) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let mut source = SourceFd(&fd);
        // One that was closed meanwhile, and is another file's now, isn't registered any more.
        if !self.watched.insert(fd) && self.registry.reregister(&mut source, Token(token), interest).is_ok() {
            return Ok(());
        }
        let registered = self.registry.register(&mut source, Token(token), interest);
        if registered.is_err() {
            self.watched.remove(&fd);
        }
        registered
    }
}

/// The descriptor that an event is of, and what it is ready for. What goes wrong with one shows when it is read or
/// written.
pub(crate) fn readiness(event: &Event) -> Option<(i32, Readiness)> {
    let fd = i32::try_from(event.token().0 - FIRST_DESCRIPTOR).ok()?;
    let has_failed = event.is_error();
    let readable = event.is_readable() || event.is_read_closed() || has_failed;
    let writable = event.is_writable() || event.is_write_closed() || has_failed;
    Some((fd, Readiness { readable, writable }))
}
