//! The sockets that listen: `bind`, `port`, `unixsocket`.

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use engine::Origin;
use engine::config::Config;
use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use slab::Slab;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::stream::Stream;

/// Every socket that listens.
#[derive(Debug)]
pub(crate) struct Listeners {
    registry: Registry,
    /// The token of the first listener; those of the others follow.
    first_token: usize,
    sockets: Slab<Listener>,
    unix_path: Option<PathBuf>,
    /// What the TCP sockets listen on now.
    tcp: Addresses,
}

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// What the directives say about TCP.
#[derive(Clone, Debug)]
struct Addresses {
    bind: Vec<String>,
    port: u16,
    backlog: u32,
}

impl Addresses {
    fn of(config: &Config) -> Self {
        Self { bind: config.bind.clone(), port: config.port, backlog: config.tcp_backlog }
    }
}

/// Why the server can't listen.
#[derive(Debug)]
pub(crate) struct ListenError {
    place: String,
    error: io::Error,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.error)
    }
}

impl std::error::Error for ListenError {}

/// A new connection.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) stream: Stream,
    /// Its addresses, as CLIENT LIST shows them.
    pub(crate) origin: Origin,
    /// Whether it comes from this machine.
    pub(crate) is_local: bool,
}

impl Listeners {
    /// No listeners yet; theirs will be the tokens from `first_token` on.
    pub(crate) fn new(registry: Registry, first_token: usize) -> Self {
        let tcp = Addresses { bind: Vec::new(), port: 0, backlog: 0 };
        Self { registry, first_token, sockets: Slab::new(), unix_path: None, tcp }
    }

    /// Whether there is no listener at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.sockets.is_empty()
    }

    /// Makes the TCP sockets those that `bind` and `port` ask for.
    ///
    /// # Errors
    /// The first address that can't be listened on; then it is as before.
    pub(crate) fn listen_tcp(&mut self, config: &Config) -> Result<(), ListenError> {
        // The present sockets go first: one for all addresses stands in the way of one for a single address.
        self.close_tcp();
        let wanted = Addresses::of(config);
        let opened = self.open_tcp(&wanted);
        if opened.is_ok() {
            self.tcp = wanted;
        } else {
            self.close_tcp();
            let before = self.tcp.clone();
            if let Err(error) = self.open_tcp(&before) {
                tracing::warn!("{error}");
            }
        }
        opened
    }

    fn close_tcp(&mut self) {
        self.sockets.retain(|_, listener| matches!(listener, Listener::Unix(_)));
    }

    fn open_tcp(&mut self, wanted: &Addresses) -> Result<(), ListenError> {
        if wanted.port == 0 {
            return Ok(());
        }
        for address in wanted.bind.iter().filter(|address| !address.is_empty()) {
            let (name, is_optional) = match address.strip_prefix('-') {
                Some(name) => (name, true),
                None => (address.as_str(), false),
            };
            match listen_on(name, wanted.port, wanted.backlog) {
                Ok(listener) => self.add(Listener::Tcp(listener)),
                Err(error) if is_absent(&error, is_optional) => Ok(()),
                Err(error) => Err(error),
            }
            .map_err(|error| ListenError { place: format!("{name}:{}", wanted.port), error })?;
        }
        Ok(())
    }

    /// Listens on the unix socket, if one is wanted. A socket that another server left behind is replaced.
    ///
    /// # Errors
    /// When the socket can't be made.
    pub(crate) fn listen_unix(&mut self, config: &Config) -> Result<(), ListenError> {
        if config.unixsocket.is_empty() {
            return Ok(());
        }
        let path = Path::new(OsStr::from_bytes(&config.unixsocket));
        self.open_unix(path, config).map_err(|error| ListenError { place: path.display().to_string(), error })
    }

    fn open_unix(&mut self, path: &Path, config: &Config) -> io::Result<()> {
        if fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket()) {
            fs::remove_file(path)?;
        }
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&SockAddr::unix(path)?)?;
        self.unix_path = Some(path.to_owned());
        socket.listen(backlog(config.tcp_backlog))?;
        socket.set_nonblocking(true)?;
        if config.unixsocketperm != 0 {
            fs::set_permissions(path, Permissions::from_mode(config.unixsocketperm))?;
        }
        self.add(Listener::Unix(UnixListener::from_std(socket.into())))
    }

    fn add(&mut self, mut listener: Listener) -> io::Result<()> {
        let entry = self.sockets.vacant_entry();
        let token = Token(self.first_token + entry.key());
        match &mut listener {
            Listener::Tcp(socket) => self.registry.register(socket, token, Interest::READABLE)?,
            Listener::Unix(socket) => self.registry.register(socket, token, Interest::READABLE)?,
        }
        entry.insert(listener);
        Ok(())
    }

    /// The descriptors of the sockets, and of what they are watched with.
    pub(crate) fn descriptors(&self) -> Vec<RawFd> {
        let of = |listener: &Listener| match listener {
            Listener::Tcp(socket) => socket.as_raw_fd(),
            Listener::Unix(socket) => socket.as_raw_fd(),
        };
        let watch = std::iter::once(self.registry.as_raw_fd());
        self.sockets.iter().map(|(_, listener)| of(listener)).chain(watch).collect()
    }

    /// Closes every socket, and removes the unix socket's file.
    pub(crate) fn close(&mut self) {
        self.sockets.clear();
        if let Some(path) = self.unix_path.take() {
            tracing::info!("Removing the unix socket file.");
            if let Err(error) = fs::remove_file(&path) {
                tracing::warn!("Can't remove {}: {error}", path.display());
            }
        }
    }

    /// Takes one connection from the listener with this token. A listener that was closed has none.
    ///
    /// # Errors
    /// [`ErrorKind::WouldBlock`] when there is none; otherwise what the operating system answered.
    pub(crate) fn accept(&self, token: Token) -> io::Result<Accepted> {
        match self.sockets.get(token.0 - self.first_token) {
            None => Err(ErrorKind::WouldBlock.into()),
            Some(Listener::Tcp(listener)) => {
                let (stream, peer) = listener.accept()?;
                let local = stream.local_addr()?;
                let origin = Origin {
                    address: peer.to_string(),
                    local_address: local.to_string(),
                    fd: stream.as_raw_fd(),
                    unix: false,
                };
                Ok(Accepted { stream: Stream::Tcp(stream), origin, is_local: is_loopback(peer.ip()) })
            }
            Some(Listener::Unix(listener)) => {
                let (stream, _) = listener.accept()?;
                let path = self.unix_path.as_deref().unwrap_or(Path::new(""));
                let address = format!("{}:0", path.display());
                let origin = Origin {
                    address: address.clone(),
                    local_address: address,
                    fd: stream.as_raw_fd(),
                    unix: true,
                };
                Ok(Accepted { stream: Stream::Unix(stream), origin, is_local: true })
            }
        }
    }
}

fn listen_on(name: &str, port: u16, wanted_backlog: u32) -> io::Result<TcpListener> {
    let listen = |address: SocketAddr| {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        if address.is_ipv6() {
            // `*` and `::*` are two sockets.
            socket.set_only_v6(true)?;
        }
        socket.set_reuse_address(true)?;
        socket.bind(&address.into())?;
        socket.listen(backlog(wanted_backlog))?;
        socket.set_nonblocking(true)?;
        Ok(TcpListener::from_std(socket.into()))
    };
    match name {
        "*" => listen((Ipv4Addr::UNSPECIFIED, port).into()),
        "::*" => listen((Ipv6Addr::UNSPECIFIED, port).into()),
        _ => {
            let mut outcome = Err(ErrorKind::AddrNotAvailable.into());
            for address in (name, port).to_socket_addrs()? {
                outcome = listen(address);
                if outcome.is_ok() {
                    break;
                }
            }
            outcome
        }
    }
}

fn backlog(wanted: u32) -> i32 {
    i32::try_from(wanted).unwrap_or(i32::MAX)
}

/// Whether an address may be left out: this machine's network hasn't got its family, or it is optional and not
/// this machine's.
fn is_absent(error: &io::Error, is_optional: bool) -> bool {
    use rustix::io::Errno;
    let family = [Errno::AFNOSUPPORT, Errno::PFNOSUPPORT, Errno::PROTONOSUPPORT, Errno::NOPROTOOPT];
    let is_unsupported = Errno::from_io_error(error).is_some_and(|errno| family.contains(&errno));
    is_unsupported || (is_optional && error.kind() == ErrorKind::AddrNotAvailable)
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_this_machine_are_known() {
        for local in ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1"] {
            assert!(is_loopback(local.parse().expect("an address")), "{local}");
        }
        for remote in ["10.0.0.1", "128.0.0.1", "::2", "fe80::1", "::ffff:10.0.0.1"] {
            assert!(!is_loopback(remote.parse().expect("an address")), "{remote}");
        }
    }

    #[test]
    fn only_optional_addresses_may_be_of_another_machine() {
        // 192.0.2.0/24 is for documentation (RFC 5737): nobody's.
        let error = listen_on("192.0.2.1", 1, 1).expect_err("nobody's address");
        assert!(is_absent(&error, true));
        assert!(!is_absent(&error, false));
        assert!(!is_absent(&ErrorKind::AddrInUse.into(), true));
    }
}
