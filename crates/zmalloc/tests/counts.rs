//! A program of its own, because it counts every allocation of the process.

use std::alloc::{GlobalAlloc, Layout};
use std::ptr::NonNull;
use std::sync::mpsc;

use zmalloc::{ZMalloc, allocation_counts, count_allocations, usable_size};

#[global_allocator]
static ALLOC: ZMalloc = ZMalloc::new();

fn main() {
    let checks: &[(&str, fn())] = &[
        ("nothing_is_counted_unasked", nothing_is_counted_unasked),
        ("every_allocation_is_counted_by_its_size", every_allocation_is_counted_by_its_size),
        ("resizes_count_by_what_they_end_with", resizes_count_by_what_they_end_with),
        ("threads_that_run_already_are_counted", threads_that_run_already_are_counted),
        ("quotas_leave_nothing_out", quotas_leave_nothing_out),
    ];
    for (name, check) in checks {
        check();
        println!("{name} ... ok");
    }
}

fn total() -> u64 {
    allocation_counts().iter().map(|class| class.allocations).sum()
}

/// How many blocks were counted in the class of this one, which ends at the next power of two at the
/// latest.
fn count_beside(block: NonNull<u8>) -> u64 {
    // SAFETY: the callers pass live blocks.
    let size = unsafe { usable_size(block) };
    let class = allocation_counts().into_iter().find(|class| class.largest >= size);
    class
        .filter(|class| class.largest <= size.next_power_of_two().max(16))
        .map_or(0, |class| class.allocations)
}

/// Allocates and frees so many blocks.
fn pairs(count: usize, size: usize) {
    let layout = Layout::from_size_align(size, 8).unwrap();
    for _ in 0..count {
        // SAFETY: the size is not 0; the block is freed once, with its layout.
        unsafe {
            let block = ALLOC.alloc(layout);
            assert!(!block.is_null());
            ALLOC.dealloc(block, layout);
        }
    }
}

fn nothing_is_counted_unasked() {
    pairs(1000, 100);
    assert_eq!(allocation_counts(), []);
}

fn every_allocation_is_counted_by_its_size() {
    for size in [1, 16, 100, 700, 5000, 70_000, 3_000_000] {
        let probe = Layout::from_size_align(size, 8).unwrap();
        // SAFETY: the size is not 0.
        let block = NonNull::new(unsafe { ALLOC.alloc(probe) }).unwrap();
        let (before, all) = (count_beside(block), total());
        count_allocations(true);
        pairs(1000, size);
        count_allocations(false);
        pairs(1000, size);
        let counted = (count_beside(block) - before, total() - all);
        assert_eq!(counted, (1000, 1000), "{size} bytes");
        // SAFETY: live, with this layout.
        unsafe { ALLOC.dealloc(block.as_ptr(), probe) };
    }
}

fn resizes_count_by_what_they_end_with() {
    let layout = Layout::from_size_align(40, 8).unwrap();
    let all = total();
    count_allocations(true);
    // SAFETY: the sizes are not 0; the block has the layout given.
    let block = unsafe {
        let block = ALLOC.alloc_zeroed(layout);
        NonNull::new(ALLOC.realloc(block, layout, 9000)).unwrap()
    };
    count_allocations(false);
    assert_eq!(total() - all, 2);
    assert!(count_beside(block) >= 1);
    // SAFETY: live, with this layout now.
    unsafe { ALLOC.dealloc(block.as_ptr(), Layout::from_size_align(9000, 8).unwrap()) };
}

fn threads_that_run_already_are_counted() {
    let (start, started) = mpsc::channel();
    let (finish, finished) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        pairs(10, 640);
        finish.send(0).unwrap();
        for size in started {
            pairs(5000, size);
            finish.send(total()).unwrap();
        }
    });
    finished.recv().unwrap();
    let all = total();
    count_allocations(true);
    start.send(640).unwrap();
    let sum = finished.recv().unwrap();
    count_allocations(false);
    // Channels allocate as well, now and then, and so does the list of counts.
    assert!((5000..5100).contains(&(sum - all)), "{}", sum - all);
    drop(start);
    thread.join().unwrap();
}

/// Under a limit a thread has quotas, which end when counting begins.
fn quotas_leave_nothing_out() {
    zmalloc::set_limit(Some(1 << 30));
    pairs(1000, 64);
    let all = total();
    for _ in 0..10 {
        count_allocations(true);
        pairs(100, 64);
        count_allocations(false);
        pairs(100, 64);
    }
    assert_eq!(total() - all, 1000);
    zmalloc::set_limit(None);
}
