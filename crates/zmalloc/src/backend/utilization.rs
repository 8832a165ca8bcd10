//! The question that defragmentation asks: does a block keep pages alive that could be given back if it
//! lay elsewhere?

use std::ptr::NonNull;

use crate::error::ControlError;

/// What a back end knows of how well its pages are used, at one moment. Answers are given by it and by
/// how the block's own slab stands when it is asked about.
///
/// The methods may allocate through the global allocator.
pub(crate) trait Utilization: Sized {
    /// Looks at all pages.
    fn take() -> Result<Self, ControlError>;

    /// Says of each block whether it should move: to a block of the same size class, past the thread's
    /// cache, which then lies in pages that are used more. There are as many answers as blocks. An
    /// address within a block is as good as its own. One in no live block of the back end gets an answer
    /// too, which means nothing.
    fn ask(&mut self, blocks: &[NonNull<u8>], answers: &mut [bool]);

    /// How many bytes of pages moving those blocks would free to which the answer was yes since this was last asked:
    /// of each block its share of its slab, by how many were in use there. 0 if that isn't known.
    fn take_gain(&mut self) -> usize {
        0
    }
}
