//! The server that a module was loaded into, as an allocator.

mod api;
mod promise;

use std::ptr;

pub use self::api::BindError;
pub(crate) use self::api::HostApi;
pub(crate) use self::promise::Promise;

/// Both blocks must be larger for a reallocation to go through the server.
///
/// Below, the server's Realloc costs more than allocating, copying and freeing: it looks up the
/// size of the old block twice, and seldom finds room in place. Above, it saves copying, because
/// large blocks grow in place or are moved by remapping. Measured by `cargo xtask bench module` on
/// redis-server 7.0 with jemalloc, 20,000 vectors that grow to 8,000 bytes took 25 ms through
/// Realloc and 17 ms by copying; one that grows to 20 MB 41 ms and 52 ms.
const REALLOC_FROM: usize = 16 << 10;

/// Zeroed blocks from this size on are tried out first on servers without a TryCalloc.
///
/// A Calloc that fails ends such a server. Allocating and freeing a block of this size costs
/// nothing beside filling it.
const TRY_OUT_FROM: usize = 64 << 20;

/// A server's allocation functions, and what is known about them.
pub(crate) struct Host {
    api: HostApi,
    promise: Promise,
}

impl Host {
    /// Learns what this server promises, by allocating a few blocks.
    ///
    /// # Safety
    /// The functions must be the allocation functions of the Module API, each as documented there.
    pub(crate) unsafe fn new(api: HostApi) -> Self {
        // SAFETY: passed on.
        let promise = unsafe { Promise::learn(&api) };
        Self { api, promise }
    }

    /// Whether these are the functions of the same server.
    pub(crate) fn is(&self, api: &HostApi) -> bool {
        self.api.alloc as usize == api.alloc as usize && self.api.free as usize == api.free as usize
    }

    /// How many bytes to ask the server for; `None` when no size makes it align the block.
    #[inline]
    pub(crate) fn request(&self, size: usize, align: usize) -> Option<usize> {
        self.promise.request(size, align)
    }

    /// The bytes that a block takes for which `request` bytes were asked.
    ///
    /// Without a MallocUsableSize (before Redis 7.0.1) it is the bytes asked for.
    ///
    /// # Safety
    /// `block` must be a live block of this server, allocated with that request.
    #[inline]
    pub(crate) unsafe fn usable_size(&self, block: *mut u8, request: usize) -> usize {
        if let Some(class) = self.promise.class(request) {
            return class;
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
        unsafe { (self.api.try_alloc.unwrap_or(self.api.alloc))(request).cast() }
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
        unsafe { (self.api.free)(block.cast()) }
    }

    /// Changes the size of a block, moving it if need be; null leaves it as it was.
    ///
    /// # Safety
    /// `block` must be a live block of this server, allocated with `old`, and `old` and `new` must
    /// not be 0.
    pub(crate) unsafe fn reallocate(&self, block: *mut u8, old: usize, new: usize) -> *mut u8 {
        // SAFETY: passed on.
        unsafe {
            if self.promise.class(new).is_some_and(|class| self.promise.class(old) == Some(class)) {
                return block;
            }
            if old.min(new) <= REALLOC_FROM {
                return self.copy(block, old, new);
            }
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
