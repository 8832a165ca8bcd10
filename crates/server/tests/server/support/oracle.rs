//! The system's redis-server, to compare with.

use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;

use super::{Client, free_port, wait_for};

/// A running redis-server; it is killed when this is dropped.
pub(crate) struct Oracle {
    child: Child,
    port: u16,
    _directory: TempDir,
}

impl Oracle {
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more options.
    pub(crate) fn start_with(options: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--daemonize", "no"])
            .args(options)
            .current_dir(directory.path())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        wait_for("redis-server listens", || std::net::TcpStream::connect(("127.0.0.1", port)).ok());
        Self { child, port, _directory: directory }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it has ended of itself.
    pub(crate) fn wait(mut self) -> ExitStatus {
        wait_for("redis-server ends", || self.child.try_wait().expect("a child"))
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.port)
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
