//! `stats_alloc` over jemalloc.
#![allow(unsafe_code)]

use std::mem::MaybeUninit;

use stats_alloc::StatsAlloc;
use tikv_jemallocator::Jemalloc;

/// What `StatsAlloc::new(Jemalloc)` makes. It is no constant function on a stable compiler.
// SAFETY: its fields are atomic integers, which may be zero, and `Jemalloc`, which has no bytes.
const NEW: StatsAlloc<Jemalloc> = unsafe { MaybeUninit::zeroed().assume_init() };

#[global_allocator]
static ALLOC: StatsAlloc<Jemalloc> = NEW;

pub(crate) fn name() -> &'static str {
    "stats_alloc"
}

/// It knows none.
pub(crate) fn set_limit(_bytes: usize) -> bool {
    false
}
