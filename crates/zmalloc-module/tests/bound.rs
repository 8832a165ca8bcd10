//! A program of its own, because it has `ModuleAlloc` for its global allocator: bound in the middle
//! of its life through a context as a server passes it, with threads running, and forked.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::atomic::{AtomicIsize, Ordering};

use zmalloc_module::ModuleAlloc;

#[global_allocator]
static ALLOCATOR: ModuleAlloc = ModuleAlloc::new();

/// Blocks that the server has given out.
static GIVEN: AtomicIsize = AtomicIsize::new(0);

unsafe extern "C" fn alloc(size: usize) -> *mut c_void {
    GIVEN.fetch_add(1, Ordering::SeqCst);
    // SAFETY: no precondition.
    unsafe { libc::malloc(size) }
}

unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    GIVEN.fetch_add(1, Ordering::SeqCst);
    // SAFETY: no precondition.
    unsafe { libc::calloc(count, size) }
}

unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    // SAFETY: the block is libc's.
    unsafe { libc::realloc(block, size) }
}

unsafe extern "C" fn free(block: *mut c_void) {
    GIVEN.fetch_sub(1, Ordering::SeqCst);
    // SAFETY: the block is libc's.
    unsafe { libc::free(block) }
}

/// A server of version 6: the four functions, under their Valkey names alone.
unsafe extern "C" fn get_api(name: *const c_char, function: *mut *mut c_void) -> c_int {
    // SAFETY: the name is a string.
    let found = match unsafe { CStr::from_ptr(name) }.to_bytes() {
        b"ValkeyModule_Alloc" => alloc as *mut c_void,
        b"ValkeyModule_Calloc" => calloc as *mut c_void,
        b"ValkeyModule_Realloc" => realloc as *mut c_void,
        b"ValkeyModule_Free" => free as *mut c_void,
        _ => return 1,
    };
    // SAFETY: there is room for a pointer.
    unsafe { *function = found };
    0
}

#[test]
fn a_life() {
    let before: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
    let mut growing = vec![1u64; 100];
    let worker = std::thread::spawn(|| (0..200_000).map(|n| n.to_string().len()).sum::<usize>());

    let mut context = [get_api as *mut c_void, std::ptr::null_mut()];
    // SAFETY: the context begins with GetApi, and the functions stay.
    unsafe { ModuleAlloc::bind(context.as_mut_ptr().cast()).unwrap() };
    assert!(ModuleAlloc::is_bound());

    let given = GIVEN.load(Ordering::SeqCst);
    let after: Vec<String> = (0..1000).map(|number| format!("after {number}")).collect();
    // The worker frees and allocates meanwhile.
    assert!(GIVEN.load(Ordering::SeqCst) >= given + 990);
    growing.resize(100_000, 2);
    assert_eq!(growing.iter().sum::<u64>(), 100 + 99_900 * 2);
    assert_eq!(worker.join().unwrap(), 10 + 180 + 2700 + 36_000 + 450_000 + 600_000);

    fork_and_allocate(&before);

    let held = ModuleAlloc::usage();
    drop((before, after, growing));
    let left = ModuleAlloc::usage();
    assert!(left.bytes + 800_000 < held.bytes && left.blocks + 2000 <= held.blocks);
    assert_eq!(left.peak.max(held.bytes), left.peak);
}

/// A child has one thread, whatever the others held when it was made.
fn fork_and_allocate(before: &[String]) {
    // SAFETY: the child allocates, which works after fork, and ends without unwinding.
    match unsafe { libc::fork() } {
        0 => {
            let copies: Vec<String> = before.iter().map(|text| text.repeat(3)).collect();
            let is_right = copies.iter().zip(before).all(|(copy, text)| copy.len() == 3 * text.len());
            drop(copies);
            // SAFETY: ends the child.
            unsafe { libc::_exit(if is_right { 0 } else { 1 }) }
        }
        child => {
            let mut status = 0;
            // SAFETY: waits for our child.
            assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
            assert_eq!(status, 0);
        }
    }
}
