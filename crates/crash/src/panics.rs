//! Catching panics.

use std::panic;

use crate::report::{self, Cause};

/// Replaces the panic hook by one that writes a report and ends the process by SIGABRT.
pub(crate) fn install() {
    panic::set_hook(Box::new(|panic| report::write_and_die(&Cause::Panic(panic), libc::SIGABRT)));
}
