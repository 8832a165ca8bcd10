//! Children of `fork`: each counts on from its parent's figures, though it has but one thread.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::thread;

use zmalloc::used_memory;

use crate::raw_thread::{RawThread, new_key, set};
use crate::{Block, since};

/// Runs `body` in a child and fails if it does not return true there.
fn in_child(body: impl FnOnce() -> bool) {
    // SAFETY: the child does nothing that another thread of the parent could have locked, but
    // allocate, which is what is under test.
    let child = unsafe { libc::fork() };
    assert!(child >= 0, "no child");
    if child == 0 {
        let code = if body() { 0 } else { 1 };
        // SAFETY: ends the child without running anything of the parent's.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: the child exists and the status is there to be written.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "status {status:#x}");
}

/// What a child can be asked: its figure is the parent's, and changes by what it does.
fn counts_on(figure: usize, inherited: Block) -> bool {
    if used_memory() != figure {
        return false;
    }
    let freed = inherited.usable().cast_signed();
    inherited.free();
    let after_free = since(figure) == -freed;
    let block = Block::new(3_000_000);
    let after_allocation = since(figure) == block.usable().cast_signed() - freed;

    // Threads of the child, as many as the parent had and more, may get the memory that the
    // parent's threads had their counters in.
    extern "C" fn body(_: *mut c_void) -> *mut c_void {
        Block::new(12_345).free();
        ptr::null_mut()
    }
    for _ in 0..100 {
        RawThread::run(body, &());
    }
    block.free();
    after_free && after_allocation && since(figure) == -freed
}

pub(crate) fn child_counts_on_from_parent() {
    // Many stacks: more than the C library keeps for reuse.
    const THREADS: usize = 32;
    static READY: Barrier = Barrier::new(THREADS + 1);
    static DONE: Barrier = Barrier::new(THREADS + 1);
    static HELD: Mutex<Vec<Block>> = Mutex::new(Vec::new());

    extern "C" fn hold(_: *mut c_void) -> *mut c_void {
        Block::new(7_777).free();
        let block = Block::new(1_000_000);
        HELD.lock().unwrap().push(block);
        READY.wait();
        DONE.wait();
        ptr::null_mut()
    }

    HELD.lock().unwrap().reserve(THREADS);
    let base = used_memory();
    let mut threads = [const { None }; THREADS];
    for thread in &mut threads {
        *thread = Some(RawThread::start(hold, &()));
    }
    READY.wait();
    let figure = used_memory();
    let inherited = HELD.lock().unwrap()[0];
    assert_eq!(since(base), (THREADS * inherited.usable()).cast_signed());
    in_child(|| counts_on(figure, inherited));
    // A child's child.
    in_child(|| {
        in_child(|| counts_on(figure, inherited));
        used_memory() == figure
    });
    assert_eq!(used_memory(), figure, "the parent is as before");
    DONE.wait();
    threads.into_iter().flatten().for_each(RawThread::join);
    HELD.lock().unwrap().drain(..).for_each(Block::free);
    assert_eq!(since(base), 0);
}

/// The thread that forks has been let go by the ledger already; another forks as its first deed.
pub(crate) fn child_of_an_ending_thread() {
    static KEY: AtomicUsize = AtomicUsize::new(0);

    fn fork_now() {
        let inherited = Block::new(999);
        let figure = used_memory();
        in_child(|| counts_on(figure, inherited));
        inherited.free();
    }
    unsafe extern "C" fn destructor(_: *mut c_void) {
        fork_now();
    }
    extern "C" fn body(value: *mut c_void) -> *mut c_void {
        Block::new(1).free();
        set(KEY.load(Ordering::Relaxed) as _, value);
        ptr::null_mut()
    }
    extern "C" fn unknown_thread(_: *mut c_void) -> *mut c_void {
        in_child(|| {
            let figure = used_memory();
            let block = Block::new(500);
            let counted = since(figure) == block.usable().cast_signed();
            block.free();
            counted && since(figure) == 0
        });
        ptr::null_mut()
    }

    KEY.store(new_key(destructor) as usize, Ordering::Relaxed);
    let base = used_memory();
    RawThread::run(body, &());
    RawThread::run(unknown_thread, &());
    assert_eq!(since(base), 0);
}

/// Were the list of threads not locked across a fork, a child would now and then find it locked by
/// a thread that it does not have, and hang, or find it half changed.
pub(crate) fn forks_while_threads_come_and_go() {
    // AddressSanitizer's own locks may be held by another thread as a process forks.
    if cfg!(zmalloc_sanitized) {
        return;
    }
    static DONE: AtomicBool = AtomicBool::new(false);

    DONE.store(false, Ordering::Relaxed);
    extern "C" fn churn(_: *mut c_void) -> *mut c_void {
        extern "C" fn brief(_: *mut c_void) -> *mut c_void {
            Block::new(64).free();
            ptr::null_mut()
        }
        while !DONE.load(Ordering::Relaxed) {
            RawThread::run(brief, &());
        }
        ptr::null_mut()
    }
    let base = used_memory();
    let churning = [RawThread::start(churn, &()), RawThread::start(churn, &())];
    for _ in 0..200 {
        in_child(|| {
            let figure = used_memory();
            let block = Block::new(1 << 20);
            let counted = since(figure) == block.usable().cast_signed();
            block.free();
            counted
        });
        thread::yield_now();
    }
    DONE.store(true, Ordering::Relaxed);
    churning.into_iter().for_each(RawThread::join);
    assert_eq!(since(base), 0);
}
