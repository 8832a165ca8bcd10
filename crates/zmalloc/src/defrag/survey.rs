//! Asking which blocks should move.

use std::ptr::NonNull;

use crate::backend::{self, Utilization};
use crate::error::ControlError;

/// What the allocator knows of how well its pages are used, at one moment, to ask it which blocks should
/// move.
///
/// For programs that move blocks of their own; others use a [`Cycle`](super::Cycle). A survey grows stale as blocks
/// come and go: the answers then move too few blocks, or some in vain.
pub struct Survey {
    inner: backend::Survey,
}

impl Survey {
    /// Looks at all of the allocator's pages. Takes some tens of microseconds on jemalloc, for it
    /// refreshes its statistics.
    ///
    /// # Errors
    /// If the allocator can't tell how its pages are used.
    pub fn take() -> Result<Self, ControlError> {
        Ok(Self { inner: backend::Survey::take()? })
    }

    /// Says of each block whether it should move: whether pages would fall free sooner if what is in it
    /// lay in a new block of the same size, allocated past the thread's cache.
    ///
    /// Asking about 64 at a time is cheapest by far. An address within a block is as good as its own; one
    /// in no live block of `ZMalloc` gets an answer too, which means nothing.
    ///
    /// # Panics
    /// If there are not as many answers as blocks.
    pub fn should_move(&mut self, blocks: &[NonNull<u8>], answers: &mut [bool]) {
        assert_eq!(blocks.len(), answers.len(), "one answer for each block");
        self.inner.ask(blocks, answers);
    }

    /// What moving the blocks would free to which the answer was yes since this was last asked, in bytes of pages;
    /// 0 if the allocator doesn't tell.
    pub(super) fn take_gain(&mut self) -> usize {
        self.inner.take_gain()
    }
}
