//! The thread's state as `zmalloc` finds it.

#[inline(always)]
pub(super) fn runs_at_once() -> bool {
    zmalloc::raw::runs_at_once()
}

/// There is nothing to be remembered.
pub(crate) fn look_up() {}
