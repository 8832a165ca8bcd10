//! The GNU C library.

use std::ffi::{CStr, c_char};
use std::ptr::{self, NonNull};

use crate::error::ControlError;

// Elsewhere than on x86_64 the word may carry tags of the memory's, and a program that is linked statically
// can't tell whose allocator it has.
#[cfg_attr(all(target_arch = "x86_64", not(target_feature = "crt-static")), path = "glibc/header.rs")]
#[cfg_attr(not(all(target_arch = "x86_64", not(target_feature = "crt-static"))), path = "glibc/asked.rs")]
mod size;

pub(super) use self::size::{has_quick_way, prepare, size_on_quick_way, usable_size};

/// The bytes that a block for `size` has at least. A chunk is a multiple of two words, at least
/// four of them, and all but one of its words are usable. A block may have two words more, where
/// too little would remain of a free chunk, and large ones are rounded up to pages.
#[inline]
pub(super) const fn at_least(size: usize) -> usize {
    const WORD: usize = size_of::<usize>();
    let chunk = size.saturating_add(WORD + 2 * WORD - 1) & !(2 * WORD - 1);
    let chunk = if chunk < 4 * WORD { 4 * WORD } else { chunk };
    chunk - WORD
}

/// The bytes that a block for `size` has at most: those two words more, and as an aligned one two
/// again; and where it may have a mapping of its own, a page.
#[inline]
pub(super) const fn at_most(size: usize) -> usize {
    const WORD: usize = size_of::<usize>();
    /// Pages of 64 KiB are the largest that Linux has.
    const PAGE: usize = 64 * 1024;
    /// Smaller blocks have no mappings of their own, unless the environment says so.
    const MAPPED: usize = 64 * 1024;
    let rounding = if size < MAPPED { 0 } else { PAGE };
    at_least(size).saturating_add(4 * WORD + rounding)
}

/// Gives unused pages back, whether or not the system takes any.
pub(super) fn purge() -> Result<(), ControlError> {
    // SAFETY: takes any number of bytes to leave at the end of the heap.
    unsafe { libc::malloc_trim(0) };
    Ok(())
}

/// `malloc_info`'s report, which is XML.
pub(super) fn report() -> Option<String> {
    let mut text: *mut c_char = ptr::null_mut();
    let mut length = 0;
    // SAFETY: both places are there to be written, until the stream is closed.
    let stream = NonNull::new(unsafe { libc::open_memstream(&raw mut text, &raw mut length) })?;
    // SAFETY: an open stream, used no more after it is closed.
    let outcome = unsafe { (libc::malloc_info(0, stream.as_ptr()), libc::fclose(stream.as_ptr())) };
    let text = NonNull::new(text)?;
    // SAFETY: the closed stream has left a text that ends with NUL.
    let report = unsafe { CStr::from_ptr(text.as_ptr()) }.to_string_lossy().into_owned();
    // SAFETY: the text is ours to free, once, by the C library.
    unsafe { libc::free(text.as_ptr().cast()) };
    (outcome == (0, 0)).then_some(report)
}

#[cfg(all(test, target_pointer_width = "64"))]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_chunks() {
        for (size, expected) in [(1, 24), (24, 24), (25, 40), (40, 40), (41, 56), (1000, 1000), (1001, 1016)]
        {
            assert_eq!(at_least(size), expected, "{size}");
        }
        assert!(at_least(isize::MAX as usize) >= isize::MAX as usize);
    }

    #[test]
    fn the_report_is_whole() {
        let report = report().unwrap();
        assert!(report.starts_with("<malloc") && report.trim_end().ends_with("</malloc>"), "{report}");
    }
}
