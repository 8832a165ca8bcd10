//! The statics of the crate `valkey-module`.

use valkey_module::raw;

use crate::host::HostApi;

/// The functions, once `ValkeyModule_Init` has filled the statics in, which OnLoad does first.
pub(super) fn api() -> Option<HostApi> {
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
