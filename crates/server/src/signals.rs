//! The signals that end the server, and the one that doesn't.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

/// The signals that the server listens to. (SIGPIPE is ignored already: Rust's runtime sees to it.)
#[derive(Debug)]
pub(crate) struct Signals {
    terminated: Arc<AtomicBool>,
    interrupted: Arc<AtomicBool>,
    wake: UnixStream,
}

impl Signals {
    /// Catches SIGTERM and SIGINT, and ignores SIGHUP as Redis does. A SIGINT behind either of them ends the process at
    /// once, with status 1, whatever it is doing.
    ///
    /// # Errors
    /// What the operating system answered.
    pub(crate) fn catch(registry: &Registry, token: Token) -> io::Result<Self> {
        let (mut wake, waker) = UnixStream::pair()?;
        registry.register(&mut wake, token, Interest::READABLE)?;
        let (terminated, interrupted) = (Arc::default(), Arc::default());
        for flag in [&interrupted, &terminated] {
            flag::register_conditional_shutdown(SIGINT, 1, Arc::clone(flag))?;
        }
        for (signal, flag) in [(SIGTERM, &terminated), (SIGINT, &interrupted)] {
            flag::register(signal, Arc::clone(flag))?;
        }
        flag::register(SIGHUP, Arc::default())?;
        let waker = std::os::unix::net::UnixStream::from(std::os::fd::OwnedFd::from(waker));
        low_level::pipe::register(SIGTERM, waker.try_clone()?)?;
        low_level::pipe::register(SIGINT, waker)?;
        Ok(Self { terminated, interrupted, wake })
    }

    /// The signal that asks the server to end, if one came.
    pub(crate) fn ending(&mut self) -> Option<&'static str> {
        let mut bytes = [0; 64];
        while matches!(self.wake.read(&mut bytes), Ok(1..)) {}
        let came = |flag: &AtomicBool| flag.load(Ordering::SeqCst);
        if came(&self.terminated) {
            Some("SIGTERM")
        } else if came(&self.interrupted) {
            Some("SIGINT")
        } else {
            None
        }
    }
}
