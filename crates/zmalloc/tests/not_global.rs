//! A program whose global allocator is another: its blocks are not ours to move.

use std::ptr::NonNull;

use zmalloc::defrag::{Cycle, Settings, Survey, Unavailable, heap_size, is_global_allocator};

#[test]
fn a_cycle_refuses() {
    assert!(!is_global_allocator());
    let refusal = Cycle::new(Settings::default()).err().unwrap();
    match Survey::take() {
        Ok(_) => assert_eq!(refusal, Unavailable::NotGlobal),
        Err(error) => assert_eq!(refusal, Unavailable::Allocator(error)),
    }
}

/// Sizes are those that it would have, and nobody asks about blocks that are another's.
#[test]
fn values_are_measured_by_their_layouts() {
    let value = vec!["text".to_owned(); 10];
    let size = heap_size(&value);
    let layout = |bytes, align| std::alloc::Layout::from_size_align(bytes, align).unwrap();
    let expected = zmalloc::good_size(layout(240, 8)) + 10 * zmalloc::good_size(layout(4, 1));
    assert_eq!((size.bytes, size.blocks), (expected, 11));
}

/// A program that moves its own blocks of `ZMalloc` doesn't need it to be global.
#[test]
fn raw_blocks_may_be_moved_all_the_same() {
    let layout = std::alloc::Layout::from_size_align(1000, 8).unwrap();
    let block = zmalloc::zmalloc(layout.size());
    // SAFETY: the block is live, of that size, and what takes its place is freed.
    unsafe {
        block.write_bytes(7, layout.size());
        let moved = zmalloc::defrag::relocate(block, layout).unwrap_or(block);
        assert!(NonNull::slice_from_raw_parts(moved, 1000).as_ref().iter().all(|&byte| byte == 7));
        zmalloc::zfree(Some(moved));
    }
}
