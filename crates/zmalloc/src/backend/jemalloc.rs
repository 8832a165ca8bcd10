//! jemalloc, through `tikv-jemalloc-sys`.
//!
//! How a [`Layout`] becomes a request is decided in one place, [`Request::new`], for either quantum
//! that jemalloc may have been built with.

use std::alloc::Layout;
use std::ffi::c_int;
use std::ptr::NonNull;

use tikv_jemalloc_sys as ffi;

use super::{Backend, Control, CountsPerThread, DirectFree, ThreadCounters, Totals};
use crate::error::ControlError;
use crate::stats::{AllocatorInfo, SizeClass};

mod by_address;
mod control;
mod decay;
mod rises;
mod settle;
mod statistics;
mod utilization;

pub(crate) use self::utilization::Survey;

/// jemalloc writes its 64-bit counters with one store on 64-bit machines only.
#[cfg(not(target_pointer_width = "64"))]
compile_error!("zmalloc over jemalloc needs a 64-bit target");

/// jemalloc as a [`Backend`].
pub(crate) struct Jemalloc;

/// What jemalloc is asked for: a size, and flags, which are 0 or an alignment.
#[derive(Clone, Copy)]
struct Request {
    size: usize,
    flags: c_int,
}

impl Request {
    /// The largest size whose blocks lie in slabs, whatever the page size: jemalloc refuses to be
    /// built otherwise.
    const SLAB_MAX: usize = 4096;

    /// What every size class is a multiple of, at either quantum.
    const CLASS_ALIGN: usize = 8;

    /// The alignment that every block gets whose size is a multiple of it, in a slab or not.
    const NATURAL_ALIGN: usize = 16;

    /// The cheapest request that gives the size at the alignment.
    ///
    /// An alignment passed as a flag costs jemalloc about twice the instructions, so it is avoided
    /// wherever the size class alone gives the alignment. Let `a` be the alignment, `n` the size
    /// rounded up to a multiple of `a`, and `c` the size class that `n` falls into.
    ///
    /// 1. `c` is a multiple of `a`. The classes between two neighbouring powers of two are all the
    ///    multiples of one power of two, `d`, in that range; those below the first such range are
    ///    the multiples of the quantum and the powers of two under it. If `d` is a multiple of `a`,
    ///    so is `c`. If not, `d` divides `a` and therefore `n`, so `n` is a class and `c = n`.
    /// 2. A block of a class of at most `SLAB_MAX` is at a multiple of `c` from the start of its
    ///    slab, which starts on a page. So it is a multiple of `a`, if pages are: `a <= n <= 4096`.
    /// 3. A larger block of a slab is a multiple of `a` for the same reason if `a <= 16`. A block
    ///    that is no slab's starts on a page, or on a cache line at least, if the option
    ///    `cache_oblivious` is turned on when the process starts.
    ///
    const fn new(size: usize, align: usize) -> Self {
        if let Some(size) = Self::plain(size, align) {
            return Self { size, flags: 0 };
        }
        let rounded = Self::round_up(size, align);
        if rounded <= Self::SLAB_MAX {
            Self { size: rounded, flags: 0 }
        } else {
            Self { size, flags: ffi::MALLOCX_ALIGN(align) }
        }
    }

    /// The size to ask for, without flags, for an alignment that needs none at any size: the quick
    /// way to what [`new`](Self::new) would say.
    ///
    /// For `a <= 8` the rounding would change nothing, as every class is a multiple of 8.
    #[inline(always)]
    const fn plain(size: usize, align: usize) -> Option<usize> {
        if align <= Self::CLASS_ALIGN {
            Some(size)
        } else if align <= Self::NATURAL_ALIGN {
            Some(Self::round_up(size, Self::NATURAL_ALIGN))
        } else {
            None
        }
    }

    /// No overflow: a layout's size is at most `isize::MAX` when rounded up to its alignment.
    #[inline(always)]
    const fn round_up(size: usize, align: usize) -> usize {
        size.wrapping_add(align - 1) & align.wrapping_neg()
    }

    const fn of(layout: Layout) -> Self {
        Self::new(layout.size(), layout.align())
    }
}

// SAFETY: jemalloc's documented behaviour is the contract, one by one:
// - it never unwinds and calls no Rust code but the hook of `rises`, which does neither unwind nor
//   allocate; the operations below neither;
// - it serves every thread, in destructors too (its own thread-specific data is rebuilt if need be);
// - blocks are disjoint, stay until freed, and have the size requested; `Request::new` shows that
//   they have the alignment;
// - `nallocx` is documented to give the size that `mallocx` with the same arguments would result
//   in, and `malloc(n)` is `mallocx(n, 0)`.
unsafe impl Backend for Jemalloc {
    const NAME: &'static str = env!("ZMALLOC_BACKEND");

    const GOOD_SIZE_IS_EXACT: bool = true;

    // As `Request::new` shows: the class is a multiple of such a power of two, and so is the address.
    const ALIGNED_BY_SIZE: usize = Request::SLAB_MAX;

    const DIRECT_FREE: Option<DirectFree> = Some(ffi::sdallocx);

    #[inline(always)]
    fn direct_size(layout: Layout) -> Option<usize> {
        Request::plain(layout.size(), layout.align())
    }

    #[inline(always)]
    unsafe fn allocate(layout: Layout) -> *mut u8 {
        if let Some(size) = Request::plain(layout.size(), layout.align()) {
            // SAFETY: `malloc` takes any size.
            unsafe { ffi::malloc(size) }.cast()
        } else {
            // SAFETY: passed on.
            unsafe { aligned::allocate(layout.size(), layout.align()) }
        }
    }

    #[inline(always)]
    unsafe fn allocate_zeroed(layout: Layout) -> *mut u8 {
        if let Some(size) = Request::plain(layout.size(), layout.align()) {
            // SAFETY: `calloc` takes any sizes.
            unsafe { ffi::calloc(1, size) }.cast()
        } else {
            // SAFETY: passed on.
            unsafe { aligned::allocate_zeroed(layout.size(), layout.align()) }
        }
    }

    #[inline(always)]
    unsafe fn deallocate(block: *mut u8, layout: Layout) {
        if let Some(size) = Request::plain(layout.size(), layout.align()) {
            // SAFETY: the caller promises that `block` is live and `layout` its layout, so it was
            // last allocated or resized with this very size and no alignment. (`free_sized` takes
            // three instructions fewer, but was compiled to slower ones: 1.25 times for the pair.)
            unsafe { ffi::sdallocx(block.cast(), size, 0) }
        } else {
            // SAFETY: passed on.
            unsafe { aligned::deallocate(block, layout.size(), layout.align()) }
        }
    }

    #[inline(always)]
    unsafe fn reallocate(block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if let Some(size) = Request::plain(new_size, layout.align()) {
            // SAFETY: the caller promises that `block` is live and that the size is not 0. A new
            // block would have the alignment of its class, one that stays has it from before.
            unsafe { rises::rallocx(block.cast(), size, 0) }.cast()
        } else {
            // SAFETY: passed on.
            unsafe { aligned::reallocate(block, new_size, layout.align()) }
        }
    }

    #[inline]
    fn good_size(layout: Layout) -> usize {
        let Request { size, flags } = Request::of(layout);
        if size == 0 {
            return 0;
        }
        // SAFETY: the size is not 0 and the flags are 0 or an alignment.
        unsafe { ffi::nallocx(size, flags) }
    }

    #[inline]
    unsafe fn usable_size(block: NonNull<u8>) -> usize {
        // SAFETY: the caller promises that the block is live.
        unsafe { ffi::sallocx(block.as_ptr().cast(), 0) }
    }

    #[inline]
    unsafe fn usable_size_of(_block: NonNull<u8>, layout: Layout) -> usize {
        Self::good_size(layout)
    }
}

/// The operations for alignments past 16, out of line so that they don't weigh on the others.
mod aligned {
    use super::{Request, ffi, rises};

    /// # Safety
    /// As [`Backend::allocate`](super::Backend::allocate).
    #[inline(never)]
    pub(super) unsafe fn allocate(size: usize, align: usize) -> *mut u8 {
        let Request { size, flags } = Request::new(size, align);
        if flags == 0 {
            // SAFETY: `malloc` takes any size.
            unsafe { ffi::malloc(size) }.cast()
        } else {
            // SAFETY: the size is not 0, as the caller promises, and the flags are an alignment.
            unsafe { ffi::mallocx(size, flags) }.cast()
        }
    }

    /// # Safety
    /// As [`Backend::allocate_zeroed`](super::Backend::allocate_zeroed).
    #[inline(never)]
    pub(super) unsafe fn allocate_zeroed(size: usize, align: usize) -> *mut u8 {
        let Request { size, flags } = Request::new(size, align);
        // SAFETY: the size is not 0, as the caller promises, and the flags are those of a request
        // and the wish for zeros.
        unsafe { ffi::mallocx(size, flags | ffi::MALLOCX_ZERO) }.cast()
    }

    /// # Safety
    /// As [`Backend::deallocate`](super::Backend::deallocate).
    #[inline(never)]
    pub(super) unsafe fn deallocate(block: *mut u8, size: usize, align: usize) {
        let Request { size, flags } = Request::new(size, align);
        // SAFETY: the caller promises that `block` is live and these are its size and alignment, so it was last
        // allocated or resized by this very request, which is what a sized free must be told.
        unsafe { ffi::sdallocx(block.cast(), size, flags) }
    }

    /// # Safety
    /// As [`Backend::reallocate`](super::Backend::reallocate).
    #[inline(never)]
    pub(super) unsafe fn reallocate(block: *mut u8, size: usize, align: usize) -> *mut u8 {
        let Request { size, flags } = Request::new(size, align);
        // SAFETY: the caller promises that `block` is live and that the size is not 0. The result
        // is aligned: if the block moved, because it is a new one for the request; if it stayed, it
        // has the alignment from before.
        unsafe { rises::rallocx(block.cast(), size, flags) }.cast()
    }
}

// SAFETY: jemalloc adds the usable size to `thread.allocated` and `thread.deallocated` as its
// manual documents, after success and before it returns, in this thread's own storage:
// - where it uses the compiler's thread-local storage, the counters live as long as the thread's
//   memory and are never reset; elsewhere they are in a block that jemalloc's own destructor of
//   thread-specific data frees only once it finds it unused since its previous round;
// - the manual offers the addresses for reading without the cost of a call, and on a 64-bit target
//   (asserted above) the compiler writes each counter with one store.
unsafe impl CountsPerThread for Jemalloc {
    fn thread_counters() -> Option<ThreadCounters> {
        let allocated = control::read_name::<*mut u64>(c"thread.allocatedp").ok()?;
        let deallocated = control::read_name::<*mut u64>(c"thread.deallocatedp").ok()?;
        Some(ThreadCounters {
            allocated: NonNull::new(allocated.cast())?,
            deallocated: NonNull::new(deallocated.cast())?,
        })
    }

    fn thread_totals() -> Totals {
        Totals {
            allocated: control::read_name(c"thread.allocated").unwrap_or(0),
            deallocated: control::read_name(c"thread.deallocated").unwrap_or(0),
        }
    }

    const TELLS_FOR_NOTHING: bool = false;

    fn tell_of_rises(bytes: u64, hook: fn()) -> bool {
        rises::tell(bytes, hook)
    }
}

impl Control for Jemalloc {
    fn info() -> Result<AllocatorInfo, ControlError> {
        statistics::info()
    }

    fn size_classes() -> Result<Vec<SizeClass>, ControlError> {
        statistics::size_classes()
    }

    fn large_size_classes() -> Result<Vec<SizeClass>, ControlError> {
        statistics::large_size_classes()
    }

    fn arena(index: usize) -> Result<AllocatorInfo, ControlError> {
        statistics::arena(index)
    }

    fn arenas() -> Result<Vec<(usize, AllocatorInfo)>, ControlError> {
        statistics::arenas()
    }

    fn quantum() -> Result<usize, ControlError> {
        control::read_name(c"arenas.quantum")
    }

    fn flush_thread_cache() -> Result<(), ControlError> {
        control::run(c"thread.tcache.flush")
    }

    fn purge() -> Result<(), ControlError> {
        Self::flush_thread_cache()?;
        Self::purge_unused()
    }

    fn purge_unused() -> Result<(), ControlError> {
        // 4096 stands for all arenas.
        control::run(c"arena.4096.purge")
    }

    fn purge_due() -> Result<(), ControlError> {
        decay::purge_due()
    }

    fn decay_times() -> Result<Vec<(usize, isize)>, ControlError> {
        decay::times()
    }

    fn set_decay_time(arena: usize, milliseconds: isize) -> Result<(), ControlError> {
        decay::set_time(arena, milliseconds)
    }

    fn arena_of_thread() -> Result<usize, ControlError> {
        settle::arena_of_thread()
    }

    fn settle(arena: usize) -> Result<(), ControlError> {
        settle::settle(arena)
    }

    fn background_thread() -> Result<bool, ControlError> {
        control::read_name::<u8>(c"background_thread").map(|on| on != 0)
    }

    fn set_background_thread(on: bool) -> Result<(), ControlError> {
        control::write_name(c"background_thread", u8::from(on))
    }

    fn stats_text() -> String {
        statistics::report(c"")
    }

    fn stats_json() -> Result<String, ControlError> {
        Ok(statistics::report(c"J"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The classes that blocks of up to `limit` bytes fall into, as jemalloc gives them.
    fn classes(limit: usize) -> impl Iterator<Item = usize> {
        let mut size = 1;
        std::iter::from_fn(move || {
            // SAFETY: the size is not 0.
            let class = unsafe { ffi::nallocx(size, 0) };
            size = class + 1;
            (class <= limit).then_some(class)
        })
    }

    #[test]
    fn a_request_without_flags_has_an_aligned_class() {
        let mut checked = 0;
        for align in (0..=12).map(|shift| 1_usize << shift) {
            for size in 1..=40_000 {
                let request = Request::new(size, align);
                assert!(request.size >= size);
                if request.flags != 0 {
                    continue;
                }
                // SAFETY: the size is not 0.
                let class = unsafe { ffi::nallocx(request.size, 0) };
                assert_eq!(class % align, 0, "size {size} aligned to {align} is in class {class}");
                checked += 1;
            }
        }
        assert!(checked > 5 * 40_000);
    }

    #[test]
    fn rounding_costs_no_more_than_the_alignment_flag() {
        for align in (0..=16).map(|shift| 1_usize << shift) {
            for size in (1..=20_000).step_by(7) {
                let layout = Layout::from_size_align(size, align).unwrap();
                // SAFETY: the size is not 0, the flag is an alignment.
                let flagged = unsafe { ffi::nallocx(size, ffi::MALLOCX_ALIGN(align)) };
                assert!(Jemalloc::good_size(layout) <= flagged, "size {size} aligned to {align}");
            }
        }
    }

    #[test]
    fn blocks_of_every_small_class_are_aligned_as_the_class_is() {
        for class in classes(16 * 1024) {
            let align = (1 << class.trailing_zeros()).min(4096);
            let layout = Layout::from_size_align(class, 1).unwrap();
            // SAFETY: the size is not 0.
            let blocks: Vec<_> = (0..200).map(|_| unsafe { Jemalloc::allocate(layout) }).collect();
            for block in blocks {
                assert!(!block.is_null());
                if class <= Request::SLAB_MAX {
                    assert_eq!(block.addr() % align, 0, "class {class}");
                }
                assert_eq!(block.addr() % align.min(Request::NATURAL_ALIGN), 0, "class {class}");
                // SAFETY: the block is live and this is its layout.
                unsafe { Jemalloc::deallocate(block, layout) };
            }
        }
    }

    #[test]
    fn name_is_that_of_the_library_that_runs() {
        let version = control::read_name::<*const std::ffi::c_char>(c"version").unwrap();
        // SAFETY: jemalloc returns a string constant.
        let version = unsafe { std::ffi::CStr::from_ptr(version) }.to_str().unwrap();
        let (number, _) = version.split_once('-').unwrap();
        assert_eq!(Jemalloc::NAME, format!("jemalloc-{number}"));
    }
}
