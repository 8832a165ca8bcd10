//! What the engine asks of the program around it.

use std::fmt::Debug;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::Config;

/// What a descriptor is ready for, or watched for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Reading, or the other side has closed it.
    pub readable: bool,
    /// Writing.
    pub writable: bool,
}

impl Readiness {
    /// Whether it is ready for nothing.
    pub fn is_none(self) -> bool {
        !(self.readable || self.writable)
    }
}

/// The program around the engine: it has files and sockets, where the engine has none.
///
/// Every method has a default for a program that has neither.
pub trait Host: Debug {
    /// The configuration file that was read at the start, if there was one.
    fn config_file(&self) -> Option<&Path> {
        None
    }

    /// The text of the configuration file.
    ///
    /// # Errors
    /// Whatever reading it meets.
    fn read_config(&self) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Replaces the text of the configuration file, in whole or not at all.
    ///
    /// # Errors
    /// Whatever writing it meets; the file is as it was.
    fn write_config(&mut self, text: &[u8]) -> io::Result<()> {
        let _ = text;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The bytes of the file at a path that the configuration names.
    ///
    /// # Errors
    /// Whatever reading it meets.
    fn read_file(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        let _ = path;
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Replaces the file at a path that the configuration names, in whole or not at all.
    ///
    /// # Errors
    /// Whatever writing it meets; the file is as it was.
    fn write_file(&mut self, path: &[u8], bytes: &[u8]) -> io::Result<()> {
        let _ = (path, bytes);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Puts the directives named in `changed` into effect outside of the engine.
    ///
    /// # Errors
    /// The reason why one of them can't be; then everything is as it was.
    fn apply(&mut self, config: &Config, changed: &[&'static str]) -> Result<(), String> {
        let _ = (config, changed);
        Ok(())
    }

    /// Ends the program as an access to invalid memory does, for DEBUG SEGFAULT; a program that doesn't offer that
    /// returns.
    fn fault(&mut self) {}

    /// What has the engine called again, from whichever thread: [`Engine::attend`](crate::Engine::attend) has
    /// something to do.
    fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        Box::new(|| {})
    }

    /// Has [`Engine::descriptor_ready`](crate::Engine::descriptor_ready) called as often as this descriptor is found
    /// ready for what is wanted; nothing wanted ends that. Asked again for the same descriptor, even with the same
    /// wishes, it is looked at anew.
    ///
    /// # Errors
    /// Where there is no event loop, or the descriptor is none that can be watched.
    fn watch(&mut self, fd: i32, wanted: Readiness) -> io::Result<()> {
        let _ = fd;
        if wanted.is_none() { Ok(()) } else { Err(io::ErrorKind::Unsupported.into()) }
    }

    /// Calls `fork`, which makes a child process of one thread. What other threads might hold locked meanwhile, and the
    /// child needs, is kept from them: the log, for one.
    fn while_forking(&mut self, fork: &mut dyn FnMut()) {
        fork();
    }

    /// This is a child process now, which serves nobody, waits for nothing and writes no file of the program's. Gives
    /// the descriptors that it shares with its parent and must not use: sockets that listen, what events are waited
    /// for with. Those of clients needn't be among them.
    fn become_child(&mut self) -> Vec<i32> {
        Vec::new()
    }

    /// The path of the program that runs.
    fn executable(&self) -> PathBuf {
        std::env::current_exe().unwrap_or_default()
    }
}

/// No program around the engine that offers anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct Embedded;

impl Host for Embedded {}

/// The system's sentence for an error, without the number that Rust adds to it.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((sentence, _)) => sentence.to_owned(),
        None => text,
    }
}
