//! Databases: which is selected, how many keys it has.

use std::ffi::{c_int, c_ulonglong};

use module_abi::constants::{ERR, OK, ctx_flags};

use crate::api::export;
use crate::context::Ctx;
use crate::lend::with_engine;

/// Every flag that GetContextFlags may have here.
pub(crate) const CONTEXT_FLAGS: c_int = ctx_flags::MASTER
    | ctx_flags::MULTI
    | ctx_flags::DENY_BLOCKING
    | ctx_flags::RESP3
    | ctx_flags::MAXMEMORY
    | ctx_flags::EVICT
    | ctx_flags::OOM
    | ctx_flags::OOM_WARNING
    | ctx_flags::DEBUG_ENABLED;

export! {
    fn GetSelectedDb(ctx: &Ctx) -> c_int {
        ctx.db() as c_int
    }

    fn SelectDb(ctx: &Ctx, number: c_int) -> c_int {
        if usize::try_from(number).is_ok_and(|number| ctx.select(number)) { OK } else { ERR }
    }

    fn DbSize(ctx: &Ctx) -> c_ulonglong {
        let db = ctx.db();
        with_engine(|engine| engine.database_size(db)).unwrap_or(0) as c_ulonglong
    }

    fn GetClientId(ctx: &Ctx) -> c_ulonglong {
        ctx.client.map_or(0, |client| client.number())
    }

    /// Where the context runs, and how the server stands.
    fn GetContextFlags(ctx: Option<&Ctx>) -> c_int {
        let mut flags = ctx_flags::MASTER;
        with_engine(|engine| {
            if let Some(client) = ctx.and_then(|ctx| ctx.client) {
                if engine.in_transaction(client) {
                    flags |= ctx_flags::MULTI;
                }
                if !engine.may_wait(client) {
                    flags |= ctx_flags::DENY_BLOCKING;
                }
                if engine.protocol_of(client) == engine::resp::Version::V3 {
                    flags |= ctx_flags::RESP3;
                }
            }
            let config = engine.config();
            if config.maxmemory != 0 {
                flags |= ctx_flags::MAXMEMORY;
                if config.maxmemory_policy != engine::config::MaxmemoryPolicy::Noeviction {
                    flags |= ctx_flags::EVICT;
                }
                let used = zmalloc::used_memory() as f64 / config.maxmemory as f64;
                if used > 1.0 {
                    flags |= ctx_flags::OOM;
                }
                if used > 0.75 {
                    flags |= ctx_flags::OOM_WARNING;
                }
            }
            if engine.has_child() {
                flags |= ctx_flags::ACTIVE_CHILD;
            }
            if engine.is_child() {
                flags |= ctx_flags::IS_CHILD;
            }
            if config.enable_debug_command.allows(true) {
                flags |= ctx_flags::DEBUG_ENABLED;
            }
        });
        flags
    }

    /// Random hexadecimal digits.
    fn GetRandomHexChars(buffer: *mut std::ffi::c_char, len: usize) {
        let mut bits = 0;
        for at in 0..len {
            if at % 16 == 0 {
                bits = with_engine(engine::Engine::random).unwrap_or_else(fallback);
            }
            let digit = b"0123456789abcdef"[(bits & 15) as usize];
            bits >>= 4;
            // SAFETY: the module passes a place for that many bytes.
            unsafe { buffer.add(at).write(digit.cast_signed()) };
        }
    }

    fn GetRandomBytes(buffer: *mut std::ffi::c_uchar, len: usize) {
        for at in 0..len {
            let bits = with_engine(engine::Engine::random).unwrap_or_else(fallback);
            // SAFETY: the module passes a place for that many bytes.
            unsafe { buffer.add(at).write(bits as u8) };
        }
    }

    fn AvoidReplicaTraffic() -> c_int {
        0
    }
}

/// Random bits where there is no engine to ask.
fn fallback() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}
