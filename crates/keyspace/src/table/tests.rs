//! The dictionary against the standard library's, and what it promises of memory, scans and chance.
#![allow(unsafe_code)]

use super::bucket::{Bucket, Tags};
use super::{Pointer, SHRINK_LOAD, Table};
use crate::size_class::round_up;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ptr::NonNull;
use std::rc::Rc;

/// An element that says what it is and knows when it is dropped.
struct Item(Box<Content>);

struct Content {
    key: u64,
    value: u64,
    _alive: Rc<()>,
}

// SAFETY: a box is a pointer to an allocated block, which stays put until the box is made again.
unsafe impl Pointer for Item {
    type Ref<'a> = &'a Content;

    fn into_raw(self) -> NonNull<u8> {
        NonNull::from(Box::leak(self.0)).cast()
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Item {
        // SAFETY: the address of a leaked box, by the caller's word used once.
        Item(unsafe { Box::from_raw(raw.cast().as_ptr()) })
    }

    unsafe fn borrow<'a>(raw: NonNull<u8>) -> &'a Content {
        // SAFETY: a leaked box that by the caller's word is not used otherwise for 'a.
        unsafe { raw.cast().as_ref() }
    }
}

/// A finalizer that spreads consecutive keys over all 64 bits.
fn mix(key: u64) -> u64 {
    let key = (key ^ (key >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let key = (key ^ (key >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    key ^ (key >> 31)
}

/// A generator of random words, SplitMix64.
struct Random(u64);

impl Random {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.word() % bound
    }
}

/// A table of [`Item`]s under a hash of the test's choice.
struct Harness {
    table: Table<Item>,
    hash: fn(u64) -> u64,
    alive: Rc<()>,
}

impl Harness {
    fn new(hash: fn(u64) -> u64) -> Harness {
        Harness { table: Table::new(), hash, alive: Rc::new(()) }
    }

    fn insert(&mut self, key: u64, value: u64) {
        let item = Item(Box::new(Content { key, value, _alive: self.alive.clone() }));
        let hash = self.hash;
        self.table.insert(hash(key), item, |item| hash(item.key));
    }

    fn remove(&mut self, key: u64) -> Option<u64> {
        let slot = self.table.find_slot((self.hash)(key), |item| item.key == key)?;
        Some(slot.remove().0.value)
    }

    fn get(&self, key: u64) -> Option<u64> {
        Some(self.table.find((self.hash)(key), |item| item.key == key)?.value)
    }

    /// Checks what `bucket` says of chains, and that every element is where its hash says.
    fn check(&self) {
        let (mut elements, mut children) = (0, 0);
        for index in 0..self.table.segments.len() {
            let mut bucket = self.table.segments.bucket(index);
            let mut longest = 1;
            loop {
                // SAFETY: a bucket of the table, which is borrowed.
                let this: &Bucket = unsafe { bucket.as_ref() };
                for (word, tag) in this.elements() {
                    // SAFETY: the word of an element.
                    let item = unsafe { Item::borrow(word.pointer()) };
                    let hash = (self.hash)(item.key);
                    assert_eq!(self.table.index(hash), index);
                    assert!(word.may_have(hash));
                    assert_eq!(tag, Tags::of_hash(hash));
                    elements += 1;
                }
                let Some(child) = this.child() else { break };
                assert_eq!(this.tags().count(), 6);
                // SAFETY: as above.
                assert!(unsafe { child.as_ref() }.tags().count() >= 2);
                bucket = child;
                children += 1;
                longest += 1;
            }
            assert!(longest <= self.table.longest_chain);
        }
        assert_eq!((elements, children), (self.table.len(), self.table.children));
        assert_eq!(Rc::strong_count(&self.alive) - 1, elements);
    }
}

/// Hash functions from good to hopeless: few chains, few tags, everything in a chain.
const HASHES: [fn(u64) -> u64; 4] =
    [mix, |key| mix(key) & 0xff00_0000_0000_000f, |key| mix(key) & 0x3ff_ffff, |_| 0x55];

#[derive(Clone, Debug)]
enum Step {
    Insert(u64, u64),
    Remove(u64),
    Replace(u64, u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Few keys make removals and replacements hit; the weights make the table grow.
    let step = prop_oneof![
        5 => (0..300u64, any::<u64>()).prop_map(|(key, value)| Step::Insert(key, value)),
        3 => (0..300u64).prop_map(Step::Remove),
        1 => (0..300u64, any::<u64>()).prop_map(|(key, value)| Step::Replace(key, value)),
    ];
    proptest::collection::vec(step, 0..600)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn is_a_map(steps in steps(), hash in 0..HASHES.len()) {
        let mut harness = Harness::new(HASHES[hash]);
        let mut model = BTreeMap::new();
        for step in steps {
            match step {
                Step::Insert(key, value) => {
                    if let std::collections::btree_map::Entry::Vacant(vacant) = model.entry(key) {
                        vacant.insert(value);
                        harness.insert(key, value);
                    }
                }
                Step::Remove(key) => prop_assert_eq!(harness.remove(key), model.remove(&key)),
                Step::Replace(key, value) => {
                    let alive = harness.alive.clone();
                    let slot = harness.table.find_slot((harness.hash)(key), |item| item.key == key);
                    prop_assert_eq!(slot.is_some(), model.contains_key(&key));
                    if let Some(mut slot) = slot {
                        model.insert(key, value);
                        slot.update(|item| *item = Item(Box::new(Content { key, value, _alive: alive })));
                        prop_assert_eq!(slot.get().value, value);
                    }
                }
            }
            prop_assert_eq!(harness.table.len(), model.len());
        }
        harness.check();
        let mut all = BTreeMap::new();
        harness.table.for_each(|item| assert!(all.insert(item.key, item.value).is_none()));
        prop_assert_eq!(&all, &model);
        for key in 0..300 {
            prop_assert_eq!(harness.get(key), model.get(&key).copied());
        }
        let alive = harness.alive.clone();
        drop(harness);
        prop_assert_eq!(Rc::strong_count(&alive), 1);
    }
}

/// Past one segment, so that segments come and go, and past 2^10 buckets, so that the hash bits in the
/// words decide the splits.
#[test]
fn grows_and_shrinks_through_several_segments() {
    let mut harness = Harness::new(mix);
    let mut random = Random(1);
    for (round, target) in [(0, 40_000u64), (1, 3_000), (2, 20_000), (3, 0)] {
        let mut keys = Vec::new();
        harness.table.for_each(|item| keys.push(item.key));
        while (keys.len() as u64) < target {
            let key = random.word();
            harness.insert(key, !key);
            keys.push(key);
        }
        while keys.len() as u64 > target {
            let key = keys.swap_remove(random.below(keys.len() as u64) as usize);
            assert_eq!(harness.remove(key), Some(!key), "round {round}");
        }
        harness.check();
        for &key in &keys {
            assert_eq!(harness.get(key), Some(!key));
        }
        let buckets = harness.table.segments.len() + harness.table.children;
        assert!(harness.table.len() * SHRINK_LOAD.1 >= buckets * SHRINK_LOAD.0, "round {round}");
    }
    assert_eq!(harness.table.memory_usage(|layout| layout.size()), 0);
}

#[test]
fn an_update_that_panics_keeps_what_it_left() {
    let mut harness = Harness::new(mix);
    harness.insert(1, 1);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut slot = harness.table.find_slot(mix(1), |item| item.key == 1).unwrap();
        slot.update(|item| {
            let alive = Rc::new(());
            *item = Item(Box::new(Content { key: 1, value: 2, _alive: alive }));
            panic!("on purpose");
        })
    }));
    assert!(outcome.is_err());
    assert_eq!(harness.get(1), Some(2));
}

#[test]
fn addresses_can_be_hinted_at_in_any_state() {
    let mut harness = Harness::new(|_| 0x55);
    for key in 0..20 {
        harness.table.prefetch_bucket(0x55);
        harness.table.prefetch_element(0x55);
        harness.table.prefetch_element(0x55 | 1 << 60);
        harness.insert(key, 0);
    }
}

/// The oldest elements stay; others come and go in bursts that make the table grow and shrink over
/// sizes between the calls of a scan.
#[test]
fn a_scan_misses_nothing_that_stays() {
    for seed in 0..40 {
        let mut random = Random(seed);
        let mut harness = Harness::new(if seed % 2 == 0 { mix } else { |key| mix(key) & 0xffff });
        let stay: BTreeSet<u64> = (0..random.below(600)).collect();
        for &key in &stay {
            harness.insert(key, 0);
        }
        let mut others = Vec::new();
        let mut seen = BTreeSet::new();
        let (mut cursor, mut next_key, mut calls) = (0, 1000, 0u64);
        loop {
            cursor = harness.table.scan(cursor, |item| {
                seen.insert(item.key);
            });
            if cursor == 0 {
                break;
            }
            calls += 1;
            // Up to 600 more, fewer as the scan goes on, so that it comes to an end.
            let target = random.below(2 + 600_000 / (1_000 + calls));
            while (others.len() as u64) < target {
                harness.insert(next_key, 0);
                others.push(next_key);
                next_key += 1;
            }
            while others.len() as u64 > target {
                let key = others.swap_remove(random.below(others.len() as u64) as usize);
                harness.remove(key).unwrap();
            }
        }
        assert!(seen.is_superset(&stay), "seed {seed}");
        harness.check();
    }
}

/// Every phase of a round of splits has buckets of two depths, and no element is given twice.
#[test]
fn a_scan_of_a_table_at_rest_gives_each_element_once() {
    let mut harness = Harness::new(mix);
    for key in 0..700 {
        let (mut cursor, mut seen) = (0, BTreeSet::new());
        loop {
            cursor = harness.table.scan(cursor, |item| assert!(seen.insert(item.key)));
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen.len() as u64, key);
        harness.insert(key, 0);
    }
}

#[test]
fn a_scan_takes_any_cursor() {
    let mut harness = Harness::new(mix);
    let mut random = Random(3);
    for key in 0..1000 {
        harness.table.scan(random.word(), |item| assert!(item.key < key));
        harness.insert(key, 0);
    }
    // From the very last position there is nowhere else to go.
    assert_eq!(harness.table.scan(u64::MAX, |_| {}), 0);
}

/// A table of `elements` elements after more had come and gone.
fn used_table(hash: fn(u64) -> u64, elements: u64) -> Harness {
    let mut harness = Harness::new(hash);
    for key in 0..elements + 100 {
        harness.insert(key, 0);
    }
    for key in elements..elements + 100 {
        harness.remove(key);
    }
    harness
}

/// Pearson's statistic of how often each of equally likely things was drawn: within five standard deviations
/// of its mean.
#[track_caller]
fn assert_equal_chances(counts: &[u32]) {
    let draws: f64 = counts.iter().copied().map(f64::from).sum();
    let expected = draws / counts.len() as f64;
    let statistic: f64 = counts.iter().map(|&count| (f64::from(count) - expected).powi(2) / expected).sum();
    let freedom = (counts.len() - 1) as f64;
    assert!((statistic - freedom).abs() <= 5.0 * (2.0 * freedom).sqrt(), "{statistic} of {freedom}");
}

/// The choice of one among all elements, in a table with chains of all lengths.
#[test]
fn chances_are_equal() {
    for (hash, elements) in [(HASHES[0], 500u64), (HASHES[1], 200), (HASHES[3], 40)] {
        let harness = used_table(hash, elements);
        let mut random = Random(7);
        let mut counts = vec![0u32; elements as usize];
        for _ in 0..elements * 400 {
            let item = harness.table.random(&mut || random.word()).unwrap();
            counts[item.key as usize] += 1;
        }
        assert_equal_chances(&counts);
    }
    assert!(Table::<Item>::new().random(&mut || 0).is_none());
}

/// Samples give whole buckets, each as likely as the others: by single draws, and by draws until there are at
/// least five elements.
#[test]
fn chances_in_samples_are_equal() {
    for (hash, elements) in [(HASHES[0], 500u64), (HASHES[1], 200), (HASHES[2], 30), (HASHES[3], 40)] {
        let harness = used_table(hash, elements);
        for wanted in [1, 5] {
            let mut random = Random(11);
            let mut counts = vec![0u32; elements as usize];
            let mut buckets = BTreeMap::new();
            for _ in 0..elements * 100 {
                let mut given = 0;
                while given < wanted {
                    let mut bucket = BTreeSet::new();
                    harness.table.sample(&mut || random.word(), |item| {
                        assert!(bucket.insert(item.key), "once in a draw")
                    });
                    given += bucket.len();
                    bucket.iter().for_each(|&key| counts[key as usize] += 1);
                    *buckets.entry(bucket).or_insert(0) += 1;
                }
            }
            assert_equal_chances(&buckets.values().copied().collect::<Vec<u32>>());
            for (bucket, draws) in buckets {
                assert!(bucket.iter().all(|&key| counts[key as usize] == draws), "of one bucket only");
            }
            assert!(counts.iter().all(|&count| count > 0), "every element is found");
        }
    }
    Table::<Item>::new().sample(&mut || 0, |_| panic!("there is nothing to give"));
}

/// An element without memory of its own, to fill large tables with: the address is the key.
struct Bare(NonNull<u8>);

// SAFETY: a number that is never read through.
unsafe impl Pointer for Bare {
    type Ref<'a> = u64;

    fn into_raw(self) -> NonNull<u8> {
        self.0
    }

    unsafe fn from_raw(raw: NonNull<u8>) -> Bare {
        Bare(raw)
    }

    unsafe fn borrow<'a>(raw: NonNull<u8>) -> u64
    where
        Self: 'a,
    {
        raw.addr().get() as u64
    }
}

/// Elements in the first, second, ... buckets of their chains.
fn depths(table: &Table<Bare>) -> Vec<usize> {
    let mut depths = Vec::new();
    for index in 0..table.segments.len() {
        let (mut next, mut depth) = (Some(table.segments.bucket(index)), 0);
        while let Some(bucket) = next {
            // SAFETY: a bucket of the table, which is borrowed.
            let bucket = unsafe { bucket.as_ref() };
            if depths.len() == depth {
                depths.push(0);
            }
            depths[depth] += bucket.tags().count();
            depth += 1;
            next = bucket.child();
        }
    }
    depths
}

/// The figures of the module's documentation, at the sizes where the budget is stated, and over a
/// whole round of splits.
#[test]
fn load_and_hops() {
    let mut table = Table::<Bare>::new();
    let (mut worst_bytes, mut hops) = (0.0f64, Vec::new());
    for key in 1..=1_000_000u64 {
        let address = NonNull::without_provenance((key as usize).try_into().unwrap());
        table.insert(mix(key), Bare(address), mix);
        let sampled = key >= 100_000 && key % 25_000 == 0;
        if sampled {
            let bytes = table.memory_usage(|layout| round_up(layout.size())) as f64 / key as f64;
            let visited: usize =
                depths(&table).iter().enumerate().map(|(depth, count)| (depth + 1) * count).sum();
            worst_bytes = worst_bytes.max(bytes);
            hops.push(visited as f64 / key as f64);
            if key == 300_000 || key == 1_000_000 {
                println!("{key}: {bytes:.2} bytes, {:.3} buckets", visited as f64 / key as f64);
            }
        }
    }
    let worst_hops = hops.iter().copied().fold(0.0, f64::max);
    let best_hops = hops.iter().copied().fold(f64::MAX, f64::min);
    println!(
        "at most {worst_bytes:.2} bytes, {best_hops:.3} to {worst_hops:.3} buckets, chain {}",
        table.longest_chain
    );
    assert!(worst_bytes <= 15.9, "{worst_bytes} bytes of table per element");
    assert!(worst_hops <= 1.25, "{worst_hops} buckets read per lookup");
}

/// A database that never held much takes little.
#[test]
fn small_tables_are_small() {
    let mut harness = Harness::new(mix);
    let usage = |harness: &Harness| harness.table.memory_usage(|layout| layout.size());
    assert_eq!(usage(&harness), 0);
    harness.insert(0, 0);
    assert_eq!(usage(&harness), 64 + 8);
    for key in 1..100 {
        harness.insert(key, 0);
    }
    assert!(usage(&harness) <= 100 * 64, "{}", usage(&harness));
}
