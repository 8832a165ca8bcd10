//! What a module says of itself, and what it asks about the server.

use std::ffi::{CStr, c_int};
use std::time::{SystemTime, UNIX_EPOCH};

use module_abi::constants::{key_mode, options};

use crate::api::export;
use crate::areas::databases;
use crate::context::Ctx;
use crate::dictionary::Dict;
use crate::lend::with_engine;
use crate::string::Str;

export! {
    /// The name is taken the first time; an SDK that initialises twice says the same again.
    fn SetModuleAttribs(ctx: &Ctx, name: &CStr, version: c_int, api: c_int) {
        let mut identity = ctx.slot.identity();
        if identity.name.is_empty() {
            identity.name = name.to_string_lossy().into_owned();
        }
        (identity.version, identity.api) = (version, api);
    }

    /// Whether another module has the name.
    fn IsModuleNameBusy(name: &CStr) -> c_int {
        let name = name.to_string_lossy();
        let is_busy = with_engine(|engine| engine.module_reports().iter().any(|module| module.name == name));
        c_int::from(is_busy == Some(true))
    }

    fn SetModuleOptions(ctx: &Ctx, options: c_int) {
        ctx.slot.set_options(options);
    }

    /// Milliseconds since 1970, by the data clock.
    fn Milliseconds() -> i64 {
        with_engine(|engine| engine.clock().now_ms()).unwrap_or_else(|| system_us() / 1000)
    }

    fn Microseconds() -> i64 {
        system_us()
    }

    fn CachedMicroseconds() -> i64 {
        with_engine(|engine| engine.clock().now_ms() * 1000).unwrap_or_else(system_us)
    }

    /// Microseconds of a clock that is never set back.
    fn MonotonicMicroseconds() -> u64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: there is a place for the answer.
        unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
        time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1000
    }

    /// The version of Redis whose behaviour is shown, as `0x00MMmmpp`.
    fn GetServerVersion() -> c_int {
        let number = |part: &str| part.parse::<c_int>().unwrap_or(0);
        engine::REDIS_VERSION.split('.').map(number).fold(0, |version, part| version << 8 | part)
    }

    fn GetTypeMethodVersion() -> c_int {
        module_abi::structs::TypeMethods::VERSION as c_int
    }

    /// Every flag that GetContextFlags may have.
    fn GetContextFlagsAll() -> c_int {
        databases::CONTEXT_FLAGS
    }

    /// Every option that SetModuleOptions may be given.
    fn GetModuleOptionsAll() -> c_int {
        OPTIONS.iter().fold(0, |all, (option, _)| all | option)
    }

    /// All modes in which a key can be opened.
    fn GetOpenKeyModesAll() -> c_int {
        key_mode::READ
            | key_mode::WRITE
            | key_mode::OPEN_KEY_NOTOUCH
            | key_mode::OPEN_KEY_NONOTIFY
            | key_mode::OPEN_KEY_NOSTATS
            | key_mode::OPEN_KEY_NOEXPIRE
            | key_mode::OPEN_KEY_NOEFFECTS
            | key_mode::OPEN_KEY_ACCESS_EXPIRED
    }

    /// The part of `maxmemory` that is in use; 0 without a limit.
    fn GetUsedMemoryRatio() -> f32 {
        let limit = with_engine(|engine| engine.config().maxmemory).unwrap_or(0);
        if limit == 0 { 0.0 } else { zmalloc::used_memory() as f32 / limit as f32 }
    }

    /// What the allocator set aside for a block.
    fn MallocUsableSize(block: *mut std::ffi::c_void) -> usize {
        // SAFETY: the module hands over a live block, or NULL.
        unsafe { zmalloc::zmalloc_usable_size(std::ptr::NonNull::new(block.cast())) }
    }

    /// What a string takes, its header included.
    fn MallocSizeString(string: Option<&Str>) -> usize {
        string.map_or(0, Str::memory)
    }

    /// What a dictionary takes beside the keys and what goes with them: see [`Dict::overhead`].
    fn MallocSizeDict(dict: &Dict) -> usize {
        dict.overhead()
    }

    fn MallocSize(block: *mut std::ffi::c_void) -> usize {
        // SAFETY: the module hands over a live block, or NULL.
        unsafe { zmalloc::zmalloc_usable_size(std::ptr::NonNull::new(block.cast())) }
    }
}

/// Microseconds since 1970.
fn system_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

/// What SetModuleOptions can be given, with the names that INFO shows.
const OPTIONS: [(c_int, &str); 3] = [
    (options::OPTIONS_HANDLE_IO_ERRORS, "handle-io-errors"),
    (options::OPTIONS_HANDLE_REPL_ASYNC_LOAD, "handle-repl-async-load"),
    (options::OPTION_NO_IMPLICIT_SIGNAL_MODIFIED, "no-implicit-signal-modified"),
];

/// The names of the options that are set.
pub(crate) fn option_names(set: c_int) -> Vec<&'static str> {
    OPTIONS.iter().filter(|(flag, _)| set & flag != 0).map(|(_, name)| *name).collect()
}
