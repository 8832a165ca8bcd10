//! The family of functions in the style of Redis's zmalloc. A program of its own, because its checks
//! demand that `used_memory` of the whole process is right to the byte.

use std::ffi::CString;
use std::ptr::NonNull;

use zmalloc::{Flags, ZMalloc, used_memory};

#[path = "support/checks.rs"]
mod checks;
#[path = "family/handler.rs"]
mod handler;
#[path = "family/model.rs"]
mod model;
#[path = "support/rng.rs"]
mod rng;

#[global_allocator]
static ALLOC: ZMalloc = ZMalloc::new();

fn main() {
    handler::act_if_told();
    let checks: &[(&str, fn())] = &[
        ("random_programs_match_the_model", model::random_programs_match_the_model),
        ("no_bytes_are_a_block", no_bytes_are_a_block),
        ("nothing_is_resized_and_freed", nothing_is_resized_and_freed),
        ("products_that_overflow_are_refused", products_that_overflow_are_refused),
        ("huge_sizes_are_refused_and_change_nothing", huge_sizes_are_refused_and_change_nothing),
        ("strings_are_duplicated", strings_are_duplicated),
        ("blocks_freed_past_the_cache_come_back_elsewhere", no_cache_is_no_cache),
        ("handlers_are_called", handler::handlers_are_called),
    ];
    checks::run_plain_and_watched(checks);
}

/// What every request for no bytes is met with.
fn no_bytes_are_a_block() {
    let base = used_memory();
    let blocks = [
        zmalloc::zmalloc(0),
        zmalloc::ztrymalloc(0).expect("not a failure"),
        zmalloc::zmalloc_usable(0).cast(),
        zmalloc::zcalloc(0),
        zmalloc::ztrycalloc(0).expect("not a failure"),
        zmalloc::zcalloc_num(0, 0),
        zmalloc::zcalloc_num(0, usize::MAX),
        zmalloc::ztrycalloc_num(usize::MAX, 0).expect("not a failure"),
        zmalloc::zmalloc_no_tcache(0),
        zmalloc::zmalloc_with_flags(0, Flags::NONE.align(4096)),
        // SAFETY: there is no block to be live.
        unsafe { zmalloc::zrealloc(None, 0) },
        // SAFETY: live until resized, and of no special alignment.
        unsafe { zmalloc::ztryrealloc(Some(zmalloc::zmalloc(1_000_000)), 0) }.expect("not a failure"),
        // SAFETY: as above.
        unsafe { zmalloc::zrealloc_usable(Some(zmalloc::zmalloc(0)), 0) }.cast(),
    ];
    let mut sum = 0;
    for (index, block) in blocks.iter().enumerate() {
        assert!(!blocks[..index].contains(block), "each is a block of its own");
        // SAFETY: live.
        let usable = unsafe { zmalloc::zmalloc_usable_size(Some(*block)) };
        assert!((size_of::<usize>()..=16 * 4096).contains(&usable), "{usable}");
        // SAFETY: the block has that size.
        unsafe { block.write_bytes(0xff, usable) };
        sum += usable;
    }
    assert_eq!(used_memory() - base, sum);
    for block in blocks {
        // SAFETY: live.
        unsafe { zmalloc::zfree(Some(block)) };
    }
    assert_eq!(used_memory(), base);
}

fn nothing_is_resized_and_freed() {
    let base = used_memory();
    // SAFETY: there is no block to be live.
    unsafe {
        zmalloc::zfree(None);
        zmalloc::zfree_no_tcache(None);
        zmalloc::zfree_with_flags(None, Flags::NONE.align(64));
        assert_eq!(zmalloc::zfree_usable(None), 0);
        assert_eq!(zmalloc::zmalloc_usable_size(None), 0);
    }
    // SAFETY: there is no block to be live.
    let block = unsafe { zmalloc::ztryrealloc_usable(None, 100) }.expect("a new block");
    assert_eq!(used_memory() - base, block.len());
    // SAFETY: live.
    assert_eq!(unsafe { zmalloc::zfree_usable(Some(block.cast())) }, block.len());
    assert_eq!(used_memory(), base);
}

fn products_that_overflow_are_refused() {
    let base = used_memory();
    for (number, size) in [(2, usize::MAX), (usize::MAX, 2), (1 << 32, 1 << 32), (3, usize::MAX / 3 + 1)] {
        assert_eq!(zmalloc::ztrycalloc_num(number, size), None, "{number} * {size}");
        assert_eq!(zmalloc::ztrycalloc_num_usable(number, size), None, "{number} * {size}");
    }
    assert_eq!(used_memory(), base);
    let block = zmalloc::zcalloc_num_usable(17, 30);
    assert!(block.len() >= 510);
    // SAFETY: zeroed for as long.
    let content = unsafe { std::slice::from_raw_parts(block.cast::<u8>().as_ptr(), 510) };
    assert!(content.iter().all(|&byte| byte == 0));
    // SAFETY: live.
    unsafe { zmalloc::zfree(Some(block.cast())) };
}

fn huge_sizes_are_refused_and_change_nothing() {
    let base = used_memory();
    let half = isize::MAX as usize;
    for size in [usize::MAX, usize::MAX - 15, half + 1, half, half - 7, 1 << 62, 1 << 50] {
        assert_eq!(zmalloc::ztrymalloc(size), None, "{size}");
        assert_eq!(zmalloc::ztrymalloc_usable(size), None, "{size}");
        assert_eq!(zmalloc::ztrycalloc(size), None, "{size}");
        assert_eq!(zmalloc::ztrymalloc_no_tcache(size), None, "{size}");
        for align in [8, 4096, 1 << 30] {
            let flags = Flags::NONE.align(align).zeroed();
            assert_eq!(zmalloc::ztrymalloc_with_flags_usable(size, flags), None, "{size} at {align}");
        }
        for flags in [Flags::NONE, Flags::NONE.no_tcache(), Flags::NONE.zeroed()] {
            let block = zmalloc::zmalloc(300);
            // SAFETY: the block has that size.
            unsafe { block.write_bytes(0xa5, 300) };
            // SAFETY: live, and of no special alignment.
            assert_eq!(unsafe { zmalloc::ztryrealloc_with_flags(Some(block), size, flags) }, None);
            // SAFETY: still live, and filled.
            let content = unsafe { std::slice::from_raw_parts(block.as_ptr(), 300) };
            assert!(content.iter().all(|&byte| byte == 0xa5), "{size}");
            let held = used_memory() - base;
            // SAFETY: still live.
            assert_eq!(unsafe { zmalloc::zfree_usable(Some(block)) }, held);
            assert!(held >= 300, "{held}");
        }
    }
    assert_eq!(used_memory(), base);
}

fn strings_are_duplicated() {
    for length in [0, 1, 7, 8, 9, 100, 10_000] {
        let original = CString::new(vec![b'x'; length]).unwrap();
        let copies = [zmalloc::zstrdup(&original), zmalloc::ztrystrdup(&original).expect("memory")];
        for copy in copies {
            assert_ne!(copy.as_ptr().cast_const(), original.as_ptr());
            // SAFETY: a string that ends with NUL.
            assert_eq!(unsafe { std::ffi::CStr::from_ptr(copy.as_ptr()) }, original.as_c_str());
            // SAFETY: live.
            unsafe { zmalloc::zfree(Some(copy.cast())) };
        }
    }
}

/// A thread's cache hands out the block that was freed last; the common heap needn't.
fn no_cache_is_no_cache() {
    let again = |allocate: fn(usize) -> NonNull<u8>, free: unsafe fn(Option<NonNull<u8>>)| {
        let held: Vec<_> = (0..64).map(|_| allocate(256)).collect();
        let base = used_memory();
        let block = allocate(256);
        // SAFETY: live.
        assert_eq!(used_memory() - base, unsafe { zmalloc::zmalloc_usable_size(Some(block)) });
        // SAFETY: live.
        unsafe { free(Some(block)) };
        assert_eq!(used_memory(), base);
        for block in held {
            // SAFETY: live.
            unsafe { free(Some(block)) };
        }
    };
    // Whichever way a block came, it may go the other.
    again(zmalloc::zmalloc, zmalloc::zfree_no_tcache);
    again(zmalloc::zmalloc_no_tcache, zmalloc::zfree);
    again(zmalloc::zmalloc_no_tcache, zmalloc::zfree_no_tcache);
}
