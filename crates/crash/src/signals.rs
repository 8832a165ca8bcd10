//! Catching fatal signals and ending the process by them.

use std::ffi::c_void;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use crate::context::{self, Registers};
use crate::report::{self, Cause};
use crate::sink::Sink;

const FATAL: [libc::c_int; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGFPE, libc::SIGILL, libc::SIGABRT];

/// A fault this close to the stack pointer, in bytes, is taken for a stack overflow.
const OVERFLOW_REACH: usize = 64 << 10;

/// What the kernel says about a signal.
pub(crate) struct Delivery {
    signal: libc::c_int,
    code: libc::c_int,
    origin: Origin,
    registers: Option<Registers>,
}

/// Where a signal came from.
enum Origin {
    /// A process sent it.
    Process { pid: libc::pid_t, uid: libc::uid_t },
    /// An instruction of this thread raised it, about this address.
    Fault { address: usize },
}

impl Delivery {
    /// # Safety
    /// `info` and `context` are what the kernel passed to a handler of one of [`FATAL`], which was
    /// installed with SA_SIGINFO and has not returned.
    unsafe fn read(signal: libc::c_int, info: *const libc::siginfo_t, context: *const c_void) -> Self {
        // SAFETY: the kernel's `info` is valid until the handler returns.
        let info = unsafe { &*info };
        // Codes up to zero mean a process sent it, positive ones that the kernel did (POSIX), and
        // SIGABRT is never raised by an instruction.
        let sent = info.si_code <= 0 || signal == libc::SIGABRT;
        let origin = if sent {
            // SAFETY: a sent signal carries the sender.
            let (pid, uid) = unsafe { (info.si_pid(), info.si_uid()) };
            Origin::Process { pid, uid }
        } else {
            // SAFETY: a fault that the kernel raised carries the address.
            let address = unsafe { info.si_addr() }.addr();
            Origin::Fault { address }
        };
        Self {
            signal,
            code: info.si_code,
            origin,
            // SAFETY: the same obligation.
            registers: unsafe { context::registers(context) },
        }
    }

    pub(crate) fn program_counter(&self) -> Option<usize> {
        self.registers.map(|registers| registers.program_counter)
    }

    /// Prints all of it. Neither allocates nor locks.
    pub(crate) fn print(&self, sink: &mut Sink) {
        sink.text(format_args!("signal {} ({}), code {}", self.signal, name(self.signal), self.code));
        match self.origin {
            Origin::Process { pid, uid } => {
                sink.line(format_args!(", sent by process {pid} of user {uid}"));
            }
            Origin::Fault { address } => {
                sink.line(format_args!(", {}, address {address:#x}", meaning(self.signal, self.code)))
            }
        }
        if let Some(registers) = self.registers {
            sink.line(format_args!(
                "at instruction {:#x}, stack pointer {:#x}",
                registers.program_counter, registers.stack_pointer
            ));
        }
        if self.is_stack_overflow() {
            sink.line(format_args!("the address is at the stack pointer: most likely a stack overflow"));
        }
    }

    fn is_stack_overflow(&self) -> bool {
        match (&self.origin, self.registers) {
            (Origin::Fault { address }, Some(registers)) => {
                matches!(self.signal, libc::SIGSEGV | libc::SIGBUS)
                    && address.abs_diff(registers.stack_pointer) < OVERFLOW_REACH
            }
            _ => false,
        }
    }
}

fn name(signal: libc::c_int) -> &'static str {
    match signal {
        libc::SIGSEGV => "SIGSEGV",
        libc::SIGBUS => "SIGBUS",
        libc::SIGFPE => "SIGFPE",
        libc::SIGILL => "SIGILL",
        libc::SIGABRT => "SIGABRT",
        _ => "unexpected",
    }
}

/// What a kernel-raised signal's code means, as POSIX lists them under `<signal.h>`.
fn meaning(signal: libc::c_int, code: libc::c_int) -> &'static str {
    match (signal, code) {
        (libc::SIGSEGV, 1) => "nothing is mapped there",
        (libc::SIGSEGV, 2) => "access there is not permitted",
        (libc::SIGBUS, 1) => "misaligned access",
        (libc::SIGBUS, 2) => "no such physical address",
        (libc::SIGBUS, 3) => "hardware error",
        (libc::SIGFPE, 1) => "integer division by zero",
        (libc::SIGFPE, 2) => "integer overflow",
        (libc::SIGILL, _) => "illegal instruction",
        _ => "raised by the kernel",
    }
}

/// Installs the handler of every fatal signal.
pub(crate) fn install() -> io::Result<()> {
    // A fault inside the handler of the same signal must reach the handler again (SA_NODEFER), and
    // the stack may be the problem (SA_ONSTACK).
    let flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_NODEFER;
    let fatal: extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut c_void) = on_fatal;
    for signal in FATAL {
        set_action(signal, fatal as libc::sighandler_t, flags)?;
    }
    Ok(())
}

fn set_action(signal: libc::c_int, handler: libc::sighandler_t, flags: libc::c_int) -> io::Result<()> {
    // SAFETY: all zeros is a valid `sigaction`: plain integers, and an optional function.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    // SAFETY: `sa_mask` is a valid place for a set of signals.
    unsafe { libc::sigemptyset(&raw mut action.sa_mask) };
    // SAFETY: every caller passes SIG_DFL, or a handler of the signature that its `flags` imply
    // and that never returns, so it can't disturb what it interrupts.
    if unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

extern "C" fn on_fatal(signal: libc::c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel calls this function for one of `FATAL`, with SA_SIGINFO's arguments.
    let delivery = unsafe { Delivery::read(signal, info, context) };
    report::write_and_die(&Cause::Signal(delivery), signal)
}

extern "C" fn on_timer(_signal: libc::c_int) {
    report::give_up()
}

/// Makes the process end after `seconds`, whatever the calling thread does until then.
pub(crate) fn start_timer(seconds: u32) {
    let timer: extern "C" fn(libc::c_int) = on_timer;
    let flags = libc::SA_ONSTACK;
    // Without a handler the timer still ends the process, by SIGALRM.
    let _ = set_action(libc::SIGALRM, timer as libc::sighandler_t, flags);
    unblock(libc::SIGALRM);
    // SAFETY: `alarm` has no preconditions.
    unsafe { libc::alarm(seconds) };
}

fn unblock(signal: libc::c_int) {
    let mut set = MaybeUninit::uninit();
    // SAFETY: `sigemptyset` initialises the set that the other two then use.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), signal);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, set.as_ptr(), ptr::null_mut());
    }
}

/// Ends the process by `signal`, so that whoever waits for it sees the true reason.
pub(crate) fn die(signal: libc::c_int) -> ! {
    // On failure the last resort below still ends the process.
    let _ = set_action(signal, libc::SIG_DFL, 0);
    unblock(signal);
    // SAFETY: `raise` takes any number; with the default action of a fatal signal it doesn't return.
    unsafe { libc::raise(signal) };
    // SAFETY: `_exit` runs nothing of this process. 128 + signal is how shells report a signal.
    unsafe { libc::_exit(128 + signal) }
}

/// Waits until another thread's report ends the process.
pub(crate) fn wait_for_death() -> ! {
    loop {
        // SAFETY: `pause` has no preconditions.
        unsafe { libc::pause() };
    }
}
