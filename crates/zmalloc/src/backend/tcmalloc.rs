//! tcmalloc, as the system's gperftools have it: `tcmalloc` or `tcmalloc_minimal`, which the build
//! script links. Either replaces C's `malloc` in the whole program as well.

use std::alloc::Layout;
use std::ffi::{CStr, c_char, c_int};
use std::ptr::NonNull;

use super::class_table::{ClassTable, entries};
use super::counting::QuickSize;
use super::moving::reallocate_by_copy;
use super::{Backend, Control};
use crate::error::ControlError;

mod ffi {
    //! What is used of `gperftools/tcmalloc.h` and `gperftools/malloc_extension_c.h`.

    use std::ffi::{c_char, c_int, c_void};

    unsafe extern "C" {
        pub(super) fn tc_malloc(size: usize) -> *mut c_void;
        pub(super) fn tc_calloc(count: usize, size: usize) -> *mut c_void;
        pub(super) fn tc_memalign(align: usize, size: usize) -> *mut c_void;
        pub(super) fn tc_free(block: *mut c_void);
        pub(super) fn tc_free_sized(block: *mut c_void, size: usize);
        pub(super) fn tc_nallocx(size: usize, flags: c_int) -> usize;
        pub(super) fn tc_malloc_size(block: *mut c_void) -> usize;
        pub(super) fn MallocExtension_GetStats(buffer: *mut c_char, length: c_int);
        pub(super) fn MallocExtension_MarkThreadIdle();
        pub(super) fn MallocExtension_ReleaseFreeMemory();
    }
}

/// tcmalloc as a [`Backend`].
pub(crate) struct Tcmalloc;

/// The alignment of every block whose size is a multiple of it.
const NATURAL_ALIGN: usize = 16;

/// The size to ask for where the alignment needs no mention; `None` where it does.
///
/// Past 8 bytes the size classes are multiples of 16, and a class lies in spans of whole pages.
#[inline(always)]
const fn plain(size: usize, align: usize) -> Option<usize> {
    if align < NATURAL_ALIGN {
        // For alignments of 4 and 2 as well: the least class is 8.
        Some(size)
    } else if align == NATURAL_ALIGN {
        Some(size.wrapping_add(NATURAL_ALIGN - 1) & !(NATURAL_ALIGN - 1))
    } else {
        None
    }
}

/// For all requests that are met with blocks of a class.
static CLASSES: ClassTable<{ entries(256 * 1024) }> = ClassTable::new();

/// The library's answer to what a request is met with, a pure function.
fn ask(size: usize) -> usize {
    // SAFETY: takes any size, and no flags.
    unsafe { ffi::tc_nallocx(size, 0) }
}

/// The size of the blocks that such a request is met with. The thread is prepared.
#[inline(always)]
fn class_of(size: usize) -> usize {
    CLASSES.class_of(size).unwrap_or_else(|| ask(size))
}

/// Whether a block can stay what it is when it is resized.
///
/// A sized free must name the class of the block, so one that is plain stays only within it; the
/// library's own `realloc` would let it stay in a larger one.
///
/// # Safety
/// As [`Backend::reallocate`].
#[inline]
unsafe fn stays(block: *mut u8, layout: Layout, new_size: usize) -> bool {
    let sizes = (plain(layout.size(), layout.align()), plain(new_size, layout.align()));
    if let (Some(old), Some(new)) = sizes {
        class_of(old) == class_of(new)
    } else {
        // SAFETY: the caller promises that the block is live.
        let usable = unsafe { ffi::tc_malloc_size(block.cast()) };
        new_size <= usable && new_size >= usable / 2
    }
}

// SAFETY: the headers' descriptions are the contract, one by one:
// - the functions don't unwind, call nothing of Rust's (no hooks are installed), and serve every
//   thread at any time;
// - blocks are disjoint, stay until freed, and are aligned as `plain` argues or as told;
// - `tc_nallocx` gives the size of the block that `tc_malloc` of the same size returns, and the
//   sized free gets that size or one of the same class; an aligned block is freed without one;
// - `tc_malloc_size` is the whole of the block, which nothing changes while it lives.
unsafe impl Backend for Tcmalloc {
    const NAME: &'static str = env!("ZMALLOC_BACKEND");

    const GOOD_SIZE_IS_EXACT: bool = false;

    #[inline]
    unsafe fn allocate(layout: Layout) -> *mut u8 {
        if let Some(size) = plain(layout.size(), layout.align()) {
            // SAFETY: takes any size.
            unsafe { ffi::tc_malloc(size) }.cast()
        } else {
            // SAFETY: takes any size, and a power of two.
            unsafe { ffi::tc_memalign(layout.align(), layout.size()) }.cast()
        }
    }

    #[inline]
    unsafe fn allocate_zeroed(layout: Layout) -> *mut u8 {
        if let Some(size) = plain(layout.size(), layout.align()) {
            // SAFETY: takes any sizes.
            return unsafe { ffi::tc_calloc(1, size) }.cast();
        }
        // SAFETY: passed on.
        let block = unsafe { Self::allocate(layout) };
        if !block.is_null() {
            // SAFETY: the block has that size.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    #[inline]
    unsafe fn deallocate(block: *mut u8, layout: Layout) {
        if let Some(size) = plain(layout.size(), layout.align()) {
            // SAFETY: the caller promises that the block is live and that this is its layout, so it
            // was allocated with this size or, if it has been resized, with one of the same class.
            unsafe { ffi::tc_free_sized(block.cast(), size) }
        } else {
            // SAFETY: the caller promises that the block is live.
            unsafe { ffi::tc_free(block.cast()) }
        }
    }

    /// Unsized, as an aligned block may be of no class, or of another than its size says.
    #[inline]
    unsafe fn deallocate_unsized(block: NonNull<u8>) {
        // SAFETY: the caller promises that the block is live.
        unsafe { ffi::tc_free(block.as_ptr().cast()) }
    }

    #[inline]
    unsafe fn reallocate(block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: passed on.
        if unsafe { stays(block, layout, new_size) } {
            return block;
        }
        // SAFETY: passed on.
        unsafe { reallocate_by_copy::<Self>(block, layout, new_size) }
    }

    #[inline]
    fn good_size(layout: Layout) -> usize {
        match plain(layout.size(), layout.align()) {
            _ if layout.size() == 0 => 0,
            Some(size) => ask(size),
            None => layout.size(),
        }
    }

    #[inline]
    fn largest_size(layout: Layout) -> usize {
        /// Larger than the pages that tcmalloc may be built with.
        const PAGE: usize = 256 * 1024;
        let Some(size) = plain(layout.size(), layout.align()) else {
            // A block of the least class that has the alignment, or of whole pages.
            let least = layout.size().max(layout.align());
            return if least <= 4096 { 2 * least } else { least.saturating_add(PAGE) };
        };
        if layout.size() == 0 { 0 } else { class_of(size) }
    }

    #[inline]
    unsafe fn usable_size(block: NonNull<u8>) -> usize {
        // SAFETY: the caller promises that the block is live.
        unsafe { ffi::tc_malloc_size(block.as_ptr().cast()) }
    }

    fn prepare() {
        CLASSES.fill(ask);
    }

    #[inline(always)]
    unsafe fn usable_size_of(block: NonNull<u8>, layout: Layout) -> usize {
        match plain(layout.size(), layout.align()) {
            // Of this class when it was allocated, and it stays only within it.
            Some(size) => class_of(size),
            // SAFETY: the caller promises that the block is live.
            None => unsafe { Self::usable_size(block) },
        }
    }
}

// SAFETY: nothing but what the back end above does.
unsafe impl QuickSize for Tcmalloc {}

impl Control for Tcmalloc {
    fn flush_thread_cache() -> Result<(), ControlError> {
        // SAFETY: takes the calling thread's cache down; its next allocation sets up another.
        unsafe { ffi::MallocExtension_MarkThreadIdle() };
        Ok(())
    }

    fn purge() -> Result<(), ControlError> {
        Self::flush_thread_cache()?;
        // SAFETY: may be called at any time.
        unsafe { ffi::MallocExtension_ReleaseFreeMemory() };
        Ok(())
    }

    fn stats_text() -> String {
        const LENGTH: usize = 64 * 1024;
        let mut report = vec![0_u8; LENGTH];
        let buffer: *mut c_char = report.as_mut_ptr().cast();
        // SAFETY: the buffer has that many bytes.
        unsafe { ffi::MallocExtension_GetStats(buffer, LENGTH as c_int) };
        // A report that was cut may lack the NUL.
        let text = CStr::from_bytes_until_nul(&report).map_or(&report[..], CStr::to_bytes);
        String::from_utf8_lossy(text).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_without_an_alignment_have_the_size_foretold() {
        Tcmalloc::prepare();
        let sizes = (1..=5000).chain((5000..=600_000).step_by(997)).chain([1 << 20, 3 << 20, 100 << 20]);
        for (size, align) in sizes.flat_map(|size| [(size, 1), (size, 8), (size, 16), (size, 256)]) {
            let layout = Layout::from_size_align(size, align).unwrap();
            // SAFETY: the size is not 0; the block is live until it is freed with its layout.
            unsafe {
                let block = NonNull::new(Tcmalloc::allocate(layout)).unwrap();
                let usable = Tcmalloc::usable_size(block);
                let foretold = Tcmalloc::good_size(layout);
                assert!(usable >= foretold && foretold >= size, "{layout:?}: {usable}, not {foretold}");
                assert!(usable == foretold || align > NATURAL_ALIGN, "{layout:?}: {usable}, not {foretold}");
                Tcmalloc::deallocate(block.as_ptr(), layout);
            }
        }
    }

    /// A sized free that named another class would put the block among those of that class, where
    /// two that are live at once would come to overlap.
    #[test]
    fn a_resized_block_is_freed_to_its_own_class() {
        Tcmalloc::prepare();
        for align in [1, 16, 64] {
            for size in 1_usize..500 {
                for new_size in [1, 9, size.div_ceil(2), size, size + 1, 2 * size, 5000] {
                    let layout = Layout::from_size_align(size, align).unwrap();
                    let new_layout = Layout::from_size_align(new_size, align).unwrap();
                    // SAFETY: the sizes are not 0, and the block has the layouts given.
                    unsafe {
                        let block = Tcmalloc::allocate(layout);
                        let block = NonNull::new(Tcmalloc::reallocate(block, layout, new_size)).unwrap();
                        let usable = Tcmalloc::usable_size(block);
                        let exact = usable == Tcmalloc::good_size(new_layout);
                        assert!(exact || align > NATURAL_ALIGN, "{layout:?} to {new_size}: {usable}");
                        Tcmalloc::deallocate(block.as_ptr(), new_layout);
                    }
                }
            }
        }
    }

    #[test]
    fn the_report_is_tcmallocs() {
        assert!(Tcmalloc::stats_text().contains("MALLOC:"));
    }
}
