//! The C library's allocator with a prefix in front of each block that holds its size, for systems
//! that can't tell it.
//!
//! A block begins at the first address that is aligned as wanted and leaves room for the prefix:
//!
//! ```text
//! | what C returned ... | size | offset | block ... |
//! ```
//!
//! `offset` is how far the block is from what C returned, which is what `free` has to be given.

use std::alloc::Layout;
use std::ptr::NonNull;

use super::counting::QuickSize;
use super::moving::reallocate_by_copy;
use super::{Backend, Control};

/// The C library with a prefix, as a [`Backend`].
pub(crate) struct Prefixed;

/// What stands in front of a block.
#[derive(Clone, Copy)]
#[repr(C)]
struct Prefix {
    /// The block's size in bytes.
    size: usize,
    /// From what C returned to the block, in bytes.
    offset: usize,
}

/// What `malloc` aligns its blocks to: C's `max_align_t`. A block that is aligned no further is
/// this far from what C returned.
const NATURAL_ALIGN: usize = size_of::<Prefix>();

impl Prefix {
    /// Where the prefix of a block is.
    ///
    /// # Safety
    /// `block` is within an allocation of the C library, at a multiple of a word and at least a
    /// prefix from its beginning.
    #[inline(always)]
    unsafe fn of(block: *mut u8) -> *mut Self {
        // SAFETY: the caller promises that this stays within the allocation.
        unsafe { block.sub(size_of::<Self>()) }.cast()
    }

    /// Reads the prefix of a live block.
    ///
    /// # Safety
    /// `block` is live.
    #[inline(always)]
    unsafe fn read(block: *mut u8) -> Self {
        // SAFETY: a live block has a prefix, which was written when it became live.
        unsafe { Self::of(block).read() }
    }

    /// Makes a block at `offset` in what C returned. Null if C returned null.
    ///
    /// # Safety
    /// `start` is null or an allocation of at least `offset` and `size` bytes together, and
    /// `offset` is such that the block is at a multiple of a word and has room for the prefix.
    #[inline(always)]
    unsafe fn write(start: *mut u8, offset: usize, size: usize) -> *mut u8 {
        if start.is_null() {
            return start;
        }
        // SAFETY: within the allocation, as the caller promises; so is the prefix.
        unsafe {
            let block = start.add(offset);
            Self::of(block).write(Self { size, offset });
            block
        }
    }
}

/// The bytes that C is asked for.
///
/// No overflow: the size is at most `isize::MAX` when rounded up to the alignment, so that their
/// sum, and with it the prefix, stays below `usize::MAX`.
#[inline(always)]
const fn padded(size: usize, align: usize) -> usize {
    if align <= NATURAL_ALIGN { size + NATURAL_ALIGN } else { size + align }
}

/// How far the block is from what C returned, at which address that is.
#[inline(always)]
const fn offset(start: usize, align: usize) -> usize {
    if align <= NATURAL_ALIGN {
        NATURAL_ALIGN
    } else {
        // At least a prefix, at most `align`, since C's address is a multiple of the prefix's size
        // and the alignment is twice that at least.
        align - (start & (align - 1))
    }
}

/// Allocates by `malloc` or `calloc`.
///
/// # Safety
/// `allocate` returns null, or an allocation of as many bytes as it is told.
#[inline(always)]
unsafe fn allocate_by(layout: Layout, allocate: impl FnOnce(usize) -> *mut u8) -> *mut u8 {
    let start = allocate(padded(layout.size(), layout.align()));
    // SAFETY: `padded` leaves room for the size at the offset, and for the prefix before it.
    unsafe { Prefix::write(start, offset(start.addr(), layout.align()), layout.size()) }
}

// SAFETY: the C standard's descriptions are the contract:
// - the functions don't unwind, call nothing of Rust's, and serve every thread at any time;
// - allocations are disjoint, stay until freed and are aligned to `NATURAL_ALIGN`, being larger;
//   the block lies within its allocation, aligned as `offset` says;
// - the prefix holds the size of the layout, and nobody else writes it.
unsafe impl Backend for Prefixed {
    const NAME: &'static str = env!("ZMALLOC_BACKEND");

    const GOOD_SIZE_IS_EXACT: bool = true;

    #[inline]
    unsafe fn allocate(layout: Layout) -> *mut u8 {
        // SAFETY: `malloc` takes any size and does as `allocate_by` asks.
        unsafe { allocate_by(layout, |size| libc::malloc(size).cast()) }
    }

    #[inline]
    unsafe fn allocate_zeroed(layout: Layout) -> *mut u8 {
        // SAFETY: `calloc` takes any sizes and does as `allocate_by` asks.
        unsafe { allocate_by(layout, |size| libc::calloc(1, size).cast()) }
    }

    #[inline]
    unsafe fn deallocate(block: *mut u8, _layout: Layout) {
        // SAFETY: the caller promises that the block is live, so its prefix says where what C
        // returned begins.
        unsafe { libc::free(block.sub(Prefix::read(block).offset).cast()) }
    }

    /// By the layout: what has just been written in the prefix, as it often has, takes longer to read than
    /// all else that counting does.
    #[inline(always)]
    unsafe fn deallocate_listed(block: *mut u8, layout: Layout) {
        if layout.align() > NATURAL_ALIGN {
            // SAFETY: passed on.
            return unsafe { Self::deallocate(block, layout) };
        }
        // SAFETY: the caller promises that the block is live and that this is its layout, so it is as far
        // from what C returned.
        unsafe { libc::free(block.sub(NATURAL_ALIGN).cast()) }
    }

    #[inline]
    unsafe fn reallocate(block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if layout.align() > NATURAL_ALIGN {
            // SAFETY: passed on.
            return unsafe { reallocate_by_copy::<Self>(block, layout, new_size) };
        }
        // SAFETY: the caller promises that the block is live; at this alignment it is as far from
        // what C returned as before and after.
        unsafe {
            let start = libc::realloc(block.sub(NATURAL_ALIGN).cast(), new_size + NATURAL_ALIGN);
            Prefix::write(start.cast(), NATURAL_ALIGN, new_size)
        }
    }

    #[inline]
    fn good_size(layout: Layout) -> usize {
        layout.size()
    }

    #[inline]
    unsafe fn usable_size(block: NonNull<u8>) -> usize {
        // SAFETY: the caller promises that the block is live.
        unsafe { Prefix::read(block.as_ptr()) }.size
    }

    #[inline(always)]
    unsafe fn usable_size_of(_block: NonNull<u8>, layout: Layout) -> usize {
        layout.size()
    }
}

// SAFETY: nothing but what the back end above does.
unsafe impl QuickSize for Prefixed {}

impl Control for Prefixed {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_and_its_prefix_lie_within_what_c_returned() {
        for align in (0..=20).map(|shift| 1_usize << shift) {
            for start in (0..4 * align).step_by(NATURAL_ALIGN).take(1000) {
                let offset = offset(start, align);
                assert_eq!((start + offset) % align, 0);
                assert!(offset >= size_of::<Prefix>());
                assert!(offset + 100 <= padded(100, align));
            }
        }
    }

    #[test]
    fn the_largest_layouts_do_not_overflow() {
        for align in (0..usize::BITS - 1).map(|shift| 1_usize << shift) {
            let size = (isize::MAX as usize) & align.wrapping_neg();
            assert!(padded(size, align) > size, "{align}");
        }
    }
}
