//! Which of jemalloc's blocks should move, by what an unpatched jemalloc tells of its slabs.
//!
//! Small blocks lie in *slabs* of blocks of one size, the blocks of a *bin*. What stands in the way of
//! giving pages back is a slab with few blocks in it. So a block should move if its slab is used less
//! than the average of those that have room, and the new block will then be taken from one of these:
//! from the bin's *current* slab as long as that has room, from the oldest of the others next.
//!
//! - A block that is no slab's stays, as do those of a full slab, and those of the current slab, which
//!   would only be moved about within it.
//! - If less than two slabs of the bin have room there is nothing to gain.
//! - A block of a slab that is used less than an eighth moves, so that a bin in which some blocks can
//!   never move doesn't keep the average low for ever.
//! - A block of a slab that is used more than an eighth above the average stays.

use std::ffi::c_void;
use std::mem;
use std::ptr::{self, NonNull};
use std::sync::OnceLock;

use tikv_jemalloc_sys as ffi;

use super::control::Mib;
use super::statistics;
use crate::backend::Utilization;
use crate::error::ControlError;
use crate::stats::SizeClass;

mod known;

use self::known::Known;

/// How many blocks are asked about in one call.
const BATCH: usize = 64;

/// What `experimental.utilization.batch_query` says of a block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
struct Extent {
    /// Blocks of its slab that are free; 0 if it is no slab's.
    free: usize,
    /// Blocks that its slab has room for; 1 if it is no slab's, 0 if the address is unknown.
    blocks: usize,
    /// Bytes.
    size: usize,
}

impl Extent {
    /// Blocks of its slab in use. Of a block that another thread frees meanwhile jemalloc may tell
    /// figures of two moments.
    fn used(&self) -> usize {
        self.blocks.saturating_sub(self.free)
    }
}

/// What `experimental.utilization.query` says of a block.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct Place {
    /// Where the slab begins from which its bin allocates, or from which it will next.
    current: usize,
    extent: Extent,
    /// Blocks of its bin that are free, in its arena.
    bin_free: usize,
    /// Blocks that the slabs of its bin have room for, in its arena.
    bin_blocks: usize,
}

/// The nodes that are asked.
struct Nodes {
    lookup: Mib<2>,
    batch: Mib<3>,
    single: Mib<3>,
}

impl Nodes {
    fn get() -> Result<&'static Self, ControlError> {
        static NODES: OnceLock<Nodes> = OnceLock::new();
        if let Some(nodes) = NODES.get() {
            return Ok(nodes);
        }
        let nodes = Self {
            lookup: Mib::resolve(c"arenas.lookup")?,
            batch: Mib::resolve(c"experimental.utilization.batch_query")?,
            single: Mib::resolve(c"experimental.utilization.query")?,
        };
        Ok(NODES.get_or_init(|| nodes))
    }

    /// Asks about as many addresses as there are answers to be had, all in known regions.
    fn batch(&self, blocks: &[NonNull<u8>], extents: &mut [Extent]) {
        debug_assert_eq!(blocks.len(), extents.len(), "one answer for each block");
        let answers = (extents.as_mut_ptr().cast(), size_of_val(extents));
        let questions = (blocks.as_ptr().cast_mut().cast(), size_of_val(blocks));
        // SAFETY: both arrays have the sizes given; jemalloc reads the addresses and looks them up,
        // which their regions allow, and writes three words for each.
        let done = unsafe { call(&self.batch, answers, questions) };
        debug_assert!(done, "the sizes of the arrays are right");
    }

    /// Asks about one address in a known region.
    fn single(&self, block: NonNull<u8>) -> Place {
        let mut place = Place::default();
        let mut block = block;
        let answer = ((&raw mut place).cast(), size_of::<Place>());
        let question = ((&raw mut block).cast(), size_of::<NonNull<u8>>());
        // The order in which jemalloc writes is that of the fields.
        // SAFETY: as above, with six words.
        let done = unsafe { call(&self.single, answer, question) };
        debug_assert!(done, "the sizes are right");
        place
    }
}

/// Asks a node, which leaves the answer as it is if it refuses. Returns whether it did answer.
///
/// # Safety
/// Both addresses are of as many bytes as are given with them, which may be written and read.
unsafe fn call(node: &Mib<3>, answer: (*mut c_void, usize), question: (*mut c_void, usize)) -> bool {
    let mut length = answer.1;
    let node = node.numbers();
    // SAFETY: the node's name has that many parts; the rest the caller promises.
    let errno = unsafe {
        ffi::mallctlbymib(node.as_ptr(), node.len(), answer.0, &raw mut length, question.0, question.1)
    };
    errno == 0
}

/// A bin, as it was when the survey was taken.
#[derive(Clone, Copy, Debug)]
struct Bin {
    class: SizeClass,
    /// Blocks in the slabs that have room, without the current one. Filled in when a block of the bin
    /// is first in question, as only then the current slab is known.
    used_in_nonfull: Option<usize>,
}

/// All bins, as they were when the survey was taken.
pub(crate) struct Survey {
    nodes: &'static Nodes,
    bins: Vec<Bin>,
    /// For each multiple of 8 bytes, the place of the bin of that size in `bins`, plus one.
    by_size: Vec<u8>,
    known: Known,
    /// What moving would free of the blocks that should move.
    gain: usize,
}

impl Utilization for Survey {
    fn take() -> Result<Self, ControlError> {
        let bins: Vec<_> = statistics::size_classes()?
            .into_iter()
            .map(|class| Bin { class, used_in_nonfull: None })
            .collect();
        let largest = bins.last().map_or(0, |bin| bin.class.size);
        let mut by_size = vec![0; largest / 8 + 1];
        for (place, bin) in bins.iter().enumerate() {
            // There are some 36 to 44 bins. One that had no place would be one whose blocks stay.
            by_size[bin.class.size / 8] = u8::try_from(place + 1).unwrap_or(0);
        }
        let nodes = Nodes::get()?;
        Ok(Self { nodes, bins, by_size, known: Known::new(&nodes.lookup), gain: 0 })
    }

    fn ask(&mut self, blocks: &[NonNull<u8>], answers: &mut [bool]) {
        if let ([block], [answer]) = (blocks, &mut *answers) {
            *answer = self.ask_one(*block);
            return;
        }
        let mut extents = [Extent::default(); BATCH];
        for (blocks, answers) in blocks.chunks(BATCH).zip(answers.chunks_mut(BATCH)) {
            if !blocks.iter().all(|block| self.known.has(*block)) {
                for (block, answer) in blocks.iter().zip(answers) {
                    *answer = self.ask_one(*block);
                }
                continue;
            }
            let extents = &mut extents[..blocks.len()];
            self.nodes.batch(blocks, extents);
            for ((block, answer), extent) in blocks.iter().zip(answers).zip(extents) {
                *answer = self.should_move(*block, extent);
            }
        }
    }

    fn take_gain(&mut self) -> usize {
        mem::take(&mut self.gain)
    }
}

impl Survey {
    fn ask_one(&mut self, block: NonNull<u8>) -> bool {
        if !self.known.has(block) {
            return false;
        }
        let mut extent = [Extent::default()];
        self.nodes.batch(&[block], &mut extent);
        self.should_move(block, &extent[0])
    }

    /// Whether the block, which is in a known region, should move.
    fn should_move(&mut self, block: NonNull<u8>, extent: &Extent) -> bool {
        if extent.free == 0 {
            return false;
        }
        let Some(bin) = self.bin_of(extent) else {
            return false;
        };
        if bin.class.nonfull_slabs < 2 {
            return false;
        }
        // From here on by what is there now: the blocks that were moved since the last question may
        // have come to lie in this one's slab.
        let place = self.nodes.single(block);
        let current = place.current..place.current + place.extent.size;
        if place.extent.free == 0 || current.contains(&block.addr().get()) {
            return false;
        }
        let used = place.extent.used();
        let nodes = self.nodes;
        let Some(bin) = self.bin_of(extent) else {
            return false;
        };
        let used_in_nonfull = *bin.used_in_nonfull.get_or_insert_with(|| {
            let current = NonNull::new(ptr::without_provenance_mut::<u8>(place.current));
            used_in_nonfull(&bin.class, current.map(|current| used_in(nodes, current)))
        });
        let is_sparse = is_sparse(used, place.extent.blocks, bin.class.nonfull_slabs, used_in_nonfull);
        if is_sparse {
            self.gain += place.extent.size / used.max(1);
        }
        is_sparse
    }

    /// The bin whose slabs are like this.
    fn bin_of(&mut self, extent: &Extent) -> Option<&mut Bin> {
        let size = extent.size.checked_div(extent.blocks)?;
        let place = usize::from(*self.by_size.get(size / 8)?).checked_sub(1)?;
        let bin = &mut self.bins[place];
        let same = bin.class.size == size && bin.class.blocks_per_slab == extent.blocks;
        same.then_some(bin)
    }
}

/// Blocks in use of the slab at this address.
fn used_in(nodes: &Nodes, slab: NonNull<u8>) -> usize {
    let mut extent = [Extent::default()];
    nodes.batch(&[slab], &mut extent);
    extent[0].used()
}

/// Blocks of the bin in slabs that have room, without the current slab, in which `in_current` are in use
/// if there is one.
fn used_in_nonfull(class: &SizeClass, in_current: Option<usize>) -> usize {
    let with_room = class.nonfull_slabs + usize::from(in_current.is_some());
    let in_full = class.slabs.saturating_sub(with_room) * class.blocks_per_slab;
    class.live.saturating_sub(in_full).saturating_sub(in_current.unwrap_or(0))
}

/// Whether a slab with `used` of its `blocks` in use is one to be emptied, where `slabs` have room and
/// `in_slabs` blocks in use together.
fn is_sparse(used: usize, blocks: usize, slabs: usize, in_slabs: usize) -> bool {
    used * 8 < blocks || used * slabs <= in_slabs + in_slabs / 8
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASS: SizeClass = SizeClass {
        size: 64,
        blocks_per_slab: 64,
        slab_size: 4096,
        live: 0,
        slabs: 10,
        nonfull_slabs: 5,
        counts: None,
    };

    #[test]
    fn what_is_in_full_slabs_and_in_the_current_one_is_not_in_the_others() {
        // 4 full, 1 current with 30, 5 others with 100 together.
        let class = SizeClass { live: 4 * 64 + 30 + 100, ..CLASS };
        assert_eq!(used_in_nonfull(&class, Some(30)), 100);
        let class = SizeClass { live: 5 * 64 + 100, ..CLASS };
        assert_eq!(used_in_nonfull(&class, None), 100);
        // Figures that were not taken at one moment don't make it negative.
        assert_eq!(used_in_nonfull(&SizeClass { live: 3, ..CLASS }, Some(30)), 0);
    }

    #[test]
    fn sparse_is_at_most_an_eighth_above_the_average_or_under_an_eighth_of_the_room() {
        // 5 slabs with 100 blocks: the average is 20, and 22.5 the threshold.
        assert!(is_sparse(22, 64, 5, 100));
        assert!(!is_sparse(23, 64, 5, 100));
        assert!(is_sparse(7, 64, 5, 0));
        assert!(!is_sparse(8, 64, 5, 0));
    }
}
