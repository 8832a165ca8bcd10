//! The functions of a server, from the crates that modules are written with.
//!
//! Those crates keep the Module API in statics of their own, and fill them when the module is
//! loaded. Among them is GetApi, by which any function is found. Each feature picks a file;
//! without it, `absent` stands in.

mod absent;
#[cfg(feature = "redis-module")]
mod redis_module;
#[cfg(not(feature = "redis-module"))]
use absent as redis_module;
#[cfg(feature = "valkey-module")]
mod valkey_module;
#[cfg(not(feature = "valkey-module"))]
use absent as valkey_module;

use std::ffi::{c_char, c_int, c_void};
use std::mem;

use crate::host::{GetApi, HostApi};

/// GetApi as the crates declare it: the place for the function has no type.
type UntypedGetApi = unsafe extern "C" fn(*const c_char, *mut c_void) -> c_int;

/// What a crate holds, in up to two statics.
type Statics = [Option<UntypedGetApi>; 2];

/// The functions, once one of the crates has been initialised.
pub(crate) fn api() -> Option<HostApi> {
    let crates = [redis_module::statics(), valkey_module::statics(), absent::statics()];
    let get_api = crates.into_iter().flatten().flatten().next()?;
    // SAFETY: the function is the server's, and the two types differ in what a pointer points to.
    unsafe { HostApi::of_get_api(mem::transmute::<UntypedGetApi, GetApi>(get_api)).ok() }
}
