//! Starting and stopping the built program.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;

use super::{Client, processes, wait_for};

const PROGRAM: &str = env!("CARGO_BIN_EXE_zmalloc-server");

/// A running server with a directory of its own; it is killed when this is dropped.
pub(crate) struct Server {
    child: Child,
    port: u16,
    directory: TempDir,
}

/// A server that has ended.
pub(crate) struct Stopped {
    pub(crate) status: ExitStatus,
    pub(crate) log: String,
    /// Its directory.
    pub(crate) directory: TempDir,
}

impl Server {
    /// Starts a server on a free port of the loopback interface, with these options, and waits until it is ready.
    ///
    /// It neither counts how long commands take nor logs those that take long: both stay, and are the more the busier
    /// the machine is, so that no two figures of memory could be compared.
    pub(crate) fn start(options: &[&str]) -> Self {
        let untimed = ["--latency-tracking", "no", "--slowlog-log-slower-than", "-1"];
        let options = [&untimed[..], options].concat();
        Self::start_in(tempfile::tempdir().expect("a directory"), &options, b"")
    }

    /// The same in a given directory, with this on its standard input.
    pub(crate) fn start_in(directory: TempDir, options: &[&str], input: &[u8]) -> Self {
        loop {
            let port = free_port();
            let log = File::create(directory.path().join("log")).expect("a log");
            let mut child = Command::new(PROGRAM)
                .args(options)
                .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
                .current_dir(directory.path())
                .stdin(Stdio::piped())
                .stdout(log.try_clone().expect("a second handle"))
                .stderr(log)
                .spawn()
                .expect("the server starts");
            child.stdin.take().expect("a pipe").write_all(input).expect("the server reads its input");
            let log = directory.path().join("log");
            let is_ready = wait_for("the server is ready", || {
                if child.try_wait().expect("a child").is_some() {
                    return Some(false);
                }
                // The log says so too, but not at every level.
                let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
                stream.write_all(b"PING\r\n").ok()?;
                stream.read(&mut [0; 1]).is_ok_and(|count| count == 1).then_some(true)
            });
            if is_ready {
                return Self { child, port, directory };
            }
            let text = read(&log);
            // Somebody else may have taken the port meanwhile.
            assert!(text.contains("Failed listening on port"), "the server ended at once:\n{text}");
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn log(&self) -> String {
        read(&self.directory.path().join("log"))
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.port)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        processes::signal(self.pid(), signal);
    }

    /// Whether the server's first thread waits for time to pass and for nothing else, as in DEBUG SLEEP.
    pub(crate) fn is_sleeping(&self) -> bool {
        let waits_in = fs::read_to_string(format!("/proc/{}/wchan", self.pid())).unwrap_or_default();
        waits_in.contains("nanosleep")
    }

    /// Whether every signal that was sent to the server has been delivered.
    pub(crate) fn has_no_pending_signal(&self) -> bool {
        processes::has_no_pending_signal(self.pid())
    }

    /// Waits until the server has ended of itself.
    pub(crate) fn wait(mut self) -> Stopped {
        let status = wait_for("the server ends", || self.child.try_wait().expect("a child"));
        let log = self.log();
        let directory = std::mem::replace(&mut self.directory, tempfile::tempdir().expect("a directory"));
        Stopped { status, log, directory }
    }

    /// Sends a signal and waits for the end.
    pub(crate) fn stop(self, signal: Signal) -> Stopped {
        self.signal(signal);
        self.wait()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the program until it ends.
pub(crate) fn run(arguments: &[&str], directory: &Path) -> Output {
    let mut command = Command::new(PROGRAM);
    let command = command.args(arguments).current_dir(directory).stdin(Stdio::null());
    command.output().expect("the program starts")
}

/// A port that nobody listens on now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

fn read(path: &PathBuf) -> String {
    String::from_utf8_lossy(&fs::read(path).expect("a log")).into_owned()
}
