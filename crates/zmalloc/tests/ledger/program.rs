//! Programs of allocations on one thread, against a model that adds up the blocks' sizes.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::NonNull;

use zmalloc::{good_size, peak_memory, usable_size, used_memory};

use crate::{ALLOC, Block, Rng, assert_size, since};

/// A live block of the model: every byte of it holds `fill`.
pub(crate) struct Held {
    start: NonNull<u8>,
    layout: Layout,
    fill: u8,
}

// SAFETY: a block of memory has no ties to a thread.
unsafe impl Send for Held {}

impl Held {
    fn bytes(&mut self) -> &mut [u8] {
        // SAFETY: live, exclusively ours and initialised by `filled`.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.layout.size()) }
    }

    /// Checks a block that the allocator returned, and fills it.
    fn filled(start: *mut u8, layout: Layout, fill: u8) -> Self {
        let start = NonNull::new(start).expect("out of memory");
        assert_eq!(start.addr().get() % layout.align(), 0, "{layout:?}");
        // SAFETY: a live block.
        let usable = unsafe { usable_size(start) };
        assert_size(usable, layout);
        // SAFETY: the block has that size.
        unsafe { start.write_bytes(fill, layout.size()) };
        Self { start, layout, fill }
    }

    pub(crate) fn allocate(rng: &mut Rng) -> Self {
        let (layout, fill) = (random_layout(rng), rng.next() as u8);
        if rng.below(4) == 0 {
            // SAFETY: the size is not 0.
            let start = unsafe { ALLOC.alloc_zeroed(layout) };
            // SAFETY: if it is not null it has that size and is initialised.
            let content = unsafe { std::slice::from_raw_parts(start, layout.size()) };
            assert!(!start.is_null() && content.iter().all(|&byte| byte == 0));
            Self::filled(start, layout, fill)
        } else {
            // SAFETY: the size is not 0.
            Self::filled(unsafe { ALLOC.alloc(layout) }, layout, fill)
        }
    }

    pub(crate) fn resize(mut self, rng: &mut Rng) -> Self {
        let fill = self.fill;
        let new_size = random_layout(rng).size();
        let kept = new_size.min(self.layout.size());
        assert!(self.bytes().iter().all(|&byte| byte == fill));
        // SAFETY: live, with this layout; the size is not 0 and far from the limit.
        let start = unsafe { ALLOC.realloc(self.start.as_ptr(), self.layout, new_size) };
        assert!(!start.is_null());
        // SAFETY: the block has at least that size, and that much was copied.
        let content = unsafe { std::slice::from_raw_parts(start, kept) };
        assert!(content.iter().all(|&byte| byte == fill), "content lost");
        let layout = Layout::from_size_align(new_size, self.layout.align()).unwrap();
        Self::filled(start, layout, rng.next() as u8)
    }

    pub(crate) fn free(mut self) {
        let fill = self.fill;
        assert!(self.bytes().iter().all(|&byte| byte == fill), "overwritten");
        // SAFETY: live, with this layout, and gone after this.
        unsafe { ALLOC.dealloc(self.start.as_ptr(), self.layout) };
    }

    pub(crate) fn usable(&self) -> usize {
        // SAFETY: live.
        unsafe { usable_size(self.start) }
    }
}

/// Sizes of every magnitude to 256 KiB, mostly small; alignments to 64 KiB, mostly small.
fn random_layout(rng: &mut Rng) -> Layout {
    let magnitude = rng.below(19).min(rng.below(19));
    let size = 1 + rng.below(1 << magnitude);
    let shift = if rng.below(4) == 0 { rng.below(17) } else { rng.below(5) };
    Layout::from_size_align(size, 1 << shift).unwrap()
}

pub(crate) fn random_program_matches_model() {
    const STEPS: usize = 200_000;
    let mut rng = Rng(0x5eed);
    // Room for all, so that the model itself allocates nothing below.
    let mut held: Vec<Held> = Vec::with_capacity(2_000);
    let mut model = 0;
    let base = used_memory();
    for step in 0..STEPS {
        match rng.below(3) {
            0 if held.len() < held.capacity() => {
                let block = Held::allocate(&mut rng);
                model += block.usable();
                held.push(block);
            }
            1 if !held.is_empty() => {
                let block = held.swap_remove(rng.below(held.len()));
                model -= block.usable();
                let block = block.resize(&mut rng);
                model += block.usable();
                held.push(block);
            }
            2 if !held.is_empty() => {
                let block = held.swap_remove(rng.below(held.len()));
                model -= block.usable();
                block.free();
            }
            _ => {}
        }
        assert_eq!(since(base), model.cast_signed(), "step {step}");
    }
    held.drain(..).for_each(Held::free);
    assert_eq!(since(base), 0);
}

pub(crate) fn refused_requests_change_nothing() {
    let base = used_memory();
    let impossible = Layout::from_size_align(isize::MAX as usize - 4095, 1).unwrap();
    let aligned = Layout::from_size_align(1 << 62, 1 << 20).unwrap();
    for layout in [impossible, aligned] {
        // SAFETY: the size is not 0.
        assert!(unsafe { ALLOC.alloc(layout) }.is_null());
        // SAFETY: the size is not 0.
        assert!(unsafe { ALLOC.alloc_zeroed(layout) }.is_null());
    }
    assert_eq!(since(base), 0);

    let block = Block::new(1000);
    // SAFETY: live, and the new size is within the limit for this alignment.
    let moved = unsafe { ALLOC.realloc(block.start.as_ptr(), block.layout, 1 << 62) };
    assert!(moved.is_null());
    assert_eq!(since(base), block.usable().cast_signed());
    // SAFETY: still live, and it was filled.
    let content = unsafe { std::slice::from_raw_parts(block.start.as_ptr(), 1000) };
    assert!(content.iter().all(|&byte| byte == 0xa5));
    block.free();
    assert_eq!(since(base), 0);

    let mut list = Vec::<u8>::new();
    assert!(list.try_reserve(1 << 62).is_err());
    assert_eq!(good_size(Layout::new::<()>()), 0);
}

pub(crate) fn peak_is_the_highest_figure_seen() {
    let block = Block::new(64 << 20);
    let high = used_memory();
    block.free();
    assert!(used_memory() < high);
    assert!(peak_memory() >= high);
    let higher = Block::new(128 << 20);
    let seen_now = peak_memory();
    assert!(seen_now >= high + (64 << 20));
    higher.free();
    assert_eq!(peak_memory(), seen_now);
}
