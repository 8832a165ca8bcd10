//! That a walk comes to every block.

use std::ops::ControlFlow;

use keyspace::{Expiry, Keyspace, Relocated, StringValue};

use crate::allocator;
use crate::movers::{Choice, Mover};

fn set(keyspace: &mut Keyspace, db: usize, number: usize) {
    let value = vec![b'v'; number * 7919 % 1500];
    let expiry = if number.is_multiple_of(3) { Expiry::At(number as i64) } else { Expiry::Never };
    let key = format!("key:{number}");
    keyspace.db_mut(db).set(key.as_bytes(), StringValue::encode(&value), expiry, 0);
}

fn filled(keys: usize) -> Keyspace {
    let mut keyspace = Keyspace::new(2, [9; 16]);
    (0..keys).for_each(|number| set(&mut keyspace, number % 2, number));
    keyspace
}

/// A whole walk.
fn walk(keyspace: &mut Keyspace, choice: Choice) -> Mover {
    let mut mover = Mover::new(choice);
    let mut relocated = Relocated::default();
    keyspace.begin_walk();
    assert!(keyspace.relocate(&mut mover, |_| false, &mut relocated).is_continue());
    assert_eq!((relocated.keys_moved + relocated.keys_left) as usize, keyspace.len());
    let is_idle = matches!(choice, Choice::Nothing | Choice::NothingAhead);
    assert_eq!(relocated.keys_moved == 0, is_idle || keyspace.is_empty());
    mover
}

/// What everything that a keyspace holds takes, by its own count.
fn bytes(keyspace: &Keyspace) -> usize {
    let mut entries = 0;
    for db in keyspace.iter() {
        db.for_each(|entry| entries += entry.memory_usage(zmalloc::good_size));
    }
    entries + keyspace.memory_overhead(zmalloc::good_size)
}

pub(crate) fn a_walk_comes_to_every_byte() {
    for keys in [0, 1, 2, 7, 8, 100, 3000, 30_000] {
        let mut keyspace = filled(keys);
        for choice in [Choice::All, Choice::Nothing, Choice::NothingAhead] {
            let mover = walk(&mut keyspace, choice);
            // Arrays are asked about one at a time, and so noted whatever is said in advance of the rest.
            assert_eq!(mover.bytes, bytes(&keyspace), "{keys} keys, {choice:?}");
            assert_eq!(mover.moved, if choice == Choice::All { mover.asked } else { 0 });
        }
    }
}

pub(crate) fn one_block_moved_at_a_time() {
    let mut keyspace = filled(150);
    let expected = format!("{:?}", contents(&keyspace));
    let blocks = walk(&mut keyspace, Choice::Nothing).asked;
    for chosen in 0..blocks {
        let mut mover = Mover::new(Choice::Only(chosen));
        keyspace.begin_walk();
        let before = keyspace.len();
        assert!(keyspace.relocate(&mut mover, |_| false, &mut Relocated::default()).is_continue());
        assert_eq!((mover.moved, mover.asked, keyspace.len()), (1, blocks, before));
        assert_eq!(format!("{:?}", contents(&keyspace)), expected, "block {chosen}");
    }
}

/// All entries, then all of the index.
fn contents(keyspace: &Keyspace) -> Vec<String> {
    let mut contents = Vec::new();
    for db in keyspace.iter() {
        db.for_each(|entry| contents.push(format!("{entry:?}")));
        let mut cursor = 0;
        loop {
            cursor = db.scan_expires(cursor, |entry| contents.push(format!("{entry:?}")));
            if cursor == 0 {
                break;
            }
        }
    }
    contents
}

/// Blocks that are there before the walk and after it were shown to the mover, whatever happened between its steps.
pub(crate) fn a_walk_misses_nothing_that_stays() {
    allocator::keep_buckets();
    for (round, patience) in [1, 3, 10, 40, 200].into_iter().enumerate() {
        let mut keyspace = filled(6000);
        let before = walk(&mut keyspace, Choice::Nothing).addresses;
        let mut mover = Mover::new(Choice::Nothing);
        keyspace.begin_walk();
        let mut turn = round;
        let mut until = patience;
        while keyspace.relocate(&mut mover, |mover| mover.asked >= until, &mut Relocated::default())
            == ControlFlow::Break(())
        {
            until = mover.asked + patience;
            turn += 1;
            if turn.is_multiple_of(5) {
                keyspace.swap(0, 1);
            }
            // Growth at first, then as much of the opposite.
            for step in 0..patience * 2 {
                let number = (turn * 31 + step) * 7 % 40_000;
                let db = turn % 2;
                if turn * patience < 3000 {
                    set(&mut keyspace, db, 10_000 + number);
                } else {
                    remove(&mut keyspace, db, number);
                }
            }
        }
        let shown = std::mem::take(&mut mover.addresses);
        let after = walk(&mut keyspace, Choice::Nothing).addresses;
        let stayed = before.intersection(&after);
        let missed: Vec<_> = stayed.clone().filter(|address| !shown.contains(*address)).collect();
        assert!(stayed.count() > 1000);
        assert!(missed.is_empty(), "{} blocks missed with patience {patience}", missed.len());
    }
}

/// Takes an entry out, and never frees it, so that no other block comes to have its address.
fn remove(keyspace: &mut Keyspace, db: usize, number: usize) {
    std::mem::forget(keyspace.db_mut(db).remove(format!("key:{number}").as_bytes()));
}
