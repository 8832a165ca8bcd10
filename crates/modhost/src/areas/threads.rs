//! Contexts for threads of modules, and the lock that they take.

use std::ffi::c_int;

use module_abi::constants::{ERR, OK};
use module_abi::types;

use crate::api::export;
use crate::context::Ctx;
use crate::guard::set_errno;

export! {
    /// A context that goes with the module rather than with a client. What is replied in it goes nowhere.
    fn GetDetachedThreadSafeContext(ctx: &Ctx) -> *mut types::Ctx {
        Ctx::detached(ctx.slot).into_raw()
    }

    fn FreeThreadSafeContext(ctx: *mut types::Ctx) {
        // SAFETY: the module gives up a context that it was given, or passes NULL.
        drop(unsafe { Ctx::from_raw_owned(ctx) });
    }

    /// Waits until this thread alone may use the server.
    fn ThreadSafeContextLock(ctx: &Ctx) {
        ctx.slot.gil().lock();
    }

    fn ThreadSafeContextTryLock(ctx: Option<&Ctx>) -> c_int {
        let Some(ctx) = ctx else {
            set_errno(libc::EINVAL);
            return ERR;
        };
        if ctx.slot.gil().try_lock() {
            OK
        } else {
            set_errno(libc::EBUSY);
            ERR
        }
    }

    fn ThreadSafeContextUnlock(ctx: &Ctx) {
        ctx.slot.gil().unlock();
    }
}
