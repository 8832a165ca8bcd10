//! What a server's allocator promises, learnt when it is bound.
//!
//! The Module API promises no alignment at all. Redis's own jemalloc aligns small blocks to 8, libc
//! to 16, and a server built without a `malloc_usable_size` puts its own header before libc's. So
//! the allocator is recognised by the usable sizes of every request up to [`LARGEST`]: jemalloc's
//! sequence of classes is like no other. What isn't recognised is taken to align to 8 and no more.

use super::HostApi;
use super::classes::STEP;

/// The largest request whose size class is known instead of looked up, in bytes: the largest class
/// of jemalloc that has several blocks to a slab, where pages have 4 KiB.
pub(super) const LARGEST: usize = 14 << 10;

/// What jemalloc aligns every block to whose size is a multiple of it, however large the block.
const CACHE_LINE: usize = 64;

/// What jemalloc's slabs are aligned to at least.
const PAGE: usize = 4096;

/// What the allocator keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Promise {
    /// jemalloc: the size of a block follows from the request, up to [`LARGEST`], and such a block
    /// is aligned to the largest power of two that divides its size, up to [`PAGE`].
    ///
    /// Its slabs begin at a page and hold blocks of one size; larger blocks begin at a page, or
    /// with "cache-oblivious" at a cache line.
    Classes {
        /// The distance between the smallest classes: 8 in Redis and Valkey, 16 as jemalloc comes.
        quantum: usize,
    },
    /// Blocks are aligned to this, and their size must be looked up.
    Aligned(usize),
}

impl Promise {
    /// What every known allocator aligns every block to.
    pub(crate) const LEAST: usize = 8;

    /// Recognises the allocator.
    ///
    /// # Safety
    /// The functions must be as the Module API documents them.
    pub(super) unsafe fn learn(api: &HostApi) -> Self {
        let candidates = [Self::Classes { quantum: 8 }, Self::Classes { quantum: 16 }, Self::Aligned(16)];
        // SAFETY: passed on.
        let holds = |promise: &Self| unsafe { promise.holds_for(api) };
        candidates.into_iter().find(holds).unwrap_or(Self::Aligned(Self::LEAST))
    }

    /// Whether the sizes and addresses of blocks agree with this, for every class.
    ///
    /// # Safety
    /// As for [`Promise::learn`].
    unsafe fn holds_for(&self, api: &HostApi) -> bool {
        let Some(usable_size) = api.usable_size else {
            return false;
        };
        // Sizes on either side of every possible boundary between classes.
        (0..LARGEST / STEP).flat_map(|step| [step * STEP + 1, (step + 1) * STEP]).all(|request| {
            // SAFETY: the block is freed once, and not used.
            unsafe {
                let block = api.try_alloc.unwrap_or(api.alloc)(request);
                if block.is_null() {
                    return false;
                }
                let usable = usable_size(block);
                (api.free)(block);
                self.agrees(request, usable, block as usize)
            }
        })
    }

    /// Whether one block agrees with this.
    fn agrees(&self, request: usize, usable: usize, address: usize) -> bool {
        match self {
            Self::Classes { .. } => {
                let natural = (1 << usable.trailing_zeros()).min(PAGE);
                self.class(request) == Some(usable) && address.is_multiple_of(natural)
            }
            // glibc: a header of 8 bytes before a block aligned to 16, so that 8 bytes of the next
            // block's header may be used.
            Self::Aligned(_) => usable % 16 == 8 && address.is_multiple_of(16),
        }
    }

    /// The size of the block for a request, where it follows from the request.
    pub(super) fn class(&self, request: usize) -> Option<usize> {
        match *self {
            Self::Classes { quantum } if request <= LARGEST => Some(jemalloc_class(request, quantum)),
            _ => None,
        }
    }

    /// The request that gives a block of at least `size` bytes aligned to `align`; `None` where
    /// none does.
    pub(super) fn request(&self, size: usize, align: usize) -> Option<usize> {
        match *self {
            Self::Classes { .. } if align <= Self::LEAST => Some(size),
            // The distance between classes is a power of two. If it is `align` or more, every class
            // is a multiple of `align`; if it is less, each multiple of `align` is itself a class.
            Self::Classes { .. } => {
                let rounded = size.checked_add(align - 1)? & align.wrapping_neg();
                (align <= CACHE_LINE || (align <= PAGE && rounded <= LARGEST)).then_some(rounded)
            }
            Self::Aligned(promised) => (align <= promised).then_some(size),
        }
    }
}

/// jemalloc's size class: 8, then multiples of the quantum, then four to each doubling.
fn jemalloc_class(request: usize, quantum: usize) -> usize {
    if request <= 8 {
        return 8;
    }
    let doubling = (request - 1).ilog2();
    let distance = (1 << (doubling - 2)).max(quantum);
    request.next_multiple_of(distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_are_those_of_the_manual() {
        let classes = |quantum: usize| {
            let mut classes: Vec<_> = (1..=LARGEST).map(|size| jemalloc_class(size, quantum)).collect();
            classes.dedup();
            classes
        };
        let small = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384];
        assert_eq!(classes(8)[..18], small);
        assert_eq!(classes(16)[..9], [8, 16, 32, 48, 64, 80, 96, 112, 128]);
        assert_eq!(classes(8)[classes(8).len() - 4..], [8192, 10240, 12288, 14336]);
    }

    #[test]
    fn a_rounded_request_has_an_aligned_class() {
        for quantum in [8, 16] {
            let promise = Promise::Classes { quantum };
            for align in (0..=14).map(|shift| 1usize << shift) {
                for size in 1..=LARGEST {
                    let Some(request) = promise.request(size, align) else {
                        assert!(align > PAGE || size.next_multiple_of(align) > LARGEST, "{size} {align}");
                        continue;
                    };
                    let class = promise.class(request).unwrap_or(request);
                    assert!(class >= size && class.is_multiple_of(align), "{size} {align} {class}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_promised_is_not_asked_for() {
        let classes = Promise::Classes { quantum: 8 };
        assert_eq!(classes.request(15_000, 64), Some(15_040));
        assert_eq!(classes.request(15_000, 128), None);
        assert_eq!(classes.request(8192, 8192), None);
        assert_eq!(classes.request(usize::MAX, 16), None);
        assert_eq!(Promise::Aligned(16).request(5, 16), Some(5));
        assert_eq!(Promise::Aligned(16).request(5, 32), None);
        assert_eq!(Promise::Aligned(8).request(5, 16), None);
    }
}
