//! mimalloc, through `libmimalloc-sys`.

use std::alloc::Layout;
use std::ffi::{CStr, c_char, c_void};
use std::ptr::NonNull;

use libmimalloc_sys as ffi;

use super::class_table::{ClassTable, STEP, entries};
use super::counting::QuickSize;
use super::moving::reallocate_by_copy;
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
///
/// Rounded, so that what a block has to spare is the same for all sizes in between: if mimalloc was
/// built to check for overflows (features `secure` and `debug`), it is what was asked for exactly.
///
/// No overflow: a layout's size is at most `isize::MAX`.
#[inline(always)]
const fn plain(size: usize, align: usize) -> Option<usize> {
    let Some(least) = unrounded(size, align) else { return None };
    Some(least.wrapping_add(STEP - 1) & !(STEP - 1))
}

/// The same before it is rounded. To at least [`STEP`] it is rounded anyway.
#[inline(always)]
const fn unrounded(size: usize, align: usize) -> Option<usize> {
    if align > NATURAL_ALIGN {
        None
    } else if align > STEP && size < align {
        Some(align)
    } else {
        Some(size)
    }
}

/// For requests of up to 4 KiB, which are tried out one by one.
static CLASSES: ClassTable<{ entries(4096) }> = ClassTable::new();

/// The usable size of the blocks for a small plain request. Found out by trial, as the builds of
/// mimalloc differ.
fn try_out(size: usize) -> usize {
    // SAFETY: both take any size; the block, if there is one, is live until it is freed.
    unsafe {
        let block = ffi::mi_malloc(size);
        if block.is_null() {
            return ffi::mi_good_size(size);
        }
        let usable = ffi::mi_usable_size(block);
        ffi::mi_free(block);
        usable
    }
}

/// The usable size of a block for a plain request, if it is a small one. The thread is prepared.
#[inline(always)]
fn class_of(layout: Layout) -> Option<usize> {
    CLASSES.class_of(unrounded(layout.size(), layout.align())?)
}

/// Resizes a block to a size whose class is not remembered. The library lets it stay where half of it
/// is used; where it stays, its size is asked for.
///
/// # Safety
/// As [`Backend::reallocate`], `layout` being the new one.
#[inline(never)]
unsafe fn reallocate_by_library(block: *mut u8, layout: Layout) -> *mut u8 {
    if let Some(size) = plain(layout.size(), layout.align()) {
        // SAFETY: the caller promises that the block is live and that the size is not 0.
        unsafe { ffi::mi_realloc(block.cast(), size) }.cast()
    } else {
        // SAFETY: as above; the alignment is a power of two.
        unsafe { ffi::mi_realloc_aligned(block.cast(), layout.size(), layout.align()) }.cast()
    }
}

// SAFETY: mimalloc's documentation is the contract, one by one:
// - it doesn't unwind, calls nothing of Rust's (no handlers are registered), and serves every
//   thread at any time, also after it has taken leave of one;
// - blocks are disjoint, stay until freed, and are aligned as told; those of at least 16 bytes to
//   16 by themselves. A block is always resized and freed by the functions for its alignment;
// - small plain blocks are of the class that was tried out, and stay only within it;
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
    unsafe fn deallocate(block: *mut u8, _layout: Layout) {
        // SAFETY: the caller promises that the block is live. (A size would not help: nothing is made
        // of it but checks.)
        unsafe { ffi::mi_free(block.cast()) }
    }

    #[inline]
    unsafe fn reallocate(block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the size does not overflow when it is rounded up to this
        // alignment, which is a power of two as it comes from a layout.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        let Some(class) = class_of(new_layout) else {
            // SAFETY: passed on.
            return unsafe { reallocate_by_library(block, new_layout) };
        };
        if class_of(layout) == Some(class) {
            return block;
        }
        // SAFETY: passed on.
        unsafe { reallocate_by_copy::<Self>(block, layout, new_size) }
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

    fn prepare() {
        CLASSES.fill(try_out);
    }

    #[inline(always)]
    unsafe fn usable_size_of(block: NonNull<u8>, layout: Layout) -> usize {
        match class_of(layout) {
            // Of this class when it was allocated or moved, and it stays only within it.
            Some(class) => class,
            // SAFETY: the caller promises that the block is live.
            None => unsafe { Self::usable_size(block) },
        }
    }
}

// SAFETY: nothing but what the back end above does.
unsafe impl QuickSize for Mimalloc {}

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
        Mimalloc::prepare();
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
                assert_eq!(Mimalloc::usable_size_of(block, layout), usable, "{layout:?}");
                Mimalloc::deallocate(block.as_ptr(), layout);
            }
        }
    }

    #[test]
    fn a_resized_block_has_the_size_that_its_layout_tells() {
        Mimalloc::prepare();
        let sizes = || (1..200).step_by(3).chain([1000, 2048, 4095, 4096, 4097, 5000, 9000, 70_000]);
        for align in [1, 16, 64] {
            for (size, new_size) in sizes().flat_map(|size| sizes().map(move |new_size| (size, new_size))) {
                let layout = Layout::from_size_align(size, align).unwrap();
                let new_layout = Layout::from_size_align(new_size, align).unwrap();
                // SAFETY: the sizes are not 0, and the block has the layouts given.
                unsafe {
                    let block = Mimalloc::allocate(layout);
                    block.write_bytes(7, size);
                    let block = NonNull::new(Mimalloc::reallocate(block, layout, new_size)).unwrap();
                    let kept = std::slice::from_raw_parts(block.as_ptr(), size.min(new_size));
                    assert!(kept.iter().all(|&byte| byte == 7));
                    let usable = Mimalloc::usable_size(block);
                    let told = Mimalloc::usable_size_of(block, new_layout);
                    assert!(usable == told && usable >= new_size, "{layout:?} to {new_size}: {usable}");
                    Mimalloc::deallocate(block.as_ptr(), new_layout);
                }
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
