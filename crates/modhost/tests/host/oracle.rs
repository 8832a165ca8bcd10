//! Debian's redis-server, with the same modules.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
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
    port: u16,
    connection: Connection,
    _directory: TempDir,
}

/// A connection to it.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Redis {
    /// A server with this module.
    pub(crate) fn with(library: &Path) -> Self {
        let directory = TempDir::new().expect("a directory");
        let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|socket| socket.local_addr());
        let port = port.expect("a free port").port();
        let mut child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--daemonize", "no"])
            .args(["--enable-debug-command", "yes", "--enable-module-command", "yes"])
            .arg("--dir")
            .arg(directory.path())
            .arg("--loadmodule")
            .arg(library)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server runs");
        let began = Instant::now();
        let connection = loop {
            if let Some(connection) = Connection::to(port) {
                break connection;
            }
            let gone = child.try_wait().expect("a child");
            assert!(gone.is_none() && began.elapsed() < PATIENCE, "redis-server with {}", library.display());
            thread::sleep(Duration::from_millis(20));
        };
        Self { child, port, connection, _directory: directory }
    }

    /// Another connection.
    pub(crate) fn connect(&self) -> Connection {
        Connection::to(self.port).expect("redis-server accepts")
    }

    /// The bytes that a command replies.
    pub(crate) fn bytes(&mut self, args: &[&[u8]]) -> Vec<u8> {
        self.connection.bytes(args)
    }
}

impl Connection {
    fn to(port: u16) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
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

/// Has both servers run the same commands, a line each, whose replies must be the same.
#[track_caller]
pub(crate) fn same(ours: &mut Server, theirs: &mut Redis, script: &str) {
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let args: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let (ours, theirs) = (ours.bytes(&args), theirs.bytes(&args));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "|");
        assert_eq!(text(&ours), text(&theirs), "{line}");
    }
}
