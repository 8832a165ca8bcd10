//! What values own, measured, against the ledger, and moved. A program of its own, because its checks
//! demand that `used_memory` of the whole process is right to the byte.

use std::alloc::Layout;
use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::ffi::CString;
use std::fmt::Debug;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::Arc;

use allocator_api2::boxed::Box as ApiBox;
use allocator_api2::vec::Vec as ApiVec;
use hashbrown::{DefaultHashBuilder, HashMap, HashSet};
use heapwalk::Relocate;
use zmalloc::defrag::{self, HeapWalk, heap_size};
use zmalloc::{GOOD_SIZE_IS_EXACT, Tally, ZMalloc, used_memory};

#[path = "support/checks.rs"]
mod checks;
#[path = "../../heapwalk/tests/support/sample.rs"]
mod sample;

use sample::{Rng, Sample};

#[global_allocator]
static ALLOC: ZMalloc = ZMalloc::new();

fn main() {
    let checks: &[(&str, fn())] = &[
        ("the_measured_sum_is_the_ledgers_difference", the_measured_sum_is_the_ledgers_difference),
        ("bounds_hold", bounds_hold),
        ("blocks_of_a_tally_stay_its_own", blocks_of_a_tally_stay_its_own),
        (
            "a_failing_allocator_leaves_blocks_where_they_are",
            a_failing_allocator_leaves_blocks_where_they_are,
        ),
    ];
    checks::run_plain_and_watched(checks);
}

/// What happened, and in which words.
type Event = Box<(u64, Arc<str>)>;

/// A record as programs have them.
#[derive(Debug, PartialEq, HeapWalk)]
struct Record<K: Eq + std::hash::Hash> {
    name: Cow<'static, str>,
    index: HashMap<K, Vec<u8>>,
    history: VecDeque<Option<Event>>,
    next: Option<Box<Self>>,
}

impl<K: Sample + Eq + std::hash::Hash> Sample for Record<K> {
    fn sample(rng: &mut Rng) -> Self {
        Self {
            name: Sample::sample(rng),
            index: Sample::sample(rng),
            history: Sample::sample(rng),
            next: (rng.below(2) > 0).then(|| Box::new(Self::sample(rng))),
        }
    }
}

/// Moves every block of `ZMalloc`, or only one of those that it is asked about.
struct Mover {
    only: Option<usize>,
    asked: usize,
    moved: usize,
}

impl Mover {
    fn new(only: Option<usize>) -> Self {
        Self { only, asked: 0, moved: 0 }
    }

    fn chooses(&mut self) -> bool {
        self.asked += 1;
        self.only.is_none_or(|only| only + 1 == self.asked)
    }
}

// SAFETY: `defrag::relocate` does as asked, and nothing here unwinds.
unsafe impl Relocate for Mover {
    unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> Option<NonNull<u8>> {
        if !self.chooses() {
            return None;
        }
        // SAFETY: passed on.
        let moved = unsafe { defrag::relocate(block, layout) };
        self.moved += usize::from(moved.is_some());
        moved
    }

    fn rebuild(&mut self, _inside: NonNull<u8>, _layout: Layout, rebuild: &mut dyn FnMut()) {
        if self.chooses() {
            rebuild();
            self.moved += 1;
        }
    }
}

fn check<T: HeapWalk + Sample + Debug + PartialEq>(rng: &mut Rng) {
    let twin = T::sample(&mut Rng(rng.0));
    let before = used_memory();
    let mut value = T::sample(rng);
    let used = used_memory();
    let size = heap_size(&value);
    let name = std::any::type_name::<T>();
    assert!(size.is_exact(), "{name}");
    if GOOD_SIZE_IS_EXACT {
        assert_eq!(size.bytes, used - before, "{name}: {value:?}");
    } else {
        // Hash tables and the like count with the least that they can take.
        assert!(size.bytes <= used - before, "{name}: {value:?}");
    }

    let mut mover = Mover::new(None);
    let _ = value.relocate(&mut mover);
    assert!(!GOOD_SIZE_IS_EXACT || mover.moved == mover.asked, "{name}");
    let blocks = mover.asked;
    for chosen in [None].into_iter().chain((0..blocks).map(Some)) {
        let _ = value.relocate(&mut Mover::new(chosen));
        assert_eq!(value, twin, "{name}, block {chosen:?} of {blocks}");
        assert!(!GOOD_SIZE_IS_EXACT || used_memory() == used, "{name}, block {chosen:?} of {blocks}");
    }
    drop(value);
    assert_eq!(used_memory(), before, "{name}");
}

fn the_measured_sum_is_the_ledgers_difference() {
    let mut rng = Rng(0x2545_f491_4f6c_dd1d);
    macro_rules! check {
        ($($type:ty),+ $(,)?) => {
            $(for _ in 0..20 {
                check::<$type>(&mut rng);
            })+
        };
    }
    check!(
        u64, String, Box<u128>, Box<str>, Box<[String]>, Vec<u8>, Vec<Vec<u32>>, [String; 2], CString,
        Cow<'static, str>, VecDeque<String>, RefCell<Vec<u8>>, OnceCell<String>, Rc<String>,
        Rc<[String]>, Arc<str>, Arc<[u8]>,
        Vec<Rc<[Option<String>]>>, HashMap<u64, String>, HashMap<String, Vec<String>>, HashSet<String>,
        HashMap<u8, HashMap<u8, u8>>, ApiVec<ApiBox<u64>>, ApiBox<[String]>, Record<u64>, Record<String>,
    );
}

fn bounds_hold() {
    let mut rng = Rng(77);
    for _ in 0..100 {
        let before = used_memory();
        let value: (BTreeMap<u64, String>, std::collections::HashMap<String, Vec<u8>>) =
            Sample::sample(&mut rng);
        let used = used_memory() - before;
        let size = heap_size(&value);
        assert!(size.bytes <= used, "{used}, not {size:?}");
        assert!(!GOOD_SIZE_IS_EXACT || used <= size.most_bytes, "{used}, not {size:?}");
    }
}

/// Its figures stay right, and what is moved is freed to it.
fn blocks_of_a_tally_stay_its_own() {
    static NAMED: Tally = Tally::new("named");
    let before = used_memory();
    let mut vec: ApiVec<ApiBox<u64, &Tally>, &Tally> = ApiVec::new_in(&NAMED);
    vec.extend((0..100).map(|number| ApiBox::new_in(number, &NAMED)));
    let mut map: HashMap<u64, ApiBox<u64, &Tally>, DefaultHashBuilder, &Tally> = HashMap::new_in(&NAMED);
    map.extend((0..100).map(|number| (number, ApiBox::new_in(number, &NAMED))));
    let mut value = (vec, map);
    let (live, blocks) = (NAMED.live(), NAMED.blocks());
    assert_eq!(heap_size(&value).blocks, blocks);
    assert!(!GOOD_SIZE_IS_EXACT || heap_size(&value).bytes == live);
    let mut mover = Mover::new(None);
    let _ = value.relocate(&mut mover);
    assert!(!GOOD_SIZE_IS_EXACT || mover.moved == blocks);
    assert_eq!(NAMED.blocks(), blocks);
    assert!(!GOOD_SIZE_IS_EXACT || NAMED.live() == live);
    assert!(value.0.iter().enumerate().all(|(index, number)| **number == index as u64));
    assert!((0..100).all(|number| *value.1[&number] == number));
    drop(value);
    assert_eq!((NAMED.live(), NAMED.blocks(), used_memory()), (0, 0, before));
}

fn a_failing_allocator_leaves_blocks_where_they_are() {
    let mut value: Vec<String> = (0..100).map(|number| format!("text {number}")).collect();
    let addresses: Vec<_> = value.iter().map(|text| text.as_ptr()).collect();
    let used = used_memory();
    let mut mover = Mover::new(None);
    let injected = zmalloc::fail::inject(zmalloc::fail::Plan::OneIn(1));
    let _ = value.relocate(&mut mover);
    drop(injected);
    assert_eq!((mover.asked, mover.moved), (101, 0));
    assert!(value.iter().map(|text| text.as_ptr()).eq(addresses.iter().copied()));
    assert_eq!(used_memory(), used);
}
