//! What a value takes on the heap, and moving a program's data together so that pages fall free.
//!
//! When most of what a program held has been freed, what is left lies scattered: a page stays in use for
//! a single block. This module moves such blocks to pages that are used more, without any patch to the
//! allocator and in steps of a time that the program chooses. What the values are made of it learns from
//! [`HeapWalk`], a trait with a derive, which is re-exported from the crate `heapwalk`.
//!
//! ```
//! use std::time::Duration;
//!
//! use zmalloc::ZMalloc;
//! use zmalloc::defrag::{Cycle, Settings, State, heap_size};
//!
//! #[global_allocator]
//! static ALLOC: ZMalloc = ZMalloc::new();
//!
//! let mut data: Vec<String> = (0..10_000).map(|number| format!("value {number}")).collect();
//! let mut kept = 0;
//! data.retain(|_| { kept += 1; kept % 10 == 0 });
//! println!("{} bytes in {} blocks", heap_size(&data).bytes, heap_size(&data).blocks);
//!
//! // What is worth the effort, and how much: a few kilobytes here, 100 MB unless it is said.
//! let settings = Settings { ignore_bytes: 4096, ..Settings::default() };
//! match Cycle::new(settings) {
//!     Ok(mut cycle) => {
//!         // Now and then, as the program runs. Each step takes about half a millisecond.
//!         while cycle.step(&mut data).state == State::Unfinished {}
//!         println!("{} blocks moved", cycle.totals().hits);
//!     }
//!     Err(unavailable) => println!("{unavailable}"),
//! }
//! ```
//!
//! # Which blocks move
//!
//! On jemalloc: those of slabs that have room and are used at most an eighth more than the average of
//! such slabs of their size; not those of the slab that is being allocated from. On mimalloc: those of
//! pages that are used up to four fifths, by its own query; only blocks of pages that belong to the
//! calling thread are answered for rightly. Other allocators can't tell, and [`Cycle::new`] says so.
//!
//! # From inside
//!
//! `size` measures values. `survey` asks whether blocks should move, `moving` moves one; `mover` is the
//! visitor that does both on a walk, asking many questions at a time by what `foresight` collects, and
//! `cycle` decides when, and for how long. What falls free `purger` gives back between the steps.

mod cycle;
mod foresight;
mod mover;
mod moving;
mod purger;
mod settings;
mod size;
mod survey;

pub use heapwalk::{HeapAllocator, HeapSize, HeapWalk};

pub use self::cycle::{Cycle, State, Step, Unavailable};
pub use self::mover::{Mover, Totals};
pub use self::moving::{is_global_allocator, relocate};
pub use self::settings::{Fragmentation, Settings};
pub use self::size::heap_size;
pub use self::survey::Survey;
