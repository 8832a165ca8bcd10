//! What can be wrong with bytes that should be a value.

use crate::lzf::LzfError;
use std::fmt;

/// Why bytes can't be read as what they should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum FormatError {
    /// They end before they should.
    Truncated {
        /// How many bytes come next, by what stands before.
        needed: u64,
        /// How many there are.
        left: usize,
    },
    /// A length begins with a byte that begins none.
    Length(u8),
    /// Where a length should be stands one of the special encodings of strings, of this number.
    NotALength(u8),
    /// A string has a special encoding that there isn't, of this number.
    StringEncoding(u8),
    /// A compressed string can't be decompressed.
    Lzf(LzfError),
    /// A value is of a type that can't be read here; the number is that of RDB files.
    Type(u8),
    /// Bytes follow after the end, this many.
    Trailing(usize),
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FormatError::Truncated { needed, left } => {
                write!(f, "{needed} bytes should come next, and {left} are left")
            }
            FormatError::Length(byte) => write!(f, "no length begins with the byte {byte:#04x}"),
            FormatError::NotALength(number) => {
                write!(f, "the special encoding {number} stands where a length should be")
            }
            FormatError::StringEncoding(number) => write!(f, "no string has the special encoding {number}"),
            FormatError::Lzf(error) => error.fmt(f),
            FormatError::Type(number) => write!(f, "values of type {number} can't be read"),
            FormatError::Trailing(count) => write!(f, "{count} bytes follow after the end of the value"),
        }
    }
}

impl std::error::Error for FormatError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            FormatError::Lzf(error) => Some(error),
            _ => None,
        }
    }
}

impl From<LzfError> for FormatError {
    fn from(error: LzfError) -> Self {
        FormatError::Lzf(error)
    }
}
