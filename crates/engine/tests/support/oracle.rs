//! A redis-server of Debian's, started for the test, and a connection to it.

use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use engine::Reply;

/// A command as a socket carries it.
pub(crate) fn request(args: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// The server and the connection; the server ends with it.
pub(crate) struct Oracle {
    server: Child,
    /// Where its socket is, named `socket`.
    pub(crate) folder: PathBuf,
    /// The connection.
    pub(crate) wire: Wire,
}

/// Both directions of a connection.
pub(crate) struct Wire {
    reader: BufReader<UnixStream>,
    writer: BufWriter<UnixStream>,
}

impl Wire {
    /// Connects to the server whose socket is in `folder`.
    pub(crate) fn open(folder: &Path) -> std::io::Result<Self> {
        let stream = UnixStream::connect(folder.join("socket"))?;
        Ok(Self { reader: BufReader::new(stream.try_clone()?), writer: BufWriter::new(stream) })
    }

    /// Appends the bytes of one whole value to `reply`.
    fn read_into(&mut self, reply: &mut Vec<u8>) -> std::io::Result<()> {
        let start = reply.len();
        if self.reader.read_until(b'\n', reply)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let line = reply[start..].trim_ascii_end().to_vec();
        let number = || std::str::from_utf8(&line[1..]).unwrap().parse::<i64>().unwrap();
        match line[0] {
            b'$' | b'=' if number() >= 0 => {
                let body = reply.len();
                reply.resize(body + number() as usize + 2, 0);
                self.reader.read_exact(&mut reply[body..])
            }
            b'*' | b'~' | b'>' => (0..number()).try_for_each(|_| self.read_into(reply)),
            b'%' => (0..number() * 2).try_for_each(|_| self.read_into(reply)),
            _ => Ok(()),
        }
    }
}

impl Oracle {
    /// Starts redis-server on a unix socket of its own, with everything in memory.
    pub(crate) fn start() -> Self {
        let unique = format!("redis-oracle-{}-{:?}", std::process::id(), std::thread::current().id());
        let folder = std::env::temp_dir().join(unique.replace(['(', ')'], ""));
        std::fs::create_dir_all(&folder).expect("the temporary folder can be written");
        let socket = folder.join("socket");
        let server = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--enable-debug-command", "yes"])
            .arg("--unixsocket")
            .arg(&socket)
            .arg("--dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed (`cargo xtask test` does it)");
        let deadline = Instant::now() + Duration::from_secs(20);
        let wire = loop {
            match Wire::open(&folder) {
                Ok(wire) => break wire,
                Err(error) => assert!(Instant::now() < deadline, "redis-server doesn't answer: {error}"),
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        Self { server, folder, wire }
    }

    /// Queues one command. A connection that the server has closed shows when the reply is read.
    pub(crate) fn send(&mut self, args: &[Vec<u8>]) {
        let _ = self.wire.writer.write_all(&request(args));
    }

    /// Sends what is queued.
    pub(crate) fn flush(&mut self) {
        let _ = self.wire.writer.flush();
    }

    /// The bytes of the next reply.
    pub(crate) fn read(&mut self) -> Vec<u8> {
        self.try_read().expect("redis-server answers")
    }

    /// The bytes of the next reply, or `None` when the server has closed the connection.
    pub(crate) fn try_read(&mut self) -> Option<Vec<u8>> {
        let mut reply = Vec::new();
        self.wire.read_into(&mut reply).ok().map(|()| reply)
    }

    /// One command and its reply.
    pub(crate) fn call(&mut self, args: &[Vec<u8>]) -> Reply {
        self.send(args);
        self.flush();
        let bytes = self.read();
        Reply::decode(&bytes).expect("redis-server speaks RESP").0
    }

    /// The version that the server states.
    pub(crate) fn version(&mut self) -> String {
        let info = self.call(&[b"INFO".to_vec(), b"server".to_vec()]);
        let text = String::from_utf8_lossy(info.as_bytes().unwrap_or_default()).into_owned();
        let version = text.lines().find_map(|line| line.strip_prefix("redis_version:"));
        version.expect("INFO states the version").to_owned()
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
