//! Ways to allocate.

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::time::Instant;

/// The way of this name.
pub(crate) fn of(name: &str) -> Option<fn()> {
    Some(match name {
        "zeroed" => zeroed,
        "calloc" => calloc,
        "growing" => growing,
        "small-growing" => small_growing,
        "hashmap" => hashmap,
        "btreemap" => btreemap,
        _ => return None,
    })
}

/// How long it takes.
pub(crate) fn nanoseconds(run: fn()) -> i64 {
    let start = Instant::now();
    run();
    start.elapsed().as_nanos() as i64
}

/// 200 zeroed vectors of 8 MiB.
fn zeroed() {
    for _ in 0..200 {
        black_box(vec![0u8; 8 << 20]);
    }
}

/// The same blocks from the server's Calloc.
fn calloc() {
    for _ in 0..200 {
        crate::calloc::zeroed(8 << 20);
    }
}

/// A vector that grows to 20 MB.
fn growing() {
    let mut vector = Vec::new();
    for number in 0..2_500_000u64 {
        vector.push(black_box(number));
    }
    black_box(vector);
}

/// 20,000 vectors that grow to 8,000 bytes each.
fn small_growing() {
    for _ in 0..20_000 {
        let mut vector = Vec::new();
        for number in 0..1_000u64 {
            vector.push(black_box(number));
        }
        black_box(vector);
    }
}

/// A map of 100,000 strings, built, read and dropped.
fn hashmap() {
    let mut map = HashMap::new();
    for number in 0..100_000u32 {
        map.insert(format!("key:{number}"), format!("value:{}", number.wrapping_mul(2_654_435_761)));
    }
    black_box(map.values().map(String::len).sum::<usize>());
}

/// 300,000 insertions into a map that keeps 10,000.
fn btreemap() {
    let mut map = BTreeMap::new();
    let mut random = 1u64;
    for number in 0..300_000u64 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        map.insert(random, vec![number; (random >> 60) as usize + 1]);
        if map.len() > 10_000 {
            map.pop_first();
        }
    }
    black_box(map);
}
