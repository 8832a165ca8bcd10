//! A load of transactions, which `redis-benchmark` can't make: MULTI, ten commands, EXEC, over and over.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::resp::write_command;

/// A number of transactions against one server.
#[derive(Clone, Copy, Debug)]
pub struct Transactions {
    /// How many in all; rounded up to a whole number for each connection.
    pub count: u64,
    /// Transactions in flight on each connection.
    pub pipeline: u32,
    /// Keys are drawn from so many, named as `redis-benchmark` names them.
    pub keys: u64,
    /// The number of connections.
    pub clients: u32,
}

/// How many keys a transaction sets, and gets back: two commands each.
const PAIRS: usize = 5;
/// The value that is set, which is that of `redis-benchmark`.
const VALUE: &[u8] = b"xxx";
/// How long the server may take for a round.
const PATIENCE: Duration = Duration::from_secs(30);

impl Transactions {
    /// Runs them against the server on a loopback port, checks every reply, and returns transactions per second.
    ///
    /// # Errors
    /// When the connection fails, or a reply isn't what it should be.
    pub fn against(&self, port: u16) -> Result<f64> {
        let mut rng = SmallRng::seed_from_u64(1);
        let connect = |_| {
            let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).context("cannot connect")?;
            stream.set_nodelay(true)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            Ok(stream)
        };
        let mut connections = (0..self.clients).map(connect).collect::<Result<Vec<_>>>()?;
        let expected = replies().repeat(self.pipeline as usize);
        let mut received = vec![0; expected.len()];
        let mut request = Vec::new();
        let rounds = self.count.div_ceil(u64::from(self.clients) * u64::from(self.pipeline));
        let start = Instant::now();
        for _ in 0..rounds {
            for connection in &mut connections {
                request.clear();
                (0..self.pipeline).for_each(|_| write_transaction(&mut request, &mut rng, self.keys));
                connection.write_all(&request).context("cannot write to the server")?;
            }
            for connection in &mut connections {
                connection.read_exact(&mut received).context("the server doesn't reply")?;
                ensure!(received == expected, "a transaction was answered {}", received.escape_ascii());
            }
        }
        Ok(self.operations() as f64 / start.elapsed().as_secs_f64())
    }

    /// How many transactions there are in the end.
    pub fn operations(&self) -> u64 {
        let round = u64::from(self.clients) * u64::from(self.pipeline);
        self.count.div_ceil(round) * round
    }
}

/// Appends MULTI, SET and GET of five random keys, and EXEC.
fn write_transaction(request: &mut Vec<u8>, rng: &mut SmallRng, keys: u64) {
    write_command(request, &[b"MULTI"]);
    for _ in 0..PAIRS {
        let key = format!("key:{:012}", rng.random_range(0..keys));
        write_command(request, &[b"SET", key.as_bytes(), VALUE]);
        write_command(request, &[b"GET", key.as_bytes()]);
    }
    write_command(request, &[b"EXEC"]);
}

/// What a transaction is answered.
fn replies() -> Vec<u8> {
    let mut replies = b"+OK\r\n".to_vec();
    replies.extend(b"+QUEUED\r\n".repeat(2 * PAIRS));
    replies.extend_from_slice(format!("*{}\r\n", 2 * PAIRS).as_bytes());
    let pair = [format!("+OK\r\n${}\r\n", VALUE.len()).as_bytes(), VALUE, b"\r\n"].concat();
    replies.extend(pair.repeat(PAIRS));
    replies
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::server::Server;

    #[test]
    fn a_server_runs_as_many_as_were_asked_for() {
        let server = Server::start(Path::new("redis-server"), &[]).unwrap();
        let load = Transactions { count: 25, pipeline: 4, keys: 100, clients: 3 };
        assert_eq!(load.operations(), 36);
        assert!(load.against(server.port()).unwrap() > 0.0);
        let stats = server.connect().unwrap().info("commandstats").unwrap();
        assert!(
            stats.contains("cmdstat_exec:calls=36,") && stats.contains("cmdstat_set:calls=180,"),
            "{stats}"
        );
    }

    #[test]
    fn a_server_that_refuses_is_noticed() {
        let server = Server::start(Path::new("redis-server"), &["--maxmemory", "1"]).unwrap();
        let load = Transactions { count: 1, pipeline: 1, keys: 100, clients: 1 };
        assert!(load.against(server.port()).is_err());
    }
}
