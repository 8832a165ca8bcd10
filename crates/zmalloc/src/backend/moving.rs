//! Resizing by moving: to a new block, with what is in the old one.

use std::alloc::Layout;
use std::ptr;

use super::Backend;

/// Moves a block to a new one of another size, by `B`'s own operations. Null, with nothing changed, if
/// there is none.
///
/// # Safety
/// As [`Backend::reallocate`].
#[inline]
pub(super) unsafe fn reallocate_by_copy<B: Backend>(
    block: *mut u8,
    layout: Layout,
    new_size: usize,
) -> *mut u8 {
    // SAFETY: the caller promises that the size does not overflow when it is rounded up to this
    // alignment, which is a power of two as it comes from a layout.
    let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
    // SAFETY: the size is not 0, as the caller promises.
    let new = unsafe { B::allocate(new_layout) };
    if !new.is_null() {
        // SAFETY: both are live, different, and as large as the smaller of the sizes; the old one is
        // freed once, with its layout.
        unsafe {
            ptr::copy_nonoverlapping(block, new, layout.size().min(new_size));
            B::deallocate(block, layout);
        }
    }
    new
}
