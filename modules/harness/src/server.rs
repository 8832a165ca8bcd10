//! Servers, each with a directory and a port of its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::client::Client;

/// How long anything may take that a test waits for.
const LIMIT: Duration = Duration::from_secs(30);

/// The shared library of a module of this workspace, beside the test that is running.
///
/// # Errors
/// When it isn't there: `cargo test` builds it before the module's tests.
pub fn library(module: &str) -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let name = format!("lib{module}.so");
    let places = test.ancestors().skip(1).take(2).map(|directory| directory.join(&name));
    let mut found = places.filter(|path| path.is_file());
    found.next().with_context(|| format!("there is no {name} beside {}", test.display()))
}

/// A running redis-server. It is killed when dropped.
pub struct Server {
    child: Child,
    port: u16,
    directory: TempDir,
    /// What runs redis-server: itself, or a program that is given its name.
    program: Vec<String>,
    arguments: Vec<String>,
}

impl Server {
    /// Starts redis-server with these modules and arguments, without a snapshot schedule, and waits
    /// until it answers.
    ///
    /// # Errors
    /// When it doesn't.
    pub fn start(modules: &[&Path], arguments: &[&str]) -> Result<Self> {
        Self::start_under(|_| Vec::new(), modules, arguments)
    }

    /// The same under another program, whose name and arguments `wrapper` gives for the server's
    /// directory.
    pub(crate) fn start_under(
        wrapper: impl FnOnce(&Path) -> Vec<String>,
        modules: &[&Path],
        arguments: &[&str],
    ) -> Result<Self> {
        let mut all: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        for module in modules {
            all.extend(["--loadmodule".to_owned(), module.display().to_string()]);
        }
        let directory = TempDir::new()?;
        let port = free_port()?;
        let mut program = wrapper(directory.path());
        program.push("redis-server".to_owned());
        let child = launch(&program, port, directory.path(), &all)?;
        let mut server = Self { child, port, directory, program, arguments: all };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Starts redis-server with one module of this workspace.
    ///
    /// # Errors
    /// When the module isn't built, or the server doesn't answer.
    pub fn with(module: &str, arguments: &[&str]) -> Result<Self> {
        Self::start(&[&library(module)?], arguments)
    }

    /// Starts redis-server with one module of this workspace, loaded with arguments of its own.
    ///
    /// # Errors
    /// When the module isn't built or refuses its arguments, or the server doesn't answer.
    pub fn with_module_arguments(module: &str, module_arguments: &[&str]) -> Result<Self> {
        let library = library(module)?.display().to_string();
        let load = ["--loadmodule", &library];
        Self::start(&[], &[&load[..], module_arguments].concat())
    }

    /// Kills the server as `kill -9` does, and starts it again over the same files.
    ///
    /// # Errors
    /// When it doesn't come up.
    pub fn kill_and_restart(&mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        self.child = launch(&self.program, self.port, self.directory.path(), &self.arguments)?;
        self.wait_until_ready()
    }

    fn wait_until_ready(&mut self) -> Result<()> {
        let port = self.port;
        let started = Instant::now();
        while started.elapsed() < LIMIT {
            if let Some(status) = self.child.try_wait()? {
                bail!("redis-server ended with {status}: {}", self.log());
            }
            if Client::connect(port)
                .and_then(|mut client| client.run("PING"))
                .is_ok_and(|pong| pong == "PONG")
            {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("redis-server doesn't answer: {}", self.log())
    }

    /// Ends the server as SHUTDOWN does, and returns its directory.
    ///
    /// # Errors
    /// When it doesn't end.
    pub(crate) fn shut_down(&mut self) -> Result<&Path> {
        self.connect()?.send(&["SHUTDOWN", "NOSAVE"])?;
        self.child.wait()?;
        Ok(self.directory.path())
    }

    /// What the server has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// What the server has written to its AOF since it started, as text.
    ///
    /// # Errors
    /// When it has none.
    pub fn aof(&self) -> Result<String> {
        let path = self.directory.path().join("appendonlydir/appendonly.aof.1.incr.aof");
        let bytes = std::fs::read(path).context("cannot read the AOF")?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process identifier.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A connection to it.
    ///
    /// # Errors
    /// When it no longer listens.
    pub fn connect(&self) -> Result<Client> {
        Client::connect(self.port)
    }

    /// Makes it a replica of another, and waits until it has all that the other has.
    ///
    /// # Errors
    /// When it doesn't get there in time.
    pub fn follow(&self, master: &Self) -> Result<()> {
        let mut client = self.connect()?;
        client.run(&format!("REPLICAOF 127.0.0.1 {}", master.port))?;
        wait_for("the link to the master", || {
            let info = client.run("INFO replication")?;
            Ok(info.contains("master_link_status:up"))
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server that has ended already is none to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn launch(program: &[String], port: u16, directory: &Path, arguments: &[String]) -> Result<Child> {
    let (first, rest) = program.split_first().context("no program")?;
    let mut command = Command::new(first);
    command.args(rest).args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
    command.args(["--enable-debug-command", "local", "--enable-module-command", "local"]);
    command.arg("--dir").arg(directory).arg("--logfile").arg(directory.join("log"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
    command.spawn().with_context(|| format!("cannot start {first}"))
}

/// A port that was free a moment ago, and low enough for a cluster's bus port above it.
fn free_port() -> Result<u16> {
    loop {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        if port < 55_000 {
            return Ok(port);
        }
    }
}

/// Waits until something is so.
///
/// # Errors
/// When it isn't in time, or can't be told.
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> Result<bool>) -> Result<()> {
    let started = Instant::now();
    while !is_so()? {
        if started.elapsed() > LIMIT {
            bail!("waited in vain for {what}");
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}
