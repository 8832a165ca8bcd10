//! What a request of the family may ask for beyond a size.

use std::alloc::Layout;

/// How a block is to be allocated, resized or freed: the `flags` of `zmalloc_with_flags`.
///
/// ```
/// use zmalloc::Flags;
///
/// const LINE: Flags = Flags::NONE.align(64).zeroed();
/// let block = zmalloc::zmalloc_with_flags(100, LINE);
/// assert_eq!(block.addr().get() % 64, 0);
/// // SAFETY: live, and allocated with this alignment.
/// unsafe { zmalloc::zfree_with_flags(Some(block), LINE) };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    align: usize,
    pub(super) zeroed: bool,
    pub(super) uncached: bool,
}

impl Flags {
    /// No wishes: aligned to 8 bytes, undefined content, through the thread's cache.
    pub const NONE: Self = Self { align: size_of::<usize>(), zeroed: false, uncached: false };

    /// What a request for no bytes is met with, as Redis does: room for one word.
    const SMALLEST: usize = size_of::<usize>();

    /// Zeroed memory. For a block that is resized: the bytes past the old usable size.
    #[must_use]
    pub const fn zeroed(self) -> Self {
        Self { zeroed: true, ..self }
    }

    /// Past the thread's cache, straight from and to the common heap, where the back end can do
    /// that: what defragmentation needs, as a cache would hand back the block just left. It changes
    /// nothing else; in particular a block may be freed either way.
    #[must_use]
    pub const fn no_tcache(self) -> Self {
        Self { uncached: true, ..self }
    }

    /// Aligned to this many bytes, and to 8 at least.
    ///
    /// # Panics
    /// If it is not a power of two.
    #[must_use]
    pub const fn align(self, bytes: usize) -> Self {
        assert!(bytes.is_power_of_two(), "an alignment is a power of two");
        Self { align: if bytes > Self::NONE.align { bytes } else { Self::NONE.align }, ..self }
    }

    /// The layout of a request of `size` bytes, or `None` past half of the address space.
    #[inline]
    pub(super) const fn layout(self, size: usize) -> Option<Layout> {
        let size = if size == 0 { Self::SMALLEST } else { size };
        match Layout::from_size_align(size, self.align) {
            Ok(layout) => Some(layout),
            Err(_) => None,
        }
    }
}

impl Default for Flags {
    fn default() -> Self {
        Self::NONE
    }
}
