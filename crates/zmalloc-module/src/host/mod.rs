//! The server that a module was loaded into, as an allocator.

mod api;
mod classes;
mod growth;
mod promise;

use std::ptr;

pub use self::api::BindError;
use self::api::{Alloc, Free};
pub(crate) use self::api::{DefragApi, GetApi, HostApi};
use self::classes::Classes;
use self::growth::Way;
pub(crate) use self::promise::Promise;
use crate::thread;

/// Zeroed blocks from this size on are tried out first on servers without a TryCalloc.
///
/// A Calloc that fails ends such a server. Allocating and freeing a block of this size costs
/// nothing beside filling it.
const TRY_OUT_FROM: usize = 64 << 20;

/// A server's allocation functions, and what is known about them.
///
/// What every allocation reads comes first, on one cache line.
#[repr(C, align(64))]
pub(crate) struct Host {
    /// TryAlloc where the server has it.
    alloc: Alloc,
    free: Free,
    api: HostApi,
    promise: Promise,
    /// The thread that bound the server: the one that loads modules, and looks at `used_memory`.
    thread: usize,
    classes: Classes,
}

impl Host {
    /// Learns what this server promises, by allocating a few blocks.
    ///
    /// # Safety
    /// The functions must be the allocation functions of the Module API, each as documented there.
    pub(crate) unsafe fn new(api: HostApi) -> Self {
        // SAFETY: passed on.
        let promise = unsafe { Promise::learn(&api) };
        Self {
            alloc: api.try_alloc.unwrap_or(api.alloc),
            free: api.free,
            api,
            promise,
            thread: thread::id(),
            classes: Classes::of(&promise),
        }
    }

    /// Whether these are the functions of the same server.
    pub(crate) fn is(&self, api: &HostApi) -> bool {
        self.api.alloc as usize == api.alloc as usize && self.api.free as usize == api.free as usize
    }

    /// The functions for defrag callbacks, since Redis 6.2.
    pub(crate) fn defrag_api(&self) -> Option<DefragApi> {
        self.api.defrag
    }

    /// How many bytes to ask the server for; `None` when no size makes it align the block.
    pub(crate) fn request(&self, size: usize, align: usize) -> Option<usize> {
        self.promise.request(size, align)
    }

    /// The largest request whose block's size is known without a look-up; 0 if there is none.
    pub(crate) fn known_up_to(&self) -> usize {
        self.classes.known_up_to()
    }

    /// The size of the block for a request.
    ///
    /// # Safety
    /// The request must be [known](Self::known_up_to).
    #[inline]
    pub(crate) unsafe fn class(&self, request: usize) -> usize {
        // SAFETY: passed on.
        unsafe { self.classes.get(request) }
    }

    /// The bytes that a block takes for which `request` bytes were asked.
    ///
    /// Without a MallocUsableSize (before Redis 7.0.1) it is the bytes asked for.
    ///
    /// # Safety
    /// `block` must be a live block of this server, allocated with that request.
    pub(crate) unsafe fn usable_size(&self, block: *mut u8, request: usize) -> usize {
        if request <= self.known_up_to() {
            // SAFETY: it was compared.
            return unsafe { self.class(request) };
        }
        match self.api.usable_size {
            // SAFETY: the block is the server's, as the caller promises.
            Some(usable_size) => unsafe { usable_size(block.cast()) },
            None => request,
        }
    }

    /// A block, or null: where the server has TryAlloc, a failure doesn't end it.
    ///
    /// # Safety
    /// As for the Module API's Alloc: none beyond the server being there.
    #[inline]
    pub(crate) unsafe fn allocate(&self, request: usize) -> *mut u8 {
        // SAFETY: passed on.
        unsafe { (self.alloc)(request).cast() }
    }

    /// A block of zeros, or null.
    ///
    /// # Safety
    /// As for [`Host::allocate`].
    #[inline]
    pub(crate) unsafe fn allocate_zeroed(&self, request: usize) -> *mut u8 {
        // SAFETY: passed on.
        unsafe {
            if let Some(try_calloc) = self.api.try_calloc {
                return try_calloc(1, request).cast();
            }
            if request >= TRY_OUT_FROM && !self.can_allocate(request) {
                return ptr::null_mut();
            }
            (self.api.calloc)(1, request).cast()
        }
    }

    /// Frees a block.
    ///
    /// # Safety
    /// `block` must be a live block of this server.
    #[inline]
    pub(crate) unsafe fn free(&self, block: *mut u8) {
        // SAFETY: passed on.
        unsafe { (self.free)(block.cast()) }
    }

    /// Changes the size of a block, moving it if need be; null leaves it as it was.
    ///
    /// # Safety
    /// `block` must be a live block of this server, allocated with `old`, and `old` and `new` must
    /// not be 0.
    pub(crate) unsafe fn reallocate(&self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: passed on.
        unsafe {
            match self.promise.way(old, new) {
                Way::Copy => self.copy(block, old, new),
                // Other threads than the server's own could be seen to take that much for a moment.
                Way::MakeRoom(room) if thread::id() == self.thread => {
                    let moved = self.make_room(block, old, new, room);
                    if moved.is_null() { self.resize(block, old, new) } else { moved }
                }
                Way::MakeRoom(_) | Way::Resize => self.resize(block, old, new),
            }
        }
    }

    /// Has the server change the size of a block.
    ///
    /// # Safety
    /// As for [`Host::reallocate`].
    unsafe fn resize(&self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: passed on.
        unsafe {
            if let Some(try_realloc) = self.api.try_realloc {
                return try_realloc(block.cast(), new).cast();
            }
            // Realloc ends the server when it fails, so a size it can't have is tried out first.
            if new > old && !self.can_allocate(new) {
                return ptr::null_mut();
            }
            (self.api.realloc)(block.cast(), new).cast()
        }
    }

    /// Copies a block to the beginning of a larger one, whose end is then given back. Null, with the
    /// block as it was, if there is none so large.
    ///
    /// # Safety
    /// As for [`Host::reallocate`], and `room` must be more than both.
    unsafe fn make_room(&self, block: *mut u8, old: usize, new: usize, room: usize) -> *mut u8 {
        // SAFETY: the new block is another one, and the common length lies in both, before and after
        // it was shortened. Each block is freed once.
        unsafe {
            let spacious = self.allocate(room);
            if spacious.is_null() {
                return spacious;
            }
            let moved = self.resize(spacious, room, new);
            if moved.is_null() {
                self.free(spacious);
                return moved;
            }
            ptr::copy_nonoverlapping(block, moved, old.min(new));
            self.free(block);
            moved
        }
    }

    /// # Safety
    /// As for [`Host::reallocate`].
    unsafe fn copy(&self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: the new block is another one, and the common length lies in both.
        unsafe {
            let moved = self.allocate(new);
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, old.min(new));
                self.free(block);
            }
            moved
        }
    }

    /// Whether a block of this size can be had right now; true where that can't be asked.
    ///
    /// # Safety
    /// As for [`Host::allocate`].
    unsafe fn can_allocate(&self, request: usize) -> bool {
        let Some(try_alloc) = self.api.try_alloc else {
            return true;
        };
        // SAFETY: the block is freed once, and not used.
        unsafe {
            let block = try_alloc(request);
            if !block.is_null() {
                (self.api.free)(block);
            }
            !block.is_null()
        }
    }
}
