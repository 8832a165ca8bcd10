//! Visitors that move blocks by the global allocator.

use std::alloc::{Layout, alloc, dealloc};
use std::ops::ControlFlow;
use std::ptr::NonNull;

use heapwalk::{Measure, Place, Relocate};

/// Moves a block.
///
/// # Safety
/// As [`Relocate::block`].
unsafe fn move_block(block: NonNull<u8>, layout: Layout) -> NonNull<u8> {
    // SAFETY: the size is not 0; both blocks are live and of that layout; the old one is freed once.
    unsafe {
        let new = NonNull::new(alloc(layout)).unwrap();
        new.copy_from_nonoverlapping(block, layout.size());
        dealloc(block.as_ptr(), layout);
        new
    }
}

/// Moves every block, or only one of those that it is asked about.
pub(crate) struct Mover {
    only: Option<usize>,
    foresees_nothing: bool,
    /// Blocks that the walk came to.
    pub(crate) asked: usize,
    /// Blocks moved.
    pub(crate) moved: usize,
    /// Blocks shown in advance.
    pub(crate) shown: usize,
}

impl Mover {
    pub(crate) fn always() -> Self {
        Self { only: None, foresees_nothing: false, asked: 0, moved: 0, shown: 0 }
    }

    pub(crate) fn only(chosen: usize) -> Self {
        Self { only: Some(chosen), ..Self::always() }
    }

    pub(crate) fn foreseeing_nothing() -> Self {
        Self { only: Some(usize::MAX), foresees_nothing: true, ..Self::always() }
    }

    fn chooses(&mut self) -> bool {
        let number = self.asked;
        self.asked += 1;
        let chosen = self.only.is_none_or(|only| only == number);
        self.moved += usize::from(chosen);
        chosen
    }
}

// SAFETY: `move_block` does as asked; nothing unwinds, but for a test that fails; the function is called
// once at most.
unsafe impl Relocate for Mover {
    unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: passed on.
        self.chooses().then(|| unsafe { move_block(block, layout) })
    }

    fn rebuild(&mut self, _inside: NonNull<u8>, _layout: Layout, rebuild: &mut dyn FnMut()) {
        if self.chooses() {
            rebuild();
        }
    }

    fn foresee(&mut self, scout: &mut dyn FnMut(&mut dyn Measure) -> ControlFlow<()>) -> bool {
        let mut shown = Shown(0);
        let _ = scout(&mut shown);
        self.shown += shown.0;
        !self.foresees_nothing
    }
}

/// Counts the blocks that it is shown.
struct Shown(usize);

impl Measure for Shown {
    unsafe fn block(&mut self, _block: NonNull<u8>, _layout: Layout) -> ControlFlow<()> {
        self.0 += 1;
        ControlFlow::Continue(())
    }

    fn hidden(&mut self, _inside: Option<NonNull<u8>>, _layout: Layout, number: usize) -> ControlFlow<()> {
        self.0 += number;
        ControlFlow::Continue(())
    }

    fn bounded(&mut self, _least: (Layout, usize), _most: (Layout, usize)) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    fn counts_shared(&mut self, _shared: NonNull<u8>) -> bool {
        false
    }
}

/// Moves everything, but ends a walk after some elements, and begins the next where that ended.
pub(crate) struct Patient {
    patience: usize,
    left: usize,
    place: Place,
    /// Elements passed in all walks.
    pub(crate) elements: usize,
}

impl Patient {
    pub(crate) fn new(patience: usize) -> Self {
        Self { patience, left: patience, place: Place::default(), elements: 0 }
    }
}

// SAFETY: as above.
unsafe impl Relocate for Patient {
    unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: passed on.
        Some(unsafe { move_block(block, layout) })
    }

    /// A table built anew between two walks may have another order, in which the place means another
    /// element.
    fn rebuild(&mut self, _inside: NonNull<u8>, _layout: Layout, _rebuild: &mut dyn FnMut()) {}

    fn enter(&mut self, length: usize) -> usize {
        self.place.enter(length)
    }

    fn passed(&mut self, index: usize) -> ControlFlow<()> {
        self.place.passed(index);
        self.elements += 1;
        self.left -= 1;
        if self.left > 0 {
            return ControlFlow::Continue(());
        }
        self.left = self.patience;
        self.place.rewind();
        ControlFlow::Break(())
    }

    fn leave(&mut self) {
        self.place.leave();
    }
}

/// Moves everything, and ends the walk after some elements.
pub(crate) struct Forgetful(usize);

impl Forgetful {
    pub(crate) fn new(patience: usize) -> Self {
        Self(patience)
    }
}

// SAFETY: as above.
unsafe impl Relocate for Forgetful {
    unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: passed on.
        Some(unsafe { move_block(block, layout) })
    }

    fn rebuild(&mut self, _inside: NonNull<u8>, _layout: Layout, rebuild: &mut dyn FnMut()) {
        rebuild();
    }

    fn passed(&mut self, _index: usize) -> ControlFlow<()> {
        match self.0.checked_sub(1) {
            None => ControlFlow::Break(()),
            Some(left) => {
                self.0 = left;
                ControlFlow::Continue(())
            }
        }
    }
}
