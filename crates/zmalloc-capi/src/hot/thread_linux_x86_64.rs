//! The thread's state through a pointer to it in thread-local storage of the model "initial-exec".
//!
//! In code that may end up in a shared library the compiler reaches a thread-local variable by a
//! call, `__tls_get_addr`; a linker that makes a program turns that into two instructions, but the
//! registers that the call might have changed were saved for it. That costs a quarter of what
//! jemalloc needs for a pair of `malloc` and `free`. The model that needs no call can't be asked for
//! in stable Rust, hence the assembly. It takes 8 bytes of the room that the system keeps for
//! shared libraries that are loaded later.

use std::arch::{asm, global_asm};

use zmalloc::raw;

/// The state of a thread that has not looked its own up: not that in which operations run at once.
static UNKNOWN: u8 = raw::RUNS_AT_ONCE.wrapping_add(1);

// A thread-local pointer to where the thread's state is, at first to `UNKNOWN`. Hidden: it is the
// library's.
global_asm!(
    ".pushsection .tdata.zmalloc_capi_state, \"awT\", @progbits",
    ".p2align 3",
    ".globl zmalloc_capi_state",
    ".hidden zmalloc_capi_state",
    ".type zmalloc_capi_state, @object",
    ".size zmalloc_capi_state, 8",
    "zmalloc_capi_state:",
    ".quad {unknown}",
    ".popsection",
    unknown = sym UNKNOWN,
);

/// Whether an operation on the calling thread needs no more than to be run. No, as well, of a
/// thread that has not looked its state up.
#[inline(always)]
pub(super) fn runs_at_once() -> bool {
    // SAFETY: reads the thread's own variable, which exists as long as the thread, and the byte
    // to which the pointer there leads: a static, or what `look_up` has found on this thread.
    unsafe {
        asm!(
            "mov {state}, qword ptr [rip + zmalloc_capi_state@GOTTPOFF]",
            "mov {state}, qword ptr fs:[{state}]",
            "cmp byte ptr [{state}], {expected}",
            "jne {other}",
            state = out(reg) _,
            expected = const raw::RUNS_AT_ONCE,
            other = label { return false },
            options(readonly, nostack),
        );
    }
    true
}

/// Remembers where the thread's state is.
pub(crate) fn look_up() {
    let state = raw::state_of_thread();
    // SAFETY: writes the thread's own variable, which nothing else does.
    unsafe {
        asm!(
            "mov {place}, qword ptr [rip + zmalloc_capi_state@GOTTPOFF]",
            "mov qword ptr fs:[{place}], {state}",
            place = out(reg) _,
            state = in(reg) state,
            options(nostack, preserves_flags),
        );
    }
}
