//! Movers that say yes to the blocks that a test chooses.

use std::alloc::Layout;
use std::collections::HashSet;
use std::ops::ControlFlow;
use std::ptr::NonNull;

use heapwalk::{Measure, Relocate};

/// Which blocks are moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Every block.
    All,
    /// Every so many blocks, one.
    Each(usize),
    /// The one that is asked about after so many others.
    Only(usize),
    /// None.
    Nothing,
    /// None, which is said in advance.
    NothingAhead,
}

/// Moves what is chosen, by the allocator's own mover, and takes note of all that it is shown.
pub(crate) struct Mover {
    choice: Choice,
    /// Where each block was when it was shown, and now if it was moved.
    pub(crate) addresses: HashSet<usize>,
    /// How many blocks it was shown.
    pub(crate) asked: usize,
    /// How many were moved.
    pub(crate) moved: usize,
    /// What they take, in bytes.
    pub(crate) bytes: usize,
}

impl Mover {
    pub(crate) fn new(choice: Choice) -> Self {
        Self { choice, addresses: HashSet::new(), asked: 0, moved: 0, bytes: 0 }
    }

    fn note(&mut self, block: NonNull<u8>, layout: Layout) {
        self.asked += 1;
        self.bytes += zmalloc::good_size(layout);
        self.addresses.insert(block.addr().get());
    }

    fn chooses(&self) -> bool {
        let number = self.asked - 1;
        match self.choice {
            Choice::All => true,
            Choice::Each(so_many) => number.is_multiple_of(so_many),
            Choice::Only(chosen) => number == chosen,
            Choice::Nothing | Choice::NothingAhead => false,
        }
    }
}

// SAFETY: `relocate` does as asked, on the allocator that is the program's; nothing unwinds, and there is nothing
// to build anew.
unsafe impl Relocate for Mover {
    unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> Option<NonNull<u8>> {
        self.note(block, layout);
        if !self.chooses() {
            return None;
        }
        // SAFETY: passed on.
        let moved = unsafe { zmalloc::defrag::relocate(block, layout) }.expect("there is memory");
        assert_eq!(moved.addr().get() % layout.align(), 0);
        self.moved += 1;
        self.addresses.insert(moved.addr().get());
        Some(moved)
    }

    fn rebuild(&mut self, _inside: NonNull<u8>, _layout: Layout, _rebuild: &mut dyn FnMut()) {
        unreachable!("a keyspace knows its blocks");
    }

    fn foresee(&mut self, scout: &mut dyn FnMut(&mut dyn Measure) -> ControlFlow<()>) -> bool {
        let mut shown = Shown(Vec::new());
        let _ = scout(&mut shown);
        if self.choice == Choice::NothingAhead {
            shown.0.into_iter().for_each(|(block, layout)| self.note(block, layout));
            return false;
        }
        true
    }
}

/// Remembers the blocks that it is shown.
struct Shown(Vec<(NonNull<u8>, Layout)>);

impl Measure for Shown {
    unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> ControlFlow<()> {
        self.0.push((block, layout));
        ControlFlow::Continue(())
    }

    fn hidden(&mut self, _inside: Option<NonNull<u8>>, _layout: Layout, _number: usize) -> ControlFlow<()> {
        unreachable!("a keyspace knows its blocks");
    }

    fn bounded(&mut self, _least: (Layout, usize), _most: (Layout, usize)) -> ControlFlow<()> {
        unreachable!("a keyspace knows its blocks");
    }

    fn counts_shared(&mut self, _shared: NonNull<u8>) -> bool {
        unreachable!("a keyspace shares nothing");
    }
}
