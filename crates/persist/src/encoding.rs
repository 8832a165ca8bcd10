//! The numbers by which RDB files tell lengths and strings apart.
//!
//! ```text
//!   00nnnnnn                      a length of 6 bits
//!   01nnnnnn nnnnnnnn             a length of 14 bits, the higher ones first
//!   10000000 and 4 bytes          a length of 32 bits, the highest byte first
//!   10000001 and 8 bytes          a length of 64 bits, the highest byte first
//!   11eeeeee                      no length: the special encoding of a string
//! ```

/// In the two highest bits: a length of 6 bits.
pub(crate) const LENGTH_6: u8 = 0;
/// In the two highest bits: a length of 14 bits.
pub(crate) const LENGTH_14: u8 = 1;
/// In the two highest bits: a special encoding.
pub(crate) const SPECIAL: u8 = 3;
/// The first byte of a length of 32 bits.
pub(crate) const LENGTH_32: u8 = 0x80;
/// The first byte of a length of 64 bits.
pub(crate) const LENGTH_64: u8 = 0x81;

/// The special encoding of a string that is an integer of 8 bits.
pub(crate) const INT_8: u8 = 0;
/// The special encoding of a string that is an integer of 16 bits, the lower byte first.
pub(crate) const INT_16: u8 = 1;
/// The special encoding of a string that is an integer of 32 bits, the lowest byte first.
pub(crate) const INT_32: u8 = 2;
/// The special encoding of a string that is compressed: its compressed length, its length, the compressed text.
pub(crate) const LZF: u8 = 3;
