//! Answers to questions that are about to be asked.

use std::alloc::Layout;
use std::ops::ControlFlow;
use std::ptr::NonNull;

use heapwalk::Measure;

/// The most blocks that are asked about in advance.
const MOST: usize = 512;

/// The blocks that a walk is coming to, in order, each with the answer whether it should move.
pub(super) struct Foresight {
    blocks: Vec<NonNull<u8>>,
    answers: Vec<bool>,
    /// How many the walk has come to.
    used: usize,
    /// Whether all blocks that were to be shown had room.
    complete: bool,
}

impl Foresight {
    pub(super) fn new() -> Self {
        Self { blocks: Vec::with_capacity(MOST), answers: vec![false; MOST], used: 0, complete: true }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.blocks.clear();
        self.used = 0;
        self.complete = true;
    }

    /// The blocks, and room for as many answers.
    pub(super) fn questions(&mut self) -> (&[NonNull<u8>], &mut [bool]) {
        let count = self.blocks.len();
        (&self.blocks, &mut self.answers[..count])
    }

    /// Whether all blocks of what was shown are here, and none of them should move.
    pub(super) fn is_needless(&self) -> bool {
        self.complete && !self.answers[..self.blocks.len()].contains(&true)
    }

    /// Whether what was shown last is here in full and the walk has not come to the end of it.
    pub(super) fn is_pending(&self) -> bool {
        self.complete && self.used < self.blocks.len()
    }

    /// The answer for the block at this address, if it is here.
    pub(super) fn answer(&mut self, block: NonNull<u8>) -> Option<bool> {
        // Nearly always it is the next. Those that were shown and not come to are passed over.
        let ahead = self.blocks[self.used..].iter().position(|other| *other == block)?;
        self.used += ahead + 1;
        Some(self.answers[self.used - 1])
    }
}

impl Measure for Foresight {
    unsafe fn block(&mut self, block: NonNull<u8>, _layout: Layout) -> ControlFlow<()> {
        if self.blocks.len() == MOST {
            self.complete = false;
            return ControlFlow::Break(());
        }
        self.blocks.push(block);
        ControlFlow::Continue(())
    }

    fn hidden(&mut self, inside: Option<NonNull<u8>>, layout: Layout, _number: usize) -> ControlFlow<()> {
        match inside {
            // SAFETY: an address is all that is wanted.
            Some(inside) => unsafe { self.block(inside, layout) },
            None => ControlFlow::Continue(()),
        }
    }

    /// Such blocks aren't moved.
    fn bounded(&mut self, _least: (Layout, usize), _most: (Layout, usize)) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Nor are those with several owners, and what they own.
    fn counts_shared(&mut self, _shared: NonNull<u8>) -> bool {
        false
    }
}
