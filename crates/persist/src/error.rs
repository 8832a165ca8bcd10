//! What can be wrong with bytes that should be a value.

use crate::lzf::LzfError;
use crate::module_type::ModuleTypeId;
use crate::module_value::Part;
use keyspace::Corrupt;
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
    /// A part of a module's value has an opcode that there isn't.
    Opcode(u64),
    /// A module's value has another part than its type wants there.
    Part {
        /// What the type wants.
        wanted: Part,
        /// What is there.
        found: Part,
    },
    /// A value is of a type that no module has registered.
    ModuleType(ModuleTypeId),
    /// The module didn't make a value of what was read.
    NotLoaded(ModuleTypeId),
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
            FormatError::Opcode(opcode) => write!(f, "no part of a module's value has the opcode {opcode}"),
            FormatError::Part { wanted, found } => write!(f, "{found} stands where {wanted} is wanted"),
            FormatError::ModuleType(id) => {
                write!(
                    f,
                    "no module has registered the type {id} (encoding version {})",
                    id.encoding_version()
                )
            }
            FormatError::NotLoaded(id) => write!(f, "the module refuses this value of its type {id}"),
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

/// What a module's type is told: only that something is wrong.
impl From<FormatError> for Corrupt {
    fn from(_: FormatError) -> Self {
        Corrupt
    }
}
