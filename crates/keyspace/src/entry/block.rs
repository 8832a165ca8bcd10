//! The bytes of a large value, apart from its entry.
#![allow(unsafe_code)]

use super::header::MAX_INLINE;
use crate::size_class::round_up;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// Past this, a growing block is given this much more than it needs, and below, twice what it needs.
const MAX_SPARE: usize = 1 << 20;

/// The description of a block of bytes, which an entry holds a copy of. Whoever holds the last copy
/// frees the block.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub(super) data: NonNull<u8>,
    pub(super) len: usize,
    pub(super) capacity: usize,
}

impl Block {
    /// A block of `len` bytes, which are not set, with room for `room`, at least that and not 0.
    pub(super) fn allocate(len: usize, room: usize) -> Block {
        assert!(room > 0 && room >= len);
        let layout = layout(round_up(room));
        // SAFETY: the size is not zero.
        let data = NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        Block { data, len, capacity: layout.size() }
    }

    /// The block that a vector has allocated, which isn't empty. A vector's layout is that of a block: its capacity,
    /// at an alignment of 1.
    pub(super) fn from_vec(text: Vec<u8>) -> Block {
        assert!(!text.is_empty());
        let mut text = ManuallyDrop::new(text);
        let data = NonNull::new(text.as_mut_ptr()).expect("a vector that is not empty has a block");
        Block { data, len: text.len(), capacity: text.capacity() }
    }

    /// The vector of the whole block: the reverse of [`Block::from_vec`].
    ///
    /// # Safety
    /// As [`Block::free`].
    pub(super) unsafe fn into_vec(self) -> Vec<u8> {
        // SAFETY: the block is current and used by nobody else, by the caller's word, and was allocated with the layout
        // of a vector with its capacity; all of its text, which is no longer than that, was set.
        unsafe { Vec::from_raw_parts(self.data.as_ptr(), self.len, self.capacity) }
    }

    /// Whether a text of `len` bytes had better go into this block than into one of its own: it fits, and fills half.
    pub(super) fn suits(&self, len: usize) -> bool {
        len > MAX_INLINE && len <= self.capacity && len >= self.capacity / 2
    }

    /// What to ask room for where a value has grown to `len` bytes and may grow again.
    pub(super) fn room_to_grow(len: usize) -> usize {
        len.saturating_add(len.min(MAX_SPARE))
    }

    /// Makes the block at least `len` bytes long; the new bytes are zero.
    ///
    /// # Safety
    /// The block is not freed, this description is current, and nothing else uses the block now or
    /// uses another copy of the description later.
    pub(super) unsafe fn grow(&mut self, len: usize) {
        if len <= self.len {
            return;
        }
        if len > self.capacity {
            let new = layout(round_up(Block::room_to_grow(len)));
            // SAFETY: the block was allocated with this layout; the new size is not zero, and a layout
            // was made of it.
            let data = unsafe { realloc(self.data.as_ptr(), self.layout(), new.size()) };
            self.data = NonNull::new(data).unwrap_or_else(|| handle_alloc_error(new));
            self.capacity = new.size();
        }
        // SAFETY: the block has room for `len` bytes, and is ours alone.
        unsafe { self.data.add(self.len).write_bytes(0, len - self.len) };
        self.len = len;
    }

    /// The layout that the block was allocated with.
    pub(super) fn layout(&self) -> Layout {
        layout(self.capacity)
    }

    /// Gives the block back.
    ///
    /// # Safety
    /// The block is not freed, this description is current, and nothing uses the block or another copy
    /// of the description from now on.
    pub(super) unsafe fn free(self) {
        // SAFETY: the block was allocated with this layout, and by the caller's word is still there.
        unsafe { dealloc(self.data.as_ptr(), self.layout()) };
    }
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 1).expect("a block within the address space")
}
