//! Linux on x86-64: the segment register `fs` points to the thread's control block, whose first word
//! is its own address, as the ABI for thread-local storage demands of every C library.

use std::arch::asm;

/// The address of the thread's control block.
#[inline]
pub(super) fn thread_pointer() -> usize {
    let pointer: usize;
    // SAFETY: reads one word that the C library has set up before any code of the thread runs.
    unsafe { asm!("mov {}, fs:[0]", out(reg) pointer, options(pure, readonly, nostack, preserves_flags)) };
    pointer
}
