//! How a block is best made larger or smaller.

use super::Promise;

/// On jemalloc, both blocks must be of this size at least for a reallocation to go through the server.
///
/// Below, Realloc costs more than allocating, copying and freeing: it looks up the size of the old
/// block twice, and seldom finds room in place. Vectors that grew side by side to 64 KB took 1.2 × the
/// time where Realloc began at 16 KiB; from 64 KiB on it takes 0.9 to 1.0 × the time of copying.
const RESIZE_FROM: usize = 64 << 10;

/// The same on any other allocator, glibc's for one, where large blocks grow by remapping pages.
const RESIZE_FROM_ELSEWHERE: usize = 16 << 10;

/// On jemalloc, a block that grows to this size or more is put where it can go on growing.
///
/// jemalloc keeps such blocks apart, gives their pages back to the system as soon as they are freed
/// (`oversize_threshold`), and puts each right behind another, so that none can grow in place: every
/// growth would be paid in page faults for the whole block. If the place is as large as a later size,
/// and its end is given back at once, untouched, the block grows into that end. A vector that grows
/// to 20 MB takes half the time that way; below this size nothing is won.
const ROOM_FROM: usize = 8 << 20;

/// How much larger the place is than the smallest block that is put there.
const ROOM_FACTOR: u32 = 8;

/// A way to change the size of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// Allocate, copy, free.
    Copy,
    /// The server's Realloc.
    Resize,
    /// Copy to a place with so many bytes, and give back what is too much.
    MakeRoom(usize),
}

impl Promise {
    /// The way from a block of `old` bytes to one of `new` bytes, by requests.
    pub(super) fn way(&self, old: usize, new: usize) -> Way {
        let from = match self {
            Self::Classes { .. } => RESIZE_FROM,
            Self::Aligned(_) => RESIZE_FROM_ELSEWHERE,
        };
        if old.min(new) < from {
            return Way::Copy;
        }
        match (self, room(new)) {
            (Self::Classes { .. }, Some(room)) if new > old && old < room / ROOM_FACTOR as usize => {
                Way::MakeRoom(room)
            }
            _ => Way::Resize,
        }
    }
}

/// The size of the place for a block of `new` bytes: [`ROOM_FROM`] times powers of [`ROOM_FACTOR`],
/// the next above it. `None` if it needs none, or is too large for one.
fn room(new: usize) -> Option<usize> {
    let power = (new / ROOM_FROM).checked_ilog(ROOM_FACTOR as usize)?;
    ROOM_FROM.checked_mul((ROOM_FACTOR as usize).checked_pow(power + 1)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JEMALLOC: Promise = Promise::Classes { quantum: 8 };
    const MIB: usize = 1 << 20;

    #[test]
    fn a_vector_that_doubles_moves_once_in_a_place() {
        let ways = |promise: Promise| -> Vec<Way> {
            (12..30).map(|shift| promise.way(1 << shift, 2 << shift)).collect()
        };
        let mut expected = vec![Way::Resize; 18];
        expected[..4].fill(Way::Copy);
        // From 4 to 8 MiB, from 32 to 64, from 256 to 512.
        expected[10] = Way::MakeRoom(64 * MIB);
        expected[13] = Way::MakeRoom(512 * MIB);
        expected[16] = Way::MakeRoom(4096 * MIB);
        assert_eq!(ways(JEMALLOC), expected);
        expected.fill(Way::Resize);
        expected[..2].fill(Way::Copy);
        assert_eq!(ways(Promise::Aligned(16)), expected);
    }

    #[test]
    fn what_shrinks_or_is_small_gets_no_room() {
        assert_eq!(JEMALLOC.way(64 * MIB, 9 * MIB), Way::Resize);
        assert_eq!(JEMALLOC.way(64 * MIB, 100), Way::Copy);
        assert_eq!(JEMALLOC.way(100, 64 * MIB), Way::Copy);
        assert_eq!(JEMALLOC.way(8 * MIB - 2, 8 * MIB - 1), Way::Resize);
        assert_eq!(JEMALLOC.way(8 * MIB - 1, 8 * MIB), Way::MakeRoom(64 * MIB));
        assert_eq!(JEMALLOC.way(8 * MIB, 64 * MIB - 1), Way::Resize);
        assert_eq!(JEMALLOC.way(MIB, usize::MAX), Way::Resize);
    }

    #[test]
    fn a_place_is_larger_than_its_block() {
        for shift in 23..62 {
            for size in [(1usize << shift) - 1, 1 << shift, (1 << shift) + 1] {
                if let Some(room) = room(size) {
                    assert!(room > size && room / 8 <= size, "{size} {room}");
                }
            }
        }
        assert_eq!(room(8 * MIB - 1), None);
    }
}
