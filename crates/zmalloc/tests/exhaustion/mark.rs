//! The soft mark.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use zmalloc::{set_limit, set_soft_mark, used_memory};

use crate::{Block, SLACK, allow};

static CALLS: AtomicUsize = AtomicUsize::new(0);
static TOLD: AtomicUsize = AtomicUsize::new(0);

fn note(used: usize) {
    CALLS.fetch_add(1, Ordering::Relaxed);
    TOLD.store(used, Ordering::Relaxed);
}

fn calls() -> usize {
    CALLS.swap(0, Ordering::Relaxed)
}

pub(crate) fn a_mark_is_told_once() {
    let mut held = Vec::with_capacity(1_000);
    let base = used_memory();
    let mark = base + (6 << 20);
    allow(10 << 20);
    set_soft_mark(Some((mark, note)));
    while used_memory() + 4096 + SLACK < mark {
        held.push(Block::new(4096).unwrap());
        assert_eq!(calls(), 0, "{} bytes below the mark", mark - used_memory());
    }
    while used_memory() < mark {
        held.push(Block::new(4096).unwrap());
    }
    let told = TOLD.load(Ordering::Relaxed);
    assert_eq!(calls(), 1);
    assert!(told.abs_diff(mark) <= SLACK, "{told} at {mark}");

    // To and fro near the mark it stays quiet.
    for _ in 0..100 {
        held.truncate(held.len() - 20);
        held.extend((0..20).map(|_| Block::new(4096).unwrap()));
    }
    assert_eq!(calls(), 0);
    // From well below, it is told again.
    held.clear();
    let all = Block::new(7 << 20).unwrap();
    assert_eq!(calls(), 1);
    drop(all);

    set_soft_mark(None);
    drop(Block::new(7 << 20).unwrap());
    assert_eq!(calls(), 0);
}

pub(crate) fn a_mark_needs_no_limit() {
    set_limit(None);
    set_soft_mark(Some((used_memory() + (1 << 20), note)));
    drop(Block::new(1000).unwrap());
    assert_eq!(calls(), 0);
    let large = Block::new(2 << 20).unwrap();
    assert_eq!(calls(), 1);
    drop(large);
    set_soft_mark(None);
}

/// A callback that frees, allocates, and passes the mark again itself, which is not told.
pub(crate) fn a_callback_may_allocate() {
    static KEPT: Mutex<Vec<Block>> = Mutex::new(Vec::new());

    fn trade(used: usize) {
        note(used);
        let mut kept = KEPT.lock().unwrap();
        kept.clear();
        for _ in 0..10 {
            drop(Block::new(3 << 20));
        }
        kept.push(Block::new(100_000).unwrap());
    }
    KEPT.lock().unwrap().extend((0..20).map(|_| Block::new(200_000).unwrap()));
    let base = used_memory();
    allow(5 << 20);
    set_soft_mark(Some((base + (1 << 20), trade)));
    let block = Block::new(2 << 20).unwrap();
    assert_eq!(calls(), 1);
    assert!(used_memory() < base, "what was kept is gone");
    drop(block);
    set_soft_mark(None);
    KEPT.lock().unwrap().clear();
}
