//! Random programs that use every function, against a model: the bytes that each block should hold,
//! and the sum of what they occupy.

use std::alloc::Layout;
use std::ptr::NonNull;

use zmalloc::{Flags, GOOD_SIZE_IS_EXACT, good_size, used_memory, zmalloc_usable_size};

use crate::rng::Rng;

/// A live block: its first `size` bytes, whatever was asked for and more, hold `fill`.
struct Held {
    start: NonNull<u8>,
    size: usize,
    align: usize,
    fill: u8,
}

impl Held {
    /// Checks a block that was asked for with `wanted` bytes, and fills all of it that is usable.
    fn checked(block: NonNull<[u8]>, wanted: usize, align: usize, zeroed_from: usize, fill: u8) -> Self {
        let start: NonNull<u8> = block.cast();
        assert_eq!(start.addr().get() % align, 0);
        // SAFETY: live.
        let usable = unsafe { zmalloc_usable_size(Some(start)) };
        assert_eq!(block.len(), usable, "the fat pointer tells the usable size");
        assert!(usable >= wanted);
        let layout = Layout::from_size_align(if wanted == 0 { 8 } else { wanted }, align).unwrap();
        assert!(usable >= good_size(layout) && (usable == good_size(layout) || !GOOD_SIZE_IS_EXACT));
        if zeroed_from < wanted {
            // SAFETY: the block is that large, and zeroed there.
            let zeroed = unsafe { std::slice::from_raw_parts(start.as_ptr(), wanted) };
            assert!(zeroed[zeroed_from..].iter().all(|&byte| byte == 0));
        }
        // SAFETY: the block has that size.
        unsafe { start.write_bytes(fill, usable) };
        Self { start, size: usable, align, fill }
    }

    fn assert_content(&self, length: usize) {
        // SAFETY: filled for as long at least.
        let content = unsafe { std::slice::from_raw_parts(self.start.as_ptr(), length) };
        assert!(content.iter().all(|&byte| byte == self.fill), "content of {length} bytes");
    }

    fn new(rng: &mut Rng) -> Self {
        let size = random_size(rng);
        let fill = rng.next() as u8;
        let never = usize::MAX;
        match rng.below(14) {
            0 => Self::checked(fat(zmalloc::zmalloc(size)), size, 8, never, fill),
            1 => Self::checked(fat(zmalloc::ztrymalloc(size).unwrap()), size, 8, never, fill),
            2 => Self::checked(zmalloc::zmalloc_usable(size), size, 8, never, fill),
            3 => Self::checked(zmalloc::ztrymalloc_usable(size).unwrap(), size, 8, never, fill),
            4 => Self::checked(fat(zmalloc::zcalloc(size)), size, 8, 0, fill),
            5 => Self::checked(fat(zmalloc::ztrycalloc(size).unwrap()), size, 8, 0, fill),
            6 => Self::checked(zmalloc::zcalloc_usable(size), size, 8, 0, fill),
            7 => Self::checked(zmalloc::ztrycalloc_usable(size).unwrap(), size, 8, 0, fill),
            8 => Self::checked(fat(zmalloc::zcalloc_num(size, 3)), size * 3, 8, 0, fill),
            9 => Self::checked(zmalloc::ztrycalloc_num_usable(3, size).unwrap(), size * 3, 8, 0, fill),
            10 => Self::checked(fat(zmalloc::zmalloc_no_tcache(size)), size, 8, never, fill),
            11 => Self::checked(fat(zmalloc::ztrymalloc_no_tcache(size).unwrap()), size, 8, never, fill),
            _ => {
                let align = 1 << rng.below(17);
                let (flags, align, zeroed_from) = random_flags(rng, align, 0);
                let block = zmalloc::zmalloc_with_flags_usable(size, flags);
                Self::checked(block, size, align, zeroed_from, fill)
            }
        }
    }

    fn resize(self, rng: &mut Rng) -> Self {
        let size = random_size(rng);
        let kept = self.size.min(size);
        self.assert_content(self.size);
        let plain = self.align == 8;
        let start = Some(self.start);
        let (flags, align, zeroed_from) = random_flags(rng, self.align, self.size);
        assert_eq!(align, self.align);
        let mut zeroed = usize::MAX;
        // SAFETY: live, and asked for with the alignment that it has.
        let block = unsafe {
            match rng.below(6) {
                0 if plain => fat(zmalloc::zrealloc(start, size)),
                1 if plain => fat(zmalloc::ztryrealloc(start, size).unwrap()),
                2 if plain => zmalloc::zrealloc_usable(start, size),
                3 if plain => zmalloc::ztryrealloc_usable(start, size).unwrap(),
                4 => {
                    zeroed = zeroed_from;
                    fat(zmalloc::zrealloc_with_flags(start, size, flags))
                }
                _ => {
                    zeroed = zeroed_from;
                    zmalloc::ztryrealloc_with_flags_usable(start, size, flags).unwrap()
                }
            }
        };
        Self { start: block.cast(), ..self }.assert_content(kept);
        Self::checked(block, size, align, zeroed, rng.next() as u8)
    }

    fn free(self, rng: &mut Rng) {
        self.assert_content(self.size);
        // SAFETY: live.
        unsafe {
            match rng.below(4) {
                0 => zmalloc::zfree(Some(self.start)),
                1 => assert_eq!(zmalloc::zfree_usable(Some(self.start)), self.size),
                2 => zmalloc::zfree_no_tcache(Some(self.start)),
                _ => zmalloc::zfree_with_flags(Some(self.start), random_flags(rng, self.align, 0).0),
            }
        }
    }
}

/// A block that was returned by its address, with its size.
fn fat(block: NonNull<u8>) -> NonNull<[u8]> {
    // SAFETY: live.
    NonNull::slice_from_raw_parts(block, unsafe { zmalloc_usable_size(Some(block)) })
}

/// Sizes of every magnitude to 256 KiB, mostly small, 0 among them.
fn random_size(rng: &mut Rng) -> usize {
    let magnitude = rng.below(19).min(rng.below(19));
    rng.below(1 << magnitude)
}

/// Flags with this alignment, the alignment they give, and from where on they promise zeros.
fn random_flags(rng: &mut Rng, align: usize, old_size: usize) -> (Flags, usize, usize) {
    let mut flags = Flags::NONE.align(align);
    let mut zeroed_from = usize::MAX;
    if rng.below(2) == 0 {
        flags = flags.no_tcache();
    }
    if rng.below(2) == 0 {
        flags = flags.zeroed();
        zeroed_from = old_size;
    }
    (flags, align.max(8), zeroed_from)
}

pub(crate) fn random_programs_match_the_model() {
    for seed in 1..=4 {
        let mut rng = Rng(seed);
        let mut held: Vec<Held> = Vec::with_capacity(1_000);
        let mut model = 0;
        let base = used_memory();
        for step in 0..40_000 {
            match rng.below(3) {
                0 if held.len() < held.capacity() => {
                    let block = Held::new(&mut rng);
                    model += block.size;
                    held.push(block);
                }
                1 if !held.is_empty() => {
                    let block = held.swap_remove(rng.below(held.len()));
                    model -= block.size;
                    let block = block.resize(&mut rng);
                    model += block.size;
                    held.push(block);
                }
                2 if !held.is_empty() => {
                    let block = held.swap_remove(rng.below(held.len()));
                    model -= block.size;
                    block.free(&mut rng);
                }
                _ => {}
            }
            assert_eq!(used_memory() - base, model, "seed {seed}, step {step}");
        }
        held.drain(..).for_each(|block| block.free(&mut rng));
        assert_eq!(used_memory(), base);
    }
}
