//! Strings as rows of bits: bit 0 is the highest of the first byte.

/// A vector as wide as a cache line: the compiler keeps it in whatever registers the machine has.
type Lanes = [u64; 8];

const LANES_BYTES: usize = size_of::<Lanes>();

/// How many vectors [`count_ones`] takes in at a step.
const STEP: usize = 16;

/// The bit at `offset`; what lies past the end is clear.
pub(crate) fn bit(bytes: &[u8], offset: u64) -> bool {
    let byte = usize::try_from(offset / 8).ok().and_then(|at| bytes.get(at)).copied().unwrap_or(0);
    byte & mask(offset) != 0
}

/// The byte with only the bit at `offset` set.
pub(crate) fn mask(offset: u64) -> u8 {
    0x80 >> (offset % 8)
}

/// How many bits are set.
///
/// Harley and Seal's method: carry-save adders sum up sixteen vectors bit by bit, so that bits are counted in one
/// vector of sixteen.
pub(crate) fn count_ones(bytes: &[u8]) -> u64 {
    let mut steps = bytes.chunks_exact(STEP * LANES_BYTES);
    let mut sixteens = 0;
    let (mut ones, mut twos, mut fours, mut eights) = ([0; 8], [0; 8], [0; 8], [0; 8]);
    for step in &mut steps {
        let (vectors, _) = step.as_chunks::<LANES_BYTES>();
        let mut carried_eights = [[0; 8]; 2];
        for (half, carried_eight) in vectors.chunks_exact(8).zip(&mut carried_eights) {
            let mut carried_fours = [[0; 8]; 2];
            for (quarter, carried_four) in half.chunks_exact(4).zip(&mut carried_fours) {
                let low = add(&mut ones, load(&quarter[0]), load(&quarter[1]));
                let high = add(&mut ones, load(&quarter[2]), load(&quarter[3]));
                *carried_four = add(&mut twos, low, high);
            }
            *carried_eight = add(&mut fours, carried_fours[0], carried_fours[1]);
        }
        sixteens += sum(add(&mut eights, carried_eights[0], carried_eights[1]));
    }
    let counted = 16 * sixteens + 8 * sum(eights) + 4 * sum(fours) + 2 * sum(twos) + sum(ones);
    let (words, rest) = steps.remainder().as_chunks::<8>();
    let words = words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones()));
    counted + words.sum::<u64>() + rest.iter().map(|byte| u64::from(byte.count_ones())).sum::<u64>()
}

fn load(bytes: &[u8; LANES_BYTES]) -> Lanes {
    let (words, _) = bytes.as_chunks::<8>();
    std::array::from_fn(|lane| u64::from_ne_bytes(words[lane]))
}

/// Adds two vectors to the sums, bit by bit; gives the carries.
fn add(sums: &mut Lanes, a: Lanes, b: Lanes) -> Lanes {
    let half = std::array::from_fn::<_, 8, _>(|lane| sums[lane] ^ a[lane]);
    let carries = std::array::from_fn(|lane| (sums[lane] & a[lane]) | (half[lane] & b[lane]));
    *sums = std::array::from_fn(|lane| half[lane] ^ b[lane]);
    carries
}

fn sum(lanes: Lanes) -> u64 {
    lanes.iter().map(|lane| u64::from(lane.count_ones())).sum()
}

/// How many bits are set from `first` to `last`, both included and within the bytes.
pub(crate) fn count_range(bytes: &[u8], first: u64, last: u64) -> u64 {
    let whole = &bytes[(first / 8) as usize..=(last / 8) as usize];
    let before = whole[0] & !(0xff >> (first % 8));
    let behind = whole[whole.len() - 1] & (0x7f >> (last % 8));
    count_ones(whole) - u64::from(before.count_ones()) - u64::from(behind.count_ones())
}

/// The first bit that is `wanted` from `first` to `last`, both included and within the bytes.
pub(crate) fn find(bytes: &[u8], wanted: bool, first: u64, last: u64) -> Option<u64> {
    let wanted_bits = |byte: u8| if wanted { byte } else { !byte };
    let start = (first / 8) as usize;
    let whole = &bytes[start..=(last / 8) as usize];
    let head = wanted_bits(whole[0]) & (0xff >> (first % 8));
    let (byte, bits) = match head {
        0 => {
            let byte = 1 + find_byte(&whole[1..], wanted)?;
            (byte, wanted_bits(whole[byte]))
        }
        head => (0, head),
    };
    let at = 8 * (start + byte) as u64 + u64::from(bits.leading_zeros());
    Some(at).filter(|&at| at <= last)
}

/// The first byte in which some bit is `wanted`.
fn find_byte(bytes: &[u8], wanted: bool) -> Option<usize> {
    let unwanted = if wanted { 0 } else { 0xff };
    let (words, _) = bytes.as_chunks::<8>();
    let skipped = 8 * words.iter().take_while(|&&word| word == [unwanted; 8]).count();
    let within = bytes[skipped..].iter().position(|&byte| byte != unwanted)?;
    Some(skipped + within)
}

/// How BITOP combines bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    And,
    Or,
    Xor,
    /// Of the first source alone.
    Not,
}

/// As many bytes as stay in the nearest cache while source upon source goes into them.
const TILE: usize = 4096;

/// Which part of the strings an operation begins with.
///
/// What it costs is the way from memory, or from the cache that all cores share. A nearer cache holds only the end of
/// what an operation went through, if it is long; so the next one does best to begin there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Forward,
    Backward,
}

impl Direction {
    pub(crate) fn opposite(self) -> Self {
        match self {
            Direction::Forward => Direction::Backward,
            Direction::Backward => Direction::Forward,
        }
    }
}

/// Combines sources, of which there is at least one; shorter ones are taken as if zeros followed. The result is made in
/// the block of `room`, if it fits; what that holds doesn't matter, and is overwritten in this direction.
pub(crate) fn combine(
    operation: Operation,
    sources: &[&[u8]],
    room: Vec<u8>,
    direction: Direction,
) -> Vec<u8> {
    let len = sources.iter().map(|source| source.len()).max().unwrap_or(0);
    let mut result = room;
    result.truncate(len);
    let tiles = result.chunks_mut(TILE).enumerate();
    let overwrite = |(at, tile): (usize, &mut [u8])| combine_tile(operation, sources, at * TILE, tile);
    match direction {
        Direction::Forward => tiles.for_each(overwrite),
        Direction::Backward => tiles.rev().for_each(overwrite),
    }
    result.reserve_exact(len - result.len());
    while result.len() < len {
        let start = result.len();
        // Zeros for a tile are no way from memory; for a whole block they would be.
        result.resize(len.min(start + TILE), 0);
        combine_tile(operation, sources, start, &mut result[start..]);
    }
    result
}

/// Sets a piece of the result, the one that begins at `start`.
fn combine_tile(operation: Operation, sources: &[&[u8]], start: usize, tile: &mut [u8]) {
    let end = start + tile.len();
    let mut pieces = sources.iter().map(|source| part(source, start, end));
    let first = pieces.next().expect("there is a source");
    match (operation, pieces.next()) {
        (Operation::Not, _) => set(tile, first, &[], |a, _| !a),
        (_, None) => set(tile, first, &[], |a, _| a),
        (Operation::And, Some(second)) => set(tile, first, second, |a, b| a & b),
        (Operation::Or, Some(second)) => set(tile, first, second, |a, b| a | b),
        (Operation::Xor, Some(second)) => set(tile, first, second, |a, b| a ^ b),
    }
    for piece in pieces {
        match operation {
            Operation::And => {
                zip(tile, piece, |a, b| a & b);
                tile[piece.len()..].fill(0);
            }
            Operation::Or => zip(tile, piece, |a, b| a | b),
            Operation::Xor => zip(tile, piece, |a, b| a ^ b),
            Operation::Not => {}
        }
    }
}

/// Sets a tile to two pieces, combined, neither of which is longer; where one has ended it counts as zeros, and where
/// both have, zeros follow.
#[inline]
fn set(tile: &mut [u8], a: &[u8], b: &[u8], combine: impl Fn(u8, u8) -> u8) {
    let (common, longer) = (a.len().min(b.len()), a.len().max(b.len()));
    let (both, rest) = tile.split_at_mut(common);
    both.iter_mut().zip(a).zip(b).for_each(|((to, &a), &b)| *to = combine(a, b));
    let (one, none) = rest.split_at_mut(longer - common);
    let from = if a.len() > common { &a[common..] } else { &b[common..] };
    one.iter_mut().zip(from).for_each(|(to, &byte)| *to = combine(byte, 0));
    none.fill(0);
}

/// What a source has from `start` to `end`.
fn part(source: &[u8], start: usize, end: usize) -> &[u8] {
    &source[start.min(source.len())..end.min(source.len())]
}

#[inline]
fn zip(tile: &mut [u8], piece: &[u8], combine: impl Fn(u8, u8) -> u8) {
    tile.iter_mut().zip(piece).for_each(|(a, &b)| *a = combine(*a, b));
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    /// Long enough for whole steps of the counter, with a rest of every kind.
    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![Just(0), Just(0xff), any::<u8>()];
        (vec(byte, 0..40), 0..80_usize).prop_map(|(piece, times)| piece.repeat(times))
    }

    fn bits(bytes: &[u8]) -> Vec<bool> {
        (0..8 * bytes.len() as u64).map(|offset| bit(bytes, offset)).collect()
    }

    proptest! {
        #[test]
        fn counting_and_finding_agree_with_looking_at_each_bit(
            bytes in bytes(), first in any::<prop::sample::Index>(), last in any::<prop::sample::Index>(),
        ) {
            let bits = bits(&bytes);
            let ones = bits.iter().filter(|&&bit| bit).count() as u64;
            prop_assert_eq!(count_ones(&bytes), ones);
            if !bits.is_empty() {
                let (first, last) = (first.index(bits.len()), last.index(bits.len()));
                let (first, last) = (first.min(last), first.max(last));
                let range = &bits[first..=last];
                let ones = range.iter().filter(|&&bit| bit).count() as u64;
                prop_assert_eq!(count_range(&bytes, first as u64, last as u64), ones);
                for wanted in [false, true] {
                    let at = range.iter().position(|&bit| bit == wanted).map(|at| (first + at) as u64);
                    prop_assert_eq!(find(&bytes, wanted, first as u64, last as u64), at);
                }
            }
        }

        /// Also across tiles, in whatever block there is, and with whatever it holds.
        #[test]
        fn sources_are_combined_bit_by_bit(
            sources in vec(bytes(), 1..5), times in 1..5_usize, few in any::<bool>(),
            room in bytes(), rooms in 0..5_usize,
        ) {
            let sources: Vec<Vec<u8>> = sources.iter().map(|source| source.repeat(times)).collect();
            let sources = if few { &sources[..1] } else { &sources[..] };
            let slices: Vec<&[u8]> = sources.iter().map(Vec::as_slice).collect();
            let len = sources.iter().map(Vec::len).max().unwrap();
            let at = |source: &Vec<u8>, at: usize| source.get(at).copied().unwrap_or(0);
            let naive = |fold: fn(u8, u8) -> u8| -> Vec<u8> {
                (0..len).map(|i| sources.iter().map(|source| at(source, i)).reduce(fold).unwrap()).collect()
            };
            for direction in [Direction::Forward, Direction::Backward] {
                let made = |operation, slices| combine(operation, slices, room.repeat(rooms), direction);
                prop_assert_eq!(made(Operation::And, &slices), naive(|a, b| a & b));
                prop_assert_eq!(made(Operation::Or, &slices), naive(|a, b| a | b));
                prop_assert_eq!(made(Operation::Xor, &slices), naive(|a, b| a ^ b));
                let inverted: Vec<u8> = sources[0].iter().map(|byte| !byte).collect();
                prop_assert_eq!(made(Operation::Not, &slices[..1]), inverted);
            }
        }
    }

    #[test]
    fn the_block_of_an_old_result_is_used_again() {
        let room = vec![7; 10_000];
        let block = room.as_ptr();
        let made = combine(Operation::Or, &[&[1; 9_000], &[2; 5_000]], room, Direction::Backward);
        assert_eq!((made.as_ptr(), made.len()), (block, 9_000));
        assert_eq!(
            (made[4_999], made[5_000], Direction::Forward.opposite().opposite()),
            (3, 1, Direction::Forward)
        );
    }

    #[test]
    fn bit_0_is_the_highest_of_the_first_byte() {
        assert_eq!(bits(&[0b1000_0001]), [true, false, false, false, false, false, false, true]);
        assert!(!bit(b"a", 8) && !bit(b"a", u64::MAX));
        assert_eq!((mask(0), mask(7), mask(8)), (0x80, 1, 0x80));
    }
}
