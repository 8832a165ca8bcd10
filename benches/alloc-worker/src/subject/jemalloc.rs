//! jemalloc, as `tikv-jemallocator` has it.

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOC: Jemalloc = Jemalloc;

pub(crate) fn name() -> &'static str {
    "jemalloc"
}

/// It knows none.
pub(crate) fn set_limit(_bytes: usize) -> bool {
    false
}
