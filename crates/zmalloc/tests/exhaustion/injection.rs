//! Injected failures: whatever fails, and at whatever step, leaves everything as it was.

use std::collections::{BTreeMap, HashMap};
use std::ptr::NonNull;

use hashbrown::{DefaultHashBuilder, HashMap as NamedMap};
use zmalloc::fail::{self, Plan};
use zmalloc::{Flags, Tally, used_memory};

use crate::Block;

fn outcomes(plan: Plan, sizes: &[usize]) -> Vec<bool> {
    let mut met = Vec::with_capacity(sizes.len());
    let injected = fail::inject(plan);
    met.extend(sizes.iter().map(|&size| Block::new(size).is_some()));
    assert_eq!(injected.requests(), sizes.len() as u64);
    assert_eq!(injected.failures(), met.iter().filter(|met| !**met).count() as u64);
    met
}

pub(crate) fn every_plan_fails_what_it_says() {
    let sizes = [10, 2_000, 30, 40_000, 50, 60, 7_000];
    for number in 0..10 {
        let expected: Vec<_> = (1..=sizes.len() as u64).map(|request| request != number).collect();
        assert_eq!(outcomes(Plan::Nth(number), &sizes), expected);
        let expected: Vec<_> =
            (1..=sizes.len() as u64).map(|request| number == 0 || request % number != 0).collect();
        assert_eq!(outcomes(Plan::OneIn(number), &sizes), expected);
    }
    for above in [0, 10, 50, 2_000, 39_999, 40_000] {
        let expected: Vec<_> = sizes.iter().map(|&size| size <= above).collect();
        assert_eq!(outcomes(Plan::Above(above), &sizes), expected);
    }
    // It is over, and other threads never took part.
    assert!(Block::new(100).is_some());
    let _injected = fail::inject(Plan::OneIn(1));
    assert!(Block::new(100).is_none());
}

/// Runs a program, which can tell a failure and go on, with its first request failing, then its
/// second, and so on, until there is none left to fail. Returns how many there were.
fn at_every_step(program: impl Fn()) -> u64 {
    for number in 1.. {
        let base = used_memory();
        let injected = fail::inject(Plan::Nth(number));
        program();
        let failures = injected.failures();
        drop(injected);
        assert_eq!(used_memory(), base, "failure {number}");
        if failures == 0 {
            return number - 1;
        }
    }
    unreachable!("a program has an end")
}

pub(crate) fn a_failure_at_every_step_of_a_vector() {
    let requests = at_every_step(|| {
        let mut list = Vec::new();
        for number in 0..5_000_u32 {
            // What failed is tried again: it was only that one.
            while list.try_reserve(1).is_err() {
                assert_eq!(list.len(), number as usize);
            }
            list.push(number);
        }
        let mut text = String::new();
        while text.try_reserve_exact(list.len()).is_err() {
            assert_eq!(text.capacity(), 0);
        }
        assert!(list.iter().copied().eq(0..5_000));
    });
    assert!(requests > 10, "{requests}");
}

pub(crate) fn a_failure_at_every_step_of_maps() {
    static TALLY: Tally = Tally::new("map");
    let requests = at_every_step(|| {
        let mut map = HashMap::new();
        let mut named: NamedMap<u32, u64, DefaultHashBuilder, &Tally> =
            NamedMap::with_hasher_in(DefaultHashBuilder::default(), &TALLY);
        let mut model = [false; 1_000];
        for number in 0..1_000_u32 {
            let failed = map.try_reserve(1).is_err();
            let before = (TALLY.live(), TALLY.blocks());
            if failed || named.try_reserve(1).is_err() {
                assert_eq!((TALLY.live(), TALLY.blocks()), before);
                continue;
            }
            map.insert(number, u64::from(number) * 3);
            named.insert(number, u64::from(number) * 3);
            model[number as usize] = true;
        }
        for number in 0..1_000 {
            let expected = model[number as usize].then_some(u64::from(number) * 3);
            assert_eq!(map.get(&number).copied(), expected);
            assert_eq!(named.get(&number).copied(), expected);
        }
        assert!(model.iter().filter(|inserted| !**inserted).count() <= 1);
    });
    assert!(requests > 10, "{requests}");
    assert_eq!((TALLY.live(), TALLY.blocks()), (0, 0));
    // A map that can't tell of failures is untouched by those of the past.
    assert_eq!((0..100).map(|key| (key, key)).collect::<BTreeMap<_, _>>().len(), 100);
}

pub(crate) fn a_failure_of_every_function() {
    let base = used_memory();
    let held = zmalloc::zmalloc(1_000);
    // SAFETY: the block has that size.
    unsafe { held.write_bytes(0x7e, 1_000) };
    let with_held = used_memory();
    let injected = fail::inject(Plan::OneIn(1));
    let none: [Option<NonNull<u8>>; 12] = [
        zmalloc::ztrymalloc(0),
        zmalloc::ztrymalloc(100),
        zmalloc::ztrymalloc_usable(100).map(NonNull::cast),
        zmalloc::ztrycalloc(100),
        zmalloc::ztrycalloc_usable(100).map(NonNull::cast),
        zmalloc::ztrycalloc_num(10, 10),
        zmalloc::ztrymalloc_no_tcache(100),
        zmalloc::ztrymalloc_with_flags(100, Flags::NONE.align(128).zeroed()),
        zmalloc::ztrystrdup(c"text").map(NonNull::cast),
        // SAFETY: live, of no special alignment, and live after a failure.
        unsafe { zmalloc::ztryrealloc(Some(held), 5_000) },
        // SAFETY: as above.
        unsafe { zmalloc::ztryrealloc_usable(Some(held), 10).map(NonNull::cast) },
        // SAFETY: as above.
        unsafe { zmalloc::ztryrealloc_with_flags(Some(held), 5_000, Flags::NONE.no_tcache()) },
    ];
    assert_eq!(injected.failures(), 12);
    drop(injected);
    assert_eq!(none, [None; 12]);
    assert_eq!(used_memory(), with_held);
    // SAFETY: live and filled.
    let content = unsafe { std::slice::from_raw_parts(held.as_ptr(), 1_000) };
    assert!(content.iter().all(|&byte| byte == 0x7e));
    // SAFETY: live.
    unsafe { zmalloc::zfree(Some(held)) };
    assert_eq!(used_memory(), base);
}
