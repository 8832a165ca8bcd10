//! The statics of the crate `redis-module`.

use redis_module::raw;

use crate::host::HostApi;

/// The functions, once `RedisModule_Init` has filled the statics in, which OnLoad does first.
pub(super) fn api() -> Option<HostApi> {
    // SAFETY: the statics are pointers, written once, before OnLoad starts any thread; a thread that
    // a constructor started earlier sees null or the pointer.
    unsafe {
        Some(HostApi {
            alloc: raw::RedisModule_Alloc?,
            calloc: raw::RedisModule_Calloc?,
            realloc: raw::RedisModule_Realloc?,
            free: raw::RedisModule_Free?,
            try_alloc: raw::RedisModule_TryAlloc,
            try_calloc: raw::RedisModule_TryCalloc,
            try_realloc: raw::RedisModule_TryRealloc,
            usable_size: raw::RedisModule_MallocUsableSize,
        })
    }
}
