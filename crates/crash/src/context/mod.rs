//! Registers at the time of a signal.

#[cfg_attr(all(target_os = "linux", target_arch = "x86_64"), path = "linux_x86_64.rs")]
#[cfg_attr(all(target_os = "linux", target_arch = "aarch64"), path = "linux_aarch64.rs")]
#[cfg_attr(
    not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))),
    path = "other.rs"
)]
mod imp;

/// Where the signal found the thread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registers {
    /// Address of the instruction that was interrupted.
    pub(crate) program_counter: usize,
    /// Top of the stack.
    pub(crate) stack_pointer: usize,
}

/// Reads the registers out of a signal handler's third argument; `None` where this platform's
/// layout isn't known here.
///
/// # Safety
/// `context` is what the kernel passed to a handler installed with SA_SIGINFO that has not returned.
pub(crate) unsafe fn registers(context: *const libc::c_void) -> Option<Registers> {
    // SAFETY: the same obligation.
    unsafe { imp::registers(context) }
}
