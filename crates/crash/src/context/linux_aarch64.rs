//! Linux on 64-bit ARM.

use super::Registers;

/// # Safety
/// As for [`super::registers`].
pub(super) unsafe fn registers(context: *const libc::c_void) -> Option<Registers> {
    // SAFETY: the kernel passes a `ucontext_t` there.
    let machine = unsafe { &(*context.cast::<libc::ucontext_t>()).uc_mcontext };
    Some(Registers { program_counter: machine.pc as usize, stack_pointer: machine.sp as usize })
}
