//! Memory that goes with the context.

use std::ffi::c_void;

use crate::api::export;
use crate::context::Ctx;

export! {
    fn AutoMemory(ctx: &Ctx) {
        ctx.free_automatically();
    }

    fn PoolAlloc(ctx: &Ctx, bytes: usize) -> *mut c_void {
        ctx.pool.allocate(bytes).cast()
    }
}
