//! The stack that a thread's signal handlers run on, since its own may be what overflowed.

use std::cell::OnceCell;
use std::io;
use std::ptr;

/// Enough to read debug information in an unoptimised build, and faults on top of that. It is
/// reserved only: pages that no handler touches cost nothing.
const BYTES: usize = 1 << 20;
/// At least a page on every platform; an overflow of the handler stack ends here.
const GUARD_BYTES: usize = 64 << 10;

/// A mapping in use as this thread's alternate signal stack.
struct HandlerStack {
    mapping: *mut libc::c_void,
}

thread_local! {
    static OWN: OnceCell<HandlerStack> = const { OnceCell::new() };
}

/// Gives the calling thread a stack of 1 MiB for signal handlers until the thread ends, so that a
/// stack overflow on it can be reported. Calling it again does nothing.
///
/// Threads that never call it have the small one that Rust's runtime gives them, on which a report
/// of a signal gets as far as the statistics; walking the stack needs more room than it has.
///
/// # Errors
/// What `mmap(2)`, `mprotect(2)` or `sigaltstack(2)` answered; the thread then keeps what it had.
///
/// # Panics
/// If called while the thread's local variables are being destroyed.
pub fn protect_thread() -> io::Result<()> {
    OWN.with(|own| {
        if own.get().is_none() {
            let stack = HandlerStack::map()?;
            stack.activate()?;
            let _ = own.set(stack);
        }
        Ok(())
    })
}

impl HandlerStack {
    fn map() -> io::Result<Self> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANON;
        // SAFETY: a new anonymous mapping at an address of the kernel's choice touches no memory
        // that exists.
        let mapping = unsafe { libc::mmap(ptr::null_mut(), GUARD_BYTES + BYTES, protection, flags, -1, 0) };
        if mapping == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stack = Self { mapping };
        // SAFETY: the range is the beginning of the mapping just made, which nothing points into.
        if unsafe { libc::mprotect(mapping, GUARD_BYTES, libc::PROT_NONE) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(stack)
    }

    fn activate(&self) -> io::Result<()> {
        let wanted =
            libc::stack_t { ss_sp: self.mapping.wrapping_byte_add(GUARD_BYTES), ss_flags: 0, ss_size: BYTES };
        // SAFETY: the range is mapped, writable, used by nothing else, and stays so until `drop`
        // has taken it out of use.
        if unsafe { libc::sigaltstack(&raw const wanted, ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

impl Drop for HandlerStack {
    fn drop(&mut self) {
        let mut current = libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: 0, ss_size: 0 };
        // SAFETY: `current` is a valid place for the answer.
        let asked = unsafe { libc::sigaltstack(ptr::null(), &raw mut current) };
        if asked != 0 {
            return;
        }
        if current.ss_sp == self.mapping.wrapping_byte_add(GUARD_BYTES) {
            let disabled =
                libc::stack_t { ss_sp: ptr::null_mut(), ss_flags: libc::SS_DISABLE, ss_size: BYTES };
            // SAFETY: `disabled` names no memory. On failure the mapping must stay.
            if unsafe { libc::sigaltstack(&raw const disabled, ptr::null_mut()) } != 0 {
                return;
            }
        }
        // SAFETY: the mapping is this value's own, and is no longer the signal stack of this
        // thread, which is the only one that could use it: the value lives in a thread-local.
        unsafe { libc::munmap(self.mapping, GUARD_BYTES + BYTES) };
    }
}
