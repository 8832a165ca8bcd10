//! The statics of the crate `redis-module`.

use redis_module::raw;

use super::Statics;

/// What the crate was initialised with.
pub(super) fn statics() -> Statics {
    // SAFETY: a pointer, written once, before OnLoad starts any thread; a thread that a constructor
    // started earlier sees null or the pointer.
    [unsafe { raw::RedisModule_GetApi }, None]
}
