//! Tuples.

use std::ops::ControlFlow;

use crate::{HeapWalk, Measure, Relocate};

macro_rules! tuple {
    ($($name:ident $index:tt),+) => {
        impl<$($name: HeapWalk),+> HeapWalk for ($($name,)+) {
            const OWNS_BLOCKS: bool = $($name::OWNS_BLOCKS)||+;

            #[inline]
            fn measure<M_: Measure + ?Sized>(&self, visitor: &mut M_) -> ControlFlow<()> {
                $(self.$index.measure(visitor)?;)+
                ControlFlow::Continue(())
            }

            #[inline]
            fn relocate<R_: Relocate + ?Sized>(&mut self, visitor: &mut R_) -> ControlFlow<()> {
                $(self.$index.relocate(visitor)?;)+
                ControlFlow::Continue(())
            }
        }
    };
}

tuple!(A 0);
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);
tuple!(A 0, B 1, C 2, D 3, E 4);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuple!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
