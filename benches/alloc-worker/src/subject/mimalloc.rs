//! mimalloc, as the crate `mimalloc` has it.

use mimalloc::MiMalloc;

#[global_allocator]
static ALLOC: MiMalloc = MiMalloc;

pub(crate) fn name() -> &'static str {
    "mimalloc"
}

/// It knows none.
pub(crate) fn set_limit(_bytes: usize) -> bool {
    false
}
