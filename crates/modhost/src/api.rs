//! Binding: from the definitions of functions to what GetApi finds.

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::LazyLock;

use crate::areas;

/// A function of the API that is there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Binding {
    /// Its name in the table.
    pub(crate) name: &'static str,
    /// Where it is.
    address: *const c_void,
}

// SAFETY: the address is that of a function.
unsafe impl Send for Binding {}
// SAFETY: as above.
unsafe impl Sync for Binding {}

impl Binding {
    /// Binds a function, whose name the table must have.
    pub(crate) const fn new(name: &'static str, address: *const ()) -> Self {
        Self { name, address: address.cast() }
    }

    /// The address, as a module wants it.
    pub(crate) fn address(self) -> *mut c_void {
        self.address.cast_mut()
    }
}

/// Defines functions of the API, by the names that they have there, and lists them in `BINDINGS`.
///
/// Arguments have the types that the bodies work with: see [`FromRaw`](crate::guard::FromRaw). A function whose
/// signature isn't that of the table doesn't compile. A panic in a body is logged, and the function answers with
/// [`Failure::FAILURE`](crate::guard::Failure).
macro_rules! export {
    ($(
        $(#[$meta:meta])*
        fn $name:ident($($arg:ident: $ty:ty),* $(,)?) $(-> $ret:ty)? $body:block
    )*) => {
        $(
            $(#[$meta])*
            #[allow(non_snake_case, reason = "named as in the API")]
            unsafe extern "C" fn $name(
                $($arg: <$ty as $crate::guard::FromRaw>::Raw),*
            ) $(-> $ret)? {
                $crate::guard::guarded(stringify!($name), move || {
                    // SAFETY: the module vouches for its arguments, as the documentation of the function asks.
                    $(let $arg = unsafe { <$ty as $crate::guard::FromRaw>::from_raw($arg) };)*
                    $body
                })
            }
        )*

        /// The functions that are defined here.
        pub(crate) const BINDINGS: &[$crate::api::Binding] = &[$({
            let function: module_abi::signature::$name = $name;
            $crate::api::Binding::new(stringify!($name), function as *const ())
        }),*];
    };
}

/// Defines functions of the API that have to know whose they are, as [`export!`] does others: the first name in the
/// parentheses is that of the module's slot. Every module is given a function of its own, of which only the number of
/// the slot is its own.
macro_rules! export_own {
    ($(
        $(#[$meta:meta])*
        fn $name:ident($slot:ident; $($arg:ident: $ty:ty),* $(,)?) -> $ret:ty $body:block
    )*) => {
        $(
            $(#[$meta])*
            #[allow(non_snake_case, reason = "named as in the API")]
            unsafe extern "C" fn $name<const SLOT: usize>(
                $($arg: <$ty as $crate::guard::FromRaw>::Raw),*
            ) -> $ret {
                unsafe fn own(number: usize, $($arg: <$ty as $crate::guard::FromRaw>::Raw),*) -> $ret {
                    $crate::guard::guarded(stringify!($name), move || {
                        let $slot: &'static $crate::slot::Slot = $crate::slot::slot(number);
                        // SAFETY: the module vouches for its arguments, as the documentation of the function asks.
                        $(let $arg = unsafe { <$ty as $crate::guard::FromRaw>::from_raw($arg) };)*
                        $body
                    })
                }
                // SAFETY: as above.
                unsafe { own(SLOT, $($arg),*) }
            }
        )*

        /// The functions that are defined here for the module in a slot.
        pub(crate) fn own<const SLOT: usize>() -> impl Iterator<Item = $crate::api::Binding> {
            [$({
                let function: module_abi::signature::$name = $name::<SLOT>;
                $crate::api::Binding::new(stringify!($name), function as *const ())
            }),*].into_iter()
        }
    };
}

pub(crate) use {export, export_own};

/// Every function that is the same for all modules, by its name.
static FUNCTIONS: LazyLock<HashMap<&'static str, Binding>> = LazyLock::new(|| {
    let all = areas::BINDINGS.iter().flat_map(|bindings| bindings.iter());
    all.map(|binding| (binding.name, *binding)).collect()
});

/// The function of that name, which is without prefix.
pub(crate) fn function(name: &str) -> Option<Binding> {
    FUNCTIONS.get(name).copied()
}

/// The names of all functions that a module can bind to, in no order.
pub fn bound_names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.keys().copied().chain(areas::memory::names())
}
