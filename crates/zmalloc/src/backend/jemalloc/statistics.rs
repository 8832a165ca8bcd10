//! jemalloc's statistics: a snapshot that one write refreshes, read node by node.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::OnceLock;

use tikv_jemalloc_sys as ffi;

use super::control::{self, Mib};
use crate::error::ControlError;
use crate::stats::{AllocatorInfo, SizeClass};

/// The nodes that are read, looked up once. The index 4096 stands for all arenas together, 0 for
/// the bin (jemalloc's word for a small size class) that is filled in later.
struct Nodes {
    allocated: Mib<2>,
    active: Mib<2>,
    metadata: Mib<2>,
    resident: Mib<2>,
    mapped: Mib<2>,
    retained: Mib<2>,
    dirty_pages: Mib<4>,
    muzzy_pages: Mib<4>,
    page: Mib<2>,
    bins: Mib<2>,
    bin: BinNodes,
}

/// The nodes of one bin.
struct BinNodes {
    size: Mib<4>,
    regions: Mib<4>,
    slab_size: Mib<4>,
    live: Mib<6>,
    slabs: Mib<6>,
    nonfull_slabs: Mib<6>,
}

impl BinNodes {
    /// Where the bin's index is in `arenas.bin.N.*`.
    const CONSTANT: usize = 2;
    /// Where the bin's index is in `stats.arenas.N.bins.N.*`.
    const COUNTED: usize = 4;

    fn read(&self, bin: usize) -> Result<SizeClass, ControlError> {
        Ok(SizeClass {
            size: self.size.with_index(Self::CONSTANT, bin).read()?,
            blocks_per_slab: self.regions.with_index(Self::CONSTANT, bin).read::<u32>()? as usize,
            slab_size: self.slab_size.with_index(Self::CONSTANT, bin).read()?,
            live: self.live.with_index(Self::COUNTED, bin).read()?,
            slabs: self.slabs.with_index(Self::COUNTED, bin).read()?,
            nonfull_slabs: self.nonfull_slabs.with_index(Self::COUNTED, bin).read()?,
        })
    }
}

impl Nodes {
    fn resolve() -> Result<Self, ControlError> {
        Ok(Self {
            allocated: Mib::resolve(c"stats.allocated")?,
            active: Mib::resolve(c"stats.active")?,
            metadata: Mib::resolve(c"stats.metadata")?,
            resident: Mib::resolve(c"stats.resident")?,
            mapped: Mib::resolve(c"stats.mapped")?,
            retained: Mib::resolve(c"stats.retained")?,
            dirty_pages: Mib::resolve(c"stats.arenas.4096.pdirty")?,
            muzzy_pages: Mib::resolve(c"stats.arenas.4096.pmuzzy")?,
            page: Mib::resolve(c"arenas.page")?,
            bins: Mib::resolve(c"arenas.nbins")?,
            bin: BinNodes {
                size: Mib::resolve(c"arenas.bin.0.size")?,
                regions: Mib::resolve(c"arenas.bin.0.nregs")?,
                slab_size: Mib::resolve(c"arenas.bin.0.slab_size")?,
                live: Mib::resolve(c"stats.arenas.4096.bins.0.curregs")?,
                slabs: Mib::resolve(c"stats.arenas.4096.bins.0.curslabs")?,
                nonfull_slabs: Mib::resolve(c"stats.arenas.4096.bins.0.nonfull_slabs")?,
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

    fn size_classes(&self) -> Result<impl Iterator<Item = Result<SizeClass, ControlError>>, ControlError> {
        let bins = self.bins.read::<u32>()? as usize;
        Ok((0..bins).map(|bin| self.bin.read(bin)))
    }
}

/// Makes what is read from here on current.
fn refresh() -> Result<(), ControlError> {
    control::write_name(c"epoch", 1_u64)
}

pub(super) fn info() -> Result<AllocatorInfo, ControlError> {
    let nodes = Nodes::get()?;
    refresh()?;
    let page: usize = nodes.page.read()?;
    let mut small_fragmentation = 0;
    for class in nodes.size_classes()? {
        small_fragmentation += class?.fragmentation();
    }
    Ok(AllocatorInfo {
        allocated: nodes.allocated.read()?,
        active: nodes.active.read()?,
        metadata: nodes.metadata.read()?,
        resident: nodes.resident.read()?,
        mapped: nodes.mapped.read()?,
        retained: nodes.retained.read()?,
        dirty: nodes.dirty_pages.read::<usize>()? * page,
        muzzy: nodes.muzzy_pages.read::<usize>()? * page,
        small_fragmentation,
    })
}

pub(super) fn size_classes() -> Result<Vec<SizeClass>, ControlError> {
    let nodes = Nodes::get()?;
    refresh()?;
    nodes.size_classes()?.collect()
}

/// jemalloc's report, in its own words.
pub(super) fn text() -> String {
    /// Appends a piece of the report to the bytes that `report` points to.
    unsafe extern "C" fn append(report: *mut c_void, piece: *const c_char) {
        // SAFETY: `report` is what was passed to `malloc_stats_print` below, borrowed for nothing
        // else meanwhile; `piece` ends with NUL.
        let (report, piece) = unsafe { (&mut *report.cast::<Vec<u8>>(), CStr::from_ptr(piece)) };
        report.extend_from_slice(piece.to_bytes());
    }

    let mut report = Vec::<u8>::with_capacity(64 * 1024);
    // SAFETY: `append` gets back the pointer given here, which stays valid throughout. jemalloc
    // holds no lock that an allocation needs while it calls `append`. No options are given.
    unsafe {
        ffi::malloc_stats_print(Some(append), (&raw mut report).cast(), ptr::null());
    }
    String::from_utf8_lossy(&report).into_owned()
}
