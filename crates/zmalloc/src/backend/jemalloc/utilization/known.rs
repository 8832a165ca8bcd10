//! Which addresses jemalloc's utilization queries may be asked about.
//!
//! They take for granted that the address is one of jemalloc's: its map of addresses is a tree, and they
//! go down to a leaf without looking whether there is one. `arenas.lookup` does look, but is several times
//! slower, for it takes a lock. So it is asked once for each region of addresses that lie in one leaf;
//! where one of them is jemalloc's there is a leaf, which is never taken away, and about the others the
//! queries may then be asked as well: they find them to be nobody's.

use std::ptr::NonNull;

use tikv_jemalloc_sys as ffi;

use super::super::control::Mib;

/// The binary logarithm of a region's size: at most that of what a leaf has room for, whatever address
/// space and pages jemalloc was built for. (It divides the bits of a page's number evenly among two or
/// three levels on 64-bit targets, among one or two on 32-bit ones.)
const LG_REGION: u32 = if usize::BITS == 64 { 24 } else { 22 };

/// How many regions are remembered, each in a place of its own as far as they lie beside each other.
const REMEMBERED: usize = 256;

/// The regions with a leaf, as far as they were come across.
pub(super) struct Known {
    lookup: &'static Mib<2>,
    /// Numbers of regions, or `NONE`.
    regions: [usize; REMEMBERED],
}

/// The number of no region.
const NONE: usize = usize::MAX;

impl Known {
    /// None yet. `lookup` is the node of that name.
    pub(super) fn new(lookup: &'static Mib<2>) -> Self {
        Self { lookup, regions: [NONE; REMEMBERED] }
    }

    /// Whether the address may be asked about. All of jemalloc's may.
    pub(super) fn has(&mut self, address: NonNull<u8>) -> bool {
        let region = address.addr().get() >> LG_REGION;
        let place = region % REMEMBERED;
        if self.regions[place] == region {
            return true;
        }
        let known = self.is_jemallocs(address);
        if known {
            self.regions[place] = region;
        }
        known
    }

    /// Whether the address is in memory that jemalloc has mapped. Any address may be asked about.
    fn is_jemallocs(&self, mut address: NonNull<u8>) -> bool {
        let (node, mut arena, mut length) = (self.lookup.numbers(), 0_u32, size_of::<u32>());
        let old = (&raw mut arena).cast();
        // SAFETY: the node's name has that many parts; it reads a pointer and writes the index of an arena,
        // which is an `unsigned`.
        let errno = unsafe {
            ffi::mallctlbymib(
                node.as_ptr(),
                node.len(),
                old,
                &raw mut length,
                (&raw mut address).cast(),
                size_of::<NonNull<u8>>(),
            )
        };
        errno == 0
    }
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    #[test]
    fn only_regions_that_jemalloc_uses_are_known() {
        let lookup = Box::leak(Box::new(Mib::resolve(c"arenas.lookup").unwrap()));
        let mut known = Known::new(lookup);
        // SAFETY: the size is not 0.
        let block = NonNull::new(unsafe { ffi::malloc(100) }).unwrap().cast::<u8>();
        assert!(known.is_jemallocs(block) && known.has(block));
        // Now without asking, and so is what lies beside it.
        let region = block.addr().get() >> LG_REGION;
        assert_eq!(known.regions[region % REMEMBERED], region);
        assert!(known.has(block.map_addr(|address| address | 0xfff)));
        // SAFETY: live.
        unsafe { ffi::free(block.as_ptr().cast()) };

        for address in [1, 8, 1 << LG_REGION, isize::MAX as usize, usize::MAX] {
            let address = NonNull::new(ptr::without_provenance_mut(address)).unwrap();
            assert!(!known.has(address), "{address:?}");
        }
    }
}
