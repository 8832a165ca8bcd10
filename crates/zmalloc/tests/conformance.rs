//! What every back end promises, asked through the global allocator so that the same checks run
//! for each of them (`cargo xtask test` builds this with each in turn). Alignment and the ledger's
//! figures have files of their own.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::NonNull;
use std::sync::mpsc;

use zmalloc::{GOOD_SIZE_IS_EXACT, ZMalloc, good_size, usable_size};

#[global_allocator]
static ALLOC: ZMalloc = ZMalloc::new();

/// A live block, all of whose usable bytes hold `fill`.
struct Block {
    start: NonNull<u8>,
    layout: Layout,
    usable: usize,
    fill: u8,
}

// SAFETY: a block of memory has no ties to a thread.
unsafe impl Send for Block {}

impl Block {
    fn new(layout: Layout, fill: u8) -> Self {
        // SAFETY: no test asks for 0 bytes.
        Self::filled(unsafe { ALLOC.alloc(layout) }, layout, fill)
    }

    /// Writes to the whole of a block that the allocator returned, past the size asked for.
    fn filled(start: *mut u8, layout: Layout, fill: u8) -> Self {
        let start = NonNull::new(start).expect("out of memory");
        assert!(start.addr().get().is_multiple_of(layout.align()), "{layout:?}");
        // SAFETY: live.
        let usable = unsafe { usable_size(start) };
        assert!(usable >= good_size(layout) && good_size(layout) >= layout.size(), "{layout:?}: {usable}");
        assert!(usable == good_size(layout) || !GOOD_SIZE_IS_EXACT, "{layout:?}: {usable}");
        // SAFETY: all of its usable bytes may be used.
        unsafe { start.write_bytes(fill, usable) };
        Self { start, layout, usable, fill }
    }

    /// Nobody has written to the block, and it has the size it had.
    fn check(&self) {
        // SAFETY: live and filled, to its usable size.
        let content = unsafe {
            assert_eq!(usable_size(self.start), self.usable, "{:?}", self.layout);
            std::slice::from_raw_parts(self.start.as_ptr(), self.usable)
        };
        assert!(is_all(content, self.fill), "{:?} was overwritten", self.layout);
    }

    fn resize(self, new_size: usize, fill: u8) -> Self {
        self.check();
        let layout = Layout::from_size_align(new_size, self.layout.align()).unwrap();
        // SAFETY: live, with this layout; the size is not 0 and far from the limit.
        let start = unsafe { ALLOC.realloc(self.start.as_ptr(), self.layout, new_size) };
        assert!(!start.is_null());
        let kept = new_size.min(self.layout.size());
        // SAFETY: that many bytes were written and kept.
        let content = unsafe { std::slice::from_raw_parts(start, kept) };
        assert!(is_all(content, self.fill), "{:?} to {new_size}", self.layout);
        Self::filled(start, layout, fill)
    }

    fn free(self) {
        self.check();
        // SAFETY: live, with this layout, and gone after this.
        unsafe { ALLOC.dealloc(self.start.as_ptr(), self.layout) };
    }
}

/// Whether every byte of the content, which isn't empty, is this one: the first is, and each is what
/// the one before it is. (A comparison of slices is quick without optimisation too.)
fn is_all(content: &[u8], byte: u8) -> bool {
    content[0] == byte && content[1..] == content[..content.len() - 1]
}

/// A small generator of pseudo-random numbers (xorshift64*), the same in every run.
struct Rng(u64);

impl Rng {
    /// A number under `limit`.
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    /// Sizes of every magnitude to 512 KiB and alignments to 8 KiB, mostly small.
    fn layout(&mut self) -> Layout {
        let magnitude = self.below(20).min(self.below(20));
        let shift = if self.below(4) == 0 { self.below(14) } else { self.below(5) };
        Layout::from_size_align(1 + self.below(1 << magnitude), 1 << shift).unwrap()
    }
}

/// Random allocations, resizes and frees on this thread, with `steps` of them.
fn random_program(seed: u64, steps: usize) {
    let mut rng = Rng(seed);
    let mut held: Vec<Block> = Vec::new();
    for step in 0..steps {
        let fill = step as u8;
        match rng.below(3) {
            0 if held.len() < 1000 => held.push(Block::new(rng.layout(), fill)),
            1 if !held.is_empty() => {
                let block = held.swap_remove(rng.below(held.len()));
                let near = (block.layout.size() + rng.below(9)).saturating_sub(4).max(1);
                let new_size = if rng.below(2) == 0 { near } else { rng.layout().size() };
                held.push(block.resize(new_size, fill));
            }
            2 if !held.is_empty() => held.swap_remove(rng.below(held.len())).free(),
            _ => {}
        }
    }
    held.into_iter().for_each(Block::free);
}

#[test]
fn blocks_are_disjoint_to_their_last_usable_byte() {
    random_program(1, 60_000);
}

#[test]
fn threads_do_not_disturb_each_other() {
    let threads = [2, 3, 4, 5].map(|seed| std::thread::spawn(move || random_program(seed, 20_000)));
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
fn blocks_are_freed_by_other_threads_than_they_come_from() {
    let (sender, receiver) = mpsc::sync_channel::<Block>(200);
    let consumer = std::thread::spawn(move || receiver.into_iter().for_each(Block::free));
    let producers = [6, 7, 8].map(|seed| {
        let sender = sender.clone();
        std::thread::spawn(move || {
            let mut rng = Rng(seed);
            for number in 0..20_000 {
                sender.send(Block::new(rng.layout(), number as u8)).unwrap();
            }
        })
    });
    drop(sender);
    for producer in producers {
        producer.join().unwrap();
    }
    consumer.join().unwrap();
}

/// Memory that was written to and freed comes back as zeros.
#[test]
fn zeroed_blocks_are_zero_in_used_memory() {
    for size in (1..2000).chain([4096, 40_000, 300_000, 3 << 20]) {
        for align in [1, 16, 64] {
            let layout = Layout::from_size_align(size, align).unwrap();
            let dirty: Vec<_> = (0..3).map(|_| Block::new(layout, 0xff)).collect();
            dirty.into_iter().for_each(Block::free);
            for _ in 0..3 {
                // SAFETY: the size is not 0; the block, if any, has it, and is freed once.
                unsafe {
                    let start = ALLOC.alloc_zeroed(layout);
                    assert!(!start.is_null());
                    assert!(is_all(std::slice::from_raw_parts(start, size), 0));
                    start.write_bytes(0xff, size);
                    ALLOC.dealloc(start, layout);
                }
            }
        }
    }
}

#[test]
fn a_block_grows_to_many_megabytes_and_shrinks_again() {
    for align in [1, 16, 128] {
        let mut block = Block::new(Layout::from_size_align(1, align).unwrap(), 1);
        for shift in (1..26).chain((0..25).rev()) {
            block = block.resize((1 << shift) + shift, shift as u8);
        }
        block.free();
    }
}

/// The largest layouts there are, at every alignment: refused, and nothing else happens.
#[test]
fn requests_past_the_address_space_are_refused() {
    for align in (0..=40).map(|shift| 1_usize << shift) {
        let largest = isize::MAX as usize & align.wrapping_neg();
        for size in [largest, largest / 2 + 1, largest - align + 1] {
            let layout = Layout::from_size_align(size, align).unwrap();
            let small = Block::new(Layout::from_size_align(100, align.min(4096)).unwrap(), 9);
            // SAFETY: the sizes are not 0 and, rounded up, not past the limit; the small block is
            // live with its layout.
            unsafe {
                assert!(ALLOC.alloc(layout).is_null(), "{layout:?}");
                assert!(ALLOC.alloc_zeroed(layout).is_null(), "{layout:?}");
                assert!(ALLOC.realloc(small.start.as_ptr(), small.layout, size).is_null(), "{layout:?}");
            }
            small.free();
        }
    }
}

#[test]
fn good_size_is_that_of_the_size_or_more() {
    assert_eq!(good_size(Layout::new::<()>()), 0);
    let of = |size| good_size(Layout::from_size_align(size, 1).unwrap());
    for size in 1..100_000 {
        assert!(of(size) >= size && of(size) <= of(size + 1));
        assert!(of(size) <= size + size / 4 + 24, "{size}: {}", of(size));
    }
}
