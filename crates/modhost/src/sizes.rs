//! What a small request occupies: remembered, as each module asks for it at every allocation.

use std::alloc::Layout;
use std::sync::Once;
use std::sync::atomic::{AtomicU16, Ordering};

/// The largest request that is remembered, in bytes.
pub(crate) const SMALL: usize = 4096;

/// Requests between two multiples of this are met as the upper one is.
pub(crate) const STEP: usize = 8;

/// Whether the usable size of a small block follows from the request, and its alignment too: the block lies at a
/// multiple of every power of two that divides the request.
pub(crate) const FOLLOWS: bool = zmalloc::GOOD_SIZE_IS_EXACT && zmalloc::raw::ALIGNED_BY_SIZE >= SMALL;

static USABLE: [AtomicU16; SMALL / STEP + 1] = [const { AtomicU16::new(0) }; SMALL / STEP + 1];

/// Has the sizes remembered when it returns. Whoever looks a slot up has called it, so they are before a module can
/// ask.
pub(crate) fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (index, usable) in USABLE.iter().enumerate() {
            usable.store(of_layout(index.max(1) * STEP) as u16, Ordering::Relaxed);
        }
    });
}

/// The usable size of a block of the family for so many bytes; of none, that of the smallest block. What the allocator
/// can't tell from the request alone may be more.
#[inline(always)]
pub(crate) fn usable(bytes: usize) -> usize {
    if FOLLOWS && bytes <= SMALL {
        // Relaxed: whoever asks runs after the module was loaded.
        return usize::from(USABLE[(bytes + STEP - 1) >> STEP.ilog2()].load(Ordering::Relaxed));
    }
    of_layout(bytes.max(1))
}

fn of_layout(bytes: usize) -> usize {
    Layout::from_size_align(bytes, STEP).map_or(0, zmalloc::good_size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_the_allocator_says() {
        prepare();
        for bytes in (0..=2 * SMALL).filter(|_| zmalloc::GOOD_SIZE_IS_EXACT) {
            let block = zmalloc::zmalloc_usable(bytes);
            assert_eq!(usable(bytes), block.len(), "{bytes}");
            // SAFETY: it was allocated above.
            unsafe { zmalloc::zfree(Some(block.cast())) };
        }
    }
}
