//! Writing what RDB files are made of: lengths, strings, numbers.

use crate::encoding::{INT_8, INT_16, INT_32, LENGTH_6, LENGTH_14, LENGTH_32, LENGTH_64, LZF, SPECIAL};
use crate::lzf;

/// Texts up to so many bytes are tried as integers: the length of the longest text of an integer of 32 bits.
const MAX_INTEGER_TEXT: usize = 11;
/// Texts up to so many bytes aren't compressed.
const MAX_UNCOMPRESSED: usize = 20;
/// Compressed text is kept if it is at least so many bytes shorter than the text.
const LEAST_GAIN: usize = 4;

/// Writes lengths, strings and numbers into a buffer, in the forms that Redis chooses.
///
/// ```
/// use persist::Writer;
///
/// let mut writer = Writer::new(true);
/// writer.string(b"12345");
/// writer.string(b"word");
/// assert_eq!(writer.into_bytes(), b"\xc1\x39\x30\x04word");
/// ```
#[derive(Debug)]
pub struct Writer {
    bytes: Vec<u8>,
    compresses: bool,
}

impl Writer {
    /// An empty buffer. Whether long strings are compressed is Redis's directive `rdbcompression`.
    pub fn new(compresses: bool) -> Writer {
        Writer { bytes: Vec::new(), compresses }
    }

    /// What has been written.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What has been written, the buffer with it.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Writes one byte: the number of a type, for one.
    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Writes bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Writes a length, or another number without a sign, in the shortest form.
    pub fn length(&mut self, length: u64) {
        match length {
            0..=0x3f => self.byte(LENGTH_6 << 6 | length as u8),
            0x40..=0x3fff => self.raw(&(u16::from(LENGTH_14) << 14 | length as u16).to_be_bytes()),
            0x4000..=0xffff_ffff => {
                self.byte(LENGTH_32);
                self.raw(&(length as u32).to_be_bytes());
            }
            _ => {
                self.byte(LENGTH_64);
                self.raw(&length.to_be_bytes());
            }
        }
    }

    /// Writes a string: as an integer if it is the canonical text of one of 32 bits; compressed, if that is
    /// wanted and saves space; or as it is.
    pub fn string(&mut self, text: &[u8]) {
        if text.len() <= MAX_INTEGER_TEXT
            && let Some(value) = keyspace::parse_integer(text)
            && self.short_integer(value)
        {
            return;
        }
        if self.compresses
            && text.len() > MAX_UNCOMPRESSED
            && let Some(compressed) = lzf::compress(text, text.len() - LEAST_GAIN)
        {
            self.byte(SPECIAL << 6 | LZF);
            self.length(compressed.len() as u64);
            self.length(text.len() as u64);
            self.raw(&compressed);
            return;
        }
        self.length(text.len() as u64);
        self.raw(text);
    }

    /// Writes the string that is the decimal text of an integer.
    pub fn integer(&mut self, value: i64) {
        if !self.short_integer(value) {
            let mut buffer = itoa::Buffer::new();
            let text = buffer.format(value).as_bytes();
            self.length(text.len() as u64);
            self.raw(text);
        }
    }

    /// Writes an integer in the shortest of the special encodings; says whether there is one for it.
    fn short_integer(&mut self, value: i64) -> bool {
        if let Ok(value) = i8::try_from(value) {
            self.raw(&[SPECIAL << 6 | INT_8, value as u8]);
        } else if let Ok(value) = i16::try_from(value) {
            self.byte(SPECIAL << 6 | INT_16);
            self.raw(&value.to_le_bytes());
        } else if let Ok(value) = i32::try_from(value) {
            self.byte(SPECIAL << 6 | INT_32);
            self.raw(&value.to_le_bytes());
        } else {
            return false;
        }
        true
    }

    /// Writes a floating-point number of 64 bits, the lowest byte first.
    pub fn double(&mut self, value: f64) {
        self.raw(&value.to_le_bytes());
    }

    /// Writes a floating-point number of 32 bits, the lowest byte first.
    pub fn float(&mut self, value: f32) {
        self.raw(&value.to_le_bytes());
    }
}
