//! Dictionaries that modules keep: keys in their order, and an address with each.

use std::cell::RefCell;
use std::ffi::c_void;

use allocator_api2::vec::Vec;
use module_abi::types;

use crate::charge::{Charge, Handed, Held, OTHER};
use crate::counters::Kind;
use crate::guard::FromRaw;
use crate::slot::Slot;
use crate::sorted::Sorted;

/// What stands behind a `RedisModuleDict *`.
#[derive(Debug)]
pub(crate) struct Dict {
    /// The module that has made it.
    pub(crate) slot: &'static Slot,
    pub(crate) entries: RefCell<Sorted>,
}

/// What stands behind a `RedisModuleDictIter *`. It keeps the key that it has come to, so the dictionary may change
/// meanwhile.
#[derive(Debug)]
pub(crate) struct DictIter {
    pub(crate) slot: &'static Slot,
    dict: *const Dict,
    /// The key that the iterator stands at, or stood at last; its bytes stay where they are until the next step.
    key: RefCell<Vec<u8, Charge<OTHER>>>,
    state: RefCell<State>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// At a key that was sought and not given yet.
    Sought,
    /// At a key that was given.
    At,
    /// Beyond the keys, where it stays until it seeks again.
    End,
}

/// How a key is compared, or sought: `^ $ > >= < <= ==`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    First,
    Last,
    After,
    AtOrAfter,
    Before,
    AtOrBefore,
    At,
}

impl Operator {
    /// The operator of that text; `None` where there is none.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        let or_equal = text.get(1) == Some(&b'=');
        Some(match (text.first()?, or_equal) {
            (b'^', _) => Self::First,
            (b'$', _) => Self::Last,
            (b'>', false) => Self::After,
            (b'>', true) => Self::AtOrAfter,
            (b'<', false) => Self::Before,
            (b'<', true) => Self::AtOrBefore,
            (b'=', _) => Self::At,
            _ => return None,
        })
    }
}

/// Which way an iterator goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

impl Dict {
    /// An empty dictionary of a module's.
    pub(crate) fn new(slot: &'static Slot) -> Self {
        Self { slot, entries: RefCell::new(Sorted::new(slot)) }
    }

    /// As a module knows it.
    pub(crate) fn into_raw(self) -> *mut types::Dict {
        Handed::new(self).into_raw()
    }

    /// Takes a dictionary back.
    ///
    /// # Safety
    /// It is one that [`Self::into_raw`] gave, and that nobody uses any more.
    pub(crate) unsafe fn from_raw(raw: *mut types::Dict) -> Option<Handed<Self>> {
        // SAFETY: by the caller's word.
        unsafe { Handed::from_raw(raw) }
    }

    /// The bytes that it takes beside the texts of the keys: its own block, and those that its entries lie in.
    pub(crate) fn overhead(&self) -> usize {
        size_of::<Self>() + self.entries.borrow().overhead()
    }

    /// Finds the key that is sought, and has `body` use it.
    fn seek<R>(&self, operator: Operator, key: &[u8], body: impl FnOnce(&[u8]) -> R) -> Option<R> {
        let entries = self.entries.borrow();
        let found = match operator {
            Operator::First => entries.first(),
            Operator::Last => entries.last(),
            Operator::After => entries.after(key),
            Operator::AtOrAfter => entries.at(key).or_else(|| entries.after(key)),
            Operator::Before => entries.before(key),
            Operator::AtOrBefore => entries.at(key).or_else(|| entries.before(key)),
            Operator::At => entries.at(key),
        };
        found.map(|place| body(entries.key(place)))
    }
}

impl Held for Dict {
    const KIND: Kind = Kind::Dictionary;

    fn holder(&self) -> &'static Slot {
        self.slot
    }
}

impl Held for DictIter {
    const KIND: Kind = Kind::Other;

    fn holder(&self) -> &'static Slot {
        self.slot
    }
}

impl DictIter {
    /// An iterator at a key that is sought. Where there is no such operator it is at the end.
    pub(crate) fn new(dict: &Dict, operator: Option<Operator>, key: &[u8]) -> Self {
        let place = RefCell::new(Vec::new_in(Charge::to(dict.slot)));
        let iterator = Self { slot: dict.slot, dict, key: place, state: RefCell::new(State::End) };
        iterator.seek(operator, key);
        iterator
    }

    fn dict(&self) -> &Dict {
        // SAFETY: the module stops an iterator before it frees the dictionary.
        unsafe { &*self.dict }
    }

    /// Goes to a key that is sought; says whether there is such an operator.
    pub(crate) fn seek(&self, operator: Option<Operator>, key: &[u8]) -> bool {
        let found = operator.and_then(|operator| self.find(operator, key));
        self.state.replace(if found.is_some() { State::Sought } else { State::End });
        if let Some(found) = found {
            self.key.replace(found);
        }
        operator.is_some()
    }

    /// The key that is sought.
    fn find(&self, operator: Operator, key: &[u8]) -> Option<Vec<u8, Charge<OTHER>>> {
        self.dict().seek(operator, key, |found| {
            let mut own = Vec::with_capacity_in(found.len(), Charge::to(self.slot));
            own.extend_from_slice(found);
            own
        })
    }

    /// The next key in a direction, with what goes with it; the one that was sought comes first, whatever the
    /// direction. `None` at the end.
    pub(crate) fn step(&self, direction: Direction) -> Option<*mut c_void> {
        let state = *self.state.borrow();
        let sought = if state == State::Sought { self.value() } else { None };
        if sought.is_none() {
            let operator = match direction {
                Direction::Forward => Operator::After,
                Direction::Backward => Operator::Before,
            };
            let next = match state {
                State::End => None,
                State::Sought | State::At => self.find(operator, &self.key.borrow()),
            };
            let Some(next) = next else {
                self.state.replace(State::End);
                return None;
            };
            self.key.replace(next);
        }
        self.state.replace(State::At);
        self.value()
    }

    fn value(&self) -> Option<*mut c_void> {
        self.dict().entries.borrow().get(&self.key.borrow())
    }

    /// The address and the length of the key that the iterator is at.
    pub(crate) fn key(&self) -> (*const u8, usize) {
        let key = self.key.borrow();
        (key.as_ptr(), key.len())
    }

    /// The bytes of that key.
    pub(crate) fn key_bytes(&self) -> std::vec::Vec<u8> {
        self.key.borrow().to_vec()
    }

    /// Whether the key that the iterator is at compares so with another; `false` at the end.
    pub(crate) fn compares(&self, operator: Option<Operator>, other: &[u8]) -> bool {
        let key = self.key.borrow();
        *self.state.borrow() != State::End
            && match operator {
                Some(Operator::After) => **key > *other,
                Some(Operator::AtOrAfter) => **key >= *other,
                Some(Operator::Before) => **key < *other,
                Some(Operator::AtOrBefore) => **key <= *other,
                Some(Operator::At) => **key == *other,
                Some(Operator::First | Operator::Last) | None => false,
            }
    }

    /// As a module knows it.
    pub(crate) fn into_raw(self) -> *mut types::DictIter {
        Handed::new(self).into_raw()
    }

    /// Takes an iterator back.
    ///
    /// # Safety
    /// It is one that [`Self::into_raw`] gave, and that nobody uses any more.
    pub(crate) unsafe fn from_raw(raw: *mut types::DictIter) -> Option<Handed<Self>> {
        // SAFETY: by the caller's word.
        unsafe { Handed::from_raw(raw) }
    }
}

impl FromRaw for &Dict {
    type Raw = *mut types::Dict;

    unsafe fn from_raw(raw: *mut types::Dict) -> Self {
        assert!(!raw.is_null(), "a dictionary");
        // SAFETY: the caller vouches for a dictionary that is there.
        unsafe { &*raw.cast::<Dict>() }
    }
}

impl FromRaw for &DictIter {
    type Raw = *mut types::DictIter;

    unsafe fn from_raw(raw: *mut types::DictIter) -> Self {
        assert!(!raw.is_null(), "an iterator");
        // SAFETY: the caller vouches for an iterator that is there.
        unsafe { &*raw.cast::<DictIter>() }
    }
}
