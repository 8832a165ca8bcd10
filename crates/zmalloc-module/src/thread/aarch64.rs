//! Linux on 64-bit ARM: the register `tpidr_el0` holds the thread pointer, as the ABI for
//! thread-local storage has it.

use std::arch::asm;

/// The thread pointer.
#[inline]
pub(super) fn thread_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reads a register that every program may read.
    unsafe { asm!("mrs {}, tpidr_el0", out(reg) pointer, options(pure, nomem, nostack, preserves_flags)) };
    pointer
}
