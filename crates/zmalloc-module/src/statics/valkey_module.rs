//! The statics of the crate `valkey-module`.

use valkey_module::raw;

use crate::host::HostApi;

/// The functions, once OnLoad has initialised the crate: under their Valkey names, or, with its
/// feature `use-redismodule-api`, under those of Redis, as far as Redis 7.0 had them.
pub(super) fn api() -> Option<HostApi> {
    valkey().or_else(redis)
}

fn valkey() -> Option<HostApi> {
    // SAFETY: the statics are pointers, written once, before OnLoad starts any thread; a thread that
    // a constructor started earlier sees null or the pointer.
    unsafe {
        Some(HostApi {
            alloc: raw::ValkeyModule_Alloc?,
            calloc: raw::ValkeyModule_Calloc?,
            realloc: raw::ValkeyModule_Realloc?,
            free: raw::ValkeyModule_Free?,
            try_alloc: raw::ValkeyModule_TryAlloc,
            try_calloc: raw::ValkeyModule_TryCalloc,
            try_realloc: raw::ValkeyModule_TryRealloc,
            usable_size: raw::ValkeyModule_MallocUsableSize,
        })
    }
}

fn redis() -> Option<HostApi> {
    // SAFETY: as above.
    unsafe {
        Some(HostApi {
            alloc: raw::RedisModule_Alloc?,
            calloc: raw::RedisModule_Calloc?,
            realloc: raw::RedisModule_Realloc?,
            free: raw::RedisModule_Free?,
            try_alloc: raw::RedisModule_TryAlloc,
            try_calloc: None,
            try_realloc: None,
            usable_size: raw::RedisModule_MallocUsableSize,
        })
    }
}
