//! Moving blocks at the server's advice, in the defrag callback of a data type.

use std::alloc::Layout;
use std::ffi::{c_ulong, c_void};
use std::ptr::NonNull;

use crate::global::ModuleAlloc;
use crate::host::DefragApi;

/// Moves a module's blocks, in one call of a defrag callback.
///
/// For values that describe themselves by `HeapWalk` there is a whole callback:
/// `zmalloc_module::value::defrag`, with the feature `heapwalk`.
#[derive(Debug)]
pub struct Defragmenter {
    context: *mut c_void,
    api: DefragApi,
}

impl Defragmenter {
    /// For the context of a call; `None` when no server is bound, or one before Redis 6.2.
    ///
    /// # Safety
    /// `context` must be the `RedisModuleDefragCtx` or `ValkeyModuleDefragCtx` that the bound server
    /// passed to a defrag callback of this module, and the result must not outlive that call. The
    /// module's global allocator must be [`ModuleAlloc`].
    pub unsafe fn new<C>(context: *mut C) -> Option<Self> {
        Some(Self { context: context.cast(), api: ModuleAlloc::defrag_api()? })
    }

    /// Whether the time of this call is up, as the server's DefragShouldStop says. It looks at the
    /// clock, so it is for every few blocks.
    pub fn should_stop(&self) -> bool {
        // SAFETY: the context is that of a call that isn't over.
        unsafe { (self.api.should_stop)(self.context) != 0 }
    }

    /// What the last call for this value left by [`set_cursor`](Self::set_cursor); 0 in the first, and
    /// where the server keeps nothing, because it wants a small value done in one call.
    pub fn cursor(&self) -> c_ulong {
        let mut cursor: c_ulong = 0;
        // SAFETY: the context is that of a call that isn't over, and there is room for a number.
        let status = unsafe { (self.api.cursor_get)(self.context, &raw mut cursor) };
        if status == 0 { cursor } else { 0 }
    }

    /// Leaves a number for the next call, which comes if this one returns 1. False if none will come.
    pub fn set_cursor(&mut self, cursor: c_ulong) -> bool {
        // SAFETY: the context is that of a call that isn't over.
        unsafe { (self.api.cursor_set)(self.context, cursor) == 0 }
    }

    /// Has the server move a block, if it thinks that of use. Returns the new block, of the same
    /// layout and content, or `None` with the old one as it was.
    ///
    /// Blocks that can't be moved like this stay: those from before binding, and those aligned by
    /// hand.
    ///
    /// # Safety
    /// The block must be live, of [`ModuleAlloc`], and have this layout, whose size isn't 0. If there
    /// is a new one it has taken the old one's place, which is no longer live.
    #[must_use = "the old block is gone if there is a new one"]
    pub unsafe fn move_block(&mut self, block: NonNull<u8>, layout: Layout) -> Option<NonNull<u8>> {
        if !ModuleAlloc::is_server_block(block.as_ptr(), layout) {
            return None;
        }
        // SAFETY: the block is the server's, as it gave it, and the context that of a call that isn't
        // over. The server's new block has the size class of the old one, hence its alignment.
        NonNull::new(unsafe { (self.api.alloc)(self.context, block.as_ptr().cast()) }.cast())
    }
}
