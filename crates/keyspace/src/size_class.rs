//! The sizes that blocks are asked for in.
//!
//! A block is always requested at a size on this ladder, whatever it holds. Then a value that grows
//! or shrinks a little stays within the size it was requested with, and is changed in place, and the
//! size for a sized free follows from the length alone. The ladder is the usual one of segregated
//! allocators (jemalloc with 8-byte quantum, whose classes it equals): steps of 8 bytes to 64, then
//! four steps to each doubling, and whole pages from 32 KiB on, so on such an allocator the rounding
//! costs nothing that the allocator would not have added itself.
#![forbid(unsafe_code)]

const PAGE: usize = 4096;

/// From this size on, sizes are whole pages.
const PAGED: usize = 32 * 1024;

/// The smallest size on the ladder that is at least `size`. Zero gives 8.
///
/// # Panics
/// If the result is past `usize::MAX`.
#[inline]
pub(crate) fn round_up(size: usize) -> usize {
    if size <= 64 {
        return (size.max(1) + 7) & !7;
    }
    let step = if size > PAGED {
        PAGE
    } else {
        // Four steps lie between one power of two and the next.
        1 << ((size - 1).ilog2() - 2)
    };
    size.checked_next_multiple_of(step).expect("a size within the address space")
}

#[cfg(test)]
mod tests {
    use super::*;

    const JEMALLOC_QUANTUM_8: &[usize] = &[
        8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768,
        896, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 5120, 6144, 7168, 8192, 10240, 12288,
        14336, 16384, 20480, 24576, 28672, 32768,
    ];

    #[test]
    fn is_the_ladder_of_jemalloc() {
        for size in 0..=32768 {
            let class = JEMALLOC_QUANTUM_8.iter().copied().find(|&class| class >= size).unwrap();
            assert_eq!(round_up(size), class, "{size}");
        }
    }

    #[test]
    fn pages_beyond() {
        assert_eq!(round_up(32769), 36864);
        assert_eq!(round_up(36864), 36864);
        assert_eq!(round_up(512 << 20), 512 << 20);
        assert_eq!(round_up((512 << 20) + 1), (512 << 20) + 4096);
    }

    #[test]
    fn is_idempotent_and_monotonic() {
        let mut before = 0;
        for size in 0..200_000 {
            let class = round_up(size);
            assert!(class >= size && class >= before && round_up(class) == class, "{size}");
            before = class;
        }
    }
}
