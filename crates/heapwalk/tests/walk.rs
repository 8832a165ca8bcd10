//! Every implementation, on random values, against what the allocator says. A program of its own,
//! because it watches every allocation of the process.

use std::alloc::Layout;
use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::ffi::{CString, OsString};
use std::fmt::Debug;
use std::hash::BuildHasher;
use std::ops::{Bound, ControlFlow, Range};
use std::path::PathBuf;
use std::ptr::NonNull;
use std::rc::Rc;
use std::sync::{Arc, Mutex, RwLock};

use allocator_api2::boxed::Box as ApiBox;
use allocator_api2::vec::Vec as ApiVec;
use hashbrown::{HashMap, HashSet, HashTable};
use heapwalk::{HeapSize, HeapWalk, Measure, relocate_table};

#[path = "support/movers.rs"]
mod movers;
#[path = "support/sample.rs"]
mod sample;
#[path = "support/watch.rs"]
mod watch;

use movers::{Forgetful, Mover, Patient};
use sample::{Rng, Sample};

#[global_allocator]
static ALLOC: watch::Watched = watch::Watched;

/// A value that contains itself, in all shapes that the derive knows.
#[derive(Clone, Debug, PartialEq, HeapWalk)]
enum Tree {
    Nothing,
    Leaf(String),
    Pair(Box<Self>, Box<Self>),
    Branch { name: Cow<'static, str>, children: Vec<Self> },
    Index(HashMap<String, Self>),
    Queue(VecDeque<Self>),
    Ring(Option<Rc<Node<Self>>>),
}

/// A generic part of it.
#[derive(Clone, Debug, PartialEq, HeapWalk)]
struct Node<T> {
    value: T,
    marks: [u16; 3],
    #[heapwalk(skip = "a figure that owns nothing")]
    _weight: Weight,
}

#[derive(Clone, Debug, PartialEq)]
struct Weight(f64);

/// What std can't compare.
#[derive(Debug, HeapWalk)]
struct Incomparable {
    locked: Mutex<Vec<u8>>,
    shared: RwLock<String>,
    numbers: BinaryHeap<u64>,
    texts: BinaryHeap<Reverse<String>>,
}

impl PartialEq for Incomparable {
    fn eq(&self, other: &Self) -> bool {
        *self.locked.lock().unwrap() == *other.locked.lock().unwrap()
            && *self.shared.read().unwrap() == *other.shared.read().unwrap()
            && self.numbers.clone().into_sorted_vec() == other.numbers.clone().into_sorted_vec()
            && self.texts.clone().into_sorted_vec() == other.texts.clone().into_sorted_vec()
    }
}

impl Sample for Incomparable {
    fn sample(rng: &mut Rng) -> Self {
        Self {
            locked: Mutex::new(Sample::sample(rng)),
            shared: RwLock::new(Sample::sample(rng)),
            numbers: Sample::sample(rng),
            texts: Sample::sample(rng),
        }
    }
}

impl Sample for Tree {
    fn sample(rng: &mut Rng) -> Self {
        // Few enough children that the tree ends.
        match rng.below(12) {
            0 => Self::Pair(Sample::sample(rng), Sample::sample(rng)),
            1 => Self::Branch {
                name: Sample::sample(rng),
                children: (0..rng.below(4)).map(|_| Self::sample(rng)).collect(),
            },
            2 => Self::Index((0..rng.below(4)).map(|_| (Sample::sample(rng), Self::sample(rng))).collect()),
            3 => Self::Queue((0..rng.below(4)).map(|_| Self::sample(rng)).collect()),
            4 => {
                let node = Node { value: Self::sample(rng), marks: [1, 2, 3], _weight: Weight(0.5) };
                Self::Ring((rng.below(2) > 0).then(|| Rc::new(node)))
            }
            5..9 => Self::Leaf(Sample::sample(rng)),
            _ => Self::Nothing,
        }
    }
}

/// A value that the checks can be made on.
trait Value: HeapWalk + Sample + Debug + PartialEq {}
impl<T: HeapWalk + Sample + Debug + PartialEq> Value for T {}

/// Looks at a value in every way.
fn check<T: Value>(rng: &mut Rng, exact: bool) {
    let seed = rng.0;
    let twin = T::sample(&mut Rng(seed));
    let before = watch::figures();
    let mut value = T::sample(rng);
    let after = watch::figures();
    check_measured(&value, after.bytes - before.bytes, after.blocks - before.blocks, exact);
    if exact {
        check_addresses(&value);
    }

    let context = || format!("{} from seed {seed}: {twin:?}", std::any::type_name::<T>());
    let unchanged = |value: &T, how: &str| {
        assert_eq!(watch::figures(), after, "{how}: {}", context());
        assert!(*value == twin, "{how}: {value:?} was {}", context());
    };

    let mut mover = Mover::always();
    let _ = value.relocate(&mut mover);
    unchanged(&value, "every block moved");
    let blocks = mover.asked;
    for chosen in 0..blocks {
        let mut mover = Mover::only(chosen);
        let _ = value.relocate(&mut mover);
        assert_eq!(mover.moved, 1, "block {chosen} of {blocks}: {}", context());
        unchanged(&value, "one block moved");
    }
    // In as many walks as it takes, each ended after a few elements.
    let [whole, parts] = [usize::MAX, 1 + rng.below(5)].map(|patience| {
        let mut patient = Patient::new(patience);
        while value.relocate(&mut patient).is_break() {}
        patient.elements
    });
    unchanged(&value, "in many walks");
    assert_eq!(whole, parts, "{}", context());
    // A visitor that forgets is as good: it only begins again.
    let _ = value.relocate(&mut Forgetful::new(rng.below(5)));
    unchanged(&value, "in part");
}

/// Compares the size with what the allocator said.
fn check_measured<T: HeapWalk + Debug>(value: &T, bytes: usize, blocks: usize, exact: bool) {
    let size = HeapSize::of(value);
    let name = std::any::type_name::<T>();
    if exact {
        assert!(size.is_exact(), "{name}: {size:?}");
        assert_eq!((size.bytes, size.blocks), (bytes, blocks), "{name}: {value:?}");
    } else {
        assert!(
            size.bytes <= bytes && bytes <= size.most_bytes && size.blocks <= blocks,
            "{name}: {bytes} in {blocks} blocks, not {size:?}: {value:?}"
        );
    }
}

/// Every block that is shown is a live one, of the layout that is told, and none is shown twice.
fn check_addresses<T: HeapWalk>(value: &T) {
    struct Compare {
        live: BTreeMap<usize, Layout>,
    }

    impl Measure for Compare {
        unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> ControlFlow<()> {
            assert_eq!(self.live.remove(&block.addr().get()), Some(layout));
            ControlFlow::Continue(())
        }

        fn hidden(&mut self, inside: Option<NonNull<u8>>, layout: Layout, number: usize) -> ControlFlow<()> {
            assert_eq!(number, 1);
            if let Some(inside) = inside {
                let inside = inside.addr().get();
                let (&block, &known) = self.live.range(..=inside).next_back().unwrap();
                assert!(inside < block + layout.size());
                assert_eq!(known, layout);
                self.live.remove(&block);
            }
            ControlFlow::Continue(())
        }

        fn bounded(&mut self, _least: (Layout, usize), _most: (Layout, usize)) -> ControlFlow<()> {
            panic!("nothing here is known by its bounds");
        }

        fn counts_shared(&mut self, _shared: NonNull<u8>) -> bool {
            panic!("nothing here is shared");
        }
    }

    let _ = value.measure(&mut Compare { live: watch::blocks() });
}

/// Looks at random values of these types.
macro_rules! check {
    ($rng:expr, $exact:expr; $($type:ty),+ $(,)?) => {
        $(for _ in 0..40 {
            check::<$type>($rng, $exact);
        })+
    };
}

fn exact_types(rng: &mut Rng) {
    check!(rng, true;
        (), u64, [u8; 4], String, Box<u64>, Box<()>, Box<str>, Box<[u32]>, Box<[String]>, Vec<()>, Vec<u8>,
        Vec<u128>, Vec<String>, Vec<Vec<Vec<u8>>>, Vec<Option<Box<u32>>>, Vec<Result<String, Box<u8>>>,
        [String; 3], [Vec<u8>; 0], (String, u8, Vec<u32>), Box<(String, Box<String>)>, OsString, PathBuf,
        CString, Vec<CString>, Cow<'static, str>, VecDeque<u32>, VecDeque<String>, VecDeque<()>,
        Vec<VecDeque<String>>, RefCell<String>, OnceCell<Vec<String>>, Incomparable,
    );
    check!(rng, true;
        Rc<u64>, Rc<()>, Rc<u128>, Rc<String>, Rc<str>, Rc<[u8]>, Rc<[String]>, Arc<u8>, Arc<Vec<String>>,
        Arc<str>, Arc<[String]>, Vec<Rc<Vec<Arc<str>>>>, Box<Rc<[Box<u8>]>>,
    );
    check!(rng, true;
        HashMap<u32, u32>, HashMap<u8, ()>, HashMap<(), u8>, HashMap<u64, String>, HashMap<String, u64>,
        HashMap<String, String>, HashMap<u128, Vec<String>>, HashMap<String, HashMap<u8, String>>,
        Vec<HashMap<u32, String>>, HashSet<u64>, HashSet<()>, HashSet<String>, HashMap<u8, HashSet<String>>,
        Box<HashMap<String, Rc<str>>>, ApiVec<u32>, ApiVec<String>, ApiVec<()>, ApiBox<String>,
        ApiBox<[String]>, Vec<ApiVec<ApiBox<u64>>>,
    );
    for _ in 0..400 {
        check::<Tree>(rng, true);
    }
}

fn bounded_types(rng: &mut Rng) {
    check!(rng, false;
        BTreeMap<u8, u64>, BTreeMap<String, u8>, BTreeMap<u64, String>, BTreeMap<u8, Vec<String>>,
        BTreeSet<u64>, BTreeSet<String>, BTreeMap<(), ()>, std::collections::HashMap<u64, u64>,
        std::collections::HashMap<String, Vec<u8>>, std::collections::HashMap<u8, ()>,
        std::collections::HashSet<String>, std::collections::HashSet<()>, Vec<BTreeMap<u32, String>>,
        Box<std::collections::HashMap<u8, BTreeSet<u32>>>,
    );
}

fn main() {
    let mut rng = Rng(0x9e37_79b9_7f4a_7c15);
    exact_types(&mut rng);
    println!("exact types ... ok");
    bounded_types(&mut rng);
    println!("types known by bounds ... ok");
    let checks: &[(&str, fn())] = &[
        ("large_tables_of_std_are_within_bounds", large_tables_of_std_are_within_bounds),
        ("shared_blocks_count_once_and_stay", shared_blocks_count_once_and_stay),
        ("tables_move_when_told_how_to_hash", tables_move_when_told_how_to_hash),
        ("what_is_passed_over_is_not_visited", what_is_passed_over_is_not_visited),
        ("a_measuring_visitor_can_end_the_walk", a_measuring_visitor_can_end_the_walk),
        ("borrowed_and_ranges", borrowed_and_ranges),
    ];
    for (name, check) in checks {
        check();
        println!("{name} ... ok");
    }
}

/// Removals hide room of a hash table from its upper bound, and from no other: the lower one holds, and
/// both do once the table was shrunk.
fn large_tables_of_std_are_within_bounds() {
    for count in [1, 3, 14, 15, 100, 448, 1000, 3584, 5000] {
        let before = watch::figures();
        let mut map: std::collections::HashMap<u64, u64> =
            (0..count).map(|number| (number, number)).collect();
        check_measured_since(before, &map);
        for kept in [3, 10, 1_000_000] {
            map.retain(|key, _| key % kept == 0);
            let bytes = watch::figures().bytes - before.bytes;
            assert!(HeapSize::of(&map).bytes <= bytes, "{count} of which every {kept}th is left: {bytes}");
            map.shrink_to_fit();
            check_measured_since(before, &map);
        }
        drop(map);

        let mut tree: BTreeMap<u64, u64> = (0..count).map(|number| (number * 7 % count, number)).collect();
        for kept in [1, 3, 10, 1_000_000] {
            tree.retain(|key, _| key % kept == 0);
            check_measured_since(before, &tree);
        }
    }
}

/// Compares the bounds of a value with what was allocated since those figures.
fn check_measured_since<T: HeapWalk + Debug>(before: watch::Figures, value: &T) {
    let after = watch::figures();
    check_measured(value, after.bytes - before.bytes, after.blocks - before.blocks, false);
}

fn shared_blocks_count_once_and_stay() {
    let before = watch::figures();
    let name: Rc<str> = "shared".into();
    let text = Arc::new("shared too".to_owned());
    let weak = Rc::downgrade(&name);
    let mut value = (vec![name.clone(), name.clone()], text.clone(), [text.clone()], Rc::downgrade(&name));
    let after = watch::figures();
    check_measured(&value, after.bytes - before.bytes, after.blocks - before.blocks, true);

    let mut mover = Mover::always();
    let _ = value.relocate(&mut mover);
    assert_eq!(mover.moved, 1, "the vector alone");
    assert!(Rc::ptr_eq(&value.0[0], &name) && Arc::ptr_eq(&value.1, &text));
    // A weak owner alone keeps it where it is, too.
    let mut single = Rc::new(5_u32);
    let address = Rc::as_ptr(&single);
    let watcher = Rc::downgrade(&single);
    let _ = single.relocate(&mut Mover::always());
    assert_eq!(Rc::as_ptr(&single), address);
    drop(watcher);
    let _ = single.relocate(&mut Mover::always());
    assert_ne!(Rc::as_ptr(&single), address);
    assert!(weak.upgrade().is_some());
}

fn tables_move_when_told_how_to_hash() {
    let state = hashbrown::DefaultHashBuilder::default();
    let hasher = |text: &String| state.hash_one(text);
    let before = watch::figures();
    let mut table: HashTable<String> = HashTable::new();
    for number in 0..500 {
        let text = format!("element {number}");
        table.insert_unique(hasher(&text), text, hasher);
    }
    for number in (0..500).filter(|number| number % 3 != 0) {
        let text = format!("element {number}");
        table.find_entry(hasher(&text), |other| *other == text).unwrap().remove();
    }
    let after = watch::figures();
    check_measured(&table, after.bytes - before.bytes, after.blocks - before.blocks, true);
    check_addresses(&table);

    let mut mover = Mover::always();
    let place = |table: &HashTable<String>| std::ptr::from_ref(table.iter().next().unwrap()).addr();
    let old = place(&table);
    let _ = table.relocate(&mut mover);
    assert_eq!((mover.moved, place(&table)), (table.len(), old), "all but the table");
    relocate_table(&mut table, hasher, &mut mover);
    assert_eq!(mover.moved, table.len() + 1);
    {
        let mut patient = Patient::new(3);
        while table.relocate(&mut patient).is_break() {}
    }
    assert_eq!(watch::figures(), after);
    for number in 0..500 {
        let text = format!("element {number}");
        let there = table.find(hasher(&text), |other| *other == text).is_some();
        assert_eq!(there, number % 3 == 0);
    }
}

fn what_is_passed_over_is_not_visited() {
    let mut value: Vec<Vec<String>> = vec![vec!["a".to_owned(); 40]; 40];
    let mut mover = Mover::foreseeing_nothing();
    let _ = value.relocate(&mut mover);
    assert_eq!(mover.asked, 1, "only the outermost is asked about before anything is foreseen");
    assert_eq!(mover.shown, 40 * 41, "all the rest was shown in advance");
}

fn a_measuring_visitor_can_end_the_walk() {
    struct Few(usize);

    impl Measure for Few {
        unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> ControlFlow<()> {
            self.hidden(Some(block), layout, 1)
        }

        fn hidden(&mut self, _: Option<NonNull<u8>>, _: Layout, _: usize) -> ControlFlow<()> {
            self.0 += 1;
            if self.0 == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }

        fn bounded(&mut self, _: (Layout, usize), _: (Layout, usize)) -> ControlFlow<()> {
            ControlFlow::Continue(())
        }

        fn counts_shared(&mut self, _: NonNull<u8>) -> bool {
            true
        }
    }

    let value: HashMap<u32, Vec<String>> = (0..9).map(|key| (key, vec!["text".to_owned(); 9])).collect();
    let mut few = Few(0);
    assert!(value.measure(&mut few).is_break());
    assert_eq!(few.0, 10);
}

fn borrowed_and_ranges() {
    let text = "borrowed".to_owned();
    let mut value = (&text, Some(text.as_str()), std::marker::PhantomData::<String>);
    assert_eq!(HeapSize::of(&value), HeapSize::default());
    let _ = value.relocate(&mut Mover::always());
    let mut range: (Range<String>, Bound<String>) =
        ("a".to_owned().."b".to_owned(), Bound::Included("c".to_owned()));
    assert_eq!(HeapSize::of(&range).blocks, 3);
    let mut mover = Mover::always();
    let _ = range.relocate(&mut mover);
    assert_eq!((mover.moved, range.0.end.as_str()), (3, "b"));
}
