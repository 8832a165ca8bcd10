//! The payload of DUMP: a value as in an RDB file, the version of the format, a checksum.
//!
//! ```text
//!   | type | value ... | version, 2 bytes | CRC-64 of all before, 8 bytes |
//!                        both with the lowest byte first
//! ```

use crate::crc64;
use crate::reader::Reader;
use crate::writer::Writer;
use std::fmt;

/// The version of the RDB format that is written, that of Redis 7.0, and the newest that is read.
pub const RDB_VERSION: u16 = 10;

/// Why bytes are no payload of DUMP, whatever value they hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum DumpError {
    /// They are too few for version and checksum.
    TooShort {
        /// How many there are.
        len: usize,
    },
    /// They are of a version that is not known here.
    Version(u16),
    /// They are not what the checksum is of.
    Checksum {
        /// The checksum at the end.
        stated: u64,
        /// The checksum of what stands before.
        computed: u64,
    },
}

impl fmt::Display for DumpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DumpError::TooShort { len } => write!(f, "{len} bytes don't hold a version and a checksum"),
            DumpError::Version(version) => {
                write!(f, "the format has version {version}, and {RDB_VERSION} is the newest known")
            }
            DumpError::Checksum { stated, computed } => {
                write!(f, "the checksum is {computed:#018x}, and should be {stated:#018x}")
            }
        }
    }
}

impl std::error::Error for DumpError {}

/// Puts version and checksum behind a value that was written, its type first.
///
/// ```
/// use persist::{TYPE_STRING, Writer, dump};
///
/// let mut writer = Writer::new(true);
/// writer.byte(TYPE_STRING);
/// writer.string(b"a");
/// let payload = dump::seal(writer);
/// assert_eq!(payload, b"\0\x01a\x0a\0\xbf\xfe\xef\x9b\x8f\x36\x7d\xb4");
///
/// let mut reader = dump::open(&payload)?;
/// assert_eq!(reader.byte()?, TYPE_STRING);
/// assert_eq!(reader.string()?.into_bytes(), &b"a"[..]);
/// reader.finish()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn seal(value: Writer) -> Vec<u8> {
    let mut payload = value.into_bytes();
    payload.extend_from_slice(&RDB_VERSION.to_le_bytes());
    let checksum = crc64::checksum(&payload);
    payload.extend_from_slice(&checksum.to_le_bytes());
    payload
}

/// Checks version and checksum; what reads the type and the value that stand before.
///
/// # Errors
/// [`DumpError`] if the payload was damaged, or comes from a newer version.
pub fn open(payload: &[u8]) -> Result<Reader<'_>, DumpError> {
    let too_short = DumpError::TooShort { len: payload.len() };
    let (summed, stated) = payload.split_last_chunk().ok_or(too_short)?;
    let (value, version) = summed.split_last_chunk().ok_or(too_short)?;
    let version = u16::from_le_bytes(*version);
    if version > RDB_VERSION {
        return Err(DumpError::Version(version));
    }
    let (stated, computed) = (u64::from_le_bytes(*stated), crc64::checksum(summed));
    if stated == computed { Ok(Reader::new(value)) } else { Err(DumpError::Checksum { stated, computed }) }
}
