//! mimalloc, through `libmimalloc-sys`.

use std::alloc::Layout;
use std::ffi::{CStr, c_char, c_void};
use std::ptr::NonNull;

use libmimalloc_sys as ffi;

use super::{Backend, Control};
use crate::error::ControlError;

mod utilization;

pub(crate) use self::utilization::Survey;

/// mimalloc as a [`Backend`].
pub(crate) struct Mimalloc;

/// The alignment that every block gets that is at least as large (`MI_MAX_ALIGN_SIZE`).
const NATURAL_ALIGN: usize = 16;

/// The largest request whose block has the size that `mi_good_size` tells.
const FORETOLD: usize = 64 * 1024;

/// What mimalloc divides its memory into (`MI_ARENA_SLICE_SIZE`).
const SLICE: usize = 64 * 1024;

/// The size to ask for where the alignment needs no mention, which is cheaper; `None` where it does.
#[inline(always)]
const fn plain(size: usize, align: usize) -> Option<usize> {
    if align > NATURAL_ALIGN {
        None
    } else if size < align {
        Some(align)
    } else {
        Some(size)
    }
}

// SAFETY: mimalloc's documentation is the contract, one by one:
// - it doesn't unwind, calls nothing of Rust's (no handlers are registered), and serves every
//   thread at any time, also after it has taken leave of one;
// - blocks are disjoint, stay until freed, and are aligned as told; those of at least 16 bytes to
//   16 by themselves. A block is always resized and freed by the functions for its alignment;
// - `mi_usable_size` is the whole of the block, and what is left of its page's block behind an
//   aligned one. `mi_good_size` is what `mi_malloc` takes; where it doesn't apply, and after a
//   block stayed where it was, the size asked for is the least.
unsafe impl Backend for Mimalloc {
    const NAME: &'static str = env!("ZMALLOC_BACKEND");

    const GOOD_SIZE_IS_EXACT: bool = false;

    #[inline]
    unsafe fn allocate(layout: Layout) -> *mut u8 {
        if let Some(size) = plain(layout.size(), layout.align()) {
            // SAFETY: takes any size.
            unsafe { ffi::mi_malloc(size) }.cast()
        } else {
            // SAFETY: takes any size, and a power of two.
            unsafe { ffi::mi_malloc_aligned(layout.size(), layout.align()) }.cast()
        }
    }

    #[inline]
    unsafe fn allocate_zeroed(layout: Layout) -> *mut u8 {
        if let Some(size) = plain(layout.size(), layout.align()) {
            // SAFETY: takes any size.
            unsafe { ffi::mi_zalloc(size) }.cast()
        } else {
            // SAFETY: takes any size, and a power of two.
            unsafe { ffi::mi_zalloc_aligned(layout.size(), layout.align()) }.cast()
        }
    }

    #[inline]
    unsafe fn deallocate(block: *mut u8, layout: Layout) {
        if let Some(size) = plain(layout.size(), layout.align()) {
            // SAFETY: the caller promises that the block is live, and it has at least this size.
            unsafe { ffi::mi_free_size(block.cast(), size) }
        } else {
            // SAFETY: as above; it has this alignment.
            unsafe { ffi::mi_free_size_aligned(block.cast(), layout.size(), layout.align()) }
        }
    }

    #[inline]
    unsafe fn reallocate(block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if let Some(size) = plain(new_size, layout.align()) {
            // SAFETY: the caller promises that the block is live and that the size is not 0.
            unsafe { ffi::mi_realloc(block.cast(), size) }.cast()
        } else {
            // SAFETY: as above; the alignment is a power of two.
            unsafe { ffi::mi_realloc_aligned(block.cast(), new_size, layout.align()) }.cast()
        }
    }

    #[inline]
    fn good_size(layout: Layout) -> usize {
        match plain(layout.size(), layout.align()) {
            _ if layout.size() == 0 => 0,
            // SAFETY: a pure function of any size.
            Some(size) => unsafe { ffi::mi_good_size(size) },
            None => layout.size(),
        }
    }

    #[inline]
    fn largest_size(layout: Layout) -> usize {
        let size = match plain(layout.size(), layout.align()) {
            _ if layout.size() == 0 => return 0,
            Some(size) => size,
            // An aligned block lies somewhere in one that is larger by the alignment.
            None => layout.size() + layout.align(),
        };
        // SAFETY: a pure function of any size.
        let good = unsafe { ffi::mi_good_size(size) };
        // Large classes are an eighth apart, and a page of its own is made of slices.
        if size <= FORETOLD { good } else { good.saturating_add(good / 8 + SLICE) }
    }

    #[inline]
    unsafe fn usable_size(block: NonNull<u8>) -> usize {
        // SAFETY: the caller promises that the block is live.
        unsafe { ffi::mi_usable_size(block.as_ptr().cast_const().cast()) }
    }
}

impl Control for Mimalloc {
    fn flush_thread_cache() -> Result<(), ControlError> {
        // SAFETY: takes either value, on any thread.
        unsafe { ffi::mi_collect(false) };
        Ok(())
    }

    fn purge() -> Result<(), ControlError> {
        // SAFETY: as above.
        unsafe { ffi::mi_collect(true) };
        Ok(())
    }

    fn stats_text() -> String {
        /// Appends a piece of the report to the bytes that `report` points to.
        unsafe extern "C" fn append(piece: *const c_char, report: *mut c_void) {
            // SAFETY: `report` is what was passed to `mi_stats_print_out` below, borrowed for
            // nothing else meanwhile; `piece` ends with NUL.
            let (piece, report) = unsafe { (CStr::from_ptr(piece), &mut *report.cast::<Vec<u8>>()) };
            report.extend_from_slice(piece.to_bytes());
        }

        let mut report = Vec::<u8>::with_capacity(16 * 1024);
        // SAFETY: `append` gets back the pointer given here, which stays valid throughout.
        unsafe { ffi::mi_stats_print_out(Some(append), (&raw mut report).cast()) };
        String::from_utf8_lossy(&report).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fresh_blocks_have_the_size_foretold() {
        let sizes = (1..=2000).chain((2000..=200_000).step_by(997)).chain([1 << 20, 3 << 20, 100 << 20]);
        for (size, align) in sizes.flat_map(|size| [(size, 1), (size, 16), (size, 256)]) {
            let layout = Layout::from_size_align(size, align).unwrap();
            // SAFETY: the size is not 0; the block is live until it is freed with its layout.
            unsafe {
                let block = NonNull::new(Mimalloc::allocate(layout)).unwrap();
                let usable = Mimalloc::usable_size(block);
                let foretold = Mimalloc::good_size(layout);
                assert!(usable >= foretold && foretold >= size, "{layout:?}: {usable}, not {foretold}");
                assert!(
                    usable == foretold || align > NATURAL_ALIGN || size > 100_000,
                    "{layout:?}: {usable}"
                );
                Mimalloc::deallocate(block.as_ptr(), layout);
            }
        }
    }

    #[test]
    fn name_is_that_of_the_library_that_runs() {
        // SAFETY: a question without arguments.
        let number = unsafe { ffi::mi_version() };
        let version = format!("{}.{}.{}", number / 10_000, number / 100 % 100, number % 100);
        assert_eq!(Mimalloc::NAME, format!("mimalloc-{version}"));
    }

    #[test]
    fn the_report_is_mimallocs() {
        // What a heap's part of it shows depends on what its threads have handed in so far; the heading is
        // always there.
        let report = Mimalloc::stats_text();
        assert!(report.contains("subproc"), "{report}");
    }
}
