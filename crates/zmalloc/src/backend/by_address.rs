//! What the calls in the style of C need beyond a [`Backend`]: blocks that are freed and resized by
//! their address alone, and operations that leave the thread's cache out.

use std::alloc::Layout;
use std::ptr::NonNull;

use super::Backend;

/// A back end that frees and resizes a block without being told its layout.
///
/// The default methods ask for the block's size first; a back end that knows it by itself replaces
/// them. They suit a back end whose [`Backend::reallocate`] takes any layout of the same good size and
/// of the block's alignment.
///
/// # Safety
/// As [`Backend`], to whose live blocks these operations belong: each adds to the counters of the
/// thread and changes what is live just as the operation of the same name that takes a layout.
pub(crate) unsafe trait ByAddress: Backend {
    /// Frees a live block.
    ///
    /// # Safety
    /// `block` is live.
    #[inline]
    unsafe fn free(block: NonNull<u8>) {
        // SAFETY: passed on.
        unsafe { Self::deallocate_unsized(block) }
    }

    /// Resizes a live block to `layout`, in place if it can stay. Returns the live block, whose
    /// content is kept up to the smaller of the two sizes, or null with the old block live and
    /// unchanged.
    ///
    /// # Safety
    /// `block` is live and was allocated with the alignment of `layout`, whose size is not 0.
    #[inline]
    unsafe fn resize(block: NonNull<u8>, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises that the block is live, and this layout has its good size and
        // its alignment; `layout.size()` is not 0, and no layout is too large.
        unsafe {
            let old = usable_layout::<Self>(block, layout.align());
            Self::reallocate(block.as_ptr(), old, layout.size())
        }
    }

    /// As [`Backend::allocate`], or [`Backend::allocate_zeroed`] if `zeroed`, but from the common
    /// heap, if the back end can leave the thread's cache out.
    ///
    /// # Safety
    /// `layout.size()` is not 0.
    #[inline]
    unsafe fn allocate_uncached(layout: Layout, zeroed: bool) -> *mut u8 {
        // SAFETY: passed on.
        unsafe { if zeroed { Self::allocate_zeroed(layout) } else { Self::allocate(layout) } }
    }

    /// As [`resize`](Self::resize), past the thread's cache.
    ///
    /// # Safety
    /// As [`resize`](Self::resize).
    #[inline]
    unsafe fn resize_uncached(block: NonNull<u8>, layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        unsafe { Self::resize(block, layout) }
    }

    /// As [`free`](Self::free), past the thread's cache, however the block was allocated.
    ///
    /// # Safety
    /// As [`free`](Self::free).
    #[inline]
    unsafe fn free_uncached(block: NonNull<u8>) {
        // SAFETY: passed on.
        unsafe { Self::free(block) }
    }
}

/// A layout whose good size is that of the block.
///
/// # Safety
/// `block` is live, and `align` is not above the alignment of its layout.
#[inline]
unsafe fn usable_layout<B: Backend + ?Sized>(block: NonNull<u8>, align: usize) -> Layout {
    // SAFETY: the size of a block that exists does not exceed `isize::MAX`, rounded up or not: good
    // sizes are multiples of the alignment where that matters; the alignment is one of a layout.
    unsafe { Layout::from_size_align_unchecked(B::usable_size(block), align) }
}
