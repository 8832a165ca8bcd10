//! Debian's redis-server, with the same modules.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::support::Server;

/// How long redis-server may take to begin.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A redis-server of its own, which ends with the value.
pub(crate) struct Redis {
    child: Child,
    socket: PathBuf,
    connection: Connection,
    _directory: TempDir,
}

/// A connection to it.
pub(crate) struct Connection(BufReader<UnixStream>);

impl Redis {
    /// A server with this module.
    pub(crate) fn with(library: &Path) -> Self {
        Self::with_args(library, &[])
    }

    /// A server with this module, which is given these arguments.
    pub(crate) fn with_args(library: &Path, args: &[&str]) -> Self {
        let directory = TempDir::new().expect("a directory");
        let socket = directory.path().join("socket");
        let mut child = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--daemonize", "no", "--unixsocket"])
            .arg(&socket)
            .args(["--enable-debug-command", "yes", "--enable-module-command", "yes"])
            .arg("--dir")
            .arg(directory.path())
            .arg("--loadmodule")
            .arg(library)
            .args(args)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server runs");
        let began = Instant::now();
        let connection = loop {
            if let Some(connection) = Connection::to(&socket) {
                break connection;
            }
            let gone = child.try_wait().expect("a child");
            assert!(gone.is_none() && began.elapsed() < PATIENCE, "redis-server with {}", library.display());
            thread::sleep(Duration::from_millis(20));
        };
        let mut redis = Self { child, socket, connection, _directory: directory };
        // It listens before it loads modules, and answers when it has.
        assert_eq!(redis.bytes(&[b"PING"]), b"+PONG\r\n", "redis-server with {}", library.display());
        redis
    }

    /// Another connection.
    pub(crate) fn connect(&self) -> Connection {
        Connection::to(&self.socket).expect("redis-server accepts")
    }

    /// The bytes that a command replies.
    pub(crate) fn bytes(&mut self, args: &[&[u8]]) -> Vec<u8> {
        self.connection.bytes(args)
    }

    /// The bytes of one more reply, to what was sent before.
    pub(crate) fn next_reply(&mut self) -> Vec<u8> {
        self.connection.read_reply()
    }
}

impl Connection {
    fn to(socket: &Path) -> Option<Self> {
        let stream = UnixStream::connect(socket).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Some(Self(BufReader::new(stream)))
    }

    /// The bytes that a command replies.
    pub(crate) fn bytes(&mut self, args: &[&[u8]]) -> Vec<u8> {
        self.send(args);
        self.read_reply()
    }

    /// Sends a command.
    pub(crate) fn send(&mut self, args: &[&[u8]]) {
        let mut request = format!("*{}\r\n", args.len()).into_bytes();
        for arg in args {
            request.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
            request.extend_from_slice(arg);
            request.extend_from_slice(b"\r\n");
        }
        self.0.get_mut().write_all(&request).expect("redis-server reads");
    }

    /// The bytes of the next reply.
    pub(crate) fn read_reply(&mut self) -> Vec<u8> {
        let mut reply = Vec::new();
        self.reply(&mut reply);
        reply
    }

    /// Whether redis-server has closed the connection, with nothing more to say; waits for it.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.0.fill_buf(), Ok([]) | Err(_))
    }

    fn reply(&mut self, into: &mut Vec<u8>) {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line).expect("a reply");
        into.extend_from_slice(&line);
        let kind = line.first().expect("redis-server is there");
        let count = std::str::from_utf8(&line[1..]).ok().and_then(|text| text.trim_end().parse::<i64>().ok());
        match (kind, count) {
            (b'$' | b'=', Some(len @ 0..)) => {
                let mut text = vec![0; len as usize + 2];
                self.0.read_exact(&mut text).expect("the rest of a reply");
                into.append(&mut text);
            }
            (b'*' | b'~' | b'>', Some(count @ 0..)) => (0..count).for_each(|_| self.reply(into)),
            (b'%', Some(count @ 0..)) => (0..2 * count).for_each(|_| self.reply(into)),
            // Attributes come before what they are about.
            (b'|', Some(count @ 0..)) => (0..=2 * count).for_each(|_| self.reply(into)),
            _ => {}
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // It holds nothing that it could still save.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The payload that a command has replied as one string.
pub(crate) fn payload(reply: &[u8]) -> &[u8] {
    let begin = reply.iter().position(|&byte| byte == b'\n').expect("a line") + 1;
    assert_eq!(reply[0], b'$', "{}", String::from_utf8_lossy(reply));
    &reply[begin..reply.len() - 2]
}

/// The words of a command, which are separated by spaces.
pub(crate) fn words(line: &str) -> Vec<&[u8]> {
    line.split(' ').map(str::as_bytes).collect()
}

/// Has both servers run a command; what each of them replies.
pub(crate) fn each(ours: &mut Server, theirs: &mut Redis, args: &[&[u8]]) -> [Vec<u8>; 2] {
    [ours.bytes(args), theirs.bytes(args)]
}

/// Has both servers run the same commands, whose replies must be the same: one on each line; lines that are empty or
/// begin with `#` are none. A client here that waits is given what threads and the clock bring.
///
/// Where a command asks how long something has to live, redis-server's answer may be less by the time that has passed:
/// here the clock stands still.
#[track_caller]
pub(crate) fn same(ours: &mut Server, theirs: &mut Redis, script: &str) {
    let began = Instant::now();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let args = words(line);
        let (ours, theirs) = (ours.patient(&args), theirs.bytes(&args));
        let passed = began.elapsed() + Duration::from_secs(1);
        let slack = match args[0] {
            name if name.ends_with(b"pttl") => passed.as_millis(),
            name if name.ends_with(b"ttl") => passed.as_secs().into(),
            _ => 0,
        };
        if !is_less_by(&ours, &theirs, slack) {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "|");
            assert_eq!(text(&ours), text(&theirs), "{line}");
        }
    }
}

/// Whether both replies are positive integers, of which the second is less, but not by more than that.
fn is_less_by(first: &[u8], second: &[u8], most: u128) -> bool {
    let number =
        |reply: &[u8]| std::str::from_utf8(reply).ok()?.strip_prefix(':')?.trim_end().parse::<u128>().ok();
    let Some((first, second)) = number(first).zip(number(second)) else { return false };
    first.checked_sub(second).is_some_and(|less| less <= most && second > 0)
}
