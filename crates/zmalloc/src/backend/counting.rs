//! Counters per thread for back ends that have none: a decorator that makes any [`Backend`] one
//! that [`CountsPerThread`].
//!
//! Each thread has a pair of counters of its own, in thread-local storage and on a cache line of
//! their own, which it alone writes, by a plain load and a plain store. The ledger lists, sums and
//! retires them exactly as it does jemalloc's: so a slot is recycled with the memory of its thread,
//! its balance is kept in the total, and there is no last slot.

use crate::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use crate::sync::thread_local;
use std::alloc::Layout;
use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use super::{Backend, ByAddress, Control, CountsPerThread, ThreadCounters, Totals};
use crate::error::ControlError;
use crate::stats::{AllocatorInfo, SizeClass};

/// How a back end tells the size of a block on a thread that is listed.
///
/// # Safety
/// As [`Backend`].
pub(crate) unsafe trait QuickSize: Backend {
    /// As [`Backend::usable_size_of`], without asking whether there is a quick way.
    ///
    /// # Safety
    /// As [`Backend::usable_size_of`]; and [`Backend::has_quick_way`] has said yes.
    #[inline(always)]
    unsafe fn size_on_quick_way(block: NonNull<u8>, layout: Layout) -> usize {
        // SAFETY: passed on.
        unsafe { Self::usable_size_of(block, layout) }
    }
}

/// The back end `B`, counted.
pub(crate) struct Counting<B>(PhantomData<B>);

/// What one thread has allocated and freed, in bytes. Padded, because other threads' storage may
/// lie beside it.
#[repr(align(64))]
struct Counters {
    allocated: AtomicU64,
    deallocated: AtomicU64,
    /// What `allocated` has to reach for the next call of [`HOOK`].
    next_call: Cell<u64>,
}

/// What is called when a thread has allocated [`INTERVAL`] bytes: a `fn()`, or null.
static HOOK: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// How many bytes that are.
static INTERVAL: AtomicU64 = AtomicU64::new(64 * 1024);

thread_local! {
    // Initialised by the compiler and never dropped: it can be reached and written from a thread's
    // first operation to its last destructor.
    static COUNTERS: Counters = const {
        Counters {
            allocated: AtomicU64::new(0),
            deallocated: AtomicU64::new(0),
            next_call: Cell::new(0),
        }
    };
}

impl Counters {
    /// Counts a block that has become live.
    #[inline(always)]
    fn add_allocated(&self, bytes: usize) {
        let sum = self.allocated.load(Ordering::Relaxed).wrapping_add(bytes as u64);
        self.allocated.store(sum, Ordering::Relaxed);
    }

    /// Counts a block that ceases to be live.
    ///
    /// Released, so that whoever sees the block freed also sees that it was allocated, on whichever
    /// thread: the allocation was counted before the block was handed to the one that frees it.
    #[inline(always)]
    fn add_deallocated(&self, bytes: usize) {
        let sum = self.deallocated.load(Ordering::Relaxed).wrapping_add(bytes as u64);
        self.deallocated.store(sum, Ordering::Release);
    }

    /// Calls the hook if it is time.
    #[inline(always)]
    fn look_at_rise(&self) {
        if self.allocated.load(Ordering::Relaxed) >= self.next_call.get() {
            self.tell();
        }
    }

    #[cold]
    #[inline(never)]
    fn tell(&self) {
        let interval = INTERVAL.load(Ordering::Relaxed);
        self.next_call.set(self.allocated.load(Ordering::Relaxed).saturating_add(interval));
        let hook = HOOK.load(Ordering::Acquire);
        if !hook.is_null() {
            // SAFETY: what is not null was made from a `fn()`.
            let hook = unsafe { std::mem::transmute::<*mut (), fn()>(hook) };
            hook();
        }
    }
}

/// Counts a new block of the layout, unless there is none.
///
/// The thread is prepared, here and below: the ledger sees to it before its first operation.
#[inline(always)]
fn count_new<B: Backend>(block: *mut u8, layout: Layout) -> *mut u8 {
    if let Some(live) = NonNull::new(block) {
        // SAFETY: the back end has just returned it for this layout, so it is live, and the thread is
        // prepared.
        count_allocated(unsafe { B::usable_size_of(live, layout) });
    }
    block
}

/// Counts a block that has become live, on the calling thread.
#[inline(always)]
fn count_allocated(bytes: usize) {
    COUNTERS.with(|counters| {
        counters.add_allocated(bytes);
        counters.look_at_rise();
    });
}

/// The bytes of a live block.
///
/// # Safety
/// `block` is live and `layout` is its layout.
#[inline(always)]
unsafe fn bytes_of<B: Backend>(block: *mut u8, layout: Layout) -> usize {
    // SAFETY: a live block is not at address 0, and the caller promises that it is one; the thread is
    // prepared.
    unsafe { B::usable_size_of(NonNull::new_unchecked(block), layout) }
}

// SAFETY: every operation is `B`'s, with the same arguments and the same result. What is added
// neither unwinds nor allocates, and works on a thread for as long as its memory exists.
unsafe impl<B: QuickSize> Backend for Counting<B> {
    const NAME: &'static str = B::NAME;

    const GOOD_SIZE_IS_EXACT: bool = B::GOOD_SIZE_IS_EXACT;

    #[inline(always)]
    unsafe fn allocate(layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        count_new::<B>(unsafe { B::allocate(layout) }, layout)
    }

    #[inline(always)]
    unsafe fn allocate_zeroed(layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        count_new::<B>(unsafe { B::allocate_zeroed(layout) }, layout)
    }

    #[inline(always)]
    unsafe fn deallocate(block: *mut u8, layout: Layout) {
        // Before the block is released: once it is, it may be another thread's.
        // SAFETY: the caller promises that the block is live with this layout.
        let bytes = unsafe { bytes_of::<B>(block, layout) };
        COUNTERS.with(|counters| counters.add_deallocated(bytes));
        // SAFETY: passed on.
        unsafe { B::deallocate(block, layout) }
    }

    fn has_quick_way() -> bool {
        B::has_quick_way()
    }

    #[inline(always)]
    unsafe fn allocate_listed(layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        let block = unsafe { B::allocate_listed(layout) };
        if let Some(live) = NonNull::new(block) {
            // SAFETY: as in `count_new`; a thread is listed only if there is a quick way.
            count_allocated(unsafe { B::size_on_quick_way(live, layout) });
        }
        block
    }

    #[inline(always)]
    unsafe fn deallocate_listed(block: *mut u8, layout: Layout) {
        // SAFETY: as in `bytes_of`; a thread is listed only if there is a quick way.
        let bytes = unsafe { B::size_on_quick_way(NonNull::new_unchecked(block), layout) };
        COUNTERS.with(|counters| counters.add_deallocated(bytes));
        // SAFETY: passed on.
        unsafe { B::deallocate_listed(block, layout) }
    }

    #[inline]
    unsafe fn deallocate_unsized(block: NonNull<u8>) {
        // SAFETY: the caller promises that the block is live.
        let bytes = unsafe { B::usable_size(block) };
        COUNTERS.with(|counters| counters.add_deallocated(bytes));
        // SAFETY: passed on.
        unsafe { B::deallocate_unsized(block) }
    }

    #[inline(always)]
    unsafe fn reallocate(block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller promises that the block is live with this layout.
        let bytes = unsafe { bytes_of::<B>(block, layout) };
        // SAFETY: the caller promises that the size does not overflow when it is rounded up to this
        // alignment, which is a power of two as it comes from a layout.
        let new_layout = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: passed on.
        let new = unsafe { B::reallocate(block, layout, new_size) };
        // Only now is it certain that the old block has gone.
        if let Some(live) = NonNull::new(new) {
            // SAFETY: the back end has just returned it for this layout, so it is live.
            let new_bytes = unsafe { B::usable_size_of(live, new_layout) };
            COUNTERS.with(|counters| {
                counters.add_allocated(new_bytes);
                counters.add_deallocated(bytes);
                counters.look_at_rise();
            });
        }
        new
    }

    #[inline]
    fn good_size(layout: Layout) -> usize {
        B::good_size(layout)
    }

    #[inline]
    fn largest_size(layout: Layout) -> usize {
        B::largest_size(layout)
    }

    #[inline]
    unsafe fn usable_size(block: NonNull<u8>) -> usize {
        // SAFETY: passed on.
        unsafe { B::usable_size(block) }
    }

    fn prepare() {
        B::prepare();
    }

    #[inline]
    unsafe fn usable_size_of(block: NonNull<u8>, layout: Layout) -> usize {
        // SAFETY: passed on.
        unsafe { B::usable_size_of(block, layout) }
    }
}

// SAFETY:
// - the counters start at 0; each operation above adds, on success and before it returns, what
//   became live and what ceased to be, and adds nothing on failure;
// - they are thread-local and written by these operations only, each time by one atomic store;
// - thread-local storage lasts until after the last destructor of thread-specific data, and is not
//   dropped, as it needs no destructor. In a child of `fork` it stays as it was.
unsafe impl<B: QuickSize> CountsPerThread for Counting<B> {
    fn thread_counters() -> Option<ThreadCounters> {
        Some(COUNTERS.with(|counters| ThreadCounters {
            allocated: NonNull::from(&counters.allocated),
            deallocated: NonNull::from(&counters.deallocated),
        }))
    }

    fn thread_totals() -> Totals {
        COUNTERS.with(|counters| Totals {
            allocated: counters.allocated.load(Ordering::Relaxed),
            deallocated: counters.deallocated.load(Ordering::Relaxed),
        })
    }

    const TELLS_FOR_NOTHING: bool = true;

    fn tell_of_rises(bytes: u64, hook: fn()) -> bool {
        INTERVAL.store(bytes, Ordering::Relaxed);
        HOOK.store(hook as *mut (), Ordering::Release);
        true
    }
}

impl<B: Control> Control for Counting<B> {
    fn info() -> Result<AllocatorInfo, ControlError> {
        B::info()
    }

    fn size_classes() -> Result<Vec<SizeClass>, ControlError> {
        B::size_classes()
    }

    fn quantum() -> Result<usize, ControlError> {
        B::quantum()
    }

    fn flush_thread_cache() -> Result<(), ControlError> {
        B::flush_thread_cache()
    }

    fn purge() -> Result<(), ControlError> {
        B::purge()
    }

    fn purge_unused() -> Result<(), ControlError> {
        B::purge_unused()
    }

    fn purge_due() -> Result<(), ControlError> {
        B::purge_due()
    }

    fn decay_times() -> Result<Vec<(usize, isize)>, ControlError> {
        B::decay_times()
    }

    fn set_decay_time(arena: usize, milliseconds: isize) -> Result<(), ControlError> {
        B::set_decay_time(arena, milliseconds)
    }

    fn arena_of_thread() -> Result<usize, ControlError> {
        B::arena_of_thread()
    }

    fn settle(arena: usize) -> Result<(), ControlError> {
        B::settle(arena)
    }

    fn background_thread() -> Result<bool, ControlError> {
        B::background_thread()
    }

    fn set_background_thread(on: bool) -> Result<(), ControlError> {
        B::set_background_thread(on)
    }

    fn stats_text() -> String {
        B::stats_text()
    }

    fn stats_json() -> Result<String, ControlError> {
        B::stats_json()
    }

    fn large_size_classes() -> Result<Vec<SizeClass>, ControlError> {
        B::large_size_classes()
    }

    fn arena(index: usize) -> Result<AllocatorInfo, ControlError> {
        B::arena(index)
    }

    fn arenas() -> Result<Vec<(usize, AllocatorInfo)>, ControlError> {
        B::arenas()
    }
}

// SAFETY: the default methods are operations of the back end above, which counts them. What they
// ask of its layouts holds: it finds a block's size by the block, or by the size class alone.
unsafe impl<B: QuickSize> ByAddress for Counting<B> {}
