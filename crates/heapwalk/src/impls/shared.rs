//! `Rc` and `Arc`: one block, with two counters before the value, and any number of owners.
//!
//! Where the block begins is their own affair, so a block that has one owner is moved by building
//! another. Its size is the one that std has documented by long practice and that a test compares with
//! what is allocated: two words and the value, as C would lay them out.

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ops::ControlFlow;
use std::ptr::{self, NonNull};
use std::rc::Rc;
use std::sync::Arc;

use crate::{HeapWalk, Measure, Relocate, sequence};

/// The layout of a block whose value has this one.
fn with_counters(value: Layout) -> Layout {
    let counters = Layout::new::<[usize; 2]>();
    let (layout, _) = counters.extend(value).expect("there is a block of this layout");
    layout.pad_to_align()
}

/// An address in the block, if the value takes any room.
fn inside<T: ?Sized>(value: &T) -> Option<NonNull<u8>> {
    (size_of_val(value) != 0).then_some(NonNull::from_ref(value).cast())
}

macro_rules! shared {
    ($pointer:ident) => {
        impl<T: HeapWalk> HeapWalk for $pointer<T> {
            fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
                let single = $pointer::strong_count(self) == 1 && $pointer::weak_count(self) == 0;
                if !single && !visitor.counts_shared(NonNull::from_ref(&**self).cast()) {
                    return ControlFlow::Continue(());
                }
                visitor.hidden(inside(&**self), with_counters(Layout::new::<T>()), 1)?;
                (**self).measure(visitor)
            }

            fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
                if $pointer::get_mut(self).is_none() {
                    return ControlFlow::Continue(());
                }
                if let Some(inside) = inside(&**self) {
                    visitor.rebuild(inside, with_counters(Layout::new::<T>()), &mut || {
                        let mut new = $pointer::<T>::new_uninit();
                        let room = $pointer::get_mut(&mut new).expect("nobody else knows it yet");
                        // SAFETY: the value moves to the new block bitwise; the old block is freed
                        // without dropping it again, through a type that drops nothing and has the
                        // same layout. Nothing between the reading and the writing unwinds.
                        unsafe {
                            room.as_mut_ptr().copy_from_nonoverlapping($pointer::as_ptr(self), 1);
                            let old = $pointer::into_raw(ptr::replace(self, new.assume_init()));
                            drop($pointer::from_raw(old.cast::<MaybeUninit<T>>()));
                        }
                    });
                }
                $pointer::get_mut(self).map_or(ControlFlow::Continue(()), |value| value.relocate(visitor))
            }
        }

        impl<T: HeapWalk> HeapWalk for $pointer<[T]> {
            fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
                let single = $pointer::strong_count(self) == 1 && $pointer::weak_count(self) == 0;
                if !single && !visitor.counts_shared(NonNull::from_ref(&**self).cast()) {
                    return ControlFlow::Continue(());
                }
                visitor.hidden(inside(&**self), with_counters(Layout::for_value(&**self)), 1)?;
                sequence::measure(&**self, visitor)
            }

            fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
                if $pointer::get_mut(self).is_none() {
                    return ControlFlow::Continue(());
                }
                if let Some(inside) = inside(&**self) {
                    visitor.rebuild(inside, with_counters(Layout::for_value(&**self)), &mut || {
                        let length = self.len();
                        let mut new = $pointer::<[T]>::new_uninit_slice(length);
                        let room = $pointer::get_mut(&mut new).expect("nobody else knows it yet");
                        // SAFETY: as above, for each element.
                        unsafe {
                            let first = $pointer::as_ptr(self).cast::<T>();
                            room.as_mut_ptr().cast::<T>().copy_from_nonoverlapping(first, length);
                            let old = $pointer::into_raw(ptr::replace(self, new.assume_init()));
                            drop($pointer::from_raw(old as *const [MaybeUninit<T>]));
                        }
                    });
                }
                $pointer::get_mut(self)
                    .map_or(ControlFlow::Continue(()), |values| sequence::relocate(values, visitor))
            }
        }

        impl HeapWalk for $pointer<str> {
            fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()> {
                let single = $pointer::strong_count(self) == 1 && $pointer::weak_count(self) == 0;
                if !single && !visitor.counts_shared(NonNull::from_ref(&**self).cast()) {
                    return ControlFlow::Continue(());
                }
                visitor.hidden(inside(&**self), with_counters(Layout::for_value(&**self)), 1)
            }

            fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()> {
                if $pointer::get_mut(self).is_some()
                    && let Some(inside) = inside(&**self)
                {
                    visitor.rebuild(inside, with_counters(Layout::for_value(&**self)), &mut || {
                        *self = $pointer::from(&**self);
                    });
                }
                ControlFlow::Continue(())
            }
        }
    };
}

shared!(Rc);
shared!(Arc);
