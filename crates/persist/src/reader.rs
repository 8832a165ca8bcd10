//! Reading what RDB files are made of: lengths, strings, numbers.

use crate::encoding::{INT_8, INT_16, INT_32, LENGTH_6, LENGTH_14, LENGTH_32, LENGTH_64, LZF, SPECIAL};
use crate::error::FormatError;
use crate::lzf;
use std::borrow::Cow;

/// A string as it was read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Text<'a> {
    /// One that was written as an integer, whose decimal text it is.
    Integer(i64),
    /// One that was written as it is, or compressed.
    Bytes(Cow<'a, [u8]>),
}

impl<'a> Text<'a> {
    /// The bytes of the string.
    pub fn into_bytes(self) -> Cow<'a, [u8]> {
        match self {
            Text::Integer(value) => Cow::Owned(itoa::Buffer::new().format(value).into()),
            Text::Bytes(bytes) => bytes,
        }
    }
}

/// What a length or a string begins with.
enum Head {
    Length(u64),
    Special(u8),
}

/// Takes lengths, strings and numbers from the beginning of a slice.
///
/// Nothing is read past the end, and no memory is asked for that the bytes can't fill. After an error it is not
/// defined what is read next.
///
/// ```
/// use persist::{FormatError, Reader, Text};
///
/// let mut reader = Reader::new(b"\xc1\x39\x30\x04wor");
/// assert_eq!(reader.string()?, Text::Integer(12345));
/// assert_eq!(reader.string(), Err(FormatError::Truncated { needed: 4, left: 3 }));
/// # Ok::<(), FormatError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the beginning of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { rest: bytes }
    }

    /// What hasn't been read yet.
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Takes note that this is the end.
    ///
    /// # Errors
    /// [`FormatError::Trailing`] if it isn't.
    pub fn finish(self) -> Result<(), FormatError> {
        if self.rest.is_empty() { Ok(()) } else { Err(FormatError::Trailing(self.rest.len())) }
    }

    /// Reads one byte.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] at the end.
    pub fn byte(&mut self) -> Result<u8, FormatError> {
        Ok(self.array::<1>()?[0])
    }

    /// Reads so many bytes.
    fn bytes(&mut self, len: u64) -> Result<&'a [u8], FormatError> {
        let truncated = FormatError::Truncated { needed: len, left: self.rest.len() };
        let len = usize::try_from(len).map_err(|_| truncated)?;
        self.rest.split_off(..len).ok_or(truncated)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let truncated = FormatError::Truncated { needed: N as u64, left: self.rest.len() };
        let (array, rest) = self.rest.split_first_chunk().ok_or(truncated)?;
        self.rest = rest;
        Ok(*array)
    }

    fn head(&mut self) -> Result<Head, FormatError> {
        let first = self.byte()?;
        let low_bits = first & 0x3f;
        let length = match first >> 6 {
            LENGTH_6 => u64::from(low_bits),
            LENGTH_14 => u64::from(u16::from_be_bytes([low_bits, self.byte()?])),
            SPECIAL => return Ok(Head::Special(low_bits)),
            _ => match first {
                LENGTH_32 => u64::from(u32::from_be_bytes(self.array()?)),
                LENGTH_64 => u64::from_be_bytes(self.array()?),
                _ => return Err(FormatError::Length(first)),
            },
        };
        Ok(Head::Length(length))
    }

    /// Reads a length, or another number without a sign, in any form.
    ///
    /// # Errors
    /// [`FormatError`] if there is none.
    pub fn length(&mut self) -> Result<u64, FormatError> {
        match self.head()? {
            Head::Length(length) => Ok(length),
            Head::Special(number) => Err(FormatError::NotALength(number)),
        }
    }

    /// Reads a string in any form.
    ///
    /// # Errors
    /// [`FormatError`] if there is none, or no memory for the text of one that is compressed.
    pub fn string(&mut self) -> Result<Text<'a>, FormatError> {
        Ok(match self.head()? {
            Head::Length(len) => Text::Bytes(Cow::Borrowed(self.bytes(len)?)),
            Head::Special(INT_8) => Text::Integer(i8::from_le_bytes(self.array()?).into()),
            Head::Special(INT_16) => Text::Integer(i16::from_le_bytes(self.array()?).into()),
            Head::Special(INT_32) => Text::Integer(i32::from_le_bytes(self.array()?).into()),
            Head::Special(LZF) => {
                let (compressed, len) = self.compressed()?;
                Text::Bytes(Cow::Owned(lzf::decompress(compressed, len)?))
            }
            Head::Special(number) => return Err(FormatError::StringEncoding(number)),
        })
    }

    /// Reads what follows the first byte of a compressed string: the compressed text, and the length of the text.
    fn compressed(&mut self) -> Result<(&'a [u8], u64), FormatError> {
        let compressed_len = self.length()?;
        let len = self.length()?;
        Ok((self.bytes(compressed_len)?, len))
    }

    /// Reads past a string without decompressing it.
    ///
    /// # Errors
    /// [`FormatError`] if there is none. That a compressed one can be decompressed isn't looked at.
    pub fn skip_string(&mut self) -> Result<(), FormatError> {
        match self.head()? {
            Head::Length(len) => self.bytes(len).map(drop),
            Head::Special(INT_8) => self.bytes(1).map(drop),
            Head::Special(INT_16) => self.bytes(2).map(drop),
            Head::Special(INT_32) => self.bytes(4).map(drop),
            Head::Special(LZF) => self.compressed().map(drop),
            Head::Special(number) => Err(FormatError::StringEncoding(number)),
        }
    }

    /// Reads a floating-point number of 64 bits.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] if fewer than eight bytes are left.
    pub fn double(&mut self) -> Result<f64, FormatError> {
        Ok(f64::from_le_bytes(self.array()?))
    }

    /// Reads a floating-point number of 32 bits.
    ///
    /// # Errors
    /// [`FormatError::Truncated`] if fewer than four bytes are left.
    pub fn float(&mut self) -> Result<f32, FormatError> {
        Ok(f32::from_le_bytes(self.array()?))
    }
}
