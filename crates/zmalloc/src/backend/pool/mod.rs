//! A pool of small blocks in front of another back end, which sees few large ones instead.
//!
//! Requests of up to [`LARGEST`] bytes at the alignments that `malloc` gives are met from *slabs*
//! of blocks of one size (`slab`), each size being a *class* with a lock of its own (`class`). A
//! `directory` knows the slabs by address, which tells the pool's blocks from the other back end's
//! when only an address is given. All else is passed on.
//!
//! A block has no header, so 16 bytes take 16, where the GNU C library takes 32 and the prefix as
//! much again. A slab whose last block is freed is given back at once, unless it is the only one of
//! its class with room: then it stays for the next request, or until [`purge`](crate::purge).

use std::alloc::Layout;
use std::marker::PhantomData;
use std::ptr::NonNull;

use self::class::CLASSES;
use self::slab::Slab;
use super::counting::QuickSize;
use super::moving::reallocate_by_copy;
use super::{Backend, Control};
use crate::error::ControlError;
use crate::stats::{AllocatorInfo, SizeClass};

mod class;
mod directory;
mod fork;
mod slab;

/// The back end `B` with the pool in front of it.
pub(crate) struct Pool<B>(PhantomData<B>);

/// The distance between classes, which is the alignment of every block.
const QUANTUM: usize = 16;

/// The largest block that the pool gives out.
const LARGEST: usize = 512;

/// The number of classes.
const CLASS_COUNT: usize = LARGEST / QUANTUM;

/// The class that a request is met from, or `None` if it is the other back end's.
#[inline(always)]
const fn class_of(size: usize, align: usize) -> Option<usize> {
    if size <= LARGEST && align <= QUANTUM && size != 0 { Some((size - 1) / QUANTUM) } else { None }
}

/// The size of a class's blocks.
#[inline(always)]
const fn size_of_class(class: usize) -> usize {
    (class + 1) * QUANTUM
}

/// The slab of a live block, or `None` if the block is the other back end's.
///
/// # Safety
/// `block` is live.
#[inline(always)]
unsafe fn slab_of(block: *mut u8) -> Option<&'static Slab> {
    // SAFETY: a slab is in the directory, so the block lies in one, which exists as long as it has
    // live blocks: for as long as the caller may look at it.
    directory::contains(block.addr()).then(|| unsafe { Slab::around(block) })
}

// SAFETY: what is passed on is `B`'s. For the pool's own blocks:
// - they lie in slabs, which are live blocks of `B`, at multiples of their size behind the header,
//   so they are disjoint and aligned to 16; each is out once until it is freed;
// - nothing here unwinds or calls but `B` and the C library's mutex, which serve any thread;
// - their size is that of their class, which follows from the layout, and so does whether a block
//   is the pool's: there is no falling back to `B`, and a resized block changes sides if need be.
unsafe impl<B: Backend> Backend for Pool<B> {
    const NAME: &'static str = B::NAME;

    const GOOD_SIZE_IS_EXACT: bool = B::GOOD_SIZE_IS_EXACT;

    #[inline]
    unsafe fn allocate(layout: Layout) -> *mut u8 {
        match class_of(layout.size(), layout.align()) {
            Some(class) => class::allocate::<B>(class),
            // SAFETY: passed on.
            None => unsafe { B::allocate(layout) },
        }
    }

    #[inline]
    unsafe fn allocate_zeroed(layout: Layout) -> *mut u8 {
        let Some(class) = class_of(layout.size(), layout.align()) else {
            // SAFETY: passed on.
            return unsafe { B::allocate_zeroed(layout) };
        };
        let block = class::allocate::<B>(class);
        if !block.is_null() {
            // SAFETY: the block has at least that size.
            unsafe { block.write_bytes(0, layout.size()) };
        }
        block
    }

    #[inline]
    unsafe fn deallocate(block: *mut u8, layout: Layout) {
        // SAFETY: the caller promises that the block is live; it is `B`'s if it is not a slab's.
        unsafe {
            match slab_of(block) {
                Some(slab) => class::free::<B>(slab, block),
                None => B::deallocate(block, layout),
            }
        }
    }

    #[inline]
    unsafe fn reallocate(block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let new_class = class_of(new_size, layout.align());
        // SAFETY: the caller promises that the block is live.
        let slab = unsafe { slab_of(block) };
        match (slab, new_class) {
            (Some(slab), Some(class)) if slab.class() == class => block,
            // SAFETY: passed on.
            (None, None) => unsafe { B::reallocate(block, layout, new_size) },
            // From one side to the other, or to another class.
            // SAFETY: passed on.
            _ => unsafe { reallocate_by_copy::<Self>(block, layout, new_size) },
        }
    }

    #[inline]
    fn good_size(layout: Layout) -> usize {
        match class_of(layout.size(), layout.align()) {
            Some(class) => size_of_class(class),
            None => B::good_size(layout),
        }
    }

    #[inline]
    fn largest_size(layout: Layout) -> usize {
        match class_of(layout.size(), layout.align()) {
            Some(class) => size_of_class(class),
            None => B::largest_size(layout),
        }
    }

    #[inline]
    unsafe fn usable_size(block: NonNull<u8>) -> usize {
        // SAFETY: the caller promises that the block is live; it is `B`'s if it is not a slab's.
        unsafe {
            match slab_of(block.as_ptr()) {
                Some(slab) => size_of_class(slab.class()),
                None => B::usable_size(block),
            }
        }
    }

    fn prepare() {
        B::prepare();
    }
}

// SAFETY: nothing but what the back end above does.
unsafe impl<B: Backend> QuickSize for Pool<B> {}

impl<B: Backend + Control> Control for Pool<B> {
    fn info() -> Result<AllocatorInfo, ControlError> {
        B::info()
    }

    /// The pool's.
    fn size_classes() -> Result<Vec<SizeClass>, ControlError> {
        Ok((0..CLASS_COUNT).map(class::figures).collect())
    }

    fn quantum() -> Result<usize, ControlError> {
        Ok(QUANTUM)
    }

    fn flush_thread_cache() -> Result<(), ControlError> {
        B::flush_thread_cache()
    }

    fn purge() -> Result<(), ControlError> {
        for class in &CLASSES {
            class::give_back_spare::<B>(class);
        }
        // What the pool had to give is given, whether or not there is more to do.
        match B::purge() {
            Err(ControlError::UNSUPPORTED) => Ok(()),
            outcome => outcome,
        }
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

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;
    use crate::backend::Chosen;

    type Tested = Pool<Chosen>;

    fn layout(size: usize, align: usize) -> Layout {
        Layout::from_size_align(size, align).unwrap()
    }

    #[test]
    fn small_blocks_are_the_pools_and_take_their_class() {
        for size in 1..=LARGEST + 40 {
            for align in [1, 16, 32] {
                let layout = layout(size, align);
                // SAFETY: the size is not 0; the block is live until it is freed with its layout.
                unsafe {
                    let block = NonNull::new(Tested::allocate(layout)).unwrap();
                    let in_pool = slab_of(block.as_ptr()).is_some();
                    assert_eq!(in_pool, size <= LARGEST && align <= 16, "{layout:?}");
                    if in_pool {
                        assert_eq!(Tested::usable_size(block), size.next_multiple_of(16));
                        assert_eq!(Tested::good_size(layout), size.next_multiple_of(16));
                    }
                    Tested::deallocate(block.as_ptr(), layout);
                }
            }
        }
    }

    #[test]
    fn a_block_changes_sides_with_its_content() {
        let sizes = [10, 16, 17, 500, 512, 513, 4000, 512, 20];
        let mut current = layout(sizes[0], 8);
        // SAFETY: the sizes are not 0; the block has the layout given, and as many bytes are
        // written as are read.
        unsafe {
            let mut block = Tested::allocate(current);
            block.write_bytes(0x3c, current.size());
            for size in sizes {
                block = Tested::reallocate(block, current, size);
                let kept = std::slice::from_raw_parts(block, size.min(current.size()));
                assert!(kept.iter().all(|&byte| byte == 0x3c), "{current:?} to {size}");
                assert_eq!(slab_of(block).is_some(), size <= LARGEST);
                current = layout(size, 8);
                block.write_bytes(0x3c, size);
            }
            Tested::deallocate(block, current);
        }
    }

    /// In a class that no other test uses much.
    #[test]
    fn slabs_come_and_go_with_their_blocks() {
        const COUNT: usize = 20_000;
        let layout = layout(479, 1);
        let class = class_of(479, 1).unwrap();
        // SAFETY: the size is not 0.
        let blocks: Vec<_> = (0..COUNT).map(|_| unsafe { Tested::allocate(layout) }).collect();
        let full = class::figures(class);
        assert_eq!(full.size, 480);
        assert!(full.live >= COUNT && full.slabs >= COUNT.div_ceil(full.blocks_per_slab));
        let (kept, freed): (Vec<_>, Vec<_>) =
            blocks.into_iter().enumerate().partition(|(number, _)| number % 100 == 0);
        for (_, block) in freed {
            // SAFETY: live, with this layout.
            unsafe { Tested::deallocate(block, layout) };
        }
        let holed = class::figures(class);
        // Another test may have held one.
        assert!((full.live - holed.live).abs_diff(COUNT - COUNT / 100) <= 1);
        assert!(holed.fragmentation() > full.fragmentation());
        for (_, block) in kept {
            // SAFETY: live, with this layout.
            unsafe { Tested::deallocate(block, layout) };
        }
        assert!(class::figures(class).slabs < full.slabs - 5);
    }

    #[test]
    fn the_spare_slab_of_a_class_is_given_back_by_a_purge() {
        let layout = layout(100, 4);
        let class = class_of(100, 4).unwrap();
        let before = class::figures(class).slabs;
        // SAFETY: the size is not 0.
        let blocks: Vec<_> = (0..20_000).map(|_| unsafe { Tested::allocate(layout) }).collect();
        assert!(class::figures(class).slabs > before);
        for block in blocks {
            // SAFETY: live, with this layout.
            unsafe { Tested::deallocate(block, layout) };
        }
        Tested::purge().unwrap();
        // Another test may hold blocks of the class.
        let after = class::figures(class);
        assert!(after.slabs == 0 || after.live > 0, "{after:?}");
    }

    /// Blocks written by several threads and freed by others: none is given out twice at a time.
    #[test]
    fn blocks_are_not_shared_between_threads() {
        let (sender, receiver) = std::sync::mpsc::sync_channel::<(usize, usize)>(1000);
        let free = move || {
            for (address, size) in receiver {
                let block = ptr::with_exposed_provenance_mut::<u8>(address);
                // SAFETY: the sender has passed on a live block with this size, filled with it.
                unsafe {
                    let content = std::slice::from_raw_parts(block, size);
                    assert!(content.iter().all(|&byte| byte == size as u8));
                    Tested::deallocate(block, layout(size, 1));
                }
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(free);
            for _ in 0..3 {
                let sender = sender.clone();
                scope.spawn(move || {
                    for number in 0..30_000 {
                        let size = 1 + number * 7 % 200;
                        // SAFETY: the size is not 0, and the block has it.
                        let block = unsafe { Tested::allocate(layout(size, 1)) };
                        assert!(!block.is_null());
                        // SAFETY: as above.
                        unsafe { block.write_bytes(size as u8, size) };
                        sender.send((block.expose_provenance(), size)).unwrap();
                    }
                });
            }
            drop(sender);
        });
    }
}
