//! What the allocator says about itself, and how it is told to give memory back.

use std::fmt;

use crate::backend::{Backend, Control, Imp};
use crate::error::ControlError;

/// Name and version of the allocator that was built in, as Redis's INFO shows it in
/// `mem_allocator`: `jemalloc-5.3.1`, `mimalloc-3.3.2`, `tcmalloc-2.10`, `libc`, or `prefixed` for
/// the C library with a prefix. With the pool of small blocks in front, `+pool` follows.
pub const BACKEND: &str = Imp::NAME;

/// Whether [`good_size`](crate::good_size) tells to the byte what a block of a layout takes, as it
/// does over jemalloc. Where it doesn't, it tells the least, and
/// [`usable_size`](crate::usable_size) tells what a block that exists takes.
pub const GOOD_SIZE_IS_EXACT: bool = Imp::GOOD_SIZE_IS_EXACT;

/// A snapshot of the allocator's own figures for the whole process, all in bytes.
///
/// From the inside out: `allocated` is part of `active`, `active` of `resident` (most of it) and of
/// `mapped`. What each means is documented under `stats.*` in jemalloc's manual.
///
/// [`used_memory`](crate::used_memory) is not among them: it counts live blocks, while `allocated`
/// also includes blocks that the program has freed and a thread's cache still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AllocatorInfo {
    /// Bytes in blocks that are allocated, or freed and held in the caches of threads.
    pub allocated: usize,
    /// Bytes in pages that hold at least one such block.
    pub active: usize,
    /// Bytes that the allocator's own bookkeeping takes.
    pub metadata: usize,
    /// The most bytes that can be physically there: active pages, unused dirty pages and metadata.
    pub resident: usize,
    /// Bytes in address ranges with active pages.
    pub mapped: usize,
    /// Bytes of address space that is kept for later use without memory behind it.
    pub retained: usize,
    /// Bytes in unused pages that still have memory behind them and are given back in time.
    pub dirty: usize,
    /// Bytes in unused pages that were offered to the kernel, which may or may not have taken them.
    pub muzzy: usize,
    /// Bytes in slabs of small blocks that no block occupies: what moving blocks could free.
    pub small_fragmentation: usize,
}

impl AllocatorInfo {
    /// Refreshes the allocator's statistics and reads them. It takes some microseconds, more with
    /// many arenas.
    ///
    /// # Errors
    /// If the allocator has no such statistics, or lacks the memory to collect them.
    pub fn read() -> Result<Self, ControlError> {
        Imp::info()
    }

    /// The same for one arena, a part of the heap that some of the threads allocate from.
    ///
    /// # Errors
    /// `ENOENT` if there is no such arena or it is not in use; else as [`read`](Self::read).
    pub fn read_arena(index: usize) -> Result<Self, ControlError> {
        Imp::arena(index)
    }

    /// The same for every arena in use, each with its index. In sum they have all blocks.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_arenas() -> Result<Vec<(usize, Self)>, ControlError> {
        Imp::arenas()
    }

    /// The figures and what follows from them, each with its name.
    fn figures(&self) -> [(&'static str, Figure); 13] {
        [
            ("allocated", Figure::Bytes(self.allocated)),
            ("active", Figure::Bytes(self.active)),
            ("metadata", Figure::Bytes(self.metadata)),
            ("resident", Figure::Bytes(self.resident)),
            ("mapped", Figure::Bytes(self.mapped)),
            ("retained", Figure::Bytes(self.retained)),
            ("dirty", Figure::Bytes(self.dirty)),
            ("muzzy", Figure::Bytes(self.muzzy)),
            ("small_fragmentation", Figure::Bytes(self.small_fragmentation)),
            ("fragmentation_bytes", Figure::Bytes(self.fragmentation_bytes())),
            ("fragmentation_ratio", Figure::Ratio(self.fragmentation_ratio())),
            ("small_fragmentation_ratio", Figure::Ratio(self.small_fragmentation_ratio())),
            ("resident_ratio", Figure::Ratio(self.resident_ratio())),
        ]
    }

    /// The figures as a JSON object: bytes under the names of the fields, ratios under those of the
    /// methods.
    pub fn to_json(&self) -> String {
        object(&self.figures())
    }

    /// How many times larger the pages in use are than the blocks in them: `active / allocated`,
    /// `allocator_frag_ratio` in the INFO of Redis 7.0. 1 if nothing is allocated.
    pub fn fragmentation_ratio(&self) -> f64 {
        ratio(self.active, self.allocated)
    }

    /// Bytes of active pages that no block occupies: `allocator_frag_bytes` in the INFO of Redis 7.0.
    pub fn fragmentation_bytes(&self) -> usize {
        self.active.saturating_sub(self.allocated)
    }

    /// How many times larger the blocks would be with what their slabs have free, which is the part
    /// of fragmentation that moving blocks can remove: `1 + small_fragmentation / allocated`. 1 if
    /// nothing is allocated.
    pub fn small_fragmentation_ratio(&self) -> f64 {
        ratio(self.allocated + self.small_fragmentation, self.allocated)
    }

    /// How many times larger what is resident is than the pages in use: `resident / active`,
    /// Redis's `allocator_rss_ratio`. 1 if nothing is active. [`purge`](crate::purge) lowers it.
    pub fn resident_ratio(&self) -> f64 {
        ratio(self.resident, self.active)
    }

    /// Bytes resident beyond the pages in use: Redis's `allocator_rss_bytes`.
    pub fn resident_bytes_unused(&self) -> usize {
        self.resident.saturating_sub(self.active)
    }
}

/// One figure a line, with its name.
impl fmt::Display for AllocatorInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.figures().iter().try_for_each(|(name, figure)| writeln!(f, "{name}: {figure}"))
    }
}

/// A figure in a report.
#[derive(Clone, Copy)]
enum Figure {
    Bytes(usize),
    Count(u64),
    Ratio(f64),
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => bytes.fmt(f),
            Self::Count(count) => count.fmt(f),
            Self::Ratio(ratio) => write!(f, "{ratio:.4}"),
        }
    }
}

/// A JSON object of figures. The names need no escapes, and no ratio is infinite.
fn object(figures: &[(&'static str, Figure)]) -> String {
    let members: Vec<String> = figures.iter().map(|(name, figure)| format!("\"{name}\":{figure}")).collect();
    format!("{{{}}}", members.join(","))
}

/// `part / whole`, or 1 where there is no whole.
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 1.0 } else { part as f64 / whole as f64 }
}

/// One size class. Small blocks are allocated in slabs of equal ones; a large one is a slab by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SizeClass {
    /// Bytes per block.
    pub size: usize,
    /// Blocks that a slab has room for.
    pub blocks_per_slab: usize,
    /// Bytes per slab.
    pub slab_size: usize,
    /// Blocks allocated, or freed and held in the caches of threads.
    pub live: usize,
    /// Slabs that hold at least one such block.
    pub slabs: usize,
    /// Those slabs with room for another block, without the ones being allocated from.
    pub nonfull_slabs: usize,
    /// What was done so far, if the allocator counts that.
    pub counts: Option<ClassCounts>,
}

/// How often blocks of a size class were allocated and freed since the process began.
///
/// A thread hands its part in when its cache exchanges blocks with the common heap:
/// [`flush_thread_cache`](crate::flush_thread_cache) makes the calling thread's current.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassCounts {
    /// Blocks taken from the common heap, by threads' caches or, past those, by the program.
    pub allocations: u64,
    /// Blocks given back to the common heap, likewise.
    pub frees: u64,
    /// Allocations by the program.
    pub requests: u64,
}

impl SizeClass {
    /// The fields and the fragmentation as a JSON object. What the allocator doesn't count is absent.
    pub fn to_json(&self) -> String {
        let mut figures = vec![
            ("size", Figure::Bytes(self.size)),
            ("blocks_per_slab", Figure::Bytes(self.blocks_per_slab)),
            ("slab_size", Figure::Bytes(self.slab_size)),
            ("live", Figure::Bytes(self.live)),
            ("slabs", Figure::Bytes(self.slabs)),
            ("nonfull_slabs", Figure::Bytes(self.nonfull_slabs)),
            ("fragmentation", Figure::Bytes(self.fragmentation())),
        ];
        if let Some(counts) = self.counts {
            figures.extend([
                ("allocations", Figure::Count(counts.allocations)),
                ("frees", Figure::Count(counts.frees)),
                ("requests", Figure::Count(counts.requests)),
            ]);
        }
        object(&figures)
    }

    /// Bytes in the class's slabs that no block occupies.
    pub fn fragmentation(&self) -> usize {
        (self.slabs * self.blocks_per_slab).saturating_sub(self.live) * self.size
    }
}

/// Refreshes the allocator's statistics and reads those of every small size class, smallest first.
///
/// # Errors
/// If the allocator has no such statistics, or lacks the memory to collect them.
pub fn size_classes() -> Result<Vec<SizeClass>, ControlError> {
    Imp::size_classes()
}

/// The same for every large size class, smallest first. Their blocks are in no slabs, so there is no
/// fragmentation, and most classes are empty.
///
/// # Errors
/// As [`size_classes`].
pub fn large_size_classes() -> Result<Vec<SizeClass>, ControlError> {
    Imp::large_size_classes()
}

/// The distance in bytes between the allocator's smallest size classes, fixed when it was built: 8
/// or 16 on jemalloc, 16 in the pool of small blocks.
///
/// # Errors
/// If the allocator cannot tell.
pub fn quantum() -> Result<usize, ControlError> {
    Imp::quantum()
}

/// The allocator's own report for human readers, some tens of kilobytes of text in its own format.
/// Redis answers `MEMORY MALLOC-STATS` with it. One sentence where the allocator has no report.
pub fn stats_text() -> String {
    Imp::stats_text()
}

/// The allocator's own report as JSON, in its own format: that of jemalloc's `malloc_stats_print`.
///
/// # Errors
/// If the allocator has no such report.
pub fn stats_json() -> Result<String, ControlError> {
    Imp::stats_json()
}

#[cfg(test)]
mod tests {
    use super::*;

    const INFO: AllocatorInfo = AllocatorInfo {
        allocated: 100,
        active: 150,
        metadata: 10,
        resident: 300,
        mapped: 400,
        retained: 0,
        dirty: 0,
        muzzy: 0,
        small_fragmentation: 20,
    };

    #[test]
    fn ratios_are_of_the_fields_they_name() {
        assert_eq!(INFO.fragmentation_ratio(), 1.5);
        assert_eq!(INFO.fragmentation_bytes(), 50);
        assert_eq!(INFO.small_fragmentation_ratio(), 1.2);
        assert_eq!(INFO.resident_ratio(), 2.0);
        assert_eq!(INFO.resident_bytes_unused(), 150);
    }

    #[test]
    fn text_and_json_name_every_figure() {
        let text = INFO.to_string();
        assert!(text.starts_with("allocated: 100\nactive: 150\n"), "{text}");
        assert!(text.ends_with("small_fragmentation_ratio: 1.2000\nresident_ratio: 2.0000\n"), "{text}");
        let json = INFO.to_json();
        assert_eq!(json.matches("\":").count(), text.lines().count());
        assert!(json.starts_with(r#"{"allocated":100,"active":150,"#), "{json}");
        assert!(
            json.ends_with(
                r#""fragmentation_ratio":1.5000,"small_fragmentation_ratio":1.2000,"resident_ratio":2.0000}"#
            ),
            "{json}"
        );
    }

    #[test]
    fn an_empty_heap_is_not_fragmented() {
        let empty = AllocatorInfo { allocated: 0, active: 0, resident: 0, ..INFO };
        assert_eq!(empty.fragmentation_ratio(), 1.0);
        assert_eq!(empty.resident_ratio(), 1.0);
        assert_eq!(empty.resident_bytes_unused(), 0);
    }

    #[test]
    fn a_class_is_fragmented_by_what_its_slabs_have_free() {
        let class = SizeClass {
            size: 64,
            blocks_per_slab: 64,
            slab_size: 4096,
            live: 100,
            slabs: 2,
            nonfull_slabs: 1,
            counts: None,
        };
        assert_eq!(class.fragmentation(), 28 * 64);
        let json = concat!(
            r#"{"size":64,"blocks_per_slab":64,"slab_size":4096,"live":100,"slabs":2,"#,
            r#""nonfull_slabs":1,"fragmentation":1792}"#
        );
        assert_eq!(class.to_json(), json);
        let counts = ClassCounts { allocations: 7, frees: u64::MAX, requests: 9 };
        let counted = SizeClass { counts: Some(counts), ..class }.to_json();
        let rest = counted.strip_prefix(&json[..json.len() - 1]).unwrap();
        assert_eq!(rest, r#","allocations":7,"frees":18446744073709551615,"requests":9}"#);
    }
}
