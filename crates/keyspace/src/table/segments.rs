//! The array of primary buckets, in segments, so that growing it copies none of them.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use heapwalk::Relocate;

use super::bucket::Bucket;

/// Buckets in a whole segment: 64 KiB.
const SEGMENT: usize = 1 << SEGMENT_SHIFT;
const SEGMENT_SHIFT: u32 = 10;

/// Buckets 0 to `len`, of which the first segment holds as many as fit and so on.
///
/// The first segment begins with room for one bucket and doubles, being copied, until it is whole;
/// the others are whole from the start. Pages of a segment are touched when their buckets are made.
pub(super) struct Segments {
    directory: Vec<NonNull<Bucket>>,
    /// Buckets that the first segment has room for, 0 when there is none.
    first_capacity: usize,
    len: usize,
}

impl Segments {
    pub(super) const fn new() -> Segments {
        Segments { directory: Vec::new(), first_capacity: 0, len: 0 }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The address of bucket `index`.
    ///
    /// # Panics
    /// If there is no such bucket.
    #[inline]
    pub(super) fn bucket(&self, index: usize) -> NonNull<Bucket> {
        assert!(index < self.len);
        // SAFETY: every bucket below `len` has its segment in the directory, and lies within it.
        unsafe { self.directory.get_unchecked(index >> SEGMENT_SHIFT).add(index & (SEGMENT - 1)) }
    }

    /// Makes one more bucket, empty, at the end. Addresses of buckets may change while there are
    /// fewer than a segment's.
    pub(super) fn push(&mut self) {
        if self.len < SEGMENT {
            if self.len == self.first_capacity {
                self.resize_first((self.len * 2).max(1));
            }
        } else if self.len & (SEGMENT - 1) == 0 {
            self.directory.push(allocate(SEGMENT));
        }
        self.len += 1;
        let bucket = self.bucket(self.len - 1);
        // SAFETY: its segment has room for it, by the above, and nothing refers to it yet.
        unsafe { bucket.write(Bucket::EMPTY) };
    }

    /// Takes the last bucket away, whose elements and children have gone elsewhere, and gives back
    /// memory that is not used any more. Addresses of buckets may change while there are fewer than
    /// a segment's.
    ///
    /// # Panics
    /// If there is no bucket.
    pub(super) fn pop(&mut self) {
        assert!(self.len > 0);
        self.len -= 1;
        if self.len == 0 {
            self.resize_first(0);
            self.directory = Vec::new();
        } else if self.len < SEGMENT {
            // Only at a quarter, so that a bucket more and a bucket less don't copy again and again.
            if self.len <= self.first_capacity / 4 {
                self.resize_first(self.first_capacity / 2);
            }
        } else if self.len & (SEGMENT - 1) == 0 {
            let segment = self.directory.pop().expect("the segment of the last bucket");
            // SAFETY: it was a whole segment, and its only bucket is gone.
            unsafe { dealloc(segment.as_ptr().cast(), layout(SEGMENT)) };
            if self.directory.len() < self.directory.capacity() / 4 {
                self.directory.shrink_to(self.directory.len() * 2);
            }
        }
    }

    /// Gives the first segment, the only one, room for `capacity` buckets, at least as many as there
    /// are; none frees it.
    fn resize_first(&mut self, capacity: usize) {
        let Some(first) = self.directory.first_mut() else {
            self.directory = Vec::with_capacity(1);
            self.directory.push(allocate(capacity));
            self.first_capacity = capacity;
            return;
        };
        let (old, new) = (layout(self.first_capacity), layout(capacity));
        if capacity == 0 {
            // SAFETY: the segment was allocated with this layout, and no bucket is left.
            unsafe { dealloc(first.as_ptr().cast(), old) };
            self.directory.clear();
        } else {
            // SAFETY: the segment was allocated with the old layout, and the new size is neither zero
            // nor, being at most that of a whole segment, too large.
            let moved = unsafe { realloc(first.as_ptr().cast(), old, new.size()) };
            *first = NonNull::new(moved.cast()).unwrap_or_else(|| handle_alloc_error(new));
        }
        self.first_capacity = capacity;
    }

    /// Has block `number` moved: 0 is the directory, the others are the segments, in order. Says whether
    /// there is such a block.
    pub(super) fn relocate<R: Relocate + ?Sized>(&mut self, number: usize, mover: &mut R) -> bool {
        if number > self.directory.len() || self.directory.is_empty() {
            return false;
        }
        match number.checked_sub(1) {
            None => self.relocate_directory(mover),
            Some(index) => {
                let layout = layout(if index == 0 { self.first_capacity } else { SEGMENT });
                let segment = &mut self.directory[index];
                // SAFETY: the segment was allocated with this layout, which isn't empty, and the directory
                // has the only pointer to it, which is replaced where it has moved.
                if let Some(moved) = unsafe { mover.block(segment.cast(), layout) } {
                    *segment = moved.cast();
                }
            }
        }
        true
    }

    fn relocate_directory<R: Relocate + ?Sized>(&mut self, mover: &mut R) {
        let mut parts = ManuallyDrop::new(std::mem::take(&mut self.directory));
        let block = NonNull::new(parts.as_mut_ptr()).expect("a vector with elements").cast();
        let layout = directory_layout(parts.capacity());
        // SAFETY: a vector's block has the layout of an array of its capacity, which isn't empty as the
        // vector isn't; the vector that it is taken from is not dropped. The new one has the same parts,
        // with the block that took the place of its own.
        self.directory = unsafe {
            let moved = mover.block(block, layout).unwrap_or(block);
            Vec::from_raw_parts(moved.as_ptr().cast(), parts.len(), parts.capacity())
        };
    }

    /// Bytes of the segments and the directory, where `usable` tells what a layout takes.
    pub(super) fn memory_usage(&self, usable: impl Fn(Layout) -> usize) -> usize {
        let Some(whole) = self.directory.len().checked_sub(1) else {
            return 0;
        };
        usable(directory_layout(self.directory.capacity()))
            + usable(layout(self.first_capacity))
            + whole * usable(layout(SEGMENT))
    }
}

impl Drop for Segments {
    /// Frees the segments, without regard to what their buckets hold.
    fn drop(&mut self) {
        for (index, segment) in self.directory.iter().enumerate() {
            let capacity = if index == 0 { self.first_capacity } else { SEGMENT };
            // SAFETY: the segment was allocated with this layout and is not used after this.
            unsafe { dealloc(segment.as_ptr().cast(), layout(capacity)) };
        }
    }
}

fn directory_layout(capacity: usize) -> Layout {
    Layout::array::<NonNull<Bucket>>(capacity).expect("an allocated layout")
}

fn layout(buckets: usize) -> Layout {
    Layout::array::<Bucket>(buckets).expect("a segment within the address space")
}

/// Allocates a segment of at least one bucket, its contents undefined.
fn allocate(buckets: usize) -> NonNull<Bucket> {
    assert!(buckets > 0);
    let layout = layout(buckets);
    // SAFETY: the size is not zero, by the above.
    NonNull::new(unsafe { alloc(layout) }.cast()).unwrap_or_else(|| handle_alloc_error(layout))
}
