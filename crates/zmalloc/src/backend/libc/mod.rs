//! The C library's own allocator.
//!
//! POSIX says how it allocates; how it tells a block's size is each library's affair, and so is
//! giving memory back (`platform`, a file for each).

use std::alloc::Layout;
use std::ptr::{self, NonNull};

use super::counting::QuickSize;
use super::moving::reallocate_by_copy;
use super::{Backend, Control};
use crate::error::ControlError;

#[cfg_attr(all(target_os = "linux", target_env = "gnu", not(zmalloc_sanitized)), path = "glibc.rs")]
#[cfg_attr(any(target_os = "macos", target_os = "ios"), path = "apple.rs")]
#[cfg_attr(
    not(any(
        all(target_os = "linux", target_env = "gnu", not(zmalloc_sanitized)),
        target_os = "macos",
        target_os = "ios"
    )),
    path = "other.rs"
)]
mod platform;

/// The C library as a [`Backend`].
pub(crate) struct Libc;

/// The alignment that `malloc` gives to blocks of at least as many bytes: that of C's
/// `max_align_t`.
const NATURAL_ALIGN: usize = 2 * size_of::<usize>();

/// Whether `malloc` and `realloc` give this alignment to this size. A smaller block need not be
/// aligned beyond its size.
#[inline(always)]
const fn is_natural(size: usize, align: usize) -> bool {
    // No size is 0; said here for the compiler, to which that is news.
    align == 1 || align <= NATURAL_ALIGN && align <= size
}

/// A block that `malloc` would not align.
///
/// # Safety
/// As [`Backend::allocate`].
#[inline(never)]
unsafe fn allocate_aligned(layout: Layout) -> *mut u8 {
    let mut block = ptr::null_mut();
    // The least that `posix_memalign` takes is a pointer's.
    let align = layout.align().max(size_of::<usize>());
    // SAFETY: the alignment is a power of two and a multiple of a pointer's size, and `block` is
    // there to be written, which happens on success only.
    match unsafe { libc::posix_memalign(&raw mut block, align, layout.size()) } {
        0 => block.cast(),
        _ => ptr::null_mut(),
    }
}

/// Resizes a block that `realloc` would not align: it stays if it fits and half of it is used, else
/// it is copied.
///
/// # Safety
/// As [`Backend::reallocate`].
#[inline(never)]
unsafe fn reallocate_aligned(block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
    // SAFETY: the caller promises that the block is live, hence not null.
    let usable = unsafe { Libc::usable_size(NonNull::new_unchecked(block)) };
    if new_size <= usable && new_size >= usable / 2 {
        return block;
    }
    // SAFETY: passed on.
    unsafe { reallocate_by_copy::<Libc>(block, layout, new_size) }
}

// SAFETY: the C standard's and POSIX's descriptions are the contract, one by one:
// - the functions don't unwind, call nothing of Rust's, and serve every thread at any time;
// - blocks are disjoint and stay until freed. `malloc`, `calloc` and `realloc` align for every type
//   that fits the size, `posix_memalign` as told: `is_natural` decides between them;
// - `free` and `realloc` take blocks of each of these functions;
// - the size that the library tells is that of the block, may be used whole, and is set when the
//   block is allocated or resized. `platform::at_least` gives no more.
unsafe impl Backend for Libc {
    const NAME: &'static str = env!("ZMALLOC_BACKEND");

    const GOOD_SIZE_IS_EXACT: bool = false;

    #[inline]
    unsafe fn allocate(layout: Layout) -> *mut u8 {
        if is_natural(layout.size(), layout.align()) {
            // SAFETY: `malloc` takes any size.
            unsafe { libc::malloc(layout.size()) }.cast()
        } else {
            // SAFETY: passed on.
            unsafe { allocate_aligned(layout) }
        }
    }

    #[inline]
    unsafe fn allocate_zeroed(layout: Layout) -> *mut u8 {
        if is_natural(layout.size(), layout.align()) {
            // SAFETY: `calloc` takes any sizes.
            return unsafe { libc::calloc(1, layout.size()) }.cast();
        }
        // SAFETY: passed on.
        let block = unsafe { allocate_aligned(layout) };
        if !block.is_null() {
            // SAFETY: the block has that size.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    #[inline]
    unsafe fn deallocate(block: *mut u8, _layout: Layout) {
        // SAFETY: the caller promises that the block is live.
        unsafe { libc::free(block.cast()) }
    }

    #[inline]
    unsafe fn reallocate(block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if is_natural(new_size, layout.align()) {
            // SAFETY: the caller promises that the block is live and that the size is not 0, which
            // could free it.
            unsafe { libc::realloc(block.cast(), new_size) }.cast()
        } else {
            // SAFETY: passed on.
            unsafe { reallocate_aligned(block, layout, new_size) }
        }
    }

    #[inline]
    fn good_size(layout: Layout) -> usize {
        match layout.size() {
            0 => 0,
            size => platform::at_least(size),
        }
    }

    #[inline]
    fn largest_size(layout: Layout) -> usize {
        match layout.size() {
            0 => 0,
            size if is_natural(size, layout.align()) => platform::at_most(size),
            // Whatever lies behind an aligned block may be left to it.
            size => platform::at_most(size.saturating_add(layout.align())),
        }
    }

    #[inline(always)]
    unsafe fn usable_size(block: NonNull<u8>) -> usize {
        // SAFETY: the caller promises that the block is live.
        unsafe { platform::usable_size(block) }
    }

    fn prepare() {
        platform::prepare();
    }

    fn has_quick_way() -> bool {
        platform::has_quick_way()
    }
}

// SAFETY: it is the same size.
unsafe impl QuickSize for Libc {
    #[inline(always)]
    unsafe fn size_on_quick_way(block: NonNull<u8>, _layout: Layout) -> usize {
        // SAFETY: passed on.
        unsafe { platform::size_on_quick_way(block) }
    }
}

impl Control for Libc {
    fn purge() -> Result<(), ControlError> {
        platform::purge()
    }

    fn stats_text() -> String {
        platform::report().unwrap_or_else(|| format!("{} has no report of its own.\n", Self::NAME))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Not exact, but not idle either: were the formula for another library or another word size,
    /// fresh small blocks would show it.
    #[test]
    fn fresh_small_blocks_have_the_size_foretold() {
        for size in 1..=1000 {
            let layout = Layout::from_size_align(size, 1).unwrap();
            // SAFETY: the size is not 0.
            let blocks: Vec<_> = (0..20).map(|_| unsafe { Libc::allocate(layout) }).collect();
            let mut exact = 0;
            for block in blocks {
                let live = NonNull::new(block).unwrap();
                // SAFETY: live.
                let usable = unsafe { Libc::usable_size(live) };
                assert!(usable >= Libc::good_size(layout), "size {size}: {usable}");
                exact += usize::from(usable == Libc::good_size(layout));
                // SAFETY: live, with this layout.
                unsafe { Libc::deallocate(block, layout) };
            }
            assert!(exact >= 10, "size {size}");
        }
    }

    #[test]
    fn an_aligned_block_that_still_fits_stays() {
        let layout = Layout::from_size_align(1000, 64).unwrap();
        // SAFETY: the sizes are not 0, and each block is live with the layout given.
        unsafe {
            let block = Libc::allocate(layout);
            assert_eq!(Libc::reallocate(block, layout, 900), block);
            let layout = Layout::from_size_align(900, 64).unwrap();
            let small = Libc::reallocate(block, layout, 100);
            assert!(Libc::usable_size(NonNull::new(small).unwrap()) < 900);
            Libc::deallocate(small, Layout::from_size_align(100, 64).unwrap());
        }
    }
}
