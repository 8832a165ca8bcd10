//! Decompressing: every length and every distance is checked before anything is copied.

use super::{LONG, MAX_MATCH, MIN_MATCH};
use std::fmt;

/// Why bytes are no compressed text of the length that was stated.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LzfError {
    /// They end in the middle of an item.
    Truncated,
    /// A reference points before the beginning of the text.
    Distance {
        /// How far back it points, in bytes.
        distance: usize,
        /// The length of the text before it, in bytes.
        at: usize,
    },
    /// The text has another length than was stated.
    Length {
        /// What was stated, in bytes.
        stated: u64,
    },
    /// There is no memory for a text of the stated length.
    Memory {
        /// What was stated, in bytes.
        stated: u64,
    },
}

impl fmt::Display for LzfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LzfError::Truncated => f.write_str("the compressed text is cut off"),
            LzfError::Distance { distance, at } => {
                write!(f, "a reference {distance} bytes back stands after {at} bytes of compressed text")
            }
            LzfError::Length { stated } => write!(f, "the compressed text isn't one of {stated} bytes"),
            LzfError::Memory { stated } => write!(f, "there is no memory for a text of {stated} bytes"),
        }
    }
}

impl std::error::Error for LzfError {}

/// The text of `len` bytes that `compressed` stands for.
///
/// # Errors
/// [`LzfError`] if it stands for no text of this length, or if there is no memory for one. A length that so
/// many compressed bytes can't make is refused before memory is asked for.
pub fn decompress(compressed: &[u8], len: u64) -> Result<Vec<u8>, LzfError> {
    /// No item makes more of a byte than the longest reference, which takes three.
    const MOST_PER_BYTE: u64 = (MAX_MATCH / 3) as u64;
    if len > (compressed.len() as u64).saturating_mul(MOST_PER_BYTE) {
        return Err(LzfError::Length { stated: len });
    }
    let stated = usize::try_from(len).map_err(|_| LzfError::Memory { stated: len })?;
    let mut text = Vec::new();
    text.try_reserve_exact(stated).map_err(|_| LzfError::Memory { stated: len })?;
    let mut rest = compressed;
    while let Some(control) = take(&mut rest) {
        let control = usize::from(control);
        let (kind, low_bits) = (control >> 5, control & 0x1f);
        let grows_by = match kind {
            0 => low_bits + 1,
            LONG => usize::from(take(&mut rest).ok_or(LzfError::Truncated)?) + LONG + MIN_MATCH - 1,
            short => short + MIN_MATCH - 1,
        };
        if grows_by > stated - text.len() {
            return Err(LzfError::Length { stated: len });
        }
        if kind == 0 {
            let (literals, after) = rest.split_at_checked(grows_by).ok_or(LzfError::Truncated)?;
            text.extend_from_slice(literals);
            rest = after;
        } else {
            let low = take(&mut rest).ok_or(LzfError::Truncated)?;
            copy_within(&mut text, (low_bits << 8 | usize::from(low)) + 1, grows_by)?;
        }
    }
    if text.len() == stated { Ok(text) } else { Err(LzfError::Length { stated: len }) }
}

fn take(bytes: &mut &[u8]) -> Option<u8> {
    bytes.split_off_first().copied()
}

/// Adds `len` bytes that stand `distance` bytes back; they may be among those that are added.
fn copy_within(text: &mut Vec<u8>, distance: usize, len: usize) -> Result<(), LzfError> {
    let at = text.len();
    let from = at.checked_sub(distance).ok_or(LzfError::Distance { distance, at })?;
    // What is there already is copied at once, and is twice as much after each time.
    let mut left = len;
    while left > 0 {
        let part = left.min(text.len() - from);
        text.extend_from_within(from..from + part);
        left -= part;
    }
    Ok(())
}
