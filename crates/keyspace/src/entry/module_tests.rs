//! Entries with values of a module's type: nothing is freed twice, and nothing is left.
#![allow(unsafe_code)]

use super::*;
use crate::module_value::{Defrag, Digest, Load, ModuleType, Place, Rewrite, Save};
use proptest::prelude::*;
use std::ffi::c_void;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Values that are numbers in boxes.
#[derive(Debug, Default)]
struct Boxes {
    live: AtomicUsize,
}

impl Boxes {
    fn allocate(&self, number: u64) -> *mut c_void {
        self.live.fetch_add(1, Ordering::Relaxed);
        Box::into_raw(Box::new(number)).cast()
    }
}

fn number_of(value: *mut c_void) -> u64 {
    // SAFETY: the tests only pass addresses of boxes that are live.
    unsafe { *value.cast::<u64>() }
}

// SAFETY: copies are boxes of their own, which any thread may free.
unsafe impl ModuleType for Boxes {
    fn name(&self) -> &str {
        "testboxes"
    }

    fn id(&self) -> u64 {
        7 << 10
    }

    unsafe fn memory_usage(&self, _: *mut c_void, _: Place<'_>, _: usize) -> usize {
        8
    }

    unsafe fn free_effort(&self, _: *mut c_void, _: Place<'_>) -> usize {
        1
    }

    unsafe fn unlink(&self, _: *mut c_void, _: Place<'_>) {}

    unsafe fn copy(&self, value: *mut c_void, _: Place<'_>, to: Place<'_>) -> Option<*mut c_void> {
        (!to.key.is_empty()).then(|| self.allocate(number_of(value)))
    }

    unsafe fn digest(&self, value: *mut c_void, _: Place<'_>, digest: &mut dyn Digest) {
        digest.element(&number_of(value).to_le_bytes());
    }

    unsafe fn free(&self, value: *mut c_void) {
        self.live.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: a box that `allocate` made, by the caller's word not used any more.
        drop(unsafe { Box::from_raw(value.cast::<u64>()) });
    }

    unsafe fn defrag(&self, value: *mut c_void, _: Place<'_>, _: &mut dyn Defrag) -> (*mut c_void, bool) {
        (value, true)
    }

    unsafe fn save(&self, value: *mut c_void, _: Place<'_>, save: &mut dyn Save) {
        save.unsigned(number_of(value));
    }

    unsafe fn rewrite(&self, _: *mut c_void, _: Place<'_>, _: &mut dyn Rewrite) {}

    fn load(&self, load: &mut dyn Load, _: u32, _: Place<'_>) -> Option<*mut c_void> {
        load.unsigned().ok().map(|number| self.allocate(number))
    }
}

fn value(boxes: &Arc<Boxes>, number: u64) -> ModuleValue {
    // SAFETY: a box that nobody else knows.
    unsafe { ModuleValue::from_raw(Arc::clone(boxes) as _, boxes.allocate(number)) }
}

#[derive(Clone, Debug)]
enum Step {
    Module(u64),
    Text(usize),
    Integer,
    Expiry(Option<i64>),
    Rekey(usize),
    Copy(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let len = || prop_oneof![0usize..40, 250usize..260, 65_530usize..65_540];
    let step = prop_oneof![
        any::<u64>().prop_map(Step::Module),
        len().prop_map(Step::Text),
        Just(Step::Integer),
        any::<Option<i64>>().prop_map(Step::Expiry),
        len().prop_map(Step::Rekey),
        len().prop_map(Step::Copy),
    ];
    proptest::collection::vec(step, 0..30)
}

proptest! {
    #[test]
    fn a_value_is_freed_once(steps in steps()) {
        let boxes = Arc::new(Boxes::default());
        let mut entry = Entry::from_module(b"first", value(&boxes, 0), None, 9);
        // The number in the box, or none where a string has taken its place.
        let mut model = (b"first".to_vec(), Some(0), None);
        for step in steps {
            match step {
                Step::Module(number) if model.1.is_some() => {
                    let old = entry.replace_module(value(&boxes, number));
                    prop_assert_eq!(Some(number_of(old.as_ptr())), model.1);
                    model.1 = Some(number);
                }
                Step::Module(number) => {
                    entry = Entry::from_module(&model.0, value(&boxes, number), model.2, 9);
                    model.1 = Some(number);
                }
                Step::Text(len) => {
                    entry.set_string(StringValue::Raw(&vec![b'x'; len]));
                    model.1 = None;
                }
                Step::Integer => {
                    entry.set_string(StringValue::Int(3));
                    model.1 = None;
                }
                Step::Expiry(expiry) => {
                    entry.set_expiry(expiry);
                    model.2 = expiry;
                }
                Step::Rekey(len) => {
                    model.0 = vec![b'k'; len];
                    entry = entry.rekey(&model.0);
                }
                Step::Copy(len) => {
                    let key = vec![b'c'; len];
                    let place = |key| Place { db: 0, key };
                    let from = entry.as_ref();
                    let copy = from.duplicate(&key, |value| value.copy(place(from.key()), place(&key)));
                    prop_assert_eq!(copy.is_none(), model.1.is_some() && len == 0);
                    if let Some(copy) = copy {
                        entry = copy;
                        model.0 = key;
                    }
                }
            }
            let entry = entry.as_ref();
            prop_assert_eq!(entry.key(), &model.0);
            prop_assert_eq!(entry.expiry(), model.2);
            prop_assert_eq!(entry.clock(), 9);
            prop_assert_eq!(entry.module().map(|value| number_of(value.as_ptr())), model.1);
            prop_assert_eq!(boxes.live.load(Ordering::Relaxed), usize::from(model.1.is_some()));
        }
        drop(entry);
        prop_assert_eq!(boxes.live.load(Ordering::Relaxed), 0);
        prop_assert_eq!(Arc::strong_count(&boxes), 1);
    }
}

#[test]
fn an_entry_says_what_it_holds() {
    let boxes = Arc::new(Boxes::default());
    let entry = Entry::from_module(&[b'k'; 16], value(&boxes, 5), None, 0);
    assert_eq!(entry.as_ref().type_name(), "testboxes");
    assert_eq!(entry.as_ref().value_type(), ValueType::Module);
    assert_eq!(entry.as_ref().encoding().name(), "raw");
    assert_eq!(entry.as_ref().memory_usage(|layout| layout.size()), 48, "no block but the entry's own");
    assert!(format!("{entry:?}").contains("testboxes"));
    let value = entry.as_ref().module().unwrap().copy(Place { db: 0, key: b"" }, Place { db: 1, key: b"to" });
    let raw = value.unwrap().into_raw();
    assert_eq!((number_of(raw), boxes.live.load(Ordering::Relaxed)), (5, 2));
    // SAFETY: it was given up by its owner just now.
    drop(unsafe { ModuleValue::from_raw(boxes.clone(), raw) });
    assert_eq!(boxes.live.load(Ordering::Relaxed), 1);
}
