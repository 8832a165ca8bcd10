//! Visits every heap block that a value owns.
//!
//! One description of a type, [`HeapWalk`], serves two kinds of visitor. One that [measures] adds up
//! what the value takes on the heap, to the byte, through a shared reference. One that [relocates]
//! may move each block to another address, and the walk then corrects the owner: that is how a
//! program defragments its own data. The crate has no allocator; who knows the size of a block, or
//! where it would lie better, is the visitor. The crate `zmalloc` has both visitors.
//!
//! ```
//! use heapwalk::{HeapWalk, HeapSize};
//!
//! #[derive(HeapWalk)]
//! struct User {
//!     name: String,
//!     scores: Vec<u32>,
//!     referrer: Option<Box<User>>,
//! }
//!
//! let ann = User { name: "Ann".to_owned(), scores: vec![3, 4], referrer: None };
//! let bob = User { name: "Bob".to_owned(), scores: vec![], referrer: Some(Box::new(ann)) };
//! let size = HeapSize::of(&bob);
//! assert_eq!(size.blocks, 4);
//! assert_eq!(size.bytes, 3 + size_of::<User>() + 3 + 8);
//! ```
//!
//! # What is visited
//!
//! | type | measured | its own block is moved |
//! |---|---|---|
//! | `Box`, `Vec`, `String` and others of one block | exactly | yes |
//! | `VecDeque`, hashbrown's `HashMap` and `HashSet` | exactly | by building it anew |
//! | hashbrown's `HashTable` | exactly | by `relocate_table`, which is told how to hash |
//! | `Rc`, `Arc` | exactly, by the first owner that a walk meets | while there is one owner |
//! | std's `HashMap`, `HashSet`, `BTreeMap`, `BTreeSet` | between two bounds | no, only what their values own |
//! | references, raw pointers' targets, `Weak` | not: they own nothing | |
//!
//! What an allocator adds to a size that was asked for is the visitor's to know.
//!
//! # Moving is sound
//!
//! A relocating walk needs the value by `&mut`, so nobody else looks at it meanwhile. Rust's values may
//! be moved bitwise, hence so may a block of them; whoever holds `&mut Box<T>` could do the same by
//! [`std::mem::replace`]. What is pinned doesn't move: `Pin<Box<T>>` is not `HeapWalk`. As with
//! `derive(Clone)`, a type whose own unsafe code relies on where its blocks are must not have the
//! derive, or must skip those fields.
//!
//! [measures]: Measure
//! [relocates]: Relocate

use std::ops::ControlFlow;

mod blocks;
mod impls;
mod measure;
mod place;
mod relocate;
pub mod sequence;

#[cfg(feature = "allocator-api2")]
pub use self::blocks::HeapAllocator;
#[cfg(feature = "hashbrown")]
pub use self::impls::hashbrown::relocate_table;
pub use self::measure::{HeapSize, Measure};
pub use self::place::Place;
pub use self::relocate::Relocate;

/// Describes the type to the walk: see [`HeapWalk`](trait@HeapWalk).
///
/// Structs, tuple structs and enums, generic and recursive ones too. Attributes:
///
/// - `#[heapwalk(skip = "reason")]` on a field leaves it out, for the reason given;
/// - `#[heapwalk(bound = "K: HeapWalk + Eq + Hash")]` on the type replaces the bounds that the derive
///   would add (`HeapWalk` for each type parameter that occurs in a field);
/// - `#[heapwalk(crate = "path")]` on the type, where this crate goes by another name.
#[cfg(feature = "derive")]
pub use heapwalk_derive::HeapWalk;

/// A value whose heap blocks can be visited.
///
/// Both methods visit each block that the value owns, itself or through what it owns, once, and both
/// in the same order. The value's own bytes are its owner's: they are not visited. Implementations
/// other than of the primitive collections call the methods of their fields, which `derive` does, and
/// which takes no unsafe code; a collection with blocks of its own hands them to the visitor.
///
/// Not every deviation is harmless, but none breaks memory: blocks left out are not counted or moved.
pub trait HeapWalk {
    /// Whether a value of this type can own a block at all. The elements of collections for which this
    /// is false aren't looked at.
    const OWNS_BLOCKS: bool = true;

    /// Shows the visitor each block.
    ///
    /// # Errors
    /// `Break` if the visitor has had enough: the walk ends at once.
    fn measure<M: Measure + ?Sized>(&self, visitor: &mut M) -> ControlFlow<()>;

    /// Has the visitor move each block, or leave it, and keeps the owner right.
    ///
    /// The value stays equal to what it was. Its hash and its order do too, if they don't depend on
    /// addresses.
    ///
    /// # Errors
    /// `Break` if the visitor has had enough: the walk ends at once, with the value intact.
    fn relocate<R: Relocate + ?Sized>(&mut self, visitor: &mut R) -> ControlFlow<()>;
}
