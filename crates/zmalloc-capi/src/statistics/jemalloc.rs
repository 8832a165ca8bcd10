//! jemalloc's figures. They are read here rather than through `zmalloc`'s statistics, since a caller may
//! ask for those of the last refresh, and for a few of one arena's.
//!
//! The name of each node is looked up once; an index in it is filled in when the node is read.

use std::ffi::{CStr, c_int, c_uint};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::OnceLock;

use tikv_jemalloc_sys as ffi;

use super::Figures;

/// Stands for all arenas together.
const ALL_ARENAS: c_uint = 4096;

/// Where the arena's index is in `stats.arenas.N.*`, and that of a size class in `arenas.bin.N.*`.
const FIRST_INDEX: usize = 2;

/// Where the index of a size class is in `stats.arenas.N.bins.N.*`.
const SECOND_INDEX: usize = 4;

/// The nodes that are read.
struct Nodes {
    epoch: Node<1>,
    page: Node<2>,
    bins: Node<2>,
    allocated: Node<2>,
    active: Node<2>,
    resident: Node<2>,
    retained: Node<2>,
    arena_small: Node<5>,
    arena_active_pages: Node<4>,
    arena_muzzy_pages: Node<4>,
    arena_resident: Node<4>,
    bin_size: Node<4>,
    bin_regions: Node<4>,
    bin_live: Node<6>,
    bin_slabs: Node<6>,
}

impl Nodes {
    /// The nodes. That they couldn't be looked up, for lack of memory, is not remembered.
    fn get() -> Option<&'static Self> {
        static NODES: OnceLock<Nodes> = OnceLock::new();
        if let Some(nodes) = NODES.get() {
            return Some(nodes);
        }
        let nodes = Self {
            epoch: Node::resolve(c"epoch")?,
            page: Node::resolve(c"arenas.page")?,
            bins: Node::resolve(c"arenas.nbins")?,
            allocated: Node::resolve(c"stats.allocated")?,
            active: Node::resolve(c"stats.active")?,
            resident: Node::resolve(c"stats.resident")?,
            retained: Node::resolve(c"stats.retained")?,
            arena_small: Node::resolve(c"stats.arenas.0.small.allocated")?,
            arena_active_pages: Node::resolve(c"stats.arenas.0.pactive")?,
            arena_muzzy_pages: Node::resolve(c"stats.arenas.0.pmuzzy")?,
            arena_resident: Node::resolve(c"stats.arenas.0.resident")?,
            bin_size: Node::resolve(c"arenas.bin.0.size")?,
            bin_regions: Node::resolve(c"arenas.bin.0.nregs")?,
            bin_live: Node::resolve(c"stats.arenas.0.bins.0.curregs")?,
            bin_slabs: Node::resolve(c"stats.arenas.0.bins.0.curslabs")?,
        };
        Some(NODES.get_or_init(|| nodes))
    }

    /// The nodes, and what they say made current if `refresh`. Should jemalloc refuse that, the figures
    /// are older.
    fn current(refresh: bool) -> Option<&'static Self> {
        let nodes = Self::get()?;
        if refresh {
            nodes.epoch.write(1_u64);
        }
        Some(nodes)
    }

    /// Bytes in slabs that no block occupies.
    fn small_fragmentation(&self, arena: c_uint) -> Option<usize> {
        let of_arena = |node: &Node<6>, bin: c_uint| {
            node.with_index(FIRST_INDEX, arena).with_index(SECOND_INDEX, bin).read::<usize>()
        };
        let mut bytes = 0;
        for bin in 0..self.bins.read::<c_uint>()? {
            let size: usize = self.bin_size.with_index(FIRST_INDEX, bin).read()?;
            let regions: u32 = self.bin_regions.with_index(FIRST_INDEX, bin).read()?;
            let room = of_arena(&self.bin_slabs, bin)? * regions as usize;
            bytes += room.saturating_sub(of_arena(&self.bin_live, bin)?) * size;
        }
        Some(bytes)
    }
}

pub(super) fn of_process(refresh: bool) -> Option<Figures> {
    let nodes = Nodes::current(refresh)?;
    let page: usize = nodes.page.read()?;
    let muzzy_pages: usize = nodes.arena_muzzy_pages.with_index(FIRST_INDEX, ALL_ARENAS).read()?;
    Some(Figures {
        allocated: nodes.allocated.read()?,
        active: nodes.active.read()?,
        resident: nodes.resident.read()?,
        retained: nodes.retained.read()?,
        muzzy: muzzy_pages * page,
        small_fragmentation: nodes.small_fragmentation(ALL_ARENAS)?,
    })
}

/// What Redis reads of an arena: the bytes of its small blocks, and of all its active and resident
/// pages.
pub(super) fn of_arena(arena: c_uint, refresh: bool) -> Option<Figures> {
    let nodes = Nodes::current(refresh)?;
    let page: usize = nodes.page.read()?;
    let active_pages: usize = nodes.arena_active_pages.with_index(FIRST_INDEX, arena).read()?;
    Some(Figures {
        allocated: nodes.arena_small.with_index(FIRST_INDEX, arena).read()?,
        active: active_pages * page,
        resident: nodes.arena_resident.with_index(FIRST_INDEX, arena).read()?,
        small_fragmentation: nodes.small_fragmentation(arena)?,
        ..Figures::default()
    })
}

/// A node of the control tree whose name has `N` parts, by the numbers that these stand for.
#[derive(Clone, Copy)]
struct Node<const N: usize>([usize; N]);

impl<const N: usize> Node<N> {
    /// Looks a name up.
    fn resolve(name: &CStr) -> Option<Self> {
        let mut numbers = [0; N];
        let mut length = N;
        // SAFETY: the name ends with NUL, and as many numbers have room as `length` says.
        let errno = unsafe { ffi::mallctlnametomib(name.as_ptr(), numbers.as_mut_ptr(), &raw mut length) };
        (errno == 0 && length == N).then_some(Self(numbers))
    }

    /// The node with another index at a place.
    fn with_index(mut self, place: usize, index: c_uint) -> Self {
        self.0[place] = index as usize;
        self
    }

    /// Reads an integer. A node that isn't there, or of another size, is `None`.
    fn read<T: Integer>(&self) -> Option<T> {
        let mut value = MaybeUninit::<T>::zeroed();
        let mut length = size_of::<T>();
        let old = value.as_mut_ptr().cast();
        // SAFETY: there are as many numbers as is said, `value` has as many bytes as `length` says, and
        // nothing is to be written to the node.
        let errno =
            unsafe { ffi::mallctlbymib(self.0.as_ptr(), N, old, &raw mut length, ptr::null_mut(), 0) };
        // SAFETY: all bits are set, to zero at least, and any are an integer.
        (errno == 0 && length == size_of::<T>()).then(|| unsafe { value.assume_init() })
    }

    /// Writes an integer. Returns jemalloc's error number, or 0.
    fn write<T: Integer>(&self, mut value: T) -> c_int {
        let new = (&raw mut value).cast();
        // SAFETY: there are as many numbers as is said, nothing is to be read, and `value` has the size
        // given.
        unsafe {
            ffi::mallctlbymib(self.0.as_ptr(), N, ptr::null_mut(), ptr::null_mut(), new, size_of::<T>())
        }
    }
}

/// The types of the nodes, for which all bit patterns are values.
trait Integer {}
impl Integer for u64 {}
impl Integer for usize {}
impl Integer for u32 {}
