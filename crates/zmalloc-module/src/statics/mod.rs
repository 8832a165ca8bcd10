//! The functions of a server, from the crates that modules are written with.
//!
//! Those crates keep the Module API in statics of their own, and fill them when the module is
//! loaded. Each feature picks a file; without it, `absent` stands in.

mod absent;
#[cfg(feature = "redis-module")]
mod redis_module;
#[cfg(not(feature = "redis-module"))]
use absent as redis_module;
#[cfg(feature = "valkey-module")]
mod valkey_module;
#[cfg(not(feature = "valkey-module"))]
use absent as valkey_module;

use crate::host::HostApi;

/// The functions, once one of the crates has been initialised.
pub(crate) fn api() -> Option<HostApi> {
    redis_module::api().or_else(valkey_module::api).or_else(absent::api)
}
