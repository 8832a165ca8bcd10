//! A client that shows the very bytes.

use std::io::{self, BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::DEADLINE;

/// A connection.
pub(crate) struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        stream.set_read_timeout(Some(DEADLINE)).expect("a socket");
        stream.set_write_timeout(Some(DEADLINE)).expect("a socket");
        Self { reader: BufReader::new(stream) }
    }

    pub(crate) fn stream(&self) -> &TcpStream {
        self.reader.get_ref()
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).expect("the server takes it");
    }

    /// Sends bytes to a server that may close the connection meanwhile.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.reader.get_mut().write_all(bytes)
    }

    /// Sends a command and gives its reply, as it comes.
    pub(crate) fn call(&mut self, args: &[&str]) -> Vec<u8> {
        let args: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
        self.send(&encode(&args));
        self.reply()
    }

    /// The same, for a reply that is a text.
    pub(crate) fn text(&mut self, args: &[&str]) -> String {
        let reply = self.call(args);
        let end = reply.len() - 2;
        let start = match reply[0] {
            b'$' => reply.iter().position(|&byte| byte == b'\n').expect("a line") + 1,
            _ => 1,
        };
        String::from_utf8_lossy(&reply[start.min(end)..end]).into_owned()
    }

    /// A field of INFO.
    pub(crate) fn info(&mut self, field: &str) -> u64 {
        let info = self.text(&["INFO"]);
        let line = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no number {field} in:\n{info}"))
    }

    /// The bytes of one reply.
    pub(crate) fn reply(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.read_reply(&mut bytes).expect("a reply");
        bytes
    }

    fn read_reply(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        let start = bytes.len();
        if self.reader.read_until(b'\n', bytes)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        let line = &bytes[start..bytes.len() - 2];
        let count = || {
            let digits = std::str::from_utf8(&line[1..]).ok();
            digits.and_then(|digits| digits.parse::<i64>().ok()).expect("a length")
        };
        match line[0] {
            b'$' | b'=' if count() >= 0 => {
                let length = usize::try_from(count()).expect("a length") + 2;
                let start = bytes.len();
                bytes.resize(start + length, 0);
                self.reader.read_exact(&mut bytes[start..])
            }
            b'*' | b'~' | b'>' => (0..count()).try_for_each(|_| self.read_reply(bytes)),
            b'%' => (0..2 * count()).try_for_each(|_| self.read_reply(bytes)),
            _ => Ok(()),
        }
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish(&self) {
        // The server may have closed the connection already.
        let _ = self.stream().shutdown(Shutdown::Write);
    }

    /// Everything up to the end of the connection.
    pub(crate) fn read_to_end(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.reader.read_to_end(&mut bytes) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => panic!("the connection doesn't end: {error}"),
        }
        bytes
    }

    /// Reads exactly so many bytes.
    pub(crate) fn read(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.reader.read_exact(&mut bytes).expect("as many bytes");
        bytes
    }

    /// Goes away without a word: the server sees a reset.
    pub(crate) fn vanish(self) {
        SockRef::from(self.stream()).set_linger(Some(Duration::ZERO)).expect("a socket");
    }

    /// Waits until memory is back to what it was: within 1%, and the few kilobytes that come and go with INFO.
    #[track_caller]
    pub(crate) fn wait_for_memory(&mut self, before: u64) {
        let end = Instant::now() + DEADLINE;
        loop {
            let now = self.info("used_memory");
            if now <= before + before / 100 + 16 * 1024 {
                return;
            }
            assert!(Instant::now() < end, "waited in vain: used_memory was {before} and stays at {now}");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A command as clients send it.
pub(crate) fn encode(args: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        bytes.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        bytes.extend_from_slice(arg);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}
