//! Memory that lasts as long as a context: many small pieces, freed together.

use std::cell::RefCell;
use std::ptr;

use allocator_api2::vec::Vec;

use crate::charge::{Charge, POOL};
use crate::slot::Slot;

/// The room of a piece of memory that small requests share, in bytes.
const SHARED: usize = 8 * 1024;

/// Pieces of memory, for which a module is charged, and how far the last of them is used.
#[derive(Debug)]
pub(crate) struct Pool {
    pieces: RefCell<Vec<Piece, Charge<POOL>>>,
}

#[derive(Debug)]
struct Piece {
    /// Whole words, so that the bytes are aligned.
    words: Vec<u64, Charge<POOL>>,
    /// Bytes.
    used: usize,
}

impl Pool {
    /// An empty pool of a module's.
    pub(crate) fn new(slot: &Slot) -> Self {
        Self { pieces: RefCell::new(Vec::new_in(Charge::to(slot))) }
    }

    /// So many bytes, aligned as a value of that size at most needs it: to 8 bytes from 8 on, and below to the largest
    /// power of two that isn't larger, as Redis documents it.
    pub(crate) fn allocate(&self, bytes: usize) -> *mut u8 {
        if bytes == 0 {
            return ptr::null_mut();
        }
        let alignment = 1 << bytes.ilog2().min(3);
        let mut pieces = self.pieces.borrow_mut();
        let fits = |piece: &Piece| {
            let start = piece.used.next_multiple_of(alignment);
            (start + bytes <= piece.words.len() * 8).then_some(start)
        };
        let start = match pieces.last().and_then(fits) {
            Some(start) => start,
            None => {
                let size = if bytes > SHARED { bytes } else { SHARED };
                let mut words = Vec::new_in(*pieces.allocator());
                words.resize(size.div_ceil(8), 0);
                pieces.push(Piece { words, used: 0 });
                0
            }
        };
        let piece = pieces.last_mut().expect("one that was there or was made");
        piece.used = start + bytes;
        piece.words.as_mut_ptr().cast::<u8>().wrapping_add(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::Kind;

    #[test]
    fn pieces_are_apart_and_aligned() {
        let slot = crate::slot::slot(crate::SLOTS - 1);
        let pool = Pool::new(slot);
        let mut last = (ptr::null_mut::<u8>(), 0_usize);
        for bytes in [1, 2, 3, 8, 5, 24, 8191, 8192, 8193, 1, 100_000, 16] {
            let start = pool.allocate(bytes);
            assert!(start.addr().is_multiple_of(1 << bytes.ilog2().min(3)), "{bytes}");
            // SAFETY: so many bytes were given.
            unsafe { start.write_bytes(0xff, bytes) };
            let (before, length) = last;
            assert!(start.addr() >= before.addr() + length || start.addr() + bytes <= before.addr());
            last = (start, bytes);
        }
        assert!(pool.allocate(0).is_null());
        let census = slot.counters().census();
        assert!(census.of(Kind::Pool) >= 100_000 && census.of(Kind::Pool) == census.live);
        drop(pool);
        assert_eq!(slot.counters().census().live, 0);
    }
}
