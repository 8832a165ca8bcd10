//! What the engine asks of the server: its configuration file, and directives that take effect outside of the
//! engine.

use std::cell::RefCell;
use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::{env, path};

use engine::config::Config;
use engine::{Host, Readiness};
use tempfile::NamedTempFile;

use crate::descriptors::Descriptors;
use crate::limits;
use crate::listen::Listeners;
use crate::log::{self, Log};

/// The server, as the engine sees it.
#[derive(Debug)]
pub(crate) struct ServerHost {
    /// The absolute path of the configuration file, if there is one.
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) listeners: Rc<RefCell<Listeners>>,
    pub(crate) log: Log,
    /// Descriptors of modules are watched here.
    pub(crate) descriptors: Descriptors,
    /// Has the event loop turn although no socket does anything.
    pub(crate) waker: Arc<mio::Waker>,
    /// The path of the program; found at the start, because the file may be replaced while it runs.
    pub(crate) executable: PathBuf,
    /// Whether this is a child process of the server, which leaves its files alone.
    pub(crate) is_child: bool,
}

impl ServerHost {
    /// Replaces a file's text, for the server and not for a child process of it.
    fn replace(&self, path: &Path, text: &[u8]) -> io::Result<()> {
        if self.is_child { Err(ErrorKind::PermissionDenied.into()) } else { replace(path, text) }
    }
}

impl Host for ServerHost {
    fn config_file(&self) -> Option<&Path> {
        self.config_file.as_deref()
    }

    fn read_config(&self) -> io::Result<Vec<u8>> {
        match &self.config_file {
            Some(path) => fs::read(path),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn write_config(&mut self, text: &[u8]) -> io::Result<()> {
        match &self.config_file {
            Some(path) => self.replace(path, text),
            None => Err(ErrorKind::NotFound.into()),
        }
    }

    fn read_file(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        fs::read(OsStr::from_bytes(path))
    }

    fn write_file(&mut self, path: &[u8], bytes: &[u8]) -> io::Result<()> {
        self.replace(Path::new(OsStr::from_bytes(path)), bytes)
    }

    fn apply(&mut self, config: &Config, changed: &[&'static str]) -> Result<(), String> {
        let has = |name: &str| changed.contains(&name);
        if has("maxclients") {
            let possible = limits::allow_clients(config.maxclients);
            if possible < config.maxclients {
                return Err(format!(
                    "The operating system doesn't allow as many open files; at most {possible} clients are possible"
                ));
            }
        }
        let before = env::current_dir();
        if has("dir") {
            let directory = Path::new(OsStr::from_bytes(&config.dir));
            env::set_current_dir(directory).map_err(|error| error.to_string())?;
        }
        if has("bind") || has("port") {
            let listening = self.listeners.borrow_mut().listen_tcp(config);
            if let Err(error) = listening {
                if let (true, Ok(before)) = (has("dir"), before) {
                    // It was entered before, and if it has vanished meanwhile there is nowhere to go back to.
                    let _ = env::set_current_dir(before);
                }
                return Err(format!("Can't listen on {error}"));
            }
        }
        if has("jemalloc-bg-thread") {
            give_back_in_background(config);
        }
        if has("maxmemory") {
            warn_of_exceeded_limit(config);
        }
        if has("loglevel") {
            self.log.set_level(config.loglevel);
        }
        Ok(())
    }

    fn fault(&mut self) {
        // An access to invalid memory needs unsafe code; the signal that it raises doesn't. Without crash reports
        // the first one meets the handler by which Rust's runtime reports stack overflows: it takes itself away
        // and expects the fault to happen again.
        for _ in 0..2 {
            let _ = signal_hook::low_level::raise(signal_hook::consts::SIGSEGV);
        }
    }

    fn waker(&self) -> Box<dyn Fn() + Send + Sync> {
        let waker = Arc::clone(&self.waker);
        // That the loop can't be woken means that it turns often enough: its queue of events is full.
        Box::new(move || _ = waker.wake())
    }

    fn watch(&mut self, fd: i32, wanted: Readiness) -> io::Result<()> {
        self.descriptors.watch(fd, wanted)
    }

    fn while_forking(&mut self, fork: &mut dyn FnMut()) {
        log::alone(fork);
    }

    fn become_child(&mut self) -> Vec<i32> {
        log::enter_child();
        self.is_child = true;
        let mut descriptors = self.listeners.borrow().descriptors();
        descriptors.push(self.descriptors.watched_with());
        descriptors
    }

    fn executable(&self) -> PathBuf {
        self.executable.clone()
    }
}

/// Starts or stops the allocator's thread that gives unused pages back, as `jemalloc-bg-thread` says. An allocator
/// that has none is no error, as in Redis.
pub(crate) fn give_back_in_background(config: &Config) {
    if let Err(error) = zmalloc::set_background_thread(config.jemalloc_bg_thread)
        && config.jemalloc_bg_thread
    {
        tracing::info!("Unused memory isn't given back in the background: {error}");
    }
}

/// Says what a limit below what is in use leads to.
fn warn_of_exceeded_limit(config: &Config) {
    let used = zmalloc::used_memory() as u64;
    if config.maxmemory != 0 && config.maxmemory < used {
        tracing::warn!(
            "WARNING: maxmemory is now {}, and {used} bytes are in use. Keys will be evicted, or writes refused, \
             as maxmemory-policy says.",
            config.maxmemory
        );
    }
}

/// Replaces a file's text by way of a new file beside it, so that a crash leaves the old text or the new one.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    // A link stays one, and its target is what is replaced.
    let path = fs::canonicalize(path).or_else(|_| path::absolute(path))?;
    let directory = path.parent().ok_or(ErrorKind::InvalidInput)?;
    let mode = fs::metadata(&path).map_or(0o644, |file| file.permissions().mode());
    let mut file = NamedTempFile::new_in(directory)?;
    file.write_all(text)?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(&path)?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_file_is_replaced_in_whole_and_keeps_its_mode() {
        let directory = tempfile::tempdir().expect("a directory");
        let (path, link) = (directory.path().join("redis.conf"), directory.path().join("link"));
        fs::write(&path, "port 1\n").expect("writable");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("ours");
        symlink(&path, &link).expect("a link");
        replace(&link, b"port 2\n").expect("replaced");
        assert_eq!(fs::read(&path).expect("readable"), b"port 2\n");
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
        assert!(fs::symlink_metadata(&link).expect("there").is_symlink());
        assert_eq!(fs::read_dir(directory.path()).expect("readable").count(), 2, "nothing is left behind");
    }

    #[test]
    fn a_file_that_cannot_be_replaced_is_as_it_was() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("taken");
        fs::create_dir(&path).expect("a directory");
        fs::write(path.join("inside"), "").expect("writable");
        replace(&path, b"text").expect_err("a directory is not a file");
        assert!(path.join("inside").exists());
        assert_eq!(fs::read_dir(directory.path()).expect("readable").count(), 1, "nothing is left behind");
    }
}
