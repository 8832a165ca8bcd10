//! Allocations and frees by destructors that run as a thread ends, before the ledger's own and
//! after it.

use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use zmalloc::used_memory;

use crate::raw_thread::{RawThread, new_key, set};
use crate::{Block, since};

const THREADS: usize = 200;

/// Values of `thread_local!` are dropped before any key's destructor runs.
pub(crate) fn rust_destructors() {
    struct Late(Vec<u8>);
    impl Drop for Late {
        fn drop(&mut self) {
            let grown = [self.0.as_slice(), &[1; 3_000]].concat();
            assert_eq!(grown.len(), 4_000);
        }
    }
    thread_local! {
        static LATE: RefCell<Option<Late>> = const { RefCell::new(None) };
    }
    extern "C" fn body(_: *mut c_void) -> *mut c_void {
        LATE.with(|late| *late.borrow_mut() = Some(Late(vec![0; 1_000])));
        ptr::null_mut()
    }
    // What the standard library sets up once.
    RawThread::run(body, &());
    let base = used_memory();
    for _ in 0..THREADS {
        RawThread::run(body, &());
    }
    assert_eq!(since(base), 0);
}

/// The ledger's key is the older one, so its destructor comes first in the first round. This one
/// asks to be called again each time, which it is in a fixed number of rounds.
pub(crate) fn key_destructors_in_every_round() {
    static KEY: AtomicUsize = AtomicUsize::new(0);
    static CALLS: AtomicUsize = AtomicUsize::new(0);

    /// Frees the block it is given and sets a new one of another size for the next round.
    unsafe extern "C" fn destructor(value: *mut c_void) {
        // SAFETY: the value is a box of a block that was set on this thread and is taken back once.
        let block = *unsafe { Box::from_raw(value.cast::<Block>()) };
        let size = block.layout.size();
        block.free();
        let round = CALLS.fetch_add(1, Ordering::Relaxed) % 4;
        if round < 3 {
            set(KEY.load(Ordering::Relaxed) as _, Box::into_raw(Box::new(Block::new(size * 3))).cast());
        }
    }
    extern "C" fn body(_: *mut c_void) -> *mut c_void {
        set(KEY.load(Ordering::Relaxed) as _, Box::into_raw(Box::new(Block::new(700))).cast());
        ptr::null_mut()
    }
    KEY.store(new_key(destructor) as usize, Ordering::Relaxed);
    CALLS.store(0, Ordering::Relaxed);
    let base = used_memory();
    for number in 1..=THREADS {
        RawThread::run(body, &());
        assert_eq!(since(base), 0);
        // The system's rounds, which are at least 4.
        assert_eq!(CALLS.load(Ordering::Relaxed), number * 4);
    }
}

/// A thread whose first allocation is made by a destructor.
pub(crate) fn first_use_in_a_destructor() {
    static KEY: AtomicUsize = AtomicUsize::new(0);
    static KEPT: Mutex<Vec<Block>> = Mutex::new(Vec::new());

    unsafe extern "C" fn destructor(_: *mut c_void) {
        Block::new(40_000).free();
        KEPT.lock().unwrap().push(Block::new(2_000));
    }
    extern "C" fn body(value: *mut c_void) -> *mut c_void {
        set(KEY.load(Ordering::Relaxed) as _, value);
        ptr::null_mut()
    }
    KEPT.lock().unwrap().reserve(THREADS);
    KEY.store(new_key(destructor) as usize, Ordering::Relaxed);
    let base = used_memory();
    for _ in 0..THREADS {
        RawThread::run(body, &());
        let kept: usize = KEPT.lock().unwrap().iter().map(Block::usable).sum();
        assert_eq!(since(base), kept.cast_signed());
    }
    KEPT.lock().unwrap().drain(..).for_each(Block::free);
    assert_eq!(since(base), 0);
}

/// A thread that the ledger has let go leaves a block that others free.
pub(crate) fn late_blocks_freed_elsewhere() {
    static KEY: AtomicUsize = AtomicUsize::new(0);
    static LATE: Mutex<Option<Block>> = Mutex::new(None);

    unsafe extern "C" fn destructor(_: *mut c_void) {
        *LATE.lock().unwrap() = Some(Block::new(100_000));
    }
    extern "C" fn body(value: *mut c_void) -> *mut c_void {
        Block::new(64).free();
        set(KEY.load(Ordering::Relaxed) as _, value);
        ptr::null_mut()
    }
    KEY.store(new_key(destructor) as usize, Ordering::Relaxed);
    let base = used_memory();
    for _ in 0..THREADS {
        RawThread::run(body, &());
        let block = LATE.lock().unwrap().take().unwrap();
        assert_eq!(since(base), block.usable().cast_signed());
        block.free();
        assert_eq!(since(base), 0);
    }
}
