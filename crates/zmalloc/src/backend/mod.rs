//! What an allocator has to do to stand under this crate, and which one stands there in this build.
//!
//! A back end allocates and answers questions about itself. It does no accounting. The ledger reads
//! counters that are kept per thread ([`CountsPerThread`]): jemalloc keeps such counters by itself,
//! every other back end is wrapped in `Counting`, which keeps them for it.
//!
//! The build script has chosen one back end and, for those that stand on the C library, whether the
//! pool of small blocks stands in front of it; this file is the one place that looks.

use std::alloc::Layout;
use std::ffi::{c_int, c_void};
use std::ptr::NonNull;

use crate::error::ControlError;
use crate::stats::{AllocatorInfo, SizeClass};
use crate::sync::atomic::AtomicU64;

mod by_address;
mod utilization;
pub(crate) use self::by_address::ByAddress;
pub(crate) use self::utilization::Utilization;

#[cfg(zmalloc_backend = "jemalloc")]
mod jemalloc;
/// The back end of this build. Nothing else in the crate names one.
#[cfg(zmalloc_backend = "jemalloc")]
pub(crate) use self::jemalloc::Jemalloc as Imp;

/// Which blocks of this build's back end should move.
#[cfg(zmalloc_backend = "jemalloc")]
pub(crate) use self::jemalloc::Survey;

#[cfg(not(any(zmalloc_backend = "jemalloc", zmalloc_backend = "mimalloc")))]
mod unanswerable;
/// Which blocks of this build's back end should move.
#[cfg(not(any(zmalloc_backend = "jemalloc", zmalloc_backend = "mimalloc")))]
pub(crate) use self::unanswerable::Survey;

#[cfg(not(zmalloc_backend = "jemalloc"))]
mod counting;
#[cfg(not(zmalloc_backend = "jemalloc"))]
mod moving;
#[cfg(zmalloc_pool)]
mod pool;
/// The back end of this build. Nothing else in the crate names one.
#[cfg(zmalloc_pool)]
pub(crate) type Imp = counting::Counting<pool::Pool<Chosen>>;
/// The back end of this build. Nothing else in the crate names one.
#[cfg(not(any(zmalloc_backend = "jemalloc", zmalloc_pool)))]
pub(crate) type Imp = counting::Counting<Chosen>;

#[cfg(zmalloc_backend = "libc")]
mod libc;
#[cfg(zmalloc_backend = "libc")]
type Chosen = self::libc::Libc;

#[cfg(zmalloc_backend = "prefixed")]
mod prefixed;
#[cfg(zmalloc_backend = "prefixed")]
type Chosen = prefixed::Prefixed;

#[cfg(zmalloc_backend = "mimalloc")]
mod mimalloc;
#[cfg(zmalloc_backend = "mimalloc")]
type Chosen = mimalloc::Mimalloc;
/// Which blocks of this build's back end should move.
#[cfg(zmalloc_backend = "mimalloc")]
pub(crate) use self::mimalloc::Survey;

#[cfg(any(zmalloc_backend = "mimalloc", zmalloc_backend = "tcmalloc", zmalloc_backend = "tcmalloc_minimal"))]
mod class_table;
#[cfg(any(zmalloc_backend = "tcmalloc", zmalloc_backend = "tcmalloc_minimal"))]
mod tcmalloc;
#[cfg(any(zmalloc_backend = "tcmalloc", zmalloc_backend = "tcmalloc_minimal"))]
type Chosen = tcmalloc::Tcmalloc;

/// An allocator.
///
/// # Safety
/// For every function:
/// - it does not unwind, and does not call into `ZMalloc`, into the ledger, or into anything that
///   allocates through Rust's global allocator, except where its own documentation says so;
/// - it may be called on any thread at any time, from the first allocation of the process to the
///   destructors that run last on a thread.
///
/// A *live block* is one that [`allocate`](Self::allocate), [`allocate_zeroed`] or [`reallocate`]
/// returned and that has been neither freed nor moved since. Its *layout* is the one it was
/// allocated with, with the size of the last resize.
///
/// - The first `layout.size()` bytes of a live block may be read and written by whoever holds it,
///   no other live block overlaps them, and its address is a multiple of `layout.align()`.
/// - A live block occupies [`usable_size`](Self::usable_size) bytes, all of which its holder may
///   use. That figure stays the same while the block is live and is neither resized nor moved, and
///   is never below [`good_size`](Self::good_size) of the layout. Where
///   [`GOOD_SIZE_IS_EXACT`](Self::GOOD_SIZE_IS_EXACT) it equals it.
///
/// [`allocate_zeroed`]: Self::allocate_zeroed
/// [`reallocate`]: Self::reallocate
pub(crate) unsafe trait Backend {
    /// Name and version, as Redis's INFO shows them in `mem_allocator`: `jemalloc-5.3.1`.
    const NAME: &'static str;

    /// The function in C that does what [`deallocate`](Self::deallocate) does for a layout with a
    /// [direct size](Self::direct_size), if the back end has such and counts by itself.
    const DIRECT_FREE: Option<DirectFree> = None;

    /// The size by which alone a block of the layout is allocated and freed, if the size of a block
    /// follows from its layout and this one needs no mention of its alignment. It is one of a layout, and
    /// not 0 unless the layout's is.
    #[inline(always)]
    fn direct_size(_layout: Layout) -> Option<usize> {
        None
    }

    /// Whether a live block's size follows from its layout alone. Where it doesn't, a block may be
    /// larger: because of what it was before it was resized in place, or of what was free.
    const GOOD_SIZE_IS_EXACT: bool;

    /// The largest request, in bytes, up to which a block without an alignment in its layout lies at a
    /// multiple of every power of two that divides the request; 0 where that isn't promised.
    const ALIGNED_BY_SIZE: usize = 0;

    /// Returns a new live block of the layout with undefined content, or null with nothing changed.
    ///
    /// # Safety
    /// `layout.size()` is not 0.
    unsafe fn allocate(layout: Layout) -> *mut u8;

    /// As [`allocate`](Self::allocate), with the first `layout.size()` bytes zero.
    ///
    /// # Safety
    /// `layout.size()` is not 0.
    unsafe fn allocate_zeroed(layout: Layout) -> *mut u8;

    /// Frees a live block.
    ///
    /// # Safety
    /// `block` is live and `layout` is its layout.
    unsafe fn deallocate(block: *mut u8, layout: Layout);

    /// Frees a live block, whatever its layout is. By default as one of its usable size without an
    /// alignment, which suits a back end that frees all blocks of one size in the same way.
    ///
    /// # Safety
    /// `block` is live.
    #[inline]
    unsafe fn deallocate_unsized(block: NonNull<u8>) {
        // SAFETY: the caller promises that the block is live, so its size is one of a layout, and of
        // the layout's good size.
        unsafe {
            let layout = Layout::from_size_align_unchecked(Self::usable_size(block), 1);
            Self::deallocate(block.as_ptr(), layout);
        }
    }

    /// Resizes a live block, in place if it can stay. Returns the live block, whose content is kept
    /// up to the smaller of the two sizes, or null with the old block live and unchanged.
    ///
    /// # Safety
    /// `block` is live and `layout` is its layout; `new_size` is not 0 and does not exceed
    /// `isize::MAX` when rounded up to a multiple of `layout.align()`.
    unsafe fn reallocate(block: *mut u8, layout: Layout, new_size: usize) -> *mut u8;

    /// The bytes that a live block of this layout occupies, or the fewest that it does where
    /// [`GOOD_SIZE_IS_EXACT`](Self::GOOD_SIZE_IS_EXACT) is false; 0 if the layout's size is 0 or,
    /// where the back end knows, can never be had.
    fn good_size(layout: Layout) -> usize;

    /// The most bytes that a new block of this layout occupies; 0 where [`good_size`](Self::good_size)
    /// is. One that was resized to this layout occupies no more than that or, if it did so before, as
    /// much as before.
    ///
    /// Not to be answered by default where [`GOOD_SIZE_IS_EXACT`](Self::GOOD_SIZE_IS_EXACT) is false.
    #[inline]
    fn largest_size(layout: Layout) -> usize {
        Self::good_size(layout)
    }

    /// The bytes that this live block occupies.
    ///
    /// # Safety
    /// `block` is live.
    unsafe fn usable_size(block: NonNull<u8>) -> usize;

    /// Has the back end find out what the operations below need to know, if they do. Each thread calls
    /// it before the first of them.
    fn prepare() {}

    /// As [`usable_size`](Self::usable_size), for a caller that knows the block's layout, from which
    /// some back ends can tell it without looking the block up.
    ///
    /// # Safety
    /// `block` is live and `layout` is its layout. The calling thread has called
    /// [`prepare`](Self::prepare).
    #[inline(always)]
    unsafe fn usable_size_of(block: NonNull<u8>, _layout: Layout) -> usize {
        // SAFETY: passed on.
        unsafe { Self::usable_size(block) }
    }

    /// Whether threads may be listed (`ledger`): always the same answer, once a thread has called
    /// [`prepare`](Self::prepare). If not, each operation takes the long way.
    fn has_quick_way() -> bool {
        true
    }

    /// As [`allocate`](Self::allocate), on a thread that is listed.
    ///
    /// # Safety
    /// As `allocate`; and the calling thread is listed.
    #[inline(always)]
    unsafe fn allocate_listed(layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        unsafe { Self::allocate(layout) }
    }

    /// As [`deallocate`](Self::deallocate), on a thread that is listed, with the block's own layout: by its
    /// address alone nothing is freed by this.
    ///
    /// # Safety
    /// As `deallocate`; and the calling thread is listed.
    #[inline(always)]
    unsafe fn deallocate_listed(block: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { Self::deallocate(block, layout) }
    }
}

/// See [`Backend::DIRECT_FREE`]. The flags are 0.
pub(crate) type DirectFree = unsafe extern "C" fn(block: *mut c_void, size: usize, flags: c_int);

/// A back end that counts the bytes it hands out and takes back, for each thread by itself.
///
/// # Safety
/// - The counters of a thread start at 0 and only rise: each success of [`Backend`]'s operations on
///   that thread adds the size of the block that became live to `allocated` and that of the block
///   that ceased to be to `deallocated`, before the operation returns. A failure adds nothing.
/// - Only their own thread writes them, each write being one 8-byte store.
/// - What [`thread_counters`](Self::thread_counters) returned may be read by any thread for as long
///   as the calling thread lives, and while it ends until the first round of destructors of
///   thread-specific data (`pthread_key_create`) that begins after the call has ended.
pub(crate) unsafe trait CountsPerThread: Backend {
    /// Where the counters of the calling thread are, or `None` if they cannot be had now, for lack
    /// of memory: then nothing was changed, and it can be tried again.
    fn thread_counters() -> Option<ThreadCounters>;

    /// What the counters of the calling thread stand at. Unlike [`thread_counters`] this may also be
    /// asked in every destructor of the thread. What the counters are relative to may change
    /// between two operations of [`Backend`] once the thread has begun to end, so only the
    /// difference across one operation means anything. Zeros if they cannot be had.
    ///
    /// [`thread_counters`]: Self::thread_counters
    fn thread_totals() -> Totals;

    /// Whether [`tell_of_rises`](Self::tell_of_rises) costs so little that it may always be on, and may
    /// be called with the ledger's lock held.
    const TELLS_FOR_NOTHING: bool;

    /// Has `hook` called on every thread, from now on, by each operation that makes what the thread has
    /// allocated since the last call `bytes` or more: after the operation's figures were added to the
    /// counters, those of a resize all together. (Later on a thread that has begun to end.) Returns
    /// whether it will be. `bytes` and `hook` are always the same. The hook doesn't unwind and doesn't
    /// call into the back end.
    fn tell_of_rises(bytes: u64, hook: fn()) -> bool;
}

/// Where the counters of one thread are.
#[derive(Clone, Copy)]
pub(crate) struct ThreadCounters {
    /// Bytes allocated on this thread since it began.
    pub(crate) allocated: NonNull<AtomicU64>,
    /// Bytes freed on this thread since it began, whichever thread had allocated them.
    pub(crate) deallocated: NonNull<AtomicU64>,
}

/// A reading of a pair of counters, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Bytes allocated.
    pub(crate) allocated: u64,
    /// Bytes freed.
    pub(crate) deallocated: u64,
}

/// Questions about a back end's own state, and commands to it. These may allocate through the
/// global allocator, and are not called by the ledger.
///
/// What a back end can't answer or do it refuses with [`ControlError::UNSUPPORTED`], which is what
/// happens where it doesn't say otherwise: no figure is made up.
pub(crate) trait Control {
    /// Refreshes the back end's statistics and reads them.
    fn info() -> Result<AllocatorInfo, ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    /// Refreshes the back end's statistics and reads those of each small size class, smallest first.
    fn size_classes() -> Result<Vec<SizeClass>, ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    /// The same for the large size classes, whose blocks have no slab in common.
    fn large_size_classes() -> Result<Vec<SizeClass>, ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    /// Refreshes the back end's statistics and reads those of one arena; `ENOENT` if it is not there.
    fn arena(_index: usize) -> Result<AllocatorInfo, ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    /// Refreshes the back end's statistics and reads those of each arena in use, with its index.
    fn arenas() -> Result<Vec<(usize, AllocatorInfo)>, ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    /// The distance in bytes between the smallest size classes.
    fn quantum() -> Result<usize, ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    /// Returns what the calling thread has freed and still caches to the common heap.
    fn flush_thread_cache() -> Result<(), ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    /// Flushes the calling thread's cache and gives every unused page back to the system.
    fn purge() -> Result<(), ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    /// Gives every unused page back to the system.
    fn purge_unused() -> Result<(), ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    /// Gives those unused pages back that have been unused for as long as the decay times say.
    fn purge_due() -> Result<(), ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    /// The arenas, each with the milliseconds in which it gives unused pages back; -1 for never.
    fn decay_times() -> Result<Vec<(usize, isize)>, ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    /// Sets an arena's milliseconds. Waits for whoever gives its pages back.
    fn set_decay_time(_arena: usize, _milliseconds: isize) -> Result<(), ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    /// The arena that the calling thread allocates from.
    fn arena_of_thread() -> Result<usize, ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    /// Does for an arena what it has put off until the next allocation of each size class.
    fn settle(_arena: usize) -> Result<(), ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    /// Whether there are threads that give unused pages back to the system.
    fn background_thread() -> Result<bool, ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    /// Starts or stops them. Stopping waits for what they are at.
    fn set_background_thread(_on: bool) -> Result<(), ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    /// The back end's own report; a sentence that says so where there is none.
    fn stats_text() -> String {
        format!("{} has no report of its own.\n", crate::BACKEND)
    }

    /// The back end's own report as JSON.
    fn stats_json() -> Result<String, ControlError> {
        Err(ControlError::UNSUPPORTED)
    }
}
