//! The family: every function of Redis's `zmalloc`, in Rust.
//!
//! | | aborts | returns `None` |
//! |---|---|---|
//! | undefined content | [`zmalloc`] | [`ztrymalloc`] |
//! | zeroed | [`zcalloc`] | [`ztrycalloc`] |
//! | zeroed, so many of such a size | [`zcalloc_num`] | [`ztrycalloc_num`] |
//! | resized | [`zrealloc`] | [`ztryrealloc`] |
//! | with [`Flags`] | [`zmalloc_with_flags`] | [`ztrymalloc_with_flags`] |
//! | resized, with [`Flags`] | [`zrealloc_with_flags`] | [`ztryrealloc_with_flags`] |
//! | past the thread's cache | [`zmalloc_no_tcache`] | [`ztrymalloc_no_tcache`] |
//! | a string | [`zstrdup`] | [`ztrystrdup`] |
//!
//! All but the last two have a form with `_usable` at the end of its name. [`zfree`],
//! [`zfree_usable`], [`zfree_with_flags`] and [`zfree_no_tcache`] free; [`zmalloc_usable_size`]
//! tells a block's size.
//!
//! What holds for all of them:
//!
//! - A block is aligned to 8 bytes, or to what its [`Flags`] ask for. It is freed and resized by its
//!   address alone. Where the back end finds the size by itself, as jemalloc does, no size is looked
//!   up for that.
//! - The `_usable` forms return the whole block, all of which may be used.
//! - A request for no bytes is met with the smallest block, which is freed like any other; resizing
//!   to no bytes is no exception. (C's `zrealloc` frees instead, and so returns the null of a
//!   failure.)
//! - A request of more than half the address space fails, the back end is not asked. So does a
//!   number of elements whose product with their size overflows.
//! - A request that fails changes nothing. Memory was given back before and it was tried again, as
//!   [`oom`](crate::oom) describes. The aborting forms then call the
//!   [handler](crate::set_oom_handler), and don't return.

use std::ffi::{CStr, c_char};
use std::ptr::NonNull;

mod flags;
mod outcome;

pub use self::flags::Flags;
use self::outcome::{Abort, Fallibility, Form, Try};
use crate::backend::{Backend, ByAddress, Imp};
use crate::ledger;
use crate::request;

/// Allocates: the body of every function that returns a new block.
#[inline(always)]
fn allocate<F: Fallibility, B: Form>(size: usize, flags: Flags) -> F::Outcome<B> {
    let Some(layout) = flags.layout(size) else {
        return F::failed(size);
    };
    let operation = || {
        // SAFETY: the size of the layout is not 0: `Flags::layout` sees to that.
        unsafe {
            match flags {
                Flags { uncached: true, zeroed, .. } => Imp::allocate_uncached(layout, zeroed),
                Flags { zeroed: true, .. } => Imp::allocate_zeroed(layout),
                _ => Imp::allocate(layout),
            }
        }
    };
    if ledger::thread_is_listed()
        && let Some(block) = NonNull::new(operation())
    {
        // SAFETY: what was allocated is live and of this layout.
        return F::met(unsafe { B::of(block, layout) });
    }
    match NonNull::new(request::allocate(layout, operation)) {
        // SAFETY: as above.
        Some(block) => F::met(unsafe { B::of(block, layout) }),
        None => F::failed(size),
    }
}

/// Allocates `number` times `size` zeroed bytes.
#[inline(always)]
fn allocate_many<F: Fallibility, B: Form>(number: usize, size: usize) -> F::Outcome<B> {
    match number.checked_mul(size) {
        Some(bytes) => allocate::<F, B>(bytes, Flags::NONE.zeroed()),
        None => F::failed(usize::MAX),
    }
}

/// Resizes: the body of every function that does.
///
/// # Safety
/// The block, if there is one, is live and was allocated with the alignment of the flags.
#[inline(always)]
unsafe fn resize<F: Fallibility, B: Form>(
    block: Option<NonNull<u8>>,
    size: usize,
    flags: Flags,
) -> F::Outcome<B> {
    let Some(block) = block else {
        return allocate::<F, B>(size, flags);
    };
    let Some(layout) = flags.layout(size) else {
        return F::failed(size);
    };
    // SAFETY: the caller promises that the block is live.
    let known = flags.zeroed.then(|| unsafe { Imp::usable_size(block) });
    let operation = || {
        // SAFETY: the caller promises that the block is live and of this alignment; the size of the
        // layout is not 0.
        unsafe {
            if flags.uncached { Imp::resize_uncached(block, layout) } else { Imp::resize(block, layout) }
        }
    };
    let resized = if ledger::thread_is_listed() { NonNull::new(operation()) } else { None };
    let resized = resized.or_else(|| {
        // SAFETY: the block is live still, as the operation failed or has not been run.
        NonNull::new(request::resize(layout, unsafe { Imp::usable_size(block) }, operation))
    });
    let Some(resized) = resized else {
        return F::failed(size);
    };
    if let Some(known) = known
        && known < layout.size()
    {
        // SAFETY: the block has that size now.
        unsafe { resized.add(known).write_bytes(0, layout.size() - known) };
    }
    // SAFETY: what was resized is live and of this layout.
    F::met(unsafe { B::of(resized, layout) })
}

/// Frees: the body of every function that does.
///
/// # Safety
/// The block, if there is one, is live.
#[inline(always)]
unsafe fn release(block: Option<NonNull<u8>>, flags: Flags) {
    let Some(block) = block else { return };
    // SAFETY: the caller promises that the block is live.
    let operation = || unsafe { if flags.uncached { Imp::free_uncached(block) } else { Imp::free(block) } };
    if ledger::thread_is_listed() { operation() } else { request::free(operation) }
}

/// Allocates `size` bytes of undefined content.
///
/// # Panics
/// Calls the [handler](crate::set_oom_handler) if there is no memory.
#[inline]
#[must_use = "the block is never freed"]
pub fn zmalloc(size: usize) -> NonNull<u8> {
    allocate::<Abort, _>(size, Flags::NONE)
}

/// As [`zmalloc`], returning the whole block.
#[inline]
#[must_use = "the block is never freed"]
pub fn zmalloc_usable(size: usize) -> NonNull<[u8]> {
    allocate::<Abort, _>(size, Flags::NONE)
}

/// Allocates `size` bytes of undefined content, or returns `None`.
#[inline]
#[must_use = "the block is never freed"]
pub fn ztrymalloc(size: usize) -> Option<NonNull<u8>> {
    allocate::<Try, _>(size, Flags::NONE)
}

/// As [`ztrymalloc`], returning the whole block.
#[inline]
#[must_use = "the block is never freed"]
pub fn ztrymalloc_usable(size: usize) -> Option<NonNull<[u8]>> {
    allocate::<Try, _>(size, Flags::NONE)
}

/// Allocates `size` zeroed bytes.
///
/// # Panics
/// Calls the [handler](crate::set_oom_handler) if there is no memory.
#[inline]
#[must_use = "the block is never freed"]
pub fn zcalloc(size: usize) -> NonNull<u8> {
    allocate::<Abort, _>(size, Flags::NONE.zeroed())
}

/// As [`zcalloc`], returning the whole block, of which the first `size` bytes are zero.
#[inline]
#[must_use = "the block is never freed"]
pub fn zcalloc_usable(size: usize) -> NonNull<[u8]> {
    allocate::<Abort, _>(size, Flags::NONE.zeroed())
}

/// Allocates `size` zeroed bytes, or returns `None`.
#[inline]
#[must_use = "the block is never freed"]
pub fn ztrycalloc(size: usize) -> Option<NonNull<u8>> {
    allocate::<Try, _>(size, Flags::NONE.zeroed())
}

/// As [`ztrycalloc`], returning the whole block, of which the first `size` bytes are zero.
#[inline]
#[must_use = "the block is never freed"]
pub fn ztrycalloc_usable(size: usize) -> Option<NonNull<[u8]>> {
    allocate::<Try, _>(size, Flags::NONE.zeroed())
}

/// Allocates `number` elements of `size` bytes each, zeroed.
///
/// # Panics
/// Calls the [handler](crate::set_oom_handler) if there is no memory, with `usize::MAX` if the
/// number of bytes overflows.
#[inline]
#[must_use = "the block is never freed"]
pub fn zcalloc_num(number: usize, size: usize) -> NonNull<u8> {
    allocate_many::<Abort, _>(number, size)
}

/// As [`zcalloc_num`], returning the whole block, of which the bytes asked for are zero.
#[inline]
#[must_use = "the block is never freed"]
pub fn zcalloc_num_usable(number: usize, size: usize) -> NonNull<[u8]> {
    allocate_many::<Abort, _>(number, size)
}

/// Allocates `number` elements of `size` bytes each, zeroed, or returns `None`.
#[inline]
#[must_use = "the block is never freed"]
pub fn ztrycalloc_num(number: usize, size: usize) -> Option<NonNull<u8>> {
    allocate_many::<Try, _>(number, size)
}

/// As [`ztrycalloc_num`], returning the whole block, of which the bytes asked for are zero.
#[inline]
#[must_use = "the block is never freed"]
pub fn ztrycalloc_num_usable(number: usize, size: usize) -> Option<NonNull<[u8]>> {
    allocate_many::<Try, _>(number, size)
}

/// Resizes a block to `size` bytes, in place if it can stay, and keeps its content up to the smaller
/// of the two sizes. Without a block, allocates one.
///
/// # Safety
/// The block is of the family, live, and was allocated without an alignment in its [`Flags`]. It is
/// no longer live afterwards, the one returned is.
///
/// # Panics
/// Calls the [handler](crate::set_oom_handler) if there is no memory.
#[inline]
#[must_use = "the block may have moved"]
pub unsafe fn zrealloc(block: Option<NonNull<u8>>, size: usize) -> NonNull<u8> {
    // SAFETY: passed on.
    unsafe { resize::<Abort, _>(block, size, Flags::NONE) }
}

/// As [`zrealloc`], returning the whole block.
///
/// # Safety
/// As [`zrealloc`].
#[inline]
#[must_use = "the block may have moved"]
pub unsafe fn zrealloc_usable(block: Option<NonNull<u8>>, size: usize) -> NonNull<[u8]> {
    // SAFETY: passed on.
    unsafe { resize::<Abort, _>(block, size, Flags::NONE) }
}

/// As [`zrealloc`], or returns `None`, with the block live and unchanged.
///
/// # Safety
/// As [`zrealloc`], but the block remains live if `None` is returned.
#[inline]
#[must_use = "the block may have moved"]
pub unsafe fn ztryrealloc(block: Option<NonNull<u8>>, size: usize) -> Option<NonNull<u8>> {
    // SAFETY: passed on.
    unsafe { resize::<Try, _>(block, size, Flags::NONE) }
}

/// As [`ztryrealloc`], returning the whole block.
///
/// # Safety
/// As [`ztryrealloc`].
#[inline]
#[must_use = "the block may have moved"]
pub unsafe fn ztryrealloc_usable(block: Option<NonNull<u8>>, size: usize) -> Option<NonNull<[u8]>> {
    // SAFETY: passed on.
    unsafe { resize::<Try, _>(block, size, Flags::NONE) }
}

/// Frees a block of the family. Without a block, does nothing.
///
/// # Safety
/// The block is of the family and live. It may have been allocated with any [`Flags`].
#[inline]
pub unsafe fn zfree(block: Option<NonNull<u8>>) {
    // SAFETY: passed on.
    unsafe { release(block, Flags::NONE) }
}

/// As [`zfree`]; returns the bytes that the block occupied, 0 without a block.
///
/// # Safety
/// As [`zfree`].
#[inline]
pub unsafe fn zfree_usable(block: Option<NonNull<u8>>) -> usize {
    // SAFETY: the caller promises that the block is live.
    let usable = block.map_or(0, |block| unsafe { Imp::usable_size(block) });
    // SAFETY: passed on.
    unsafe { release(block, Flags::NONE) }
    usable
}

/// Allocates `size` bytes as the flags ask for.
///
/// # Panics
/// Calls the [handler](crate::set_oom_handler) if there is no memory.
#[inline]
#[must_use = "the block is never freed"]
pub fn zmalloc_with_flags(size: usize, flags: Flags) -> NonNull<u8> {
    allocate::<Abort, _>(size, flags)
}

/// As [`zmalloc_with_flags`], returning the whole block.
#[inline]
#[must_use = "the block is never freed"]
pub fn zmalloc_with_flags_usable(size: usize, flags: Flags) -> NonNull<[u8]> {
    allocate::<Abort, _>(size, flags)
}

/// Allocates `size` bytes as the flags ask for, or returns `None`.
#[inline]
#[must_use = "the block is never freed"]
pub fn ztrymalloc_with_flags(size: usize, flags: Flags) -> Option<NonNull<u8>> {
    allocate::<Try, _>(size, flags)
}

/// As [`ztrymalloc_with_flags`], returning the whole block.
#[inline]
#[must_use = "the block is never freed"]
pub fn ztrymalloc_with_flags_usable(size: usize, flags: Flags) -> Option<NonNull<[u8]>> {
    allocate::<Try, _>(size, flags)
}

/// As [`zrealloc`], as the flags ask for.
///
/// # Safety
/// The block is of the family, live, and was allocated with the alignment of the flags. It is no
/// longer live afterwards, the one returned is.
///
/// # Panics
/// Calls the [handler](crate::set_oom_handler) if there is no memory.
#[inline]
#[must_use = "the block may have moved"]
pub unsafe fn zrealloc_with_flags(block: Option<NonNull<u8>>, size: usize, flags: Flags) -> NonNull<u8> {
    // SAFETY: passed on.
    unsafe { resize::<Abort, _>(block, size, flags) }
}

/// As [`zrealloc_with_flags`], returning the whole block.
///
/// # Safety
/// As [`zrealloc_with_flags`].
#[inline]
#[must_use = "the block may have moved"]
pub unsafe fn zrealloc_with_flags_usable(
    block: Option<NonNull<u8>>,
    size: usize,
    flags: Flags,
) -> NonNull<[u8]> {
    // SAFETY: passed on.
    unsafe { resize::<Abort, _>(block, size, flags) }
}

/// As [`zrealloc_with_flags`], or returns `None`, with the block live and unchanged.
///
/// # Safety
/// As [`zrealloc_with_flags`], but the block remains live if `None` is returned.
#[inline]
#[must_use = "the block may have moved"]
pub unsafe fn ztryrealloc_with_flags(
    block: Option<NonNull<u8>>,
    size: usize,
    flags: Flags,
) -> Option<NonNull<u8>> {
    // SAFETY: passed on.
    unsafe { resize::<Try, _>(block, size, flags) }
}

/// As [`ztryrealloc_with_flags`], returning the whole block.
///
/// # Safety
/// As [`ztryrealloc_with_flags`].
#[inline]
#[must_use = "the block may have moved"]
pub unsafe fn ztryrealloc_with_flags_usable(
    block: Option<NonNull<u8>>,
    size: usize,
    flags: Flags,
) -> Option<NonNull<[u8]>> {
    // SAFETY: passed on.
    unsafe { resize::<Try, _>(block, size, flags) }
}

/// As [`zfree`], past the thread's cache if the flags ask for that; nothing else in them matters.
///
/// # Safety
/// As [`zfree`].
#[inline]
pub unsafe fn zfree_with_flags(block: Option<NonNull<u8>>, flags: Flags) {
    // SAFETY: passed on.
    unsafe { release(block, flags) }
}

/// As [`zmalloc`], past the thread's cache: see [`Flags::no_tcache`].
#[inline]
#[must_use = "the block is never freed"]
pub fn zmalloc_no_tcache(size: usize) -> NonNull<u8> {
    allocate::<Abort, _>(size, Flags::NONE.no_tcache())
}

/// As [`ztrymalloc`], past the thread's cache: see [`Flags::no_tcache`].
#[inline]
#[must_use = "the block is never freed"]
pub fn ztrymalloc_no_tcache(size: usize) -> Option<NonNull<u8>> {
    allocate::<Try, _>(size, Flags::NONE.no_tcache())
}

/// As [`zfree`], past the thread's cache: see [`Flags::no_tcache`].
///
/// # Safety
/// As [`zfree`].
#[inline]
pub unsafe fn zfree_no_tcache(block: Option<NonNull<u8>>) {
    // SAFETY: passed on.
    unsafe { release(block, Flags::NONE.no_tcache()) }
}

/// Duplicates a string, its terminating NUL included.
///
/// # Panics
/// Calls the [handler](crate::set_oom_handler) if there is no memory.
#[must_use = "the block is never freed"]
pub fn zstrdup(string: &CStr) -> NonNull<c_char> {
    let bytes = string.to_bytes_with_nul();
    // SAFETY: a new block of that size.
    unsafe { copy_into(zmalloc(bytes.len()), bytes) }
}

/// As [`zstrdup`], or returns `None`.
#[must_use = "the block is never freed"]
pub fn ztrystrdup(string: &CStr) -> Option<NonNull<c_char>> {
    let bytes = string.to_bytes_with_nul();
    // SAFETY: a new block of that size.
    ztrymalloc(bytes.len()).map(|block| unsafe { copy_into(block, bytes) })
}

/// # Safety
/// `block` is live, overlaps nothing, and is as large as `bytes` at least.
unsafe fn copy_into(block: NonNull<u8>, bytes: &[u8]) -> NonNull<c_char> {
    // SAFETY: the caller promises all that.
    unsafe { block.copy_from_nonoverlapping(NonNull::from(bytes).cast(), bytes.len()) };
    block.cast()
}

/// The bytes that a block of the family occupies, all of which may be used: Redis's
/// `zmalloc_usable_size`. 0 without a block.
///
/// # Safety
/// The block is of the family and live.
#[inline]
pub unsafe fn zmalloc_usable_size(block: Option<NonNull<u8>>) -> usize {
    // SAFETY: the caller promises that the block is live.
    block.map_or(0, |block| unsafe { Imp::usable_size(block) })
}
