//! The statics of the crate `valkey-module`, which has those of Redis too: its feature
//! `use-redismodule-api` decides which it fills in.

use valkey_module::raw;

use super::Statics;

/// What the crate was initialised with.
pub(super) fn statics() -> Statics {
    // SAFETY: pointers, written once, before OnLoad starts any thread; a thread that a constructor
    // started earlier sees null or the pointer.
    unsafe { [raw::ValkeyModule_GetApi, raw::RedisModule_GetApi] }
}
