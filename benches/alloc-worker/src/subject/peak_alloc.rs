//! `peak_alloc`, which always stands on the C library.

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOC: PeakAlloc = PeakAlloc;

pub(crate) fn name() -> &'static str {
    "peak_alloc"
}

/// It knows none.
pub(crate) fn set_limit(_bytes: usize) -> bool {
    false
}
