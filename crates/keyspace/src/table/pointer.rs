//! What a table can hold.
#![allow(unsafe_code)]

use std::ptr::NonNull;

/// A pointer of one word to a block that holds a key.
///
/// # Safety
/// - `from_raw(into_raw(p))` is `p`, and `into_raw` gives up what `p` owns, if anything.
/// - The address stays the same until `from_raw`, and is at most 48 bits wide.
/// - `Ref<'a>` made by `borrow(into_raw(p))` may be used while `p` would be, unchanged.
pub(crate) unsafe trait Pointer {
    /// A shared reference to what is pointed at.
    type Ref<'a>: Copy
    where
        Self: 'a;

    /// Turns into the bare address.
    fn into_raw(self) -> NonNull<u8>;

    /// # Safety
    /// `raw` came from `into_raw`, and is turned back once only.
    unsafe fn from_raw(raw: NonNull<u8>) -> Self;

    /// # Safety
    /// `raw` came from `into_raw`, was not turned back, and for `'a` nobody changes what it points at.
    unsafe fn borrow<'a>(raw: NonNull<u8>) -> Self::Ref<'a>
    where
        Self: 'a;
}
