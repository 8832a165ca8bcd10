//! Random clients that connect, misbehave and vanish, with some good ones among them.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use rustix::net::sockopt;

use crate::resp::write_command;

/// Clients, and the server that they are let loose on.
#[derive(Clone, Debug)]
pub struct Crowd {
    /// Where it listens on 127.0.0.1.
    pub port: u16,
    /// The path of its unix socket.
    pub socket: PathBuf,
    /// How many clients there are in all.
    pub clients: u64,
    /// After how long no more of them connect.
    pub time: Duration,
    /// The seed of everything that is random.
    pub seed: u64,
}

/// How many connect at the same time, from as many threads.
const THREADS: u64 = 4;
/// How many of each thread's clients are connected at a time, at most.
const AT_ONCE: usize = 64;
/// How long the server may take for anything.
const PATIENCE: Duration = Duration::from_secs(30);
/// The key of the long value that some clients ask for.
const LONG: &[u8] = b"long";
/// The length of that value, in bytes.
const LONG_LENGTH: usize = 20_000;

/// What a client does before it vanishes. Its errors are those that a client has whom the server
/// may well have closed.
type Behaviour = fn(&mut Client, &mut SmallRng) -> io::Result<()>;

const BEHAVIOURS: [(&str, Behaviour); 7] = [
    ("half a request", half_a_request),
    ("garbage", garbage),
    ("huge announcement", huge_announcement),
    ("replies never read", replies_never_read),
    ("gone in mid-reply", gone_in_mid_reply),
    ("byte by byte", byte_by_byte),
    ("nothing at all", |_, _| Ok(())),
];

/// Pieces of requests, so that some of what is made of them gets far.
const PIECES: [&[u8]; 14] = [
    b"*3\r\n$3\r\nSET\r\n",
    b"*2\r\n$3\r\nGET\r\n",
    b"$4\r\nlong\r\n",
    b"$100000\r\n",
    b"*1000000\r\n",
    b"*-1\r\n",
    b"*0\r\n",
    b"\r\n",
    b"\0",
    b"\"",
    b"HELLO 3\r\n",
    b"CLIENT LIST\r\n",
    b"APPEND key value\r\n",
    b"QUIT\r\n",
];

impl Crowd {
    /// Lets them loose and returns how many came, in all and of each kind, once all are gone.
    ///
    /// # Errors
    /// When no connection can be made, or a client with good manners doesn't get its replies.
    pub fn run(&self) -> Result<Vec<(&'static str, u64)>> {
        let end = Instant::now() + self.time;
        let mut totals: Vec<_> = BEHAVIOURS.iter().map(|(name, _)| (*name, 0)).collect();
        totals.push(("good manners", 0));
        let counts: Result<Vec<Vec<u64>>> = thread::scope(|scope| {
            let threads: Vec<_> =
                (0..THREADS).map(|thread| scope.spawn(move || self.run_thread(thread, end))).collect();
            threads.into_iter().map(|thread| thread.join().expect("no thread panics")).collect()
        });
        for counts in counts? {
            totals.iter_mut().zip(counts).for_each(|((_, total), count)| *total += count);
        }
        Ok(totals)
    }

    fn run_thread(&self, thread: u64, end: Instant) -> Result<Vec<u64>> {
        let mut rng = SmallRng::seed_from_u64(self.seed.wrapping_add(thread));
        let mut counts = vec![0; BEHAVIOURS.len() + 1];
        let mut connected = Vec::new();
        for number in (thread..self.clients).step_by(THREADS as usize) {
            if Instant::now() >= end {
                break;
            }
            let mut client = self.connect(&mut rng)?;
            let kind = rng.random_range(0..counts.len());
            match BEHAVIOURS.get(kind) {
                // The server may close the connection on any of them.
                Some((_, behave)) => drop(behave(&mut client, &mut rng)),
                None => good_manners(&mut client, number)
                    .with_context(|| format!("client {number}, which has good manners"))?,
            }
            counts[kind] += 1;
            connected.push(client);
            if connected.len() == AT_ONCE {
                connected.swap_remove(rng.random_range(0..AT_ONCE)).leave(&mut rng);
            }
        }
        Ok(counts)
    }

    fn connect(&self, rng: &mut SmallRng) -> Result<Client> {
        let client = if rng.random() {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).context("cannot connect")?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Client::Tcp(stream)
        } else {
            let stream = UnixStream::connect(&self.socket).context("cannot connect to the unix socket")?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            Client::Unix(stream)
        };
        Ok(client)
    }
}

/// A connection of either kind.
enum Client {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Client {
    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.write_all(bytes),
            Self::Unix(stream) => stream.write_all(bytes),
        }
    }

    fn receive(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        match self {
            Self::Tcp(stream) => stream.read_exact(&mut bytes)?,
            Self::Unix(stream) => stream.read_exact(&mut bytes)?,
        }
        Ok(bytes)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(how),
            Self::Unix(stream) => stream.shutdown(how),
        }
    }

    /// Closes the connection in one of several ways. What fails has been closed already.
    fn leave(self, rng: &mut SmallRng) {
        match (rng.random_range(0..4), &self) {
            // The server sees a reset in place of an end.
            (0, Self::Tcp(stream)) => drop(sockopt::set_socket_linger(stream, Some(Duration::ZERO))),
            (1, _) => drop(self.shutdown(Shutdown::Write)),
            (2, _) => drop(self.shutdown(Shutdown::Both)),
            _ => {}
        }
    }
}

fn request(args: &[&[u8]]) -> Vec<u8> {
    let mut request = Vec::new();
    write_command(&mut request, args);
    request
}

fn half_a_request(client: &mut Client, rng: &mut SmallRng) -> io::Result<()> {
    let value = vec![b'v'; rng.random_range(0..50_000)];
    let whole = request(&[b"SET", b"half", &value]);
    client.send(&whole[..rng.random_range(0..whole.len())])
}

fn garbage(client: &mut Client, rng: &mut SmallRng) -> io::Result<()> {
    for _ in 0..rng.random_range(1..8) {
        let bytes: Vec<u8> = if rng.random() {
            (0..rng.random_range(0..2_000)).map(|_| rng.random()).collect()
        } else {
            (0..rng.random_range(0..10))
                .flat_map(|_| PIECES[rng.random_range(0..PIECES.len())])
                .copied()
                .collect()
        };
        client.send(&bytes)?;
    }
    Ok(())
}

fn huge_announcement(client: &mut Client, rng: &mut SmallRng) -> io::Result<()> {
    let elements = rng.random_range(2..=1_000_000);
    let length = rng.random_range(1_000_000..=512 << 20);
    client.send(format!("*{elements}\r\n$3\r\nSET\r\n${length}\r\n").as_bytes())?;
    client.send(&vec![b'v'; rng.random_range(0..100_000)])
}

fn replies_never_read(client: &mut Client, rng: &mut SmallRng) -> io::Result<()> {
    client.send(&request(&[b"SETRANGE", LONG, LONG_LENGTH.to_string().as_bytes(), b"x"]))?;
    client.send(&request(&[b"GET", LONG]).repeat(rng.random_range(1..50)))
}

fn gone_in_mid_reply(client: &mut Client, rng: &mut SmallRng) -> io::Result<()> {
    replies_never_read(client, rng)?;
    client.receive(rng.random_range(1..LONG_LENGTH)).map(drop)
}

fn byte_by_byte(client: &mut Client, rng: &mut SmallRng) -> io::Result<()> {
    let whole = request(&[b"APPEND", b"slow", b"x"]);
    whole[..rng.random_range(0..=whole.len())].chunks(1).try_for_each(|byte| client.send(byte))
}

/// Sets a key of its own, reads it back, removes it, half-closes and waits for the end: it must be
/// served as if it were alone.
fn good_manners(client: &mut Client, number: u64) -> Result<()> {
    let key = format!("client:{number}");
    let requests = [
        request(&[b"SET", key.as_bytes(), b"12345"]),
        request(&[b"INCR", key.as_bytes()]),
        request(&[b"GET", key.as_bytes()]),
        request(&[b"DEL", key.as_bytes()]),
    ];
    let replies = b"+OK\r\n:12346\r\n$5\r\n12346\r\n:1\r\n";
    client.send(&requests.concat()).context("it couldn't send")?;
    client.shutdown(Shutdown::Write).context("it couldn't close its half")?;
    let received = client.receive(replies.len()).context("it got no replies")?;
    ensure!(received == replies, "it got {}", received.escape_ascii());
    let end = client.receive(1).map_err(|error| error.kind());
    ensure!(end == Err(io::ErrorKind::UnexpectedEof), "after its replies it got {end:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::server::Server;

    #[test]
    fn every_kind_comes_and_a_sound_server_bears_it() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        let arguments = ["--unixsocket", socket.to_str().unwrap()];
        let server = Server::start(Path::new("redis-server"), &arguments).unwrap();
        let crowd = Crowd { port: server.port(), socket, clients: 400, time: PATIENCE, seed: 1 };
        let counts = crowd.run().unwrap();
        assert!(counts.iter().all(|(_, count)| *count > 0), "{counts:?}");
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), 400);
    }

    #[test]
    fn a_server_that_is_gone_is_an_error() {
        let socket = PathBuf::from("/no-such-socket");
        let crowd = Crowd { port: 1, socket, clients: 4, time: PATIENCE, seed: 1 };
        assert!(crowd.run().is_err());
    }
}
