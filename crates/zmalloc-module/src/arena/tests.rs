//! Tests of the arena alone: what it hands out never overlaps, and it ends when it should.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Allocate { size: usize, align: usize },
    Free { which: prop::sample::Index },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let size = prop_oneof![40 => 1usize..600, 10 => 600usize..20_000, 1 => 20_000usize..1_200_000];
    let allocate = (size, 0u32..14).prop_map(|(size, shift)| Step::Allocate { size, align: 1 << shift });
    let free = any::<prop::sample::Index>().prop_map(|which| Step::Free { which });
    prop::collection::vec(prop_oneof![3 => allocate, 2 => free], 1..200)
}

proptest! {
    /// Blocks are aligned, lie in the arena, overlap with none that is in use, and keep what was
    /// written to them; new ones hold zeros where the arena says so.
    #[test]
    fn blocks_are_apart(steps in steps()) {
        let arena = Arena::new();
        let mut live: BTreeMap<usize, (usize, usize, u8)> = BTreeMap::new();
        for (number, step) in steps.into_iter().enumerate() {
            match step {
                Step::Allocate { size, align } => {
                    let block = arena.allocate(size, align).unwrap();
                    let start = block.address.as_ptr() as usize;
                    prop_assert_eq!(start % align, 0);
                    prop_assert!(block.size >= size);
                    prop_assert!(arena.contains(block.address.as_ptr()));
                    if let Some((_, (end, ..))) = live.range(..start + block.size).next_back() {
                        prop_assert!(*end <= start);
                    }
                    // SAFETY: the block is as long as it says, and ours.
                    let bytes = unsafe { std::slice::from_raw_parts_mut(block.address.as_ptr(), block.size) };
                    if block.is_zero {
                        prop_assert!(bytes.iter().all(|byte| *byte == 0));
                    }
                    bytes.fill(number as u8);
                    live.insert(start, (start + block.size, align, number as u8));
                }
                Step::Free { which } => {
                    if live.is_empty() {
                        continue;
                    }
                    let start = *live.keys().nth(which.index(live.len())).unwrap();
                    let (end, align, mark) = live.remove(&start).unwrap();
                    // SAFETY: the block is still in use.
                    let bytes = unsafe { std::slice::from_raw_parts(start as *const u8, end - start) };
                    prop_assert!(bytes.iter().all(|byte| *byte == mark));
                    // SAFETY: it was allocated, and is used no more; its class is its size's class.
                    unsafe { arena.free(start as *mut u8, end - start, align) };
                }
            }
        }
        arena.seal();
        prop_assert!(arena.allocate(1, 1).is_none());
        for (start, (end, align, _)) in live {
            prop_assert!(arena.contains(start as *const u8));
            // SAFETY: as above.
            unsafe { arena.free(start as *mut u8, end - start, align) };
        }
        // The last block took the range with it.
        prop_assert_eq!(arena.length.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn freed_blocks_are_used_again() {
    let arena = Arena::new();
    let first = arena.allocate(100, 8).unwrap();
    let before = arena.next.load(Ordering::SeqCst);
    // SAFETY: each block is freed once, as it was allocated.
    unsafe { arena.free(first.address.as_ptr(), 100, 8) };
    for _ in 0..100_000 {
        let block = arena.allocate(100, 8).unwrap();
        // SAFETY: as above.
        unsafe { arena.free(block.address.as_ptr(), 100, 8) };
    }
    assert_eq!(arena.next.load(Ordering::SeqCst), before);
}

#[test]
fn a_full_range_is_no_crash() {
    let arena = Arena::new();
    let mut blocks = Vec::new();
    // Address space alone is used up: nothing is written.
    while let Some(block) = arena.allocate(1 << 30, 8) {
        blocks.push(block.address.as_ptr());
        assert!(blocks.len() <= 1 << (MOST - 30));
    }
    assert!(blocks.len() >= 2);
    assert!(arena.allocate(usize::MAX / 2, 8).is_none());
    let last = blocks.pop().unwrap();
    // SAFETY: it was allocated like this.
    unsafe { arena.free(last, 1 << 30, 8) };
    assert!(arena.allocate(1 << 30, 8).is_some());
}

#[test]
fn other_peoples_blocks_are_not_ours() {
    let arena = Arena::new();
    let other = Box::new(1u8);
    assert!(!arena.contains(&*other) && !arena.contains(std::ptr::null()));
    let block = arena.allocate(10, 1).unwrap();
    assert!(!arena.contains(&*other) && arena.contains(block.address.as_ptr()));
    arena.seal();
    assert!(arena.contains(block.address.as_ptr()));
    let used = block.address.as_ptr() as usize;
    assert!(!arena.contains((used + 2 * STEP) as *const u8));
}

#[test]
fn an_arena_nobody_used_has_nothing_to_give_back() {
    let arena = Arena::new();
    arena.seal();
    arena.seal();
    assert!(arena.is_sealed() && arena.allocate(1, 1).is_none());
    assert_eq!(arena.reservation.load(Ordering::SeqCst), 0);
}

/// Threads take blocks, hand them to each other and free them; every block belongs to one of them.
#[test]
fn threads_share_an_arena() {
    let arena = &Arena::new();
    std::thread::scope(|scope| {
        let (sender, receiver) = std::sync::mpsc::channel::<(usize, usize)>();
        let receiver = std::sync::Arc::new(std::sync::Mutex::new(receiver));
        for thread in 0..4usize {
            let (sender, receiver) = (sender.clone(), receiver.clone());
            scope.spawn(move || {
                for round in 0..20_000usize {
                    let size = 8 + (round * 37 + thread) % 500;
                    let block = arena.allocate(size, 8).unwrap().address.as_ptr();
                    // SAFETY: the block is that long, and this thread's alone.
                    unsafe { block.cast::<usize>().write(block as usize ^ size) };
                    sender.send((block as usize, size)).unwrap();
                    let (block, size) = receiver.lock().unwrap().recv().unwrap();
                    let block = block as *mut u8;
                    // SAFETY: it was sent by the thread that had it.
                    unsafe {
                        assert_eq!(block.cast::<usize>().read(), block as usize ^ size);
                        arena.free(block, size, 8);
                    }
                }
            });
        }
    });
    arena.seal();
    assert_eq!(arena.length.load(Ordering::SeqCst), 0);
}
