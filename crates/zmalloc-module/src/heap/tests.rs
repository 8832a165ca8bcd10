//! Tests of the heap over servers of our own making.

use std::ffi::c_void;
use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use proptest::prelude::*;

use super::*;

/// Blocks that a fake server has given out, by address: what was asked for.
static GIVEN: Mutex<Option<std::collections::HashMap<usize, usize>>> = Mutex::new(None);

/// Requests from this size on are refused.
static REFUSE_FROM: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Every block lies 8 bytes past a multiple of 16, as bad as a server's block may lie.
unsafe extern "C" fn give(size: usize) -> *mut c_void {
    if size >= REFUSE_FROM.load(Ordering::SeqCst) {
        return ptr::null_mut();
    }
    // SAFETY: plain calls of libc; the block begins 8 bytes into one that is long enough.
    unsafe {
        let block = libc::malloc(size + 24).cast::<u8>();
        assert!((block as usize).is_multiple_of(16));
        let given = block.add(8);
        ptr::write_bytes(given, 0xA5, size);
        GIVEN.lock().unwrap().get_or_insert_default().insert(given as usize, size);
        given.cast()
    }
}

unsafe extern "C" fn give_zeroed(count: usize, size: usize) -> *mut c_void {
    // SAFETY: the block is as long as was asked for.
    unsafe {
        let block = give(count * size);
        if !block.is_null() {
            ptr::write_bytes(block.cast::<u8>(), 0, count * size);
        }
        block
    }
}

unsafe extern "C" fn take(block: *mut c_void) {
    let known = GIVEN.lock().unwrap().as_mut().and_then(|given| given.remove(&(block as usize)));
    assert!(known.is_some(), "a block that was never given, or twice taken");
    // SAFETY: the block was given out, so libc's begins 8 bytes before it.
    unsafe { libc::free(block.cast::<u8>().sub(8).cast()) }
}

unsafe extern "C" fn resize(block: *mut c_void, size: usize) -> *mut c_void {
    let old = usable(block);
    // SAFETY: both blocks are at least as long as the common length.
    unsafe {
        let moved = give(size);
        if !moved.is_null() {
            ptr::copy_nonoverlapping(block.cast::<u8>(), moved.cast::<u8>(), old.min(size));
            take(block);
        }
        moved
    }
}

extern "C" fn usable(block: *mut c_void) -> usize {
    *GIVEN.lock().unwrap().as_ref().unwrap().get(&(block as usize)).expect("a block in use")
}

unsafe extern "C" fn usable_size(block: *mut c_void) -> usize {
    usable(block)
}

/// A server that aligns to 8 and no more; with the functions of Redis 7.4, or of 6.0.
fn poor_server(is_new: bool) -> HostApi {
    HostApi {
        alloc: give,
        calloc: give_zeroed,
        realloc: resize,
        free: take,
        try_alloc: is_new.then_some(give),
        try_calloc: is_new.then_some(give_zeroed),
        try_realloc: is_new.then_some(resize),
        usable_size: is_new.then_some(usable_size),
        defrag: None,
    }
}

/// libc itself, as under a server that was built with it.
fn libc_server() -> HostApi {
    // SAFETY: passed on.
    unsafe extern "C" fn usable_size(block: *mut c_void) -> usize {
        // SAFETY: the block is libc's.
        unsafe { libc::malloc_usable_size(block) }
    }
    HostApi {
        alloc: libc::malloc,
        calloc: libc::calloc,
        realloc: libc::realloc,
        free: libc::free,
        try_alloc: Some(libc::malloc),
        try_calloc: None,
        try_realloc: None,
        usable_size: Some(usable_size),
        defrag: None,
    }
}

#[derive(Clone, Debug)]
enum Step {
    Allocate { size: usize, shift: u32, zeroed: bool },
    Reallocate { which: prop::sample::Index, size: usize },
    Free { which: prop::sample::Index },
    Bind,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = || prop_oneof![6 => 1usize..300, 3 => 300usize..10_000, 1 => 10_000usize..300_000];
    let step = prop_oneof![
        10 => (size(), 0u32..13, any::<bool>())
            .prop_map(|(size, shift, zeroed)| Step::Allocate { size, shift, zeroed }),
        6 => (any::<prop::sample::Index>(), size())
            .prop_map(|(which, size)| Step::Reallocate { which, size }),
        6 => any::<prop::sample::Index>().prop_map(|which| Step::Free { which }),
        1 => Just(Step::Bind),
    ];
    prop::collection::vec(step, 1..120)
}

/// A block in use: its address, its layout, and the byte it is filled with.
type Live = (*mut u8, Layout, u8);

fn check(live: &Live) {
    let (block, layout, mark) = *live;
    // SAFETY: the block is in use and that long.
    let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
    assert!(bytes.iter().all(|byte| *byte == mark));
}

fn fill(block: *mut u8, layout: Layout, mark: u8) -> Live {
    assert!((block as usize).is_multiple_of(layout.align()), "{layout:?}");
    // SAFETY: the block is in use and that long.
    unsafe { ptr::write_bytes(block, mark, layout.size()) };
    (block, layout, mark)
}

/// Runs the steps; binding may come anywhere. Blocks keep their contents, and count.
fn run(steps: Vec<Step>, server: HostApi) {
    let heap = Heap::new();
    let mut live: Vec<Live> = Vec::new();
    for (number, step) in steps.into_iter().enumerate() {
        let mark = number as u8;
        match step {
            Step::Allocate { size, shift, zeroed } => {
                let layout = Layout::from_size_align(size, 1 << shift).unwrap();
                // SAFETY: the size isn't 0.
                let block = unsafe { heap.allocate(layout, zeroed) };
                assert!(!block.is_null());
                if zeroed {
                    check(&(block, layout, 0));
                }
                live.push(fill(block, layout, mark));
            }
            Step::Reallocate { which, size } if !live.is_empty() => {
                let index = which.index(live.len());
                let (block, layout, old_mark) = live.swap_remove(index);
                let new = Layout::from_size_align(size, layout.align()).unwrap();
                // SAFETY: the block is in use, of this layout.
                let moved = unsafe { heap.reallocate(block, layout, size) };
                let common = Layout::from_size_align(size.min(layout.size()), 1).unwrap();
                check(&(moved, common, old_mark));
                live.push(fill(moved, new, mark));
            }
            Step::Free { which } if !live.is_empty() => {
                let (block, layout, mark) = live.swap_remove(which.index(live.len()));
                check(&(block, layout, mark));
                // SAFETY: the block is in use, of this layout.
                unsafe { heap.free(block, layout) };
            }
            // SAFETY: the functions do what the API documents.
            Step::Bind => unsafe { heap.bind(server).unwrap() },
            _ => {}
        }
        let usage = heap.usage();
        let asked: usize = live.iter().map(|(_, layout, _)| layout.size()).sum();
        assert_eq!(usage.blocks, live.len());
        assert!(usage.bytes >= asked && usage.peak >= usage.bytes);
    }
    for (block, layout, mark) in live {
        check(&(block, layout, mark));
        // SAFETY: the block is in use, of this layout.
        unsafe { heap.free(block, layout) };
    }
    assert_eq!((heap.usage().bytes, heap.usage().blocks), (0, 0));
}

proptest! {
    #[test]
    fn a_poor_server_will_do(steps in steps()) {
        run(steps, poor_server(true));
    }

    #[test]
    fn an_old_server_will_do(steps in steps()) {
        run(steps, poor_server(false));
    }

    #[test]
    fn libc_will_do(steps in steps()) {
        run(steps, libc_server());
    }
}

#[test]
fn libc_is_recognised_and_a_poor_server_is_not() {
    // SAFETY: both are as the API documents.
    unsafe {
        assert_eq!(Host::new(libc_server()).request(5, 16), Some(5));
        assert_eq!(Host::new(poor_server(true)).request(5, 16), None);
        assert_eq!(Host::new(poor_server(false)).request(5, 8), Some(5));
    }
}

#[test]
fn what_was_bound_stays_bound() {
    let heap = Heap::new();
    // SAFETY: all are as the API documents.
    unsafe {
        assert_eq!(heap.bind(libc_server()), Ok(()));
        assert_eq!(heap.bind(libc_server()), Ok(()));
        assert_eq!(heap.bind(poor_server(true)), Err(BindError::AnotherServer));
    }
}

/// The server's refusal comes through as null, and the block that should have grown is unharmed.
#[test]
fn a_refusal_is_null() {
    let refusing = HostApi { usable_size: None, try_realloc: None, try_calloc: None, ..libc_server() };
    let heap = Heap::new();
    let large = Layout::from_size_align(100_000, 8).unwrap();
    // SAFETY: layouts are those of the blocks, and sizes aren't 0. What is asked for exceeds every
    // address space, so libc refuses it.
    unsafe {
        heap.bind(refusing).unwrap();
        let block = heap.allocate(large, false);
        let live = fill(block, large, 7);
        let impossible = isize::MAX as usize - 4096;
        let huge = Layout::from_size_align(impossible, 8).unwrap();
        assert!(heap.allocate(huge, false).is_null() && heap.allocate(huge, true).is_null());
        assert!(heap.reallocate(block, large, impossible).is_null());
        let wide = Layout::from_size_align(impossible, 4096).unwrap();
        assert!(heap.allocate(wide, false).is_null());
        check(&live);
        assert_eq!((heap.usage().blocks, heap.usage().bytes), (1, 100_000));
        heap.free(block, large);
    }
}

/// Threads allocate and free each other's blocks while the server is bound among them.
#[test]
fn binding_among_threads() {
    for _ in 0..20 {
        let heap = &Heap::new();
        let (sender, receiver) = std::sync::mpsc::channel::<(usize, Layout)>();
        let receiver = &Mutex::new(receiver);
        std::thread::scope(|scope| {
            for thread in 0..4usize {
                let sender = sender.clone();
                scope.spawn(move || {
                    for round in 0..2000usize {
                        let size = 1 + (round * 31 + thread * 7) % 700;
                        let layout = Layout::from_size_align(size, 1 << (round % 7)).unwrap();
                        // SAFETY: the size isn't 0, and the blocks are freed once, as allocated.
                        unsafe {
                            let block = heap.allocate(layout, round % 2 == 0);
                            fill(block, layout, size as u8);
                            sender.send((block as usize, layout)).unwrap();
                            let (block, layout) = receiver.lock().unwrap().recv().unwrap();
                            check(&(block as *mut u8, layout, layout.size() as u8));
                            heap.free(block as *mut u8, layout);
                        }
                    }
                });
            }
            // SAFETY: libc does what the API documents.
            scope.spawn(move || unsafe { heap.bind(libc_server()).unwrap() });
        });
        assert_eq!((heap.usage().bytes, heap.usage().blocks), (0, 0));
    }
}
