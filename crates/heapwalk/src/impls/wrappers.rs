//! Types that wrap one value or another and have no block of their own.

use std::cell::{OnceCell, RefCell};
use std::cmp::Reverse;
use std::num::{Saturating, Wrapping};
use std::ops::{Bound, ControlFlow, Range};
use std::sync::{Mutex, OnceLock, PoisonError, RwLock};

use crate::{HeapWalk, Measure, Relocate};

impl<T: HeapWalk> HeapWalk for Option<T> {
    const OWNS_BLOCKS: bool = T::OWNS_BLOCKS;

    #[inline]
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        self.as_ref().map_or(ControlFlow::Continue(()), |value| value.measure(visitor))
    }

    #[inline]
    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        self.as_mut().map_or(ControlFlow::Continue(()), |value| value.relocate(visitor))
    }
}

impl<T: HeapWalk, E: HeapWalk> HeapWalk for Result<T, E> {
    const OWNS_BLOCKS: bool = T::OWNS_BLOCKS || E::OWNS_BLOCKS;

    #[inline]
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        match self {
            Ok(value) => value.measure(visitor),
            Err(error) => error.measure(visitor),
        }
    }

    #[inline]
    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        match self {
            Ok(value) => value.relocate(visitor),
            Err(error) => error.relocate(visitor),
        }
    }
}

impl<T: HeapWalk> HeapWalk for Bound<T> {
    const OWNS_BLOCKS: bool = T::OWNS_BLOCKS;

    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        match self {
            Self::Included(value) | Self::Excluded(value) => value.measure(visitor),
            Self::Unbounded => ControlFlow::Continue(()),
        }
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        match self {
            Self::Included(value) | Self::Excluded(value) => value.relocate(visitor),
            Self::Unbounded => ControlFlow::Continue(()),
        }
    }
}

impl<T: HeapWalk> HeapWalk for Range<T> {
    const OWNS_BLOCKS: bool = T::OWNS_BLOCKS;

    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        self.start.measure(visitor)?;
        self.end.measure(visitor)
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        self.start.relocate(visitor)?;
        self.end.relocate(visitor)
    }
}

/// Implements [`HeapWalk`] for types with one value that is always there.
macro_rules! transparent {
    ($($type:ident: $get:expr, $get_mut:expr;)+) => {$(
        impl<T: HeapWalk> HeapWalk for $type<T> {
            const OWNS_BLOCKS: bool = T::OWNS_BLOCKS;

            #[inline]
            fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
                let get: fn(&Self) -> &T = $get;
                get(self).measure(visitor)
            }

            #[inline]
            fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
                let get: fn(&mut Self) -> &mut T = $get_mut;
                get(self).relocate(visitor)
            }
        }
    )+};
}

transparent! {
    Reverse: |it| &it.0, |it| &mut it.0;
    Wrapping: |it| &it.0, |it| &mut it.0;
    Saturating: |it| &it.0, |it| &mut it.0;
}

/// Measuring borrows it.
///
/// # Panics
/// When it is measured while it is mutably borrowed.
impl<T: HeapWalk> HeapWalk for RefCell<T> {
    const OWNS_BLOCKS: bool = T::OWNS_BLOCKS;

    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        self.borrow().measure(visitor)
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        self.get_mut().relocate(visitor)
    }
}

/// Measuring locks it, and takes no notice of poison: it must not be locked by the same thread.
impl<T: HeapWalk> HeapWalk for Mutex<T> {
    const OWNS_BLOCKS: bool = T::OWNS_BLOCKS;

    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        self.lock().unwrap_or_else(PoisonError::into_inner).measure(visitor)
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        self.get_mut().unwrap_or_else(PoisonError::into_inner).relocate(visitor)
    }
}

/// Measuring locks it for reading, and takes no notice of poison: it must not be locked for writing by
/// the same thread.
impl<T: HeapWalk> HeapWalk for RwLock<T> {
    const OWNS_BLOCKS: bool = T::OWNS_BLOCKS;

    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        self.read().unwrap_or_else(PoisonError::into_inner).measure(visitor)
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        self.get_mut().unwrap_or_else(PoisonError::into_inner).relocate(visitor)
    }
}

impl<T: HeapWalk> HeapWalk for OnceCell<T> {
    const OWNS_BLOCKS: bool = T::OWNS_BLOCKS;

    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        self.get().map_or(ControlFlow::Continue(()), |value| value.measure(visitor))
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        self.get_mut().map_or(ControlFlow::Continue(()), |value| value.relocate(visitor))
    }
}

impl<T: HeapWalk> HeapWalk for OnceLock<T> {
    const OWNS_BLOCKS: bool = T::OWNS_BLOCKS;

    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        self.get().map_or(ControlFlow::Continue(()), |value| value.measure(visitor))
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        self.get_mut().map_or(ControlFlow::Continue(()), |value| value.relocate(visitor))
    }
}
