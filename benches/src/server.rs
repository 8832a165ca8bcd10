//! Servers under test: started on a free loopback port, stopped when dropped.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process;
use crate::resp::{Connection, Reply};

/// A running server, which understands redis-server's arguments. It is killed when dropped.
pub struct Server {
    child: Child,
    port: u16,
}

/// How long a server may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(10);

impl Server {
    /// Starts `program` on a free port of 127.0.0.1, without persistence, and waits until it
    /// answers `PING`. `more` is appended to its arguments.
    ///
    /// # Errors
    /// When it can't be started, ends at once, or doesn't answer within ten seconds.
    pub fn start(program: &Path, more: &[&str]) -> Result<Self> {
        Self::start_on(free_port()?, program, more)
    }

    /// The same on a given port.
    ///
    /// # Errors
    /// As for [`Server::start`].
    pub fn start_on(port: u16, program: &Path, more: &[&str]) -> Result<Self> {
        let port_text = port.to_string();
        let mut command = Command::new(program);
        command.args(["--port", &port_text, "--bind", "127.0.0.1", "--save", ""]).args(more);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().with_context(|| format!("cannot start {}", program.display()))?;
        let mut server = Self { child, port };
        server.wait_until_ready().with_context(|| format!("{} is of no use", program.display()))?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().context("cannot wait for the server")? {
                bail!("it ended at once with {status}");
            }
            let pong = self.connect().and_then(|mut connection| connection.command(&[b"PING"]));
            match pong {
                Ok(Reply::Simple(pong)) if pong == "PONG" => return Ok(()),
                Ok(other) => bail!("PING replied {other:?}"),
                Err(error) if start.elapsed() > START_LIMIT => {
                    return Err(error.context("it doesn't answer"));
                }
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process identifier.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Opens a connection to it.
    ///
    /// # Errors
    /// When it no longer listens.
    pub fn connect(&self) -> Result<Connection> {
        Connection::open(self.port)
    }

    /// The CPU time it has used so far, in user mode and in the kernel.
    ///
    /// # Errors
    /// When it has ended.
    pub fn cpu_time(&self) -> Result<Duration> {
        process::cpu_time(self.pid())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when the process has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of 127.0.0.1 on which nothing listens.
///
/// # Errors
/// When no socket can be opened.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("cannot open a listening socket")?;
    Ok(listener.local_addr().context("the socket has no address")?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_started_and_stopped() {
        let server = Server::start(Path::new("redis-server"), &[]).unwrap();
        let mut connection = server.connect().unwrap();
        let pid = connection.info_field("server", "process_id").unwrap();
        assert_eq!(pid, u64::from(server.pid()));
        drop(server);
        assert!(connection.command(&[b"PING"]).is_err());
    }

    #[test]
    fn a_program_that_ends_is_no_server() {
        assert!(Server::start(Path::new("false"), &[]).is_err());
        assert!(Server::start(Path::new("a-program-that-is-not-there"), &[]).is_err());
    }
}
