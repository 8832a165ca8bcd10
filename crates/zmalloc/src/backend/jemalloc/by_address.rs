//! Blocks known by their address: jemalloc finds the size by itself.

use std::alloc::Layout;
use std::ptr::NonNull;

use tikv_jemalloc_sys as ffi;

use super::{Jemalloc, Request, rises};
use crate::backend::ByAddress;

// SAFETY: the same allocator by other entry points, which count in the same way.
unsafe impl ByAddress for Jemalloc {
    #[inline(always)]
    unsafe fn free(block: NonNull<u8>) {
        // SAFETY: the caller promises that the block is live.
        unsafe { ffi::free(block.as_ptr().cast()) }
    }

    #[inline(always)]
    unsafe fn resize(block: NonNull<u8>, layout: Layout) -> *mut u8 {
        let Request { size, flags } = Request::of(layout);
        // SAFETY: the caller promises that the block is live and the size not 0, so the request's
        // is not either. A block that stays is aligned from before.
        unsafe { rises::rallocx(block.as_ptr().cast(), size, flags) }.cast()
    }

    #[inline]
    unsafe fn allocate_uncached(layout: Layout, zeroed: bool) -> *mut u8 {
        let Request { size, flags } = Request::of(layout);
        let zero = if zeroed { ffi::MALLOCX_ZERO } else { 0 };
        // SAFETY: the size is not 0, as the caller promises, and the flags are an alignment or 0,
        // the wish for zeros, and that for no cache.
        unsafe { ffi::mallocx(size, flags | zero | ffi::MALLOCX_TCACHE_NONE) }.cast()
    }

    #[inline]
    unsafe fn resize_uncached(block: NonNull<u8>, layout: Layout) -> *mut u8 {
        let Request { size, flags } = Request::of(layout);
        // SAFETY: as in `resize`.
        unsafe { rises::rallocx(block.as_ptr().cast(), size, flags | ffi::MALLOCX_TCACHE_NONE) }.cast()
    }

    #[inline]
    unsafe fn free_uncached(block: NonNull<u8>) {
        // SAFETY: the caller promises that the block is live.
        unsafe { ffi::dallocx(block.as_ptr().cast(), ffi::MALLOCX_TCACHE_NONE) }
    }
}
