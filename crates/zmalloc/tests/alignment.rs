//! Under `ZMalloc` as the global allocator, because the collections at the end are to use it too:
//! every alignment, with every call of `GlobalAlloc`.

use std::alloc::{GlobalAlloc, Layout};

use zmalloc::{ZMalloc, good_size};

#[global_allocator]
static ALLOC: ZMalloc = ZMalloc::new();

/// All small sizes, and to 64 KiB those on both sides of every border between size classes; where
/// the classes are closer than one 64th, some of them.
fn sizes() -> Vec<usize> {
    let class = |size| good_size(Layout::from_size_align(size, 1).unwrap());
    let mut sizes: Vec<usize> = (1..=300).collect();
    let mut last = 300;
    for size in 301..=65_536 {
        if class(size) != class(size + 1) && size - last > size / 64 || size.is_power_of_two() {
            sizes.extend([size, size + 1]);
            last = size;
        }
    }
    sizes
}

fn alignments() -> impl Iterator<Item = usize> {
    (0..=16).map(|shift| 1 << shift)
}

fn assert_aligned(block: *mut u8, layout: Layout) {
    assert!(!block.is_null(), "{layout:?}");
    assert_eq!(block.addr() % layout.align(), 0, "{layout:?}");
}

#[test]
fn blocks_are_aligned_and_zeroed_ones_are_zero() {
    for align in alignments() {
        for size in sizes() {
            let layout = Layout::from_size_align(size, align).unwrap();
            // Several at once, as the first of a slab is aligned by chance.
            let mut blocks = [std::ptr::null_mut(); 5];
            for (index, block) in blocks.iter_mut().enumerate() {
                // SAFETY: the size is not 0.
                *block =
                    unsafe { if index % 2 == 0 { ALLOC.alloc(layout) } else { ALLOC.alloc_zeroed(layout) } };
                assert_aligned(*block, layout);
                // SAFETY: the block has that size; if it is a zeroed one, it is initialised.
                unsafe {
                    if index % 2 == 1 {
                        let content = std::slice::from_raw_parts(*block, size);
                        assert!(content.iter().all(|&byte| byte == 0), "{layout:?}");
                    }
                    block.write_bytes(0xff, size);
                }
            }
            for block in blocks {
                // SAFETY: live, with this layout.
                unsafe { ALLOC.dealloc(block, layout) };
            }
        }
    }
}

#[test]
fn resized_blocks_stay_aligned_and_keep_their_content() {
    let steps = [1, 7, 8, 9, 24, 100, 500, 4095, 4097, 14_000, 20_000, 70_000, 300_000, 65, 3];
    for align in alignments() {
        for start in [1, 40, 1000, 5000, 100_000] {
            let mut layout = Layout::from_size_align(start, align).unwrap();
            // SAFETY: the size is not 0.
            let mut block = unsafe { ALLOC.alloc(layout) };
            assert_aligned(block, layout);
            for new_size in steps {
                for offset in 0..layout.size() {
                    // SAFETY: within the block.
                    unsafe { block.add(offset).write(offset as u8 ^ 0x5a) };
                }
                // SAFETY: live, with this layout; the size is not 0 and far from the limit.
                block = unsafe { ALLOC.realloc(block, layout, new_size) };
                let kept = new_size.min(layout.size());
                layout = Layout::from_size_align(new_size, align).unwrap();
                assert_aligned(block, layout);
                // SAFETY: as many bytes were written before, and kept.
                let content = unsafe { std::slice::from_raw_parts(block, kept) };
                assert!(content.iter().enumerate().all(|(at, &byte)| byte == at as u8 ^ 0x5a), "{layout:?}");
            }
            // SAFETY: live, with this layout.
            unsafe { ALLOC.dealloc(block, layout) };
        }
    }
}

#[test]
fn alignments_far_past_a_page() {
    for align in [1 << 17, 1 << 20, 1 << 24] {
        for size in [1, 100, 5000, 1 << 20] {
            let layout = Layout::from_size_align(size, align).unwrap();
            // SAFETY: the size is not 0.
            let block = unsafe { ALLOC.alloc_zeroed(layout) };
            assert_aligned(block, layout);
            // SAFETY: live, with this layout.
            unsafe { ALLOC.dealloc(block, layout) };
        }
    }
}

#[test]
fn over_aligned_values_in_collections() {
    #[derive(Clone, Copy)]
    #[repr(align(64))]
    struct CacheLine([u8; 24]);

    let mut lines = Vec::new();
    for number in 0..1000 {
        lines.push(CacheLine([number as u8; 24]));
        assert!((&raw const lines[0]).addr().is_multiple_of(64));
    }
    assert!(lines.iter().enumerate().all(|(number, line)| line.0 == [number as u8; 24]));
    let boxes: Vec<Box<u128>> = (0..1000).map(Box::new).collect();
    assert!(boxes.iter().all(|value| (&raw const **value).addr().is_multiple_of(16)));
}
