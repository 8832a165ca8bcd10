//! Linux on x86-64.

use super::Registers;

/// # Safety
/// As for [`super::registers`].
#[expect(clippy::cast_sign_loss, reason = "registers hold addresses")]
pub(super) unsafe fn registers(context: *const libc::c_void) -> Option<Registers> {
    // SAFETY: the kernel passes a `ucontext_t` there.
    let context = unsafe { &*context.cast::<libc::ucontext_t>() };
    let registers = &context.uc_mcontext.gregs;
    Some(Registers {
        program_counter: registers[libc::REG_RIP as usize] as usize,
        stack_pointer: registers[libc::REG_RSP as usize] as usize,
    })
}
