//! jemalloc's statistics: a snapshot that one write refreshes, read node by node.
//!
//! Every node is looked up once. One that stands for an arena, a bin (jemalloc's word for a small
//! size class) or a large class has its index filled in when it is read.

use std::ffi::{CStr, c_char, c_void};
use std::sync::OnceLock;

use tikv_jemalloc_sys as ffi;

use super::control::Mib;
use crate::error::ControlError;
use crate::stats::{AllocatorInfo, ClassCounts, SizeClass};

/// The index that stands for all arenas together (`MALLCTL_ARENAS_ALL`).
const ALL: usize = 4096;

/// Where an arena's index is in `stats.arenas.N.*`.
const ARENA: usize = 2;

/// Where the index of a size class is in `arenas.bin.N.*` and `arenas.lextent.N.*`.
const CONSTANT: usize = 2;

/// Where the index of a size class is in `stats.arenas.N.bins.N.*` and `stats.arenas.N.lextents.N.*`.
const COUNTED: usize = 4;

/// The nodes that are read.
struct Nodes {
    epoch: Mib<1>,
    allocated: Mib<2>,
    active: Mib<2>,
    metadata: Mib<2>,
    resident: Mib<2>,
    mapped: Mib<2>,
    retained: Mib<2>,
    page: Mib<2>,
    arenas: Mib<2>,
    bins: Mib<2>,
    large_classes: Mib<2>,
    initialized: Mib<3>,
    arena: ArenaNodes,
    bin: BinNodes,
    large: LargeNodes,
}

/// The nodes of one arena.
struct ArenaNodes {
    active_pages: Mib<4>,
    dirty_pages: Mib<4>,
    muzzy_pages: Mib<4>,
    resident: Mib<4>,
    mapped: Mib<4>,
    retained: Mib<4>,
    base: Mib<4>,
    internal: Mib<4>,
    small: Mib<5>,
    large: Mib<5>,
}

/// The nodes of one bin in one arena.
struct BinNodes {
    size: Mib<4>,
    regions: Mib<4>,
    slab_size: Mib<4>,
    live: Mib<6>,
    slabs: Mib<6>,
    nonfull_slabs: Mib<6>,
    counts: CountNodes,
}

/// The nodes of one large class in one arena.
struct LargeNodes {
    size: Mib<4>,
    live: Mib<6>,
    counts: CountNodes,
}

/// The nodes that count what was done in one size class of one arena.
struct CountNodes {
    allocations: Mib<6>,
    frees: Mib<6>,
    requests: Mib<6>,
}

impl CountNodes {
    fn read(&self, arena: usize, class: usize) -> Result<ClassCounts, ControlError> {
        let at = |mib: &Mib<6>| mib.with_index(ARENA, arena).with_index(COUNTED, class);
        Ok(ClassCounts {
            allocations: at(&self.allocations).read()?,
            frees: at(&self.frees).read()?,
            requests: at(&self.requests).read()?,
        })
    }
}

impl BinNodes {
    fn read(&self, arena: usize, bin: usize) -> Result<SizeClass, ControlError> {
        let at = |mib: &Mib<6>| mib.with_index(ARENA, arena).with_index(COUNTED, bin);
        Ok(SizeClass {
            size: self.size.with_index(CONSTANT, bin).read()?,
            blocks_per_slab: self.regions.with_index(CONSTANT, bin).read::<u32>()? as usize,
            slab_size: self.slab_size.with_index(CONSTANT, bin).read()?,
            live: at(&self.live).read()?,
            slabs: at(&self.slabs).read()?,
            nonfull_slabs: at(&self.nonfull_slabs).read()?,
            counts: Some(self.counts.read(arena, bin)?),
        })
    }
}

impl LargeNodes {
    /// A block of such a class is a slab by itself.
    fn read(&self, arena: usize, class: usize) -> Result<SizeClass, ControlError> {
        let size = self.size.with_index(CONSTANT, class).read()?;
        let live = self.live.with_index(ARENA, arena).with_index(COUNTED, class).read()?;
        Ok(SizeClass {
            size,
            blocks_per_slab: 1,
            slab_size: size,
            live,
            slabs: live,
            nonfull_slabs: 0,
            counts: Some(self.counts.read(arena, class)?),
        })
    }
}

impl ArenaNodes {
    fn resolve() -> Result<Self, ControlError> {
        Ok(Self {
            active_pages: Mib::resolve(c"stats.arenas.0.pactive")?,
            dirty_pages: Mib::resolve(c"stats.arenas.0.pdirty")?,
            muzzy_pages: Mib::resolve(c"stats.arenas.0.pmuzzy")?,
            resident: Mib::resolve(c"stats.arenas.0.resident")?,
            mapped: Mib::resolve(c"stats.arenas.0.mapped")?,
            retained: Mib::resolve(c"stats.arenas.0.retained")?,
            base: Mib::resolve(c"stats.arenas.0.base")?,
            internal: Mib::resolve(c"stats.arenas.0.internal")?,
            small: Mib::resolve(c"stats.arenas.0.small.allocated")?,
            large: Mib::resolve(c"stats.arenas.0.large.allocated")?,
        })
    }
}

impl Nodes {
    fn resolve() -> Result<Self, ControlError> {
        Ok(Self {
            epoch: Mib::resolve(c"epoch")?,
            allocated: Mib::resolve(c"stats.allocated")?,
            active: Mib::resolve(c"stats.active")?,
            metadata: Mib::resolve(c"stats.metadata")?,
            resident: Mib::resolve(c"stats.resident")?,
            mapped: Mib::resolve(c"stats.mapped")?,
            retained: Mib::resolve(c"stats.retained")?,
            page: Mib::resolve(c"arenas.page")?,
            arenas: Mib::resolve(c"arenas.narenas")?,
            bins: Mib::resolve(c"arenas.nbins")?,
            large_classes: Mib::resolve(c"arenas.nlextents")?,
            initialized: Mib::resolve(c"arena.0.initialized")?,
            arena: ArenaNodes::resolve()?,
            bin: BinNodes {
                size: Mib::resolve(c"arenas.bin.0.size")?,
                regions: Mib::resolve(c"arenas.bin.0.nregs")?,
                slab_size: Mib::resolve(c"arenas.bin.0.slab_size")?,
                live: Mib::resolve(c"stats.arenas.0.bins.0.curregs")?,
                slabs: Mib::resolve(c"stats.arenas.0.bins.0.curslabs")?,
                nonfull_slabs: Mib::resolve(c"stats.arenas.0.bins.0.nonfull_slabs")?,
                counts: CountNodes {
                    allocations: Mib::resolve(c"stats.arenas.0.bins.0.nmalloc")?,
                    frees: Mib::resolve(c"stats.arenas.0.bins.0.ndalloc")?,
                    requests: Mib::resolve(c"stats.arenas.0.bins.0.nrequests")?,
                },
            },
            large: LargeNodes {
                size: Mib::resolve(c"arenas.lextent.0.size")?,
                live: Mib::resolve(c"stats.arenas.0.lextents.0.curlextents")?,
                counts: CountNodes {
                    allocations: Mib::resolve(c"stats.arenas.0.lextents.0.nmalloc")?,
                    frees: Mib::resolve(c"stats.arenas.0.lextents.0.ndalloc")?,
                    requests: Mib::resolve(c"stats.arenas.0.lextents.0.nrequests")?,
                },
            },
        })
    }

    /// The nodes. A failure to look them up is not remembered.
    fn get() -> Result<&'static Self, ControlError> {
        static NODES: OnceLock<Nodes> = OnceLock::new();
        if let Some(nodes) = NODES.get() {
            return Ok(nodes);
        }
        let nodes = Self::resolve()?;
        Ok(NODES.get_or_init(|| nodes))
    }

    /// The nodes, and what they say made current.
    fn refreshed() -> Result<&'static Self, ControlError> {
        let nodes = Self::get()?;
        nodes.epoch.write(1_u64)?;
        Ok(nodes)
    }

    /// The small size classes of one arena, or of `ALL`.
    fn small_classes(
        &self,
        arena: usize,
    ) -> Result<impl Iterator<Item = Result<SizeClass, ControlError>>, ControlError> {
        let bins = self.bins.read::<u32>()? as usize;
        Ok((0..bins).map(move |bin| self.bin.read(arena, bin)))
    }

    /// What the free blocks in the slabs of one arena, or of `ALL`, take.
    fn small_fragmentation(&self, arena: usize) -> Result<usize, ControlError> {
        self.small_classes(arena)?.try_fold(0, |sum, class| Ok(sum + class?.fragmentation()))
    }

    fn arena(&self, arena: usize) -> Result<AllocatorInfo, ControlError> {
        let page: usize = self.page.read()?;
        let at = |mib: &Mib<4>| mib.with_index(ARENA, arena).read::<usize>();
        let in_blocks = |mib: &Mib<5>| mib.with_index(ARENA, arena).read::<usize>();
        let nodes = &self.arena;
        Ok(AllocatorInfo {
            allocated: in_blocks(&nodes.small)? + in_blocks(&nodes.large)?,
            active: at(&nodes.active_pages)? * page,
            metadata: at(&nodes.base)? + at(&nodes.internal)?,
            resident: at(&nodes.resident)?,
            mapped: at(&nodes.mapped)?,
            retained: at(&nodes.retained)?,
            dirty: at(&nodes.dirty_pages)? * page,
            muzzy: at(&nodes.muzzy_pages)? * page,
            small_fragmentation: self.small_fragmentation(arena)?,
        })
    }

    /// Whether there is such an arena, and it is in use.
    fn is_initialized(&self, arena: usize) -> Result<bool, ControlError> {
        Ok(self.initialized.with_index(1, arena).read::<u8>()? != 0)
    }

    fn arena_count(&self) -> Result<usize, ControlError> {
        Ok(self.arenas.read::<u32>()? as usize)
    }
}

pub(super) fn info() -> Result<AllocatorInfo, ControlError> {
    let nodes = Nodes::refreshed()?;
    let all = nodes.arena(ALL)?;
    // What belongs to no arena is in these only.
    Ok(AllocatorInfo {
        allocated: nodes.allocated.read()?,
        active: nodes.active.read()?,
        metadata: nodes.metadata.read()?,
        resident: nodes.resident.read()?,
        mapped: nodes.mapped.read()?,
        retained: nodes.retained.read()?,
        ..all
    })
}

pub(super) fn arena(index: usize) -> Result<AllocatorInfo, ControlError> {
    let nodes = Nodes::refreshed()?;
    if index < nodes.arena_count()? && nodes.is_initialized(index)? {
        nodes.arena(index)
    } else {
        Err(ControlError::from_errno(libc::ENOENT))
    }
}

pub(super) fn arenas() -> Result<Vec<(usize, AllocatorInfo)>, ControlError> {
    let nodes = Nodes::refreshed()?;
    let mut arenas = Vec::new();
    for index in 0..nodes.arena_count()? {
        if nodes.is_initialized(index)? {
            arenas.push((index, nodes.arena(index)?));
        }
    }
    Ok(arenas)
}

pub(super) fn size_classes() -> Result<Vec<SizeClass>, ControlError> {
    let nodes = Nodes::refreshed()?;
    nodes.small_classes(ALL)?.collect()
}

pub(super) fn large_size_classes() -> Result<Vec<SizeClass>, ControlError> {
    let nodes = Nodes::refreshed()?;
    let classes = nodes.large_classes.read::<u32>()? as usize;
    (0..classes).map(|class| nodes.large.read(ALL, class)).collect()
}

/// jemalloc's report, in its own words, with its letters for options.
pub(super) fn report(options: &CStr) -> String {
    /// Appends a piece of the report to the bytes that `report` points to.
    unsafe extern "C" fn append(report: *mut c_void, piece: *const c_char) {
        // SAFETY: `report` is what was passed to `malloc_stats_print` below, borrowed for nothing
        // else meanwhile; `piece` ends with NUL.
        let (report, piece) = unsafe { (&mut *report.cast::<Vec<u8>>(), CStr::from_ptr(piece)) };
        report.extend_from_slice(piece.to_bytes());
    }

    let mut report = Vec::<u8>::with_capacity(64 * 1024);
    // SAFETY: `append` gets back the pointer given here, which stays valid throughout. jemalloc
    // holds no lock that an allocation needs while it calls `append`. The options end with NUL.
    unsafe {
        ffi::malloc_stats_print(Some(append), (&raw mut report).cast(), options.as_ptr());
    }
    String::from_utf8_lossy(&report).into_owned()
}
