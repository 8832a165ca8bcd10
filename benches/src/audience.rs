//! Subscribers that read what is published to them, and count it.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::resp::write_command;

/// How long messages may take to arrive once all are published.
const PATIENCE: Duration = Duration::from_secs(30);

/// Clients of one server that have subscribed to one channel. They leave when it is dropped.
pub struct Audience {
    readers: Vec<Reader>,
}

/// One of them, on a thread of its own.
struct Reader {
    stream: TcpStream,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// The bytes that have arrived since the subscription.
    received: AtomicU64,
    /// Whether the connection has ended.
    is_over: AtomicBool,
}

impl Audience {
    /// Connects `size` clients to a port of 127.0.0.1 and subscribes each to the channel.
    ///
    /// # Errors
    /// When one can't connect, or isn't told that it is subscribed.
    pub fn gather(port: u16, channel: &str, size: usize) -> Result<Self> {
        let readers = (0..size).map(|_| Reader::subscribe(port, channel)).collect::<Result<_>>()?;
        Ok(Self { readers })
    }

    /// How many there are.
    pub fn size(&self) -> usize {
        self.readers.len()
    }

    /// The bytes that a message takes on the channel, as RESP2 has it.
    pub fn message_length(channel: &str, payload: &str) -> u64 {
        let mut message = Vec::new();
        write_command(&mut message, &[b"message", channel.as_bytes(), payload.as_bytes()]);
        message.len() as u64
    }

    /// Waits until every one has received so many bytes since it subscribed, or since this was last called.
    ///
    /// # Errors
    /// When the server closed a connection, or sent fewer for 30 seconds, or more.
    pub fn expect(&self, bytes: u64) -> Result<()> {
        let start = Instant::now();
        for reader in &self.readers {
            loop {
                let received = reader.shared.received.load(Ordering::Acquire);
                ensure!(received <= bytes, "a subscriber got {received} bytes of {bytes}");
                if received == bytes {
                    break;
                }
                ensure!(!reader.shared.is_over.load(Ordering::Acquire), "a subscriber was closed");
                ensure!(start.elapsed() < PATIENCE, "a subscriber got only {received} bytes of {bytes}");
                thread::sleep(Duration::from_millis(1));
            }
            reader.shared.received.store(0, Ordering::Release);
        }
        Ok(())
    }
}

impl Reader {
    fn subscribe(port: u16, channel: &str) -> Result<Self> {
        let mut stream =
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("a subscriber can't connect")?;
        let mut request = Vec::new();
        write_command(&mut request, &[b"SUBSCRIBE", channel.as_bytes()]);
        stream.write_all(&request).context("a subscriber can't subscribe")?;
        let confirmed = format!("*3\r\n$9\r\nsubscribe\r\n${}\r\n{channel}\r\n:1\r\n", channel.len());
        let mut reply = vec![0; confirmed.len()];
        stream.read_exact(&mut reply).context("a subscription isn't confirmed")?;
        ensure!(reply == confirmed.as_bytes(), "a subscription was answered {}", reply.escape_ascii());
        let shared = Arc::new(Shared::default());
        let thread = thread::spawn({
            let (stream, shared) =
                (stream.try_clone().context("cannot clone the socket")?, Arc::clone(&shared));
            move || read_all(stream, &shared)
        });
        Ok(Self { stream, shared, thread: Some(thread) })
    }
}

/// Reads until the connection ends.
fn read_all(mut stream: TcpStream, shared: &Shared) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        shared.received.fetch_add(count as u64, Ordering::Release);
    }
    shared.is_over.store(true, Ordering::Release);
}

impl Drop for Reader {
    fn drop(&mut self) {
        // It fails only when the connection has ended already, and the thread with it.
        let _ = self.stream.shutdown(Shutdown::Both);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::resp::Reply;
    use crate::server::Server;

    #[test]
    fn everyone_gets_every_message_once() {
        let server = Server::start(Path::new("redis-server"), &[]).unwrap();
        let audience = Audience::gather(server.port(), "news", 3).unwrap();
        let mut publisher = server.connect().unwrap();
        for payload in ["first", ""] {
            let reached = publisher.command(&[b"PUBLISH", b"news", payload.as_bytes()]).unwrap();
            assert_eq!(reached, Reply::Integer(audience.size() as i64));
            audience.expect(Audience::message_length("news", payload)).unwrap();
        }
        drop(audience);
        let start = Instant::now();
        while publisher.info_field("clients", "connected_clients").unwrap() > 1 {
            assert!(start.elapsed() < PATIENCE, "they have left");
        }
    }

    #[test]
    fn what_was_not_published_is_missed() {
        let server = Server::start(Path::new("redis-server"), &[]).unwrap();
        let audience = Audience::gather(server.port(), "news", 1).unwrap();
        server.connect().unwrap().command(&[b"PUBLISH", b"news", b"long"]).unwrap();
        drop(server);
        assert!(audience.expect(Audience::message_length("news", "longer")).is_err());
    }
}
