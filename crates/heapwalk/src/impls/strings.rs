//! Strings: vectors of bytes with a promise on their content.

use std::borrow::Cow;
use std::ffi::{CString, OsString};
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::ptr;

use crate::{HeapWalk, Measure, Relocate, blocks};

impl HeapWalk for String {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        // SAFETY: a `String` is a `Vec<u8>`, as its documentation says: this is its block, of its
        // capacity, if it has one.
        unsafe {
            let block = ptr::NonNull::new_unchecked(self.as_ptr().cast_mut());
            blocks::measure(block, blocks::array::<u8>(self.capacity()), visitor)
        }
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        // SAFETY: the content stays what it is.
        blocks::relocate_vec(unsafe { self.as_mut_vec() }, visitor);
        ControlFlow::Continue(())
    }
}

impl HeapWalk for OsString {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        let inside = ptr::NonNull::from_ref(self.as_encoded_bytes()).cast();
        match blocks::array::<u8>(self.capacity()) {
            layout if layout.size() == 0 => ControlFlow::Continue(()),
            layout => visitor.hidden(Some(inside), layout, 1),
        }
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        let mut bytes = std::mem::take(self).into_encoded_bytes();
        blocks::relocate_vec(&mut bytes, visitor);
        // SAFETY: the bytes are those of an `OsString`.
        *self = unsafe { Self::from_encoded_bytes_unchecked(bytes) };
        ControlFlow::Continue(())
    }
}

impl HeapWalk for PathBuf {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        match blocks::array::<u8>(self.capacity()) {
            layout if layout.size() == 0 => ControlFlow::Continue(()),
            layout => {
                let inside = ptr::NonNull::from_ref(self.as_os_str().as_encoded_bytes()).cast();
                visitor.hidden(Some(inside), layout, 1)
            }
        }
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        self.as_mut_os_string().relocate(visitor)
    }
}

impl HeapWalk for CString {
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        let bytes = self.as_bytes_with_nul();
        // It is a boxed slice, so without capacity to spare.
        visitor.hidden(Some(ptr::NonNull::from_ref(bytes).cast()), blocks::array::<u8>(bytes.len()), 1)
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        // SAFETY: the string is read and another written in its place, with nothing between that
        // unwinds: a visitor doesn't, and a vector without capacity to spare isn't resized. The bytes
        // stay what they are, with one NUL at the end.
        unsafe {
            let mut bytes = ptr::read(self).into_bytes_with_nul();
            blocks::relocate_vec(&mut bytes, visitor);
            ptr::write(self, Self::from_vec_with_nul_unchecked(bytes));
        }
        ControlFlow::Continue(())
    }
}

impl<T: ToOwned + ?Sized> HeapWalk for Cow<'_, T>
where
    T::Owned: HeapWalk,
{
    const OWNS_BLOCKS: bool = T::Owned::OWNS_BLOCKS;

    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
        match self {
            Self::Borrowed(_) => ControlFlow::Continue(()),
            Self::Owned(value) => value.measure(visitor),
        }
    }

    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
        match self {
            Self::Borrowed(_) => ControlFlow::Continue(()),
            Self::Owned(value) => value.relocate(visitor),
        }
    }
}
