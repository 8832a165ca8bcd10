//! Random values of any type that the walk knows, and what makes two of them equal.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::ffi::{CString, OsString};
use std::hash::Hash;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;

use allocator_api2::boxed::Box as ApiBox;
use allocator_api2::vec::Vec as ApiVec;
use hashbrown::{HashMap, HashSet};

/// A small generator of pseudo-random numbers (xorshift64*), the same in every run.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number under `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() >> 33) as usize % limit
    }

    /// A length: often none or small, seldom larger than one chunk of the walk.
    fn length(&mut self) -> usize {
        match self.below(10) {
            0 | 1 => 0,
            2 => 1,
            3 => 30 + self.below(40),
            _ => 2 + self.below(6),
        }
    }
}

/// A type with random values.
pub(crate) trait Sample: Sized {
    fn sample(rng: &mut Rng) -> Self;
}

/// So many random values.
fn some<T: Sample, C: FromIterator<T>>(rng: &mut Rng) -> C {
    (0..rng.length()).map(|_| T::sample(rng)).collect()
}

macro_rules! sampled {
    ($({$($generics:tt)*} $type:ty: |$rng:ident| $value:expr;)+) => {$(
        impl<$($generics)*> Sample for $type {
            fn sample($rng: &mut Rng) -> Self {
                $value
            }
        }
    )+};
}

sampled! {
    {} (): |_rng| ();
    {} u8: |rng| rng.below(256) as u8;
    {} u32: |rng| rng.next() as u32;
    {} u64: |rng| rng.next();
    {} u128: |rng| u128::from(rng.next()) << 64 | u128::from(rng.next());
    {} char: |rng| char::from_u32(0x20 + rng.below(0x2000) as u32).unwrap();
    {} String: |rng| {
        let mut text = some::<char, String>(rng);
        text.reserve(rng.below(20));
        text
    };
    {} OsString: |rng| String::sample(rng).into();
    {} PathBuf: |rng| String::sample(rng).into();
    {} CString: |rng| CString::new(String::sample(rng).replace('\0', "")).unwrap();
    {} Box<str>: |rng| String::sample(rng).into();
    {} Rc<str>: |rng| String::sample(rng).into();
    {} Arc<str>: |rng| String::sample(rng).into();
    {} Cow<'static, str>: |rng| match rng.below(2) {
        0 => Cow::Borrowed("borrowed"),
        _ => Cow::Owned(String::sample(rng)),
    };
    {T: Sample} Option<T>: |rng| (rng.below(3) > 0).then(|| T::sample(rng));
    {T: Sample, E: Sample} Result<T, E>: |rng| match rng.below(2) {
        0 => Ok(T::sample(rng)),
        _ => Err(E::sample(rng)),
    };
    {T: Sample} Box<T>: |rng| Box::new(T::sample(rng));
    {T: Sample} Rc<T>: |rng| Rc::new(T::sample(rng));
    {T: Sample} Arc<T>: |rng| Arc::new(T::sample(rng));
    {T: Sample} RefCell<T>: |rng| RefCell::new(T::sample(rng));
    {T: Sample} OnceCell<T>: |rng| Option::<T>::sample(rng).map_or_else(OnceCell::new, OnceCell::from);
    {T: Sample} Reverse<T>: |rng| Reverse(T::sample(rng));
    {T: Sample} Box<[T]>: |rng| some::<T, Vec<T>>(rng).into();
    {T: Sample} Rc<[T]>: |rng| some::<T, Vec<T>>(rng).into();
    {T: Sample} Arc<[T]>: |rng| some::<T, Vec<T>>(rng).into();
    {T: Sample} Vec<T>: |rng| {
        let mut vec: Self = some(rng);
        vec.reserve(rng.below(20));
        vec
    };
    {T: Sample} VecDeque<T>: |rng| {
        let mut deque: Self = some(rng);
        // So that it begins anywhere in its block.
        for _ in 0..rng.below(20) {
            deque.pop_front();
            deque.push_back(T::sample(rng));
        }
        deque
    };
    {T: Sample + Ord} BinaryHeap<T>: |rng| some(rng);
    {T: Sample} ApiBox<T>: |rng| ApiBox::new(T::sample(rng));
    {T: Sample} ApiBox<[T]>: |rng| ApiVec::<T>::sample(rng).into_boxed_slice();
    {T: Sample} ApiVec<T>: |rng| some::<T, Vec<T>>(rng).into_iter().collect();
    {K: Sample + Hash + Eq, V: Sample} HashMap<K, V>: |rng| {
        let mut map: Self = some(rng);
        if rng.below(4) == 0 {
            map.reserve(50);
        }
        // Removed again, the same ones whatever the map's order.
        let seed = rng.0;
        map.extend(some::<(K, V), Vec<_>>(rng));
        some::<(K, V), Vec<_>>(&mut Rng(seed)).iter().for_each(|(key, _)| drop(map.remove(key)));
        map
    };
    {T: Sample + Hash + Eq} HashSet<T>: |rng| {
        HashMap::<T, ()>::sample(rng).into()
    };
    {K: Sample + Ord, V: Sample} BTreeMap<K, V>: |rng| some(rng);
    {T: Sample + Ord} BTreeSet<T>: |rng| some(rng);
    {K: Sample + Hash + Eq, V: Sample} std::collections::HashMap<K, V>: |rng| some(rng);
    {T: Sample + Hash + Eq} std::collections::HashSet<T>: |rng| some(rng);
    {A: Sample, B: Sample} (A, B): |rng| (A::sample(rng), B::sample(rng));
    {A: Sample, B: Sample, C: Sample} (A, B, C): |rng| (A::sample(rng), B::sample(rng), C::sample(rng));
    {T: Sample, const N: usize} [T; N]: |rng| std::array::from_fn(|_| T::sample(rng));
}
