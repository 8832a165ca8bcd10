//! A client's socket, whichever kind it is.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use socket2::{SockRef, TcpKeepalive};

/// A connected socket that never blocks.
#[derive(Debug)]
pub(crate) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Sends small replies at once, and probes a silent peer after `keepalive` seconds, unless that is 0.
    ///
    /// # Errors
    /// What setting the options answered.
    pub(crate) fn tune(&self, keepalive: u32) -> io::Result<()> {
        let Self::Tcp(stream) = self else { return Ok(()) };
        stream.set_nodelay(true)?;
        if keepalive > 0 {
            // As Redis: three more probes at a third of the interval before the peer is given up.
            let interval = Duration::from_secs(u64::from(keepalive));
            let probe = TcpKeepalive::new().with_time(interval);
            let probe = probe.with_interval((interval / 3).max(Duration::from_secs(1))).with_retries(3);
            SockRef::from(stream).set_tcp_keepalive(&probe)?;
        }
        Ok(())
    }

    /// Watches the socket for both directions, edge-triggered, until it is dropped.
    ///
    /// # Errors
    /// What the poll answered.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let source: &mut dyn Source = match self {
            Self::Tcp(stream) => stream,
            Self::Unix(stream) => stream,
        };
        source.register(registry, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Tells the peer that nothing follows.
    ///
    /// # Errors
    /// When the peer is gone already.
    pub(crate) fn finish(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsRawFd for Stream {
    fn as_raw_fd(&self) -> RawFd {
        match self {
            Self::Tcp(stream) => stream.as_raw_fd(),
            Self::Unix(stream) => stream.as_raw_fd(),
        }
    }
}
