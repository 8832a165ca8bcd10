//! How the functions of the family differ: in what happens on failure, and in what is returned. One
//! body serves them all; these traits are its parameters.

use std::alloc::Layout;
use std::ptr::NonNull;

use crate::backend::{Backend, Imp};
use crate::oom;

/// What becomes of a request that cannot be met.
pub(super) trait Fallibility {
    /// What the function returns for a request whose result is a `T`.
    type Outcome<T>;

    /// The request was met.
    fn met<T>(result: T) -> Self::Outcome<T>;

    /// The request of this many bytes was not met, and nothing was changed.
    fn failed<T>(size: usize) -> Self::Outcome<T>;
}

/// The handler is called, and the function does not return.
pub(super) struct Abort;

/// The function returns `None`.
pub(super) struct Try;

impl Fallibility for Abort {
    type Outcome<T> = T;

    #[inline(always)]
    fn met<T>(result: T) -> T {
        result
    }

    #[cold]
    fn failed<T>(size: usize) -> T {
        oom::fail(size)
    }
}

impl Fallibility for Try {
    type Outcome<T> = Option<T>;

    #[inline(always)]
    fn met<T>(result: T) -> Option<T> {
        Some(result)
    }

    #[inline(always)]
    fn failed<T>(_size: usize) -> Option<T> {
        None
    }
}

/// How a live block is returned.
pub(super) trait Form {
    /// The block.
    ///
    /// # Safety
    /// It is live and of this layout.
    unsafe fn of(block: NonNull<u8>, layout: Layout) -> Self;
}

/// By its address.
impl Form for NonNull<u8> {
    #[inline(always)]
    unsafe fn of(block: NonNull<u8>, _layout: Layout) -> Self {
        block
    }
}

/// With its usable size, which on some back ends follows from the layout without a look-up.
impl Form for NonNull<[u8]> {
    #[inline(always)]
    unsafe fn of(block: NonNull<u8>, layout: Layout) -> Self {
        // SAFETY: passed on.
        NonNull::slice_from_raw_parts(block, unsafe { Imp::usable_size_of(block, layout) })
    }
}
