//! Active defragmentation: modules move their own blocks.

use std::ffi::{c_int, c_ulong, c_void};
use std::ptr::{self, NonNull};

use engine::DefragStage;
use keyspace::Defrag;
use module_abi::constants::{ERR, OK};
use module_abi::types::{DefragFunc, ModuleString};

use crate::api::export;
use crate::context::Ctx;
use crate::defrag::DefragCtx;
use crate::guard::Out;
use crate::slot::Slot;
use crate::string::StrRef;

/// What a module has asked to have called in each pass.
#[derive(Clone, Copy, Debug, Default)]
struct Callbacks {
    /// Moves what the module holds beside the keys.
    blocks: Option<DefragFunc>,
    begin: Option<DefragFunc>,
    end: Option<DefragFunc>,
}

/// Calls what a module has registered for a stage of a pass.
pub(crate) fn run(slot: &'static Slot, stage: DefragStage, defrag: &mut dyn Defrag) {
    let callbacks: Callbacks = slot.with_state(|state: &mut Callbacks| *state);
    let wanted = match stage {
        DefragStage::Begin => [callbacks.begin, None],
        DefragStage::End => [callbacks.blocks, callbacks.end],
    };
    let ctx = DefragCtx::of_module(slot, defrag);
    for callback in wanted.into_iter().flatten() {
        // SAFETY: the module vouches for its function.
        unsafe { callback(ctx.as_raw()) };
    }
}

export! {
    fn RegisterDefragFunc(ctx: &Ctx, function: Option<DefragFunc>) -> c_int {
        ctx.slot.with_state(|state: &mut Callbacks| state.blocks = function);
        OK
    }

    fn RegisterDefragCallbacks(ctx: &Ctx, begin: Option<DefragFunc>, end: Option<DefragFunc>) -> c_int {
        ctx.slot.with_state(|state: &mut Callbacks| (state.begin, state.end) = (begin, end));
        OK
    }

    /// The new address of a block that was moved; NULL for one that lies well.
    fn DefragAlloc(ctx: &DefragCtx<'_>, block: *mut c_void) -> *mut c_void {
        let Some(block) = NonNull::new(block.cast()) else { return ptr::null_mut() };
        // SAFETY: the module passes a block of its own, and takes the new one in its place.
        let moved = unsafe { ctx.block(block) };
        moved.map_or(ptr::null_mut(), |block| block.as_ptr().cast())
    }

    fn DefragAllocRaw(ctx: &DefragCtx<'_>, bytes: usize) -> *mut c_void {
        let block = zmalloc::zmalloc_usable(bytes);
        ctx.slot.counters().take(block.len());
        block.as_ptr().cast()
    }

    fn DefragFreeRaw(ctx: &DefragCtx<'_>, block: *mut c_void) {
        let Some(block) = NonNull::new(block.cast::<u8>()) else { return };
        // SAFETY: the module gives up a block of its own.
        unsafe {
            ctx.slot.counters().give(zmalloc::zmalloc_usable_size(Some(block)));
            zmalloc::zfree(Some(block));
        }
    }

    /// The new address of a string that was moved; NULL for one that lies well, or that others refer to as well.
    fn DefragRedisModuleString(ctx: &DefragCtx<'_>, string: *mut ModuleString) -> *mut ModuleString {
        // SAFETY: the module passes a string that it has a reference to.
        let Some(string) = (unsafe { StrRef::from_raw(string) }) else { return ptr::null_mut() };
        let before = string.as_raw();
        // SAFETY: the context moves blocks as that asks.
        let after = unsafe { string.moved(|block| ctx.block(block)) }.into_raw();
        if ptr::eq(before, after) { ptr::null_mut() } else { after }
    }

    /// Whether the module should come back later for the rest.
    fn DefragShouldStop(ctx: &DefragCtx<'_>) -> c_int {
        c_int::from(ctx.place.is_some() && ctx.defrag.borrow_mut().is_over())
    }

    /// Where a value that isn't done is to be gone on with; only values of keys have that.
    fn DefragCursorSet(ctx: &DefragCtx<'_>, cursor: c_ulong) -> c_int {
        if ctx.place.is_none() {
            return ERR;
        }
        *ctx.defrag.borrow_mut().cursor() = cursor;
        OK
    }

    fn DefragCursorGet(ctx: &DefragCtx<'_>, cursor: Out<c_ulong>) -> c_int {
        if ctx.place.is_none() {
            return ERR;
        }
        cursor.put(*ctx.defrag.borrow_mut().cursor());
        OK
    }

    fn GetDbIdFromDefragCtx(ctx: &DefragCtx<'_>) -> c_int {
        ctx.place.as_ref().map_or(-1, |(db, _)| *db as c_int)
    }

    fn GetKeyNameFromDefragCtx(ctx: &DefragCtx<'_>) -> *const ModuleString {
        ctx.place.as_ref().map_or(ptr::null(), |(_, key)| key.as_raw().cast_const())
    }
}
