//! `ZMalloc` over the back end that the feature asks for.

use zmalloc::ZMalloc;

#[global_allocator]
static ALLOC: ZMalloc = ZMalloc::new();

pub(crate) fn name() -> &'static str {
    zmalloc::BACKEND
}

pub(crate) fn set_limit(bytes: usize) -> bool {
    zmalloc::set_limit(Some(bytes));
    true
}
