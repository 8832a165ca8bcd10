//! The end of the server: what is done when nobody is served any more.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::process;
use std::rc::Rc;
use std::{fs, io};

use engine::{Engine, Turns};
use modhost::ModuleHost;
use tracing::{info, warn};

use crate::listen::Listeners;
use crate::sockets::{Ending, Sockets};

/// What the server leaves behind when it ends.
#[derive(Debug)]
pub(crate) struct Farewell {
    pub(crate) modules: Rc<ModuleHost>,
    pub(crate) sockets: Sockets,
    pub(crate) listeners: Rc<RefCell<Listeners>>,
    pub(crate) pid_file: Option<PidFile>,
}

impl Farewell {
    /// Tells modules and clients, and removes the files that show that the server is there. Replies that are still owed
    /// are written as far as the sockets take them.
    pub(crate) fn say(&self, engine: &mut Engine, ending: &io::Result<Ending>) {
        if let Ok(Ending::Signal(name)) = ending {
            warn!("Received {name} scheduling shutdown...");
        }
        warn!("User requested shutdown...");
        self.modules.announce_shutdown(engine);
        self.sockets.write_last(engine);
        if let Some(file) = &self.pid_file {
            file.remove();
        }
        self.listeners.borrow_mut().close();
        if ending.is_ok() {
            warn!("zmalloc-server is now ready to exit, bye bye...");
        }
    }
}

impl Turns for Farewell {
    /// Whoever has a turn while a command runs may end the server, which doesn't wait for that command then: as in
    /// Redis, a command that never ends can be got rid of.
    fn give(&self, engine: &mut Engine) {
        if self.sockets.give(engine) {
            self.say(engine, &Ok(Ending::Command));
            process::exit(0);
        }
    }
}

/// The file that tells which process this is.
#[derive(Debug)]
pub(crate) struct PidFile(PathBuf);

impl PidFile {
    /// Writes it; as in Redis, a server that can't goes on without.
    pub(crate) fn write(path: &Path) -> Option<Self> {
        match fs::write(path, format!("{}\n", process::id())) {
            Ok(()) => Some(Self(std::path::absolute(path).unwrap_or(path.to_owned()))),
            Err(error) => {
                warn!("Can't write the pid file {}: {error}", path.display());
                None
            }
        }
    }

    fn remove(&self) {
        info!("Removing the pid file.");
        if let Err(error) = fs::remove_file(&self.0) {
            warn!("Can't remove {}: {error}", self.0.display());
        }
    }
}
