//! `alloc_tracker` over jemalloc.

use alloc_tracker::Allocator;
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOC: Allocator<Jemalloc> = Allocator::new(Jemalloc);

pub(crate) fn name() -> &'static str {
    "alloc_tracker"
}

/// It knows none.
pub(crate) fn set_limit(_bytes: usize) -> bool {
    false
}
