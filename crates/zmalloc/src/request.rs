//! The long way of a request: what happens to it on a thread whose operations need more than to be
//! done, and when the back end has refused it.
//!
//! An injected failure comes first, then the limit, then the back end, and on failure the attempts
//! to give memory back.

use std::alloc::Layout;
use std::ptr::{self, NonNull};

use crate::backend::{Backend, Imp};
use crate::{counts, fail, ledger, oom};

/// Why a request was not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It would have passed the limit.
    Limit,
    /// The back end had no memory, or was made to say so.
    BackEnd,
    /// It is too large to be ever met.
    Hopeless,
}

/// What no process has, whatever the back end thinks: half of a 64-bit address space of 57 bits, the
/// widest there is, or of a smaller one.
const ADDRESS_SPACE: usize = if usize::BITS == 64 { 1 << 56 } else { isize::MAX as usize };

/// Allocates a block of the layout by an operation of the back end that returns null on failure.
#[inline(never)]
pub(crate) fn allocate(layout: Layout, operation: impl Fn() -> *mut u8) -> *mut u8 {
    insist(layout, 0, operation)
}

/// Resizes a block that occupies `usable` bytes to the layout, by such an operation.
#[inline(never)]
pub(crate) fn resize(layout: Layout, usable: usize, operation: impl Fn() -> *mut u8) -> *mut u8 {
    insist(layout, usable, operation)
}

/// Frees a block by an operation of the back end.
#[inline(never)]
pub(crate) fn free(operation: impl FnOnce()) {
    ledger::released(operation);
}

/// Attempts a request until it is met or there is nothing left to give back.
fn insist(layout: Layout, usable: usize, operation: impl Fn() -> *mut u8) -> *mut u8 {
    let doomed = fail::chooses(layout.size());
    let attempt = || {
        if doomed {
            return Err(Refusal::BackEnd);
        }
        attempt(layout, usable, &operation)
    };
    let block = match attempt() {
        Ok(block) => Some(block),
        Err(Refusal::Hopeless) => None,
        Err(refusal) => oom::recover(layout.size(), refusal, attempt),
    };
    block.inspect(|&block| counts::note(block)).map_or(ptr::null_mut(), NonNull::as_ptr)
}

/// Attempts a request once.
fn attempt(layout: Layout, usable: usize, operation: impl Fn() -> *mut u8) -> Result<NonNull<u8>, Refusal> {
    let block = ledger::admitted(layout, usable, operation)?;
    NonNull::new(block).ok_or_else(|| {
        let hopeless = layout.size() >= ADDRESS_SPACE || Imp::good_size(layout) == 0;
        if hopeless { Refusal::Hopeless } else { Refusal::BackEnd }
    })
}
