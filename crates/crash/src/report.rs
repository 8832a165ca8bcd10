//! The sections of a report and their order.

use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use crate::sink::Sink;
use crate::stack::Addresses;
use crate::{INSTALLED, Installed, command, info, signals};

/// Why the process is dying.
pub(crate) enum Cause<'a> {
    /// A fatal signal.
    Signal(signals::Delivery),
    /// A panic.
    Panic(&'a PanicHookInfo<'a>),
}

impl Cause<'_> {
    fn print(&self, sink: &mut Sink) {
        match self {
            Self::Signal(delivery) => delivery.print(sink),
            Self::Panic(panic) => {
                sink.text(format_args!("panic"));
                if let Some(place) = panic.location() {
                    sink.text(format_args!(" at {place}"));
                }
                let message = panic.payload_as_str();
                sink.line(format_args!(": {}", message.unwrap_or("(no message)")));
            }
        }
    }

    fn program_counter(&self) -> Option<usize> {
        match self {
            Self::Signal(delivery) => delivery.program_counter(),
            Self::Panic(_) => None,
        }
    }
}

/// The thread that writes the report ([`command::thread_token`]), or 0.
static REPORTER: AtomicUsize = AtomicUsize::new(0);
/// The signal that ends the process once a report has begun.
static LAST_SIGNAL: AtomicI32 = AtomicI32::new(0);
/// The section to be written next: they are numbered so that a fault inside one skips to the next.
static SECTION: AtomicUsize = AtomicUsize::new(0);

/// Writes a report and ends the process by `signal`; or, if a report is being written by this
/// thread, continues it after the section in which `cause` arose; or, if another thread writes one,
/// waits for the end.
pub(crate) fn write_and_die(cause: &Cause<'_>, signal: libc::c_int) -> ! {
    let Some(installed) = INSTALLED.get() else { signals::die(signal) };
    let me = command::thread_token();
    match REPORTER.compare_exchange(0, me, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            LAST_SIGNAL.store(signal, Ordering::Release);
            signals::start_timer(installed.time_limit_seconds);
        }
        Err(reporter) if reporter == me => {
            let mut sink = Sink::open(installed);
            sink.line(format_args!(""));
            sink.line(format_args!("another fault cut this section short:"));
            cause.print(&mut sink);
        }
        Err(_) => signals::wait_for_death(),
    }
    let mut sink = Sink::open(installed);
    write_sections(&mut sink, installed, cause);
    signals::die(LAST_SIGNAL.load(Ordering::Acquire))
}

/// Ends a process whose report takes too long.
pub(crate) fn give_up() -> ! {
    if let Some(installed) = INSTALLED.get() {
        let mut sink = Sink::open(installed);
        sink.line(format_args!(""));
        sink.line(format_args!(
            "------ crash report cut short: it took longer than {} s ------",
            installed.time_limit_seconds
        ));
    }
    signals::die(LAST_SIGNAL.load(Ordering::Acquire))
}

/// Writes the sections that have not been begun: the surest first.
fn write_sections(sink: &mut Sink, installed: &Installed, cause: &Cause<'_>) {
    loop {
        match SECTION.fetch_add(1, Ordering::AcqRel) {
            0 => {
                sink.line(format_args!("\n------ crash report begins ------"));
                cause.print(sink);
                let process = std::process::id();
                sink.line(format_args!("process {process}, {}", installed.banner));
            }
            1 => {
                sink.line(format_args!("\n--- command"));
                command::print(sink);
            }
            2 => {
                sink.line(format_args!("\n--- INFO"));
                info::print(sink);
            }
            3 => {
                sink.line(format_args!("\n--- stack, addresses"));
                Addresses::capture(cause.program_counter()).print(sink, &installed.image);
            }
            4 => {
                sink.line(format_args!("\n--- stack, names"));
                Addresses::capture(cause.program_counter()).print_names(sink, &installed.image);
            }
            5 => sink.line(format_args!("\n------ crash report ends ------")),
            _ => break,
        }
    }
}
