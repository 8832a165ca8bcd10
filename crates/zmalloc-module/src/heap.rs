//! Blocks from two sources: the server, and the arena while no server is bound.

use std::alloc::Layout;
use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use crate::arena::{self, Arena, Block};
use crate::host::{BindError, Host, HostApi, Promise};
use crate::ledger::{Ledger, Usage};

const UNBOUND: u8 = 0;
const BINDING: u8 = 1;
const BOUND: u8 = 2;

/// The word before a block that had to be aligned by hand: where the server's block begins.
const BACK: usize = size_of::<*mut u8>();

/// Everything that a module allocates.
///
/// Small blocks of a server that is known well have a way of their own, which touches four cache
/// lines: the `…_small` functions. Everything else takes the long way.
#[repr(C)]
pub(crate) struct Heap {
    arena: Arena,
    /// The largest request whose block's size is known; 0 if there is none, or no server.
    known_up_to: AtomicUsize,
    state: AtomicU8,
    host: UnsafeCell<MaybeUninit<Host>>,
    ledger: Ledger,
}

// SAFETY: `host` is written once, by the thread that took `state` from UNBOUND to BINDING, and read
// only after `state` is BOUND or `known_up_to` isn't 0, which are stored after the write. Everything
// else is atomic.
unsafe impl Sync for Heap {}

impl Heap {
    /// A heap without a server.
    pub(crate) const fn new() -> Self {
        Self {
            arena: Arena::new(),
            known_up_to: AtomicUsize::new(0),
            state: AtomicU8::new(UNBOUND),
            host: UnsafeCell::new(MaybeUninit::uninit()),
            ledger: Ledger::new(),
        }
    }

    /// The server, once it is bound.
    #[inline]
    pub(crate) fn host(&self) -> Option<&Host> {
        // SAFETY: BOUND is stored after `host` was written, and it is never written again.
        (self.state.load(Ordering::Acquire) == BOUND).then(|| unsafe { (*self.host.get()).assume_init_ref() })
    }

    /// From now on, blocks come from this server. Doing it again changes nothing.
    ///
    /// # Errors
    /// When another server is bound.
    ///
    /// # Safety
    /// The functions must be the allocation functions of the Module API, each as documented there,
    /// and stay callable as long as this heap is used.
    pub(crate) unsafe fn bind(&self, api: HostApi) -> Result<(), BindError> {
        if self.state.compare_exchange(UNBOUND, BINDING, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
            // SAFETY: the functions are as the caller promises; and only the thread that changed
            // the state gets here, once.
            let host = unsafe { (*self.host.get()).write(Host::new(api)) };
            self.known_up_to.store(host.known_up_to(), Ordering::Release);
            self.state.store(BOUND, Ordering::SeqCst);
            self.arena.seal();
            return Ok(());
        }
        // Another thread that is binding takes microseconds and allocates nothing of ours.
        while self.state.load(Ordering::Acquire) == BINDING {
            std::hint::spin_loop();
        }
        match self.host() {
            Some(host) if host.is(&api) => Ok(()),
            _ => Err(BindError::AnotherServer),
        }
    }

    /// What is held now.
    pub(crate) fn usage(&self) -> Usage {
        self.ledger.usage()
    }

    /// Whether a live block of this layout is, as it is, a block of the server's.
    pub(crate) fn is_server_block(&self, block: *const u8, layout: Layout) -> bool {
        let aligns = |host: &Host| host.request(layout.size(), layout.align()).is_some();
        !self.arena.contains(block) && self.host().is_some_and(aligns)
    }

    /// The bytes that a live block of this layout takes.
    ///
    /// # Safety
    /// The block must be one of this heap's, of this layout, and in use.
    pub(crate) unsafe fn block_size(&self, block: *mut u8, layout: Layout) -> usize {
        let (size, align) = (layout.size(), layout.align());
        let host = match self.host() {
            Some(host) if !self.arena.contains(block) => host,
            _ => return Arena::usable_size(size, align),
        };
        // SAFETY: the block is the server's; the rest as in `free_other`.
        unsafe {
            match host.request(size, align) {
                Some(request) => host.usable_size(block, request),
                None => host.usable_size(block.cast::<*mut u8>().sub(1).read(), size + align),
            }
        }
    }

    /// The bytes that a block of this layout takes at least, were it allocated now.
    pub(crate) fn size_for(&self, layout: Layout) -> usize {
        let (size, align) = (layout.size(), layout.align());
        let Some(host) = self.host() else {
            return Arena::usable_size(size, align);
        };
        let request = host.request(size, align).or_else(|| padded(layout)).unwrap_or(size);
        // SAFETY: it was compared.
        if request <= host.known_up_to() { unsafe { host.class(request) } } else { request }
    }

    /// The server and the size of its block, if that is known for this layout.
    #[inline]
    fn small(&self, size: usize, align: usize) -> Option<(&Host, usize)> {
        if align > Promise::LEAST || size > self.known_up_to.load(Ordering::Acquire) {
            return None;
        }
        // SAFETY: the size isn't 0, so what it was compared with isn't either, and that was stored
        // after `host` was written. The server knows the request.
        unsafe {
            let host = (*self.host.get()).assume_init_ref();
            Some((host, host.class(size)))
        }
    }

    /// A block for this layout, or null, if it is one of the small blocks of a server.
    ///
    /// # Safety
    /// As for `GlobalAlloc::alloc`: the layout's size must not be 0.
    #[inline]
    pub(crate) unsafe fn allocate_small(&self, layout: Layout, zeroed: bool) -> Option<*mut u8> {
        let (host, class) = self.small(layout.size(), layout.align())?;
        // SAFETY: the server is bound.
        let block = unsafe { if zeroed { host.allocate_zeroed(class) } else { host.allocate(class) } };
        if block.is_null() || self.ledger.add_quickly(class) {
            Some(block)
        } else {
            Some(self.counted(block, class))
        }
    }

    /// Counts a block that was allocated, and returns it.
    #[inline(never)]
    fn counted(&self, block: *mut u8, class: usize) -> *mut u8 {
        self.ledger.add(class);
        block
    }

    /// A block for this layout, from the server if there is one, or null.
    ///
    /// # Safety
    /// As for [`Heap::allocate_small`].
    #[inline(never)]
    pub(crate) unsafe fn allocate(&self, layout: Layout, zeroed: bool) -> *mut u8 {
        match self.host() {
            // SAFETY: passed on.
            Some(host) => unsafe { self.allocate_from(host, layout, zeroed) },
            // SAFETY: passed on.
            None => unsafe { self.allocate_unbound(layout, zeroed) },
        }
    }

    /// # Safety
    /// As for [`Heap::allocate_small`].
    unsafe fn allocate_from(&self, host: &Host, layout: Layout, zeroed: bool) -> *mut u8 {
        let Some(request) = host.request(layout.size(), layout.align()) else {
            // SAFETY: passed on.
            return unsafe { self.allocate_padded(host, layout, zeroed) };
        };
        // SAFETY: the server is bound, and a block that it gave was asked for with this request.
        unsafe {
            let block = if zeroed { host.allocate_zeroed(request) } else { host.allocate(request) };
            if !block.is_null() {
                self.ledger.add(host.usable_size(block, request));
            }
            block
        }
    }

    /// A block that is aligned by hand: with room to begin later, and a word that leads back.
    ///
    /// # Safety
    /// As for [`Heap::allocate_small`].
    unsafe fn allocate_padded(&self, host: &Host, layout: Layout, zeroed: bool) -> *mut u8 {
        let Some(request) = padded(layout) else {
            return ptr::null_mut();
        };
        // SAFETY: the server's block is aligned to 8 at least. So the first multiple of the
        // alignment that has a word before it is at most `align` bytes in, and `size` bytes fit
        // behind it.
        unsafe {
            let block = if zeroed { host.allocate_zeroed(request) } else { host.allocate(request) };
            if block.is_null() {
                return block;
            }
            self.ledger.add(host.usable_size(block, request));
            let aligned = block.add(BACK).add(block.add(BACK).align_offset(layout.align()));
            aligned.cast::<*mut u8>().sub(1).write(block);
            aligned
        }
    }

    /// # Safety
    /// As for [`Heap::allocate_small`].
    #[cold]
    unsafe fn allocate_unbound(&self, layout: Layout, zeroed: bool) -> *mut u8 {
        let Some(block) = self.arena.allocate(layout.size(), layout.align()) else {
            // A sealed arena means that a server was bound meanwhile.
            return match self.host() {
                // SAFETY: passed on.
                Some(host) => unsafe { self.allocate_from(host, layout, zeroed) },
                None => ptr::null_mut(),
            };
        };
        let block: Block = if zeroed { arena::zeroed(block, layout.size()) } else { block };
        self.ledger.add(block.size);
        block.address.as_ptr()
    }

    /// Gives a block back to where it came from.
    ///
    /// # Safety
    /// As for `GlobalAlloc::dealloc`.
    #[inline]
    pub(crate) unsafe fn free(&self, block: *mut u8, layout: Layout) {
        if !self.arena.contains(block)
            && let Some((host, class)) = self.small(layout.size(), layout.align())
            && self.ledger.remove_quickly(class)
        {
            // SAFETY: a block that is not the arena's is the server's.
            unsafe { host.free(block) }
        } else {
            // SAFETY: passed on.
            unsafe { self.free_other(block, layout) }
        }
    }

    /// # Safety
    /// As for [`Heap::free`].
    #[inline(never)]
    unsafe fn free_other(&self, block: *mut u8, layout: Layout) {
        let (size, align) = (layout.size(), layout.align());
        if self.arena.contains(block) {
            self.ledger.remove(Arena::usable_size(size, align));
            // SAFETY: the block is the arena's, of this layout, and used no more.
            unsafe { self.arena.free(block, size, align) };
            return;
        }
        let host = self.host().expect("a block that is not the arena's is the server's");
        // SAFETY: the block is the server's; how it was asked for follows from the layout, and a
        // padded one has its beginning in the word before it.
        unsafe {
            let (block, request) = match host.request(size, align) {
                Some(request) => (block, request),
                None => (block.cast::<*mut u8>().sub(1).read(), size + align),
            };
            self.ledger.remove(host.usable_size(block, request));
            host.free(block);
        }
    }

    /// Changes a block's size, moving it if need be; null leaves it as it was.
    ///
    /// # Safety
    /// As for `GlobalAlloc::realloc`.
    #[inline]
    pub(crate) unsafe fn reallocate(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if !self.arena.contains(block)
            && let Some((host, old)) = self.small(layout.size(), layout.align())
            && let Some((_, new)) = self.small(new_size, layout.align())
        {
            if new == old {
                return block;
            }
            // SAFETY: a block that is not the arena's is the server's, and this is its size. The new
            // one is apart from it, and the common length lies in both.
            unsafe {
                let moved = host.allocate(new);
                if !moved.is_null() {
                    ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size));
                    self.ledger.resize(old, new);
                    host.free(block);
                }
                return moved;
            }
        }
        // SAFETY: passed on.
        unsafe { self.reallocate_other(block, layout, new_size) }
    }

    /// # Safety
    /// As for [`Heap::reallocate`].
    #[inline(never)]
    unsafe fn reallocate_other(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let (size, align) = (layout.size(), layout.align());
        if self.arena.contains(block) {
            let same = Arena::usable_size(size, align) == Arena::usable_size(new_size, align);
            // SAFETY: passed on.
            return if same { block } else { unsafe { self.replace(block, layout, new_size) } };
        }
        let host = self.host().expect("a block that is not the arena's is the server's");
        let (Some(old), Some(new)) = (host.request(size, align), host.request(new_size, align)) else {
            // SAFETY: passed on.
            return unsafe { self.replace(block, layout, new_size) };
        };
        // SAFETY: the block is the server's, asked for with `old`; sizes in the contract aren't 0.
        unsafe {
            let before = host.usable_size(block, old);
            let moved = host.reallocate(block, old, new);
            if !moved.is_null() {
                self.ledger.resize(before, host.usable_size(moved, new));
            }
            moved
        }
    }

    /// # Safety
    /// As for [`Heap::reallocate`].
    unsafe fn replace(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: `GlobalAlloc::realloc` asks its caller for a size that makes a valid layout; the
        // blocks are apart, and the common length lies in both.
        unsafe {
            let new_layout = Layout::from_size_align_unchecked(new_size, layout.align());
            let moved = self.allocate(new_layout, false);
            if !moved.is_null() {
                ptr::copy_nonoverlapping(block, moved, layout.size().min(new_size));
                self.free(block, layout);
            }
            moved
        }
    }
}

/// What to ask the server for, so that a block can be aligned by hand.
fn padded(layout: Layout) -> Option<usize> {
    layout.size().checked_add(layout.align())
}

#[cfg(test)]
mod tests;
