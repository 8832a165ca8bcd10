//! The log.

use std::ffi::{CStr, c_char, c_int};

use crate::api::export;
use crate::context::Ctx;
use crate::lend::with_engine;
use crate::slot::Slot;

/// Writes a line for a module, at the level that it names.
pub(crate) fn write(slot: Option<&Slot>, level: &CStr, text: &[u8]) {
    let name = slot.map_or_else(|| "module".to_owned(), Slot::name);
    let text = String::from_utf8_lossy(text);
    let say = || match level.to_bytes() {
        b"debug" => tracing::trace!("<{name}> {text}"),
        b"verbose" => tracing::debug!("<{name}> {text}"),
        b"warning" => tracing::warn!("<{name}> {text}"),
        _ => tracing::info!("<{name}> {text}"),
    };
    match slot.map(Slot::gil).as_ref().and_then(|gil| gil.log.get()) {
        Some(log) => tracing::dispatcher::with_default(log, say),
        None => say(),
    }
}

export! {
    /// A duration in milliseconds, for LATENCY; one that is negative is none.
    fn LatencyAddSample(event: &CStr, ms: i64) {
        let event = event.to_string_lossy();
        if let Ok(ms) = u64::try_from(ms) {
            with_engine(|engine| engine.add_latency_sample(&event, ms));
        }
    }

    /// An assertion of the module's has failed: the server ends, with a crash report that says so.
    fn _Assert(assertion: &CStr, file: &CStr, line: c_int) {
        tracing::error!(
            "=== ASSERTION FAILED ===\n==> {}:{line} '{}' is not true",
            file.to_string_lossy(),
            assertion.to_string_lossy()
        );
        std::process::abort();
    }
}

/// The level that a C function was given.
pub(crate) fn level<'a>(level: *const c_char) -> &'a CStr {
    // SAFETY: the module passes a text that ends with NUL, or NULL.
    if level.is_null() { c"notice" } else { unsafe { CStr::from_ptr(level) } }
}

/// The slot of a context that may be missing.
pub(crate) fn slot_of(ctx: Option<&Ctx>) -> Option<&'static Slot> {
    ctx.map(|ctx| ctx.slot)
}
