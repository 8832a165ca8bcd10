//! A module's shared library: opening it, and its entries.

use std::ffi::{CString, OsStr, c_int};
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use libloading::os::unix::{Library as Handle, RTLD_LOCAL, RTLD_NOW};
use module_abi::types::{OnLoadFunc, OnUnloadFunc};

/// What a module's entry is called: under Valkey's name first.
const ON_LOAD: [&str; 2] = ["ValkeyModule_OnLoad", "RedisModule_OnLoad"];
const ON_UNLOAD: [&str; 2] = ["ValkeyModule_OnUnload", "RedisModule_OnUnload"];

/// An open library. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Library {
    handle: Handle,
    pub(crate) on_load: OnLoadFunc,
    pub(crate) on_unload: Option<OnUnloadFunc>,
}

/// Why a file isn't a module that can be loaded.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// It isn't there, or can't be executed.
    NotExecutable(String),
    /// The system can't open it.
    NotLoadable(String),
    /// It has no OnLoad.
    NoEntry,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotExecutable(reason) => write!(f, "it does not have execute permissions: {reason}"),
            Self::NotLoadable(reason) => f.write_str(reason),
            Self::NoEntry => {
                f.write_str("it does not export a ValkeyModule_OnLoad or RedisModule_OnLoad symbol")
            }
        }
    }
}

impl Library {
    /// Opens the file at a path.
    ///
    /// # Errors
    /// When it can't be, or isn't a module; it is closed then.
    pub(crate) fn open(path: &[u8]) -> Result<Self, Unfit> {
        check_executable(path)?;
        let name = Path::new(OsStr::from_bytes(path));
        // Names are bound now, so that one that is missing is found here and not in the middle of a command; and they
        // are the library's own, so that no other module binds to them.
        // SAFETY: the library's initialisers run, which is what loading a module means.
        let opened = unsafe { Handle::open(Some(name), RTLD_NOW | RTLD_LOCAL) };
        let handle = opened.map_err(|error| Unfit::NotLoadable(error.to_string()))?;
        // SAFETY: the symbols of these names are functions of these types, in every module.
        let (on_load, on_unload) = unsafe {
            (
                ON_LOAD
                    .iter()
                    .find_map(|name| handle.get::<OnLoadFunc>(name.as_bytes()).ok())
                    .map(|symbol| *symbol),
                ON_UNLOAD
                    .iter()
                    .find_map(|name| handle.get::<OnUnloadFunc>(name.as_bytes()).ok())
                    .map(|symbol| *symbol),
            )
        };
        match on_load {
            Some(on_load) => Ok(Self { handle, on_load, on_unload }),
            None => Err(Unfit::NoEntry),
        }
    }

    /// Closes it.
    ///
    /// # Errors
    /// When the system can't.
    pub(crate) fn close(self) -> Result<(), String> {
        self.handle.close().map_err(|error| error.to_string())
    }
}

fn check_executable(path: &[u8]) -> Result<(), Unfit> {
    let fault = |reason: &str| Unfit::NotExecutable(reason.to_owned());
    let path = CString::new(path).map_err(|_| fault("a path with a NUL in it"))?;
    // SAFETY: the path ends with NUL.
    let status: c_int = unsafe { libc::access(path.as_ptr(), libc::X_OK) };
    if status == 0 { Ok(()) } else { Err(fault(&std::io::Error::last_os_error().to_string())) }
}
