//! Dictionaries that modules keep: keys in their order, and an address with each.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::ops::Bound;

use module_abi::types;

use crate::guard::FromRaw;

/// What stands behind a `RedisModuleDict *`.
#[derive(Debug, Default)]
pub(crate) struct Dict {
    pub(crate) entries: RefCell<BTreeMap<Vec<u8>, *mut c_void>>,
}

/// What stands behind a `RedisModuleDictIter *`. It keeps the key that it has come to, so the dictionary may change
/// meanwhile.
#[derive(Debug)]
pub(crate) struct DictIter {
    dict: *const Dict,
    /// The key that the iterator stands at, or stood at last; its bytes stay where they are until the next step.
    key: RefCell<Vec<u8>>,
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
    /// As a module knows it.
    pub(crate) fn into_raw(self) -> *mut types::Dict {
        Box::into_raw(Box::new(self)).cast()
    }

    /// Takes a dictionary back.
    ///
    /// # Safety
    /// It is one that [`Self::into_raw`] gave, and that nobody uses any more.
    pub(crate) unsafe fn from_raw(raw: *mut types::Dict) -> Option<Box<Self>> {
        // SAFETY: by the caller's word.
        (!raw.is_null()).then(|| unsafe { Box::from_raw(raw.cast::<Self>()) })
    }

    /// The bytes that it takes beside the text of the keys: its own block, and as many nodes of its tree as there must
    /// be at least, as std doesn't show how full they are.
    pub(crate) fn overhead(&self) -> usize {
        /// The most entries of a node.
        const MOST: usize = 11;
        /// Beside them, the address of the node above, the place there, and the number of entries.
        const NODE: usize =
            MOST * size_of::<(Vec<u8>, *mut c_void)>() + size_of::<usize>() + 2 * size_of::<u16>();
        size_of::<Self>() + self.entries.borrow().len().div_ceil(MOST) * NODE
    }

    /// The key that is sought.
    fn seek(&self, operator: Operator, key: &[u8]) -> Option<Vec<u8>> {
        let entries = self.entries.borrow();
        let first = |bound| entries.range::<[u8], _>((bound, Bound::Unbounded)).next();
        let last = |bound| entries.range::<[u8], _>((Bound::Unbounded, bound)).next_back();
        let found = match operator {
            Operator::First => first(Bound::Unbounded),
            Operator::Last => last(Bound::Unbounded),
            Operator::After => first(Bound::Excluded(key)),
            Operator::AtOrAfter => first(Bound::Included(key)),
            Operator::Before => last(Bound::Excluded(key)),
            Operator::AtOrBefore => last(Bound::Included(key)),
            Operator::At => entries.get_key_value(key),
        };
        found.map(|(key, _)| key.clone())
    }
}

impl DictIter {
    /// An iterator at a key that is sought. Where there is no such operator it is at the end.
    pub(crate) fn new(dict: &Dict, operator: Option<Operator>, key: &[u8]) -> Self {
        let iterator = Self { dict, key: RefCell::default(), state: RefCell::new(State::End) };
        iterator.seek(operator, key);
        iterator
    }

    fn dict(&self) -> &Dict {
        // SAFETY: the module stops an iterator before it frees the dictionary.
        unsafe { &*self.dict }
    }

    /// Goes to a key that is sought; says whether there is such an operator.
    pub(crate) fn seek(&self, operator: Option<Operator>, key: &[u8]) -> bool {
        let found = operator.and_then(|operator| self.dict().seek(operator, key));
        self.state.replace(if found.is_some() { State::Sought } else { State::End });
        if let Some(found) = found {
            self.key.replace(found);
        }
        operator.is_some()
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
                State::Sought | State::At => self.dict().seek(operator, &self.key.borrow()),
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
        self.dict().entries.borrow().get(&*self.key.borrow()).copied()
    }

    /// The address and the length of the key that the iterator is at.
    pub(crate) fn key(&self) -> (*const u8, usize) {
        let key = self.key.borrow();
        (key.as_ptr(), key.len())
    }

    /// The bytes of that key.
    pub(crate) fn key_bytes(&self) -> Vec<u8> {
        self.key.borrow().clone()
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
        Box::into_raw(Box::new(self)).cast()
    }

    /// Takes an iterator back.
    ///
    /// # Safety
    /// It is one that [`Self::into_raw`] gave, and that nobody uses any more.
    pub(crate) unsafe fn from_raw(raw: *mut types::DictIter) -> Option<Box<Self>> {
        // SAFETY: by the caller's word.
        (!raw.is_null()).then(|| unsafe { Box::from_raw(raw.cast::<Self>()) })
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
