//! Under an allocator that counts its calls, because questions to the system promise to make none:
//! they are also asked when there is no memory.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use zmalloc::process;

struct CountingAlloc;

thread_local! {
    static CALLS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for CountingAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.set(CALLS.get() + 1);
        // SAFETY: passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOC: CountingAlloc = CountingAlloc;

#[test]
fn questions_to_the_system_do_not_allocate() {
    let before = CALLS.get();
    let answers = [
        process::rss(),
        process::physical_memory(),
        process::private_dirty(),
        process::smaps_sum("Pss"),
        process::smaps_sum_of("Rss", std::process::id()),
        process::private_dirty_of(std::process::id()),
        process::page_size(),
    ];
    assert_eq!(CALLS.get(), before);
    assert!(answers.iter().all(|answer| answer.is_some_and(|bytes| bytes > 0)));
    drop(Box::new(1));
    assert_eq!(CALLS.get(), before + 1, "the allocator does count");
}

#[test]
fn other_processes_can_be_asked_about() {
    let mut cat = Command::new("cat");
    let mut child = cat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // What it echoes shows that it runs; then it waits for more.
    child.stdin.as_mut().unwrap().write_all(b"x").unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let rss = process::smaps_sum_of("Rss", child.id()).expect("a child");
    assert!(rss > 100_000, "{rss}");
    assert!(process::private_dirty_of(child.id()).is_some_and(|dirty| dirty <= rss));
    assert_eq!(process::smaps_sum_of("NoSuchField", child.id()), None);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(process::smaps_sum_of("Rss", child.id()), None, "it is gone");
    assert_eq!(process::smaps_sum_of("Rss", u32::MAX), None);
}

#[test]
fn nothing_is_counted_for_another_allocator() {
    let block = vec![0_u8; 10_000];
    assert_eq!(zmalloc::used_memory(), 0);
    assert_eq!(block.len(), 10_000);
}
