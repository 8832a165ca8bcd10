//! A program of its own, without a harness, because it counts what it holds: the callbacks of a data
//! type, with a server that is libc and moves blocks as it is told.

use std::collections::{BTreeMap, HashSet};
use std::ffi::{CStr, c_char, c_int, c_ulong, c_void};
use std::rc::Rc;

use heapwalk::HeapWalk;
use zmalloc_module::ModuleAlloc;
use zmalloc_module::defrag::Defragmenter;
use zmalloc_module::value::{defrag, mem_usage, mem_usage2, memory_usage};

#[global_allocator]
static ALLOCATOR: ModuleAlloc = ModuleAlloc::new();

/// What the server passes to a defrag callback: here, how it is to behave, and what came of it.
#[derive(Default)]
struct Context {
    /// The number of the one block to move, or all.
    only: Option<usize>,
    /// DefragAlloc moves nothing.
    refuses: bool,
    /// The time is up at every so many questions; never if 0.
    patience: usize,
    /// What the callback keeps; the server keeps nothing of a small value.
    cursor: Option<c_ulong>,
    questions: usize,
    offered: Vec<usize>,
    moved: usize,
}

unsafe extern "C" fn defrag_alloc(context: *mut Context, block: *mut c_void) -> *mut c_void {
    // SAFETY: the context is the test's; the block is libc's, and moves with all its bytes.
    unsafe {
        let context = &mut *context;
        let number = context.offered.len();
        context.offered.push(block as usize);
        if context.refuses || context.only.is_some_and(|only| only != number) {
            return std::ptr::null_mut();
        }
        context.moved += 1;
        let size = libc::malloc_usable_size(block);
        let moved = libc::malloc(size);
        std::ptr::copy_nonoverlapping(block.cast::<u8>(), moved.cast::<u8>(), size);
        // So that a use of what was freed shows.
        block.cast::<u8>().write_bytes(0xA5, size);
        libc::free(block);
        moved
    }
}

unsafe extern "C" fn should_stop(context: *mut Context) -> c_int {
    // SAFETY: the context is the test's.
    let context = unsafe { &mut *context };
    context.questions += 1;
    c_int::from(context.patience > 0 && context.questions.is_multiple_of(context.patience))
}

unsafe extern "C" fn cursor_set(context: *mut Context, cursor: c_ulong) -> c_int {
    // SAFETY: the context is the test's.
    match unsafe { &mut (*context).cursor } {
        Some(kept) => {
            *kept = cursor;
            0
        }
        None => 1,
    }
}

unsafe extern "C" fn cursor_get(context: *mut Context, cursor: *mut c_ulong) -> c_int {
    // SAFETY: the context is the test's, and there is room for a number.
    match unsafe { (*context).cursor } {
        Some(kept) => {
            // SAFETY: as above.
            unsafe { *cursor = kept };
            0
        }
        None => 1,
    }
}

unsafe extern "C" fn get_api(name: *const c_char, function: *mut *mut c_void) -> c_int {
    // SAFETY: the name is a string.
    let found = match unsafe { CStr::from_ptr(name) }.to_bytes() {
        b"RedisModule_Alloc" | b"RedisModule_TryAlloc" => libc::malloc as *mut c_void,
        b"RedisModule_Calloc" => libc::calloc as *mut c_void,
        b"RedisModule_Realloc" => libc::realloc as *mut c_void,
        b"RedisModule_Free" => libc::free as *mut c_void,
        b"RedisModule_MallocUsableSize" => libc::malloc_usable_size as *mut c_void,
        b"RedisModule_DefragAlloc" => defrag_alloc as *mut c_void,
        b"RedisModule_DefragShouldStop" => should_stop as *mut c_void,
        b"RedisModule_DefragCursorSet" => cursor_set as *mut c_void,
        b"RedisModule_DefragCursorGet" => cursor_get as *mut c_void,
        _ => return 1,
    };
    // SAFETY: there is room for a pointer.
    unsafe { *function = found };
    0
}

#[derive(Clone, Debug, PartialEq, HeapWalk)]
struct Value {
    name: String,
    rows: Vec<Row>,
    index: BTreeMap<u64, Vec<u8>>,
    next: Option<Box<Value>>,
}

#[derive(Clone, Debug, PartialEq, HeapWalk)]
struct Row {
    words: Vec<String>,
    wide: Box<[Wide]>,
    shared: Rc<str>,
}

/// Blocks of these are aligned by hand, so the server can't move them.
#[derive(Clone, Debug, PartialEq, HeapWalk)]
#[repr(align(256))]
struct Wide(u8);

fn row(number: usize) -> Row {
    Row {
        words: (0..number % 7).map(|word| "word ".repeat(word + number)).collect(),
        wide: (0..number % 3).map(|wide| Wide(wide as u8)).collect(),
        shared: Rc::from(format!("row {number}")),
    }
}

fn value(rows: usize, with_index: bool) -> Value {
    Value {
        name: "a name".repeat(rows),
        rows: (0..rows).map(row).collect(),
        index: (0..if with_index { 40 } else { 0 }).map(|key| (key, vec![key as u8; 30])).collect(),
        next: (rows > 3).then(|| Box::new(value(rows / 2, with_index))),
    }
}

/// The same value again, none of whose blocks has two owners.
fn copy(original: &Value) -> Value {
    value(original.rows.len(), !original.index.is_empty())
}

/// Calls the callback until it has finished; returns how often that was.
fn defragment(context: &mut Context, value: &mut *mut c_void) -> usize {
    for calls in 1..1_000_000 {
        let key: *mut c_void = std::ptr::null_mut();
        // SAFETY: the context is ours, and the value is a box made raw, whose owner we are.
        match unsafe { defrag::<Value, _, _>(std::ptr::from_mut(context), key, value) } {
            0 => return calls,
            result => assert_eq!(result, 1),
        }
    }
    panic!("the callback never finishes");
}

/// Has the blocks of a value moved in this way, and checks that nothing else changes.
fn run(original: &Value, mut context: Context) -> (usize, Context) {
    let mut raw: *mut c_void = Box::into_raw(Box::new(copy(original))).cast();
    context.offered.reserve(10_000);
    let before = ModuleAlloc::usage();
    let calls = defragment(&mut context, &mut raw);
    let after = ModuleAlloc::usage();
    // A place that an unfinished call left before may go, in a block of its own.
    assert!(before.blocks - after.blocks <= 1);
    assert!(before.bytes == after.bytes || before.blocks == after.blocks + 1);
    // SAFETY: the box was made raw above, and its value is where the callback left it.
    let moved = unsafe { Box::from_raw(raw.cast::<Value>()) };
    assert_eq!(*moved, *original);
    (calls, context)
}

fn every_block_moves_and_none_twice() {
    let original = value(60, true);
    let (calls, context) = run(&original, Context::default());
    assert_eq!(calls, 1);
    assert_eq!(context.moved, context.offered.len());
    // Names, rows, words, the index's values, boxes, and the value itself; what is aligned by hand is
    // not offered, nor what has owners that keep its address to themselves.
    let count = |value: &Value| -> usize {
        let words = |row: &Row| row.words.iter().filter(|word| word.capacity() > 0).count();
        let rows = value.rows.iter().map(|row| words(row) + usize::from(row.words.capacity() > 0));
        3 + rows.sum::<usize>() + value.index.len()
    };
    let values = std::iter::successors(Some(&original), |value| value.next.as_deref());
    assert_eq!(context.offered.len(), values.map(count).sum::<usize>());
}

fn each_block_in_turn() {
    let original = value(12, true);
    let (_, all) = run(&original, Context { refuses: true, ..Context::default() });
    assert!(all.moved == 0 && all.offered.len() > 50);
    for only in 0..all.offered.len() {
        let (_, context) = run(&original, Context { only: Some(only), ..Context::default() });
        assert_eq!((context.moved, context.offered.len()), (1, all.offered.len()));
    }
}

fn stopped_again_and_again() {
    let original = value(60, true);
    let (_, all) = run(&original, Context::default());
    for patience in 1..20 {
        let (calls, context) = run(&original, Context { patience, cursor: Some(0), ..Context::default() });
        assert!(calls > 1, "patience {patience}");
        // An element whose blocks were begun is begun again at most where a call ended.
        assert!(context.moved >= all.moved && context.moved <= all.moved + calls * 16);
    }
    // Without moves, addresses tell that each block was offered.
    let distinct = |context: &Context| context.offered.iter().copied().collect::<HashSet<_>>();
    let mut raw: *mut c_void = Box::into_raw(Box::new(original)).cast();
    let mut whole = Context { refuses: true, ..Context::default() };
    let mut parts = Context { refuses: true, patience: 1, cursor: Some(0), ..Context::default() };
    assert_eq!(defragment(&mut whole, &mut raw), 1);
    assert!(defragment(&mut parts, &mut raw) > 5);
    assert_eq!(distinct(&whole), distinct(&parts));
    // SAFETY: the box was made raw above.
    drop(unsafe { Box::from_raw(raw.cast::<Value>()) });
}

/// The server wants a small value done at once: it keeps no cursor, and the callback says it is done.
fn without_a_cursor() {
    let (calls, _) = run(&value(60, true), Context { patience: 1, ..Context::default() });
    assert_eq!(calls, 1);
}

/// A value that went away leaves its place; another begins at its beginning.
fn a_place_is_not_another_values() {
    let original = value(60, true);
    let mut abandoned: *mut c_void = Box::into_raw(Box::new(original.clone())).cast();
    let mut context = Context { patience: 1, cursor: Some(0), ..Context::default() };
    let key: *mut c_void = std::ptr::null_mut();
    // SAFETY: the context is ours, and the value is a box made raw.
    let status = unsafe { defrag::<Value, _, _>(&raw mut context, key, &raw mut abandoned) };
    assert_eq!(status, 1);
    // SAFETY: the box was made raw above, and its value is where the callback left it.
    assert_eq!(*unsafe { Box::from_raw(abandoned.cast::<Value>()) }, original);
    let (_, next) = run(&original, Context { cursor: Some(0), ..Context::default() });
    let (_, all) = run(&original, Context::default());
    assert_eq!(all.moved, next.moved);
    // Nor does a cursor mean anything that wasn't returned last.
    let (_, stale) = run(&original, Context { cursor: Some(77), ..Context::default() });
    assert_eq!(all.moved, stale.moved);
}

fn memory_is_what_a_drop_gives_back() {
    for rows in [0, 1, 5, 60, 3000] {
        let boxed = Box::new(value(rows, false));
        // SAFETY: the value is in a box, and the global allocator is ours.
        let said = unsafe { memory_usage(&*boxed) };
        let raw: *const c_void = std::ptr::from_ref(&*boxed).cast();
        let mut options = 0u8;
        // SAFETY: the value is a box's.
        unsafe {
            assert_eq!(mem_usage::<Value>(raw), said);
            assert_eq!(mem_usage2::<Value, u8>(&raw mut options, raw, 5), said);
        }
        let before = ModuleAlloc::usage().bytes;
        drop(boxed);
        let held = before - ModuleAlloc::usage().bytes;
        // The shared texts, two to a row with those of `next`, count as asked for; libc rounds up.
        assert!(said <= held && held - said <= 2 * rows * 24, "{rows} rows: {said} of {held}");
    }
    // A tree's nodes are known by bounds: what is said is never too much.
    let boxed = Box::new(value(60, true));
    // SAFETY: the value is in a box, and the global allocator is ours.
    let said = unsafe { memory_usage(&*boxed) };
    let before = ModuleAlloc::usage().bytes;
    drop(boxed);
    let held = before - ModuleAlloc::usage().bytes;
    assert!(said <= held && said > held - held / 4, "{said} of {held}");
}

fn main() {
    // Allocated before there is a server, so never the server's to move.
    let early = Box::new(value(10, false));
    let mut context = Context::default();
    // SAFETY: the context is ours.
    assert!(unsafe { Defragmenter::new(&raw mut context) }.is_none());
    let mut api = [get_api as *mut c_void, std::ptr::null_mut()];
    // SAFETY: the context begins with GetApi, and the functions stay.
    unsafe { ModuleAlloc::bind(api.as_mut_ptr().cast()).unwrap() };

    every_block_moves_and_none_twice();
    each_block_in_turn();
    stopped_again_and_again();
    without_a_cursor();
    a_place_is_not_another_values();
    memory_is_what_a_drop_gives_back();

    let copy = (*early).clone();
    let mut raw: *mut c_void = Box::into_raw(early).cast();
    assert_eq!(defragment(&mut context, &mut raw), 1);
    assert!(context.offered.is_empty());
    // SAFETY: the box was made raw above.
    assert_eq!(*unsafe { Box::from_raw(raw.cast::<Value>()) }, copy);
}
