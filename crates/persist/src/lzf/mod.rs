//! LZF, the compression of strings in RDB files.
//!
//! Compressed text is a sequence of two kinds of items, told apart by the three highest bits of the first byte:
//!
//! ```text
//!   000xxxxx                     then xxxxx + 1 bytes, which stand for themselves
//!   lllooooo oooooooo            lll + 2 bytes (lll is 1 to 6) that were met before,
//!                                ooooo oooooooo + 1 bytes back
//!   111ooooo llllllll oooooooo   the same with llllllll + 9 bytes
//! ```
//!
//! What is copied may overlap what it makes: one byte back, it repeats the last byte. Neither the length of the
//! compressed nor of the original text is part of the format; RDB keeps both beside it.

mod compress;
mod decompress;
#[cfg(test)]
mod tests;

pub use compress::compress;
pub use decompress::{LzfError, decompress};

/// The most bytes of one run that stands for itself.
const MAX_LITERALS: usize = 1 << 5;
/// The least bytes that are worth a reference.
const MIN_MATCH: usize = 3;
/// The most bytes of one reference.
const MAX_MATCH: usize = 0xff + 9;
/// How far back a reference can point, in bytes.
const MAX_DISTANCE: usize = 1 << 13;
/// In the three highest bits, the length of a reference that is told by another byte.
const LONG: usize = 7;
