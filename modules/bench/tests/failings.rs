//! What goes wrong with the crate redis-module's own allocator, and doesn't with ours.
//!
//! Each case is a child process, because three of the five end it: the test starts itself again with
//! the case and the allocator in its environment. In the child the statics of redis-module are
//! filled with the functions of a server of our own making, whose blocks are aligned to 8, as half
//! of those of Redis's jemalloc are.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use redis_module::alloc::RedisAlloc;
use redis_module::raw;
use zmalloc_module::ModuleAlloc;

static ALLOCS: AtomicUsize = AtomicUsize::new(0);
static CALLOCS: AtomicUsize = AtomicUsize::new(0);
static REALLOCS: AtomicUsize = AtomicUsize::new(0);
static REFUSES: AtomicBool = AtomicBool::new(false);

/// A block 8 bytes past a multiple of 16; null when there is no memory.
unsafe extern "C" fn try_alloc(size: usize) -> *mut c_void {
    if REFUSES.load(Ordering::SeqCst) {
        return std::ptr::null_mut();
    }
    ALLOCS.fetch_add(1, Ordering::SeqCst);
    // SAFETY: the block begins 8 bytes into one of libc's that is long enough.
    unsafe { libc::calloc(1, size + 8).cast::<u8>().add(8).cast() }
}

/// As a server's Alloc: it ends the process when there is no memory.
unsafe extern "C" fn alloc(size: usize) -> *mut c_void {
    // SAFETY: no precondition.
    let block = unsafe { try_alloc(size) };
    if block.is_null() {
        std::process::abort();
    }
    block
}

unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    CALLOCS.fetch_add(1, Ordering::SeqCst);
    // SAFETY: no precondition; what `alloc` gives is zero.
    unsafe { alloc(count * size) }
}

unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    REALLOCS.fetch_add(1, Ordering::SeqCst);
    // SAFETY: libc's block begins 8 bytes before.
    unsafe { libc::realloc(block.cast::<u8>().sub(8).cast(), size + 8).cast::<u8>().add(8).cast() }
}

unsafe extern "C" fn free(block: *mut c_void) {
    // SAFETY: libc's block begins 8 bytes before.
    unsafe { libc::free(block.cast::<u8>().sub(8).cast()) }
}

/// As a server's: writes the function of that name to the place, or says that there is none.
unsafe extern "C" fn get_api(name: *const c_char, place: *mut c_void) -> c_int {
    // SAFETY: the caller passes a name that ends with NUL.
    let function = match unsafe { CStr::from_ptr(name) }.to_bytes() {
        b"RedisModule_Alloc" => alloc as *mut c_void,
        b"RedisModule_Calloc" => calloc as *mut c_void,
        b"RedisModule_Realloc" => realloc as *mut c_void,
        b"RedisModule_Free" => free as *mut c_void,
        b"RedisModule_TryAlloc" => try_alloc as *mut c_void,
        _ => return 1,
    };
    // SAFETY: the caller passes a place for a pointer.
    unsafe { place.cast::<*mut c_void>().write(function) };
    0
}

/// Fills the statics in, as `RedisModule_Init` does.
fn initialise() {
    // SAFETY: nothing else runs in the child.
    unsafe {
        raw::RedisModule_Alloc = Some(alloc);
        raw::RedisModule_Calloc = Some(calloc);
        raw::RedisModule_Realloc = Some(realloc);
        raw::RedisModule_Free = Some(free);
        raw::RedisModule_TryAlloc = Some(try_alloc);
        raw::RedisModule_GetApi = Some(get_api);
    }
}

/// True when all went well.
type Case = fn(&dyn GlobalAlloc) -> bool;

/// The cases by name.
const CASES: [(&str, Case); 5] = [
    ("without-a-server", without_a_server),
    ("alignment", alignment),
    ("zeroed", zeroed),
    ("growth", growth),
    ("failure", failure),
];

/// It works under `cargo test`, where no server is.
fn without_a_server(allocator: &dyn GlobalAlloc) -> bool {
    let layout = Layout::new::<[u64; 10]>();
    // SAFETY: the size isn't 0, and the block is freed once, as allocated.
    unsafe {
        let block = allocator.alloc(layout);
        block.write_bytes(1, layout.size());
        allocator.dealloc(block, layout);
    }
    true
}

/// Blocks are aligned as asked.
fn alignment(allocator: &dyn GlobalAlloc) -> bool {
    initialise();
    [16, 32, 64, 4096].into_iter().all(|align| {
        let layout = Layout::from_size_align(100, align).expect("a layout");
        // SAFETY: as above.
        unsafe {
            let block = allocator.alloc(layout);
            let is_aligned = (block as usize).is_multiple_of(align);
            allocator.dealloc(block, layout);
            is_aligned
        }
    })
}

/// Zeroed blocks come from Calloc, which needn't write.
fn zeroed(allocator: &dyn GlobalAlloc) -> bool {
    initialise();
    let layout = Layout::from_size_align(1 << 20, 8).expect("a layout");
    // SAFETY: as above.
    unsafe {
        let block = allocator.alloc_zeroed(layout);
        allocator.dealloc(block, layout);
    }
    CALLOCS.load(Ordering::SeqCst) == 1
}

/// Large blocks grow by Realloc, which needn't copy.
fn growth(allocator: &dyn GlobalAlloc) -> bool {
    initialise();
    let layout = Layout::from_size_align(1 << 20, 8).expect("a layout");
    // SAFETY: as above; the block is of the new size after it has grown.
    unsafe {
        let block = allocator.alloc(layout);
        let grown = allocator.realloc(block, layout, 2 << 20);
        allocator.dealloc(grown, Layout::from_size_align(2 << 20, 8).expect("a layout"));
    }
    REALLOCS.load(Ordering::SeqCst) == 1
}

/// Null says that there is no memory, and the process lives.
fn failure(allocator: &dyn GlobalAlloc) -> bool {
    initialise();
    let layout = Layout::from_size_align(1 << 20, 8).expect("a layout");
    // SAFETY: as above; a block that can't grow stays.
    unsafe {
        let block = allocator.alloc(layout);
        REFUSES.store(true, Ordering::SeqCst);
        let is_null =
            allocator.alloc(layout).is_null() && allocator.realloc(block, layout, 2 << 20).is_null();
        allocator.dealloc(block, layout);
        is_null
    }
}

/// Runs a case in a child: whether it ended well.
fn ends_well(case: &str, allocator: &str) -> bool {
    let mut command = Command::new(std::env::current_exe().expect("this test"));
    command.args(["--exact", "child", "--nocapture"]).env("CASE", case).env("ALLOCATOR", allocator);
    command.output().expect("a child").status.success()
}

/// The child's work; nothing when it is run as a test like the others.
#[test]
fn child() {
    let Ok(case) = std::env::var("CASE") else { return };
    let (_, run) = CASES.into_iter().find(|(name, _)| *name == case).expect("a case");
    let is_ours = std::env::var("ALLOCATOR").is_ok_and(|name| name == "ours");
    let theirs = RedisAlloc;
    let allocator: &dyn GlobalAlloc = if is_ours { &ModuleAlloc::new() } else { &theirs };
    assert!(run(allocator), "{case}");
}

#[test]
fn ours_has_none_of_them() {
    for (case, _) in CASES {
        assert!(ends_well(case, "ours"), "{case}");
    }
}

#[test]
fn theirs_has_all_of_them() {
    for (case, _) in CASES {
        assert!(!ends_well(case, "theirs"), "{case}");
    }
}
