//! Visitors that move blocks.

use std::alloc::Layout;
use std::ops::ControlFlow;
use std::ptr::NonNull;

use crate::Measure;

/// A visitor that may move each block that it is shown.
///
/// # Safety
/// - What [`block`](Self::block) returns is `None`, with the block as it was, or a new live block of
///   the same allocator, of the same layout and with the same content, in the place of the old one,
///   which it has freed.
/// - Neither it nor [`rebuild`](Self::rebuild) unwinds, unless the function that it was given does.
/// - `rebuild` calls that function at most once.
pub unsafe trait Relocate {
    /// Moves a block, or leaves it where it is.
    ///
    /// # Safety
    /// The block is live, belongs to the program's global allocator or to an allocator that is part of
    /// its heap, and has this layout, whose size is not 0. Nobody but the caller uses it; the caller
    /// uses what was returned, if anything was, from then on.
    #[must_use = "the block may have moved"]
    unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> Option<NonNull<u8>>;

    /// A block that can't be moved by copying it, as its owner keeps the address to itself. If it ought
    /// to move, `rebuild` is called, which builds the owner anew from blocks of Rust's global allocator
    /// and frees the old block; a visitor that can makes these come from elsewhere than where the old
    /// ones were. `inside` is an address within the block, of this layout.
    fn rebuild(&mut self, inside: NonNull<u8>, layout: Layout, rebuild: &mut dyn FnMut());

    /// Asks in advance. `scout` shows the blocks that are coming next, in the order in which they are
    /// going to come. Returns false if none of them is going to move: then the walk passes them over.
    ///
    /// For visitors whose questions are cheaper asked together. What stands here says nothing.
    fn foresee(&mut self, scout: &mut dyn FnMut(&mut dyn Measure) -> ControlFlow<()>) -> bool {
        let _ = scout;
        true
    }

    /// The walk comes to a sequence of so many elements, and is told at which to begin: at the first,
    /// unless an earlier walk was ended within this sequence. Sequences nest.
    fn enter(&mut self, length: usize) -> usize {
        let _ = length;
        0
    }

    /// The elements of the innermost sequence before `index` have been visited.
    ///
    /// # Errors
    /// `Break` to end the walk here. [`leave`](Self::leave) is not called then.
    fn passed(&mut self, index: usize) -> ControlFlow<()> {
        let _ = index;
        ControlFlow::Continue(())
    }

    /// The innermost sequence has come to its end.
    fn leave(&mut self) {}
}
