//! `cap` over jemalloc.

use cap::Cap;
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOC: Cap<Jemalloc> = Cap::new(Jemalloc, usize::MAX);

pub(crate) fn name() -> &'static str {
    "cap"
}

pub(crate) fn set_limit(bytes: usize) -> bool {
    ALLOC.set_limit(bytes).is_ok()
}
