//! Visitors that look at blocks.

use std::alloc::Layout;
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::ptr::NonNull;

use crate::HeapWalk;

/// A visitor that is shown blocks: to add up their sizes, or to collect their addresses.
///
/// It answers `Break` to end the walk.
pub trait Measure {
    /// A block.
    ///
    /// # Safety
    /// The block is live, belongs to the program's global allocator or to an allocator that is part of
    /// its heap, and has this layout, whose size is not 0.
    unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> ControlFlow<()>;

    /// Blocks of this layout each, whose addresses their owner doesn't tell. `inside` is an address
    /// within one of them, if there is an element to point to.
    fn hidden(&mut self, inside: Option<NonNull<u8>>, layout: Layout, number: usize) -> ControlFlow<()>;

    /// Blocks of which only bounds are known: at least so many of the first layout, at most so many of
    /// the second.
    fn bounded(&mut self, least: (Layout, usize), most: (Layout, usize)) -> ControlFlow<()>;

    /// Whether a block that has several owners is to be counted for this one. `shared` is the same
    /// address for all owners. Asked before the block and what it owns is visited.
    fn counts_shared(&mut self, shared: NonNull<u8>) -> bool;
}

/// Adds up the bytes that were asked for.
///
/// That is less than the allocator sets aside. With a function from a layout to the size that it
/// takes, [`HeapSize::with`] counts that instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeapSize {
    /// Bytes, at least.
    pub bytes: usize,
    /// Blocks, at least.
    pub blocks: usize,
    /// Bytes, at most: above `bytes` if there are collections whose blocks are known by bounds only.
    pub most_bytes: usize,
}

impl HeapSize {
    /// What the value owns, in the sizes asked for.
    pub fn of<T: HeapWalk + ?Sized>(value: &T) -> Self {
        Self::with(value, |layout| layout.size())
    }

    /// What the value owns, each block counted as `size_of` says of its layout.
    pub fn with<T: HeapWalk + ?Sized>(value: &T, size_of: impl Fn(Layout) -> usize) -> Self {
        let mut adder = Adder { tally: Self::default(), size_of, seen: HashSet::new() };
        // It never answers `Break`.
        let _ = value.measure(&mut adder);
        adder.tally
    }

    /// Whether the figures are exact.
    pub const fn is_exact(&self) -> bool {
        self.bytes == self.most_bytes
    }
}

/// The visitor behind [`HeapSize`].
struct Adder<F> {
    tally: HeapSize,
    size_of: F,
    /// The shared blocks that have been counted.
    seen: HashSet<NonNull<u8>>,
}

impl<F: Fn(Layout) -> usize> Measure for Adder<F> {
    unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> ControlFlow<()> {
        self.hidden(Some(block), layout, 1)
    }

    fn hidden(&mut self, _inside: Option<NonNull<u8>>, layout: Layout, number: usize) -> ControlFlow<()> {
        self.bounded((layout, number), (layout, number))
    }

    fn bounded(&mut self, least: (Layout, usize), most: (Layout, usize)) -> ControlFlow<()> {
        self.tally.bytes += least.1 * (self.size_of)(least.0);
        self.tally.blocks += least.1;
        self.tally.most_bytes += most.1 * (self.size_of)(most.0);
        ControlFlow::Continue(())
    }

    fn counts_shared(&mut self, shared: NonNull<u8>) -> bool {
        self.seen.insert(shared)
    }
}
