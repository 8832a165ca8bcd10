//! The boundary to C: what comes in is given its type, and no panic goes out.

use std::ffi::{CStr, c_char, c_int, c_long, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a function of the API answers when it fails and its documentation names nothing else.
pub(crate) trait Failure {
    /// That value.
    const FAILURE: Self;
}

macro_rules! failures {
    ($($ty:ty = $value:expr;)*) => {$(
        impl Failure for $ty {
            const FAILURE: Self = $value;
        }
    )*};
}

failures! {
    () = ();
    c_int = module_abi::constants::ERR;
    c_long = -1;
    u64 = 0;
    usize = 0;
    f64 = 0.0;
    f32 = 0.0;
    u32 = 0;
}

impl<T> Failure for *mut T {
    const FAILURE: Self = std::ptr::null_mut();
}

impl<T> Failure for *const T {
    const FAILURE: Self = std::ptr::null();
}

/// Runs the body of a function of the API. A panic in it is logged, and the function fails.
pub(crate) fn guarded<R: Failure>(name: &str, body: impl FnOnce() -> R) -> R {
    // What a panic leaves half done is an engine's command at worst, which the server's own commands could as well.
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("");
        tracing::error!("RedisModule_{name} failed within the server: {text}");
        R::FAILURE
    })
}

/// A type that an argument of a function of the API has within Rust.
pub(crate) trait FromRaw: Sized {
    /// The type that C passes.
    type Raw;

    /// What was passed, as the type that it is meant to be.
    ///
    /// # Safety
    /// The argument is what the API's documentation says it must be, for as long as the function runs.
    unsafe fn from_raw(raw: Self::Raw) -> Self;
}

macro_rules! as_they_are {
    ($($ty:ty),*) => {$(
        impl FromRaw for $ty {
            type Raw = $ty;

            unsafe fn from_raw(raw: $ty) -> $ty {
                raw
            }
        }
    )*};
}

as_they_are!(c_int, u32, c_long, u64, usize, f64, f32, u8);

impl<T> FromRaw for *mut T {
    type Raw = *mut T;

    unsafe fn from_raw(raw: *mut T) -> *mut T {
        raw
    }
}

impl<T> FromRaw for *const T {
    type Raw = *const T;

    unsafe fn from_raw(raw: *const T) -> *const T {
        raw
    }
}

macro_rules! functions {
    ($(($($argument:ident)*))*) => {$(
        /// A function that a module passes, or none.
        impl<Return, $($argument),*> FromRaw for Option<unsafe extern "C" fn($($argument),*) -> Return> {
            type Raw = Self;

            unsafe fn from_raw(raw: Self) -> Self {
                raw
            }
        }
    )*};
}

functions! { () (A) (A B) (A B C) (A B C D) (A B C D E) }

/// A text of C's. NULL is the empty text.
impl FromRaw for &CStr {
    type Raw = *const c_char;

    unsafe fn from_raw(raw: *const c_char) -> Self {
        // SAFETY: the caller vouches for a text that ends with NUL.
        if raw.is_null() { c"" } else { unsafe { CStr::from_ptr(raw) } }
    }
}

impl FromRaw for Option<&CStr> {
    type Raw = *const c_char;

    unsafe fn from_raw(raw: *const c_char) -> Self {
        // SAFETY: the caller vouches for a text that ends with NUL.
        if raw.is_null() { None } else { Some(unsafe { CStr::from_ptr(raw) }) }
    }
}

/// A place where the caller wants a value put, or none.
#[derive(Debug)]
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// Puts the value there, if there is a place.
    pub(crate) fn put(&self, value: T) {
        if !self.0.is_null() {
            // SAFETY: whoever made this vouched for a place for a `T`.
            unsafe { self.0.write(value) };
        }
    }
}

impl<T> FromRaw for Out<T> {
    type Raw = *mut T;

    unsafe fn from_raw(raw: *mut T) -> Self {
        Self(raw)
    }
}

/// Bytes at an address that C passes with a length.
///
/// # Safety
/// There are that many bytes, which stay as they are for `'a`; or none, and the address may be NULL.
pub(crate) unsafe fn bytes<'a>(address: *const c_char, len: usize) -> &'a [u8] {
    if address.is_null() || len == 0 {
        return &[];
    }
    // SAFETY: by the caller's word.
    unsafe { std::slice::from_raw_parts(address.cast(), len) }
}

/// Sets what C's `errno` is on this thread.
pub(crate) fn set_errno(number: c_int) {
    // SAFETY: the address is that of the thread's own number.
    unsafe { *libc::__errno_location() = number };
}

/// Data of a module's own, which callbacks are given back.
pub(crate) type Data = *mut c_void;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_the_failure() {
        assert_eq!(guarded("Test", || -> c_int { panic!("on purpose") }), 1);
        assert!(guarded("Test", || -> *mut u8 { panic!("on purpose {}", 1) }).is_null());
        assert_eq!(guarded("Test", || 7 as c_long), 7);
    }
}
