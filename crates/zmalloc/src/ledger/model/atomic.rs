//! In place of `std::sync::atomic`: before each operation the scheduler may let another thread run.
//!
//! All are in one order, whatever ordering is asked for. (shuttle's own atomics belong to one schedule;
//! the ledger's are statics, which outlive it.)

use std::sync::atomic as real;

pub(crate) use std::sync::atomic::Ordering;

use shuttle::thread::yield_now;

/// Orders nothing that isn't ordered here.
pub(crate) fn fence(_: Ordering) {
    yield_now();
}

macro_rules! atomic {
    ($name:ident$(<$parameter:ident>)?, $value:ty) => {
        #[derive(Debug)]
        pub(crate) struct $name$(<$parameter>)?(real::$name$(<$parameter>)?);

        #[allow(dead_code, reason = "not every type is used in every way")]
        impl$(<$parameter>)? $name$(<$parameter>)? {
            pub(crate) const fn new(value: $value) -> Self {
                Self(real::$name::new(value))
            }

            pub(crate) fn load(&self, _: Ordering) -> $value {
                yield_now();
                self.0.load(Ordering::SeqCst)
            }

            pub(crate) fn store(&self, value: $value, _: Ordering) {
                yield_now();
                self.0.store(value, Ordering::SeqCst);
            }

            pub(crate) fn swap(&self, value: $value, _: Ordering) -> $value {
                yield_now();
                self.0.swap(value, Ordering::SeqCst)
            }

            pub(crate) fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                _: Ordering,
                _: Ordering,
            ) -> Result<$value, $value> {
                yield_now();
                self.0.compare_exchange(current, new, Ordering::SeqCst, Ordering::SeqCst)
            }

            pub(crate) fn fetch_update(
                &self,
                set: Ordering,
                fetch: Ordering,
                mut update: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                let mut previous = self.load(fetch);
                while let Some(next) = update(previous) {
                    match self.compare_exchange(previous, next, set, fetch) {
                        Ok(previous) => return Ok(previous),
                        Err(other) => previous = other,
                    }
                }
                Err(previous)
            }
        }
    };
}

macro_rules! arithmetic {
    ($name:ident, $value:ty) => {
        #[allow(dead_code, reason = "not every type is used in every way")]
        impl $name {
            pub(crate) fn fetch_add(&self, value: $value, _: Ordering) -> $value {
                yield_now();
                self.0.fetch_add(value, Ordering::SeqCst)
            }

            pub(crate) fn fetch_sub(&self, value: $value, _: Ordering) -> $value {
                yield_now();
                self.0.fetch_sub(value, Ordering::SeqCst)
            }

            pub(crate) fn fetch_max(&self, value: $value, _: Ordering) -> $value {
                yield_now();
                self.0.fetch_max(value, Ordering::SeqCst)
            }
        }
    };
}

atomic!(AtomicBool, bool);
atomic!(AtomicU8, u8);
atomic!(AtomicU32, u32);
atomic!(AtomicU64, u64);
atomic!(AtomicI64, i64);
atomic!(AtomicUsize, usize);
atomic!(AtomicPtr<T>, *mut T);
arithmetic!(AtomicU64, u64);
arithmetic!(AtomicI64, i64);
arithmetic!(AtomicUsize, usize);
