//! The allocator that a module declares.

use std::alloc::{GlobalAlloc, Layout};
use std::ffi::c_void;

use crate::heap::Heap;
use crate::host::{BindError, DefragApi, HostApi};
use crate::ledger::Usage;
use crate::statics;

/// All values of [`ModuleAlloc`] share it: a module has one heap.
static HEAP: Heap = Heap::new();

/// The global allocator of a Redis or Valkey module.
///
/// ```
/// use zmalloc_module::ModuleAlloc;
///
/// #[global_allocator]
/// static ALLOCATOR: ModuleAlloc = ModuleAlloc::new();
/// # fn main() { assert!(ModuleAlloc::usage().bytes < 1 << 30); }
/// ```
///
/// Until a server is bound, blocks come from the system, so that a module's own tests run. Once it
/// is, they come from the server, which counts them in `used_memory`. Either way a block goes back
/// to whoever gave it. The [crate's page](crate) has the details.
#[derive(Clone, Copy, Debug, Default)]
pub struct ModuleAlloc(());

impl ModuleAlloc {
    /// The allocator. Every value stands for the same heap.
    pub const fn new() -> Self {
        Self(())
    }

    /// Takes memory from this server from now on; OnLoad calls it before anything else.
    ///
    /// Modules that use the features `redis-module` or `valkey-module` needn't: the first allocation
    /// after those crates are initialised binds. Binding to the same server again does nothing, as
    /// when a module is loaded again that the system never unloaded.
    ///
    /// # Errors
    /// When the context is null or no context, the server lacks one of Alloc, Calloc, Realloc and
    /// Free, or another server is bound.
    ///
    /// # Safety
    /// `context` must be null, or the context that the server passed to this module's
    /// `RedisModule_OnLoad` or `ValkeyModule_OnLoad`, during that call.
    pub unsafe fn bind(context: *mut c_void) -> Result<(), BindError> {
        // SAFETY: the context is as the caller promises, and a server's functions stay where they
        // are as long as the module does.
        unsafe { HEAP.bind(HostApi::of_context(context)?) }
    }

    /// Whether memory comes from a server.
    pub fn is_bound() -> bool {
        HEAP.host().is_some()
    }

    /// What this module holds now: bytes, their peak, and blocks, in usable bytes.
    ///
    /// Blocks from before binding are in it. Before Redis 7.0.1 a server can't say how large its
    /// blocks are, and the bytes asked for are counted.
    pub fn usage() -> Usage {
        HEAP.usage()
    }

    /// Whether a live block of this layout is, as it is, a block of the server's: one that the
    /// server's DefragAlloc may move. False for blocks from before binding, and for those that were
    /// aligned by hand. A block that has moved is freed like the old one.
    pub fn is_server_block(block: *const u8, layout: Layout) -> bool {
        HEAP.is_server_block(block, layout)
    }

    /// The bytes that a block takes, as [`usage`](Self::usage) counts it.
    ///
    /// # Safety
    /// The block must be live, of this allocator, and have this layout, whose size isn't 0.
    pub unsafe fn block_size(block: *const u8, layout: Layout) -> usize {
        // SAFETY: passed on.
        unsafe { HEAP.block_size(block.cast_mut(), layout) }
    }

    /// The bytes that a block of this layout takes, or where that isn't known of a server, at least
    /// takes.
    pub fn size_for(layout: Layout) -> usize {
        HEAP.size_for(layout)
    }

    /// The server's functions for defrag callbacks.
    pub(crate) fn defrag_api() -> Option<DefragApi> {
        HEAP.host()?.defrag_api()
    }

    /// Allocates what isn't a small block of a server's, which is looked for first if need be.
    ///
    /// # Safety
    /// As for `GlobalAlloc::alloc`.
    #[inline(never)]
    unsafe fn allocate_other(layout: Layout, zeroed: bool) -> *mut u8 {
        if HEAP.host().is_none()
            && let Some(api) = statics::api()
        {
            // SAFETY: the crate got the functions from the server. Only another server could make
            // this fail, and then memory goes on coming from the first.
            let _ = unsafe { HEAP.bind(api) };
        }
        // SAFETY: passed on.
        unsafe { HEAP.allocate(layout, zeroed) }
    }
}

// SAFETY: blocks are as the layout says, whether they come from the arena or the server; they go back
// to whoever gave them; null means that there is no memory; and nothing here unwinds, because the
// only panic is for a block that no allocator of this module gave.
unsafe impl GlobalAlloc for ModuleAlloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        unsafe {
            match HEAP.allocate_small(layout, false) {
                Some(block) => block,
                None => Self::allocate_other(layout, false),
            }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on.
        unsafe {
            match HEAP.allocate_small(layout, true) {
                Some(block) => block,
                None => Self::allocate_other(layout, true),
            }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: passed on.
        unsafe { HEAP.free(block, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: passed on.
        unsafe { HEAP.reallocate(block, layout, new_size) }
    }
}
