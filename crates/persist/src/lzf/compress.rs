//! Compressing: one pass that takes every repetition it finds.

use super::{LONG, MAX_DISTANCE, MAX_LITERALS, MAX_MATCH, MIN_MATCH};

/// The greatest size, in bits, of the table that remembers where three bytes were met. A shorter text
/// has a smaller one, with at least two places for each of its bytes.
const MAX_TABLE_BITS: u32 = 14;

/// `text` compressed to at most `limit` bytes; `None` if that doesn't fit.
///
/// The compressed text of one is not always that of another compressor, but every decompressor restores it.
pub fn compress(text: &[u8], limit: usize) -> Option<Vec<u8>> {
    let mut output = Output { bytes: Vec::with_capacity(limit.min(text.len())), limit };
    let mut seen = Seen::for_text(text);
    let (mut at, mut literals_from) = (0, 0);
    while text.len() - at >= MIN_MATCH {
        let Some(distance) = seen.replace(text, at) else {
            at += 1;
            continue;
        };
        let len = common_length(&text[at - distance..], &text[at..]);
        output.literals(&text[literals_from..at])?;
        output.reference(distance, len)?;
        let end = at + len;
        for inside in at + 1..end.min(text.len() - (MIN_MATCH - 1)) {
            seen.replace(text, inside);
        }
        (at, literals_from) = (end, end);
    }
    output.literals(&text[literals_from..])?;
    Some(output.bytes)
}

/// How many bytes both begin with, as far as one reference reaches.
fn common_length(earlier: &[u8], later: &[u8]) -> usize {
    let pairs = earlier.iter().zip(later).take(MAX_MATCH);
    pairs.take_while(|(earlier, later)| earlier == later).count()
}

/// Where three bytes were last met, by their hash.
struct Seen {
    /// The lower 32 bits of positions. A place that nothing has been put into yet says 0, which is no worse than
    /// a place that other bytes with the same hash were put into: what is there is always compared.
    positions: Vec<u32>,
    shift: u32,
}

impl Seen {
    fn for_text(text: &[u8]) -> Seen {
        let bits = (text.len().max(1).ilog2() + 2).min(MAX_TABLE_BITS);
        Seen { positions: vec![0; 1 << bits], shift: u32::BITS - bits }
    }

    /// How far before `at` the three bytes there were last met, if they are remembered and within reach;
    /// remembers them at `at`.
    fn replace(&mut self, text: &[u8], at: usize) -> Option<usize> {
        /// 2^32 by the golden ratio: what spreads well under multiplication.
        const SPREAD: u32 = 0x9e37_79b1;
        let three = &text[at..at + MIN_MATCH];
        let hash = u32::from_le_bytes([three[0], three[1], three[2], 0]).wrapping_mul(SPREAD) >> self.shift;
        let earlier = std::mem::replace(&mut self.positions[hash as usize], at as u32);
        let distance = (at as u32).wrapping_sub(earlier) as usize;
        let is_within = (1..=MAX_DISTANCE.min(at)).contains(&distance);
        (is_within && text[at - distance..][..MIN_MATCH] == *three).then_some(distance)
    }
}

/// The compressed text so far. Its methods give `None` once it is longer than allowed.
struct Output {
    bytes: Vec<u8>,
    limit: usize,
}

impl Output {
    fn literals(&mut self, text: &[u8]) -> Option<()> {
        for run in text.chunks(MAX_LITERALS) {
            self.make_room(1 + run.len())?;
            self.bytes.push((run.len() - 1) as u8);
            self.bytes.extend_from_slice(run);
        }
        Some(())
    }

    fn reference(&mut self, distance: usize, len: usize) -> Option<()> {
        let (back, len) = (distance - 1, len - (MIN_MATCH - 1));
        let (high, low) = ((back >> 8) as u8, back as u8);
        if len < LONG {
            self.make_room(2)?;
            self.bytes.extend_from_slice(&[(len as u8) << 5 | high, low]);
        } else {
            self.make_room(3)?;
            self.bytes.extend_from_slice(&[(LONG as u8) << 5 | high, (len - LONG) as u8, low]);
        }
        Some(())
    }

    fn make_room(&self, len: usize) -> Option<()> {
        (self.bytes.len() + len <= self.limit).then_some(())
    }
}
