//! How the elements of a sequence are visited: some at a time, from where an earlier walk ended.
//!
//! For implementations of [`HeapWalk`] for collections.

use std::ops::ControlFlow;

use crate::{HeapWalk, Measure, Relocate};

/// How many elements are asked about together.
pub const CHUNK: usize = 32;

/// Shows the visitor what the elements own.
///
/// # Errors
/// `Break` if the visitor has had enough.
pub fn measure<'a, T, M>(elements: impl IntoIterator<Item = &'a T>, visitor: &mut M) -> ControlFlow<()>
where
    T: HeapWalk + 'a,
    M: Measure + ?Sized,
{
    if T::OWNS_BLOCKS {
        elements.into_iter().try_for_each(|element| element.measure(visitor))
    } else {
        ControlFlow::Continue(())
    }
}

/// Has the visitor move what the elements of a slice own.
///
/// # Errors
/// `Break` if the visitor has had enough. It remembers where.
pub fn relocate<T: HeapWalk, R: Relocate + ?Sized>(elements: &mut [T], visitor: &mut R) -> ControlFlow<()> {
    if T::OWNS_BLOCKS { relocate_parts(elements, &mut [], visitor) } else { ControlFlow::Continue(()) }
}

/// The same for a sequence in two pieces.
pub(crate) fn relocate_parts<T: HeapWalk, R: Relocate + ?Sized>(
    first: &mut [T],
    second: &mut [T],
    visitor: &mut R,
) -> ControlFlow<()> {
    let length = first.len() + second.len();
    let mut start = visitor.enter(length);
    let ends_first = first.len();
    for (piece, offset) in [(first, 0), (second, ends_first)] {
        while start < offset + piece.len() {
            let rest = &mut piece[start - offset..];
            let chunk_length = rest.len().min(CHUNK);
            relocate_chunk(&mut rest[..chunk_length], start, visitor)?;
            start += chunk_length;
        }
    }
    visitor.leave();
    ControlFlow::Continue(())
}

/// Visits elements of which the first has this index.
fn relocate_chunk<T: HeapWalk, R: Relocate + ?Sized>(
    chunk: &mut [T],
    index: usize,
    visitor: &mut R,
) -> ControlFlow<()> {
    if visitor.foresee(&mut |scout| chunk.iter().try_for_each(|element| element.measure(scout))) {
        for (position, element) in chunk.iter_mut().enumerate() {
            element.relocate(visitor)?;
            visitor.passed(index + position + 1)?;
        }
        ControlFlow::Continue(())
    } else {
        visitor.passed(index + chunk.len())
    }
}
