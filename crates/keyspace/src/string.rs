//! String values as they are stored: an integer or bytes.
#![forbid(unsafe_code)]

use crate::number::{NumberBuffer, integer_text_len, parse_integer};

/// The longest text that SET stores with the encoding `embstr`, in bytes, as in Redis.
pub const MAX_EMBSTR: usize = 44;

/// How a value says it is encoded, in the words of OBJECT ENCODING.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Encoding {
    /// A canonical integer, stored as eight bytes.
    Int = 0,
    /// A short text as SET stored it.
    EmbStr = 1,
    /// A long text, or one of any length that was changed after it was stored.
    Raw = 2,
}

impl Encoding {
    /// The name that OBJECT ENCODING replies.
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Int => "int",
            Encoding::EmbStr => "embstr",
            Encoding::Raw => "raw",
        }
    }
}

/// The type of a value, in the words of TYPE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum ValueType {
    /// A string of bytes.
    String = 0,
    /// A value of a type that a module brought along, which has a name of its own.
    Module = 1,
}

impl ValueType {
    /// The name that TYPE replies; for a module's types see [`EntryRef::type_name`](crate::EntryRef::type_name).
    pub fn name(self) -> &'static str {
        match self {
            ValueType::String => "string",
            ValueType::Module => "module",
        }
    }
}

/// A string value with its encoding: what is to be stored, and the view of what is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StringValue<'a> {
    /// An integer, which reads as its canonical decimal text.
    Int(i64),
    /// Bytes with the encoding `embstr`.
    EmbStr(&'a [u8]),
    /// Bytes with the encoding `raw`.
    Raw(&'a [u8]),
}

impl<'a> StringValue<'a> {
    /// `text` as SET stores it: an integer if it is canonical, else `embstr` up to
    /// [`MAX_EMBSTR`] bytes, else `raw`.
    #[inline]
    pub fn encode(text: &'a [u8]) -> StringValue<'a> {
        match parse_integer(text) {
            Some(value) => StringValue::Int(value),
            None => StringValue::text(text),
        }
    }

    /// `text` as a text even where it is canonical for an integer: what INCRBYFLOAT stores.
    #[inline]
    pub fn text(text: &'a [u8]) -> StringValue<'a> {
        if text.len() <= MAX_EMBSTR { StringValue::EmbStr(text) } else { StringValue::Raw(text) }
    }

    /// The encoding.
    #[inline]
    pub fn encoding(&self) -> Encoding {
        match self {
            StringValue::Int(_) => Encoding::Int,
            StringValue::EmbStr(_) => Encoding::EmbStr,
            StringValue::Raw(_) => Encoding::Raw,
        }
    }

    /// The length as text, in bytes, as STRLEN replies it.
    #[inline]
    pub fn len(&self) -> usize {
        match *self {
            StringValue::Int(value) => integer_text_len(value),
            StringValue::EmbStr(text) | StringValue::Raw(text) => text.len(),
        }
    }

    /// Whether the text has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text: what is stored, or the digits of the integer written into `buffer`.
    #[inline]
    pub fn as_bytes<'b>(&self, buffer: &'b mut NumberBuffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match *self {
            StringValue::Int(value) => buffer.format(value).as_bytes(),
            StringValue::EmbStr(text) | StringValue::Raw(text) => text,
        }
    }

    /// The integer that the value is, or that its text is the canonical form of.
    ///
    /// A text of digits can be stored as bytes: APPEND and SETRANGE leave one behind.
    #[inline]
    pub fn to_integer(&self) -> Option<i64> {
        match *self {
            StringValue::Int(value) => Some(value),
            StringValue::EmbStr(text) | StringValue::Raw(text) => parse_integer(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_as_redis_does() {
        assert_eq!(StringValue::encode(b"12"), StringValue::Int(12));
        assert_eq!(StringValue::encode(b"012"), StringValue::EmbStr(b"012"));
        assert_eq!(StringValue::encode(b""), StringValue::EmbStr(b""));
        assert_eq!(StringValue::encode(&[b'x'; 44]).encoding().name(), "embstr");
        assert_eq!(StringValue::encode(&[b'x'; 45]).encoding().name(), "raw");
        assert_eq!(StringValue::encode(b"9223372036854775807").encoding().name(), "int");
        assert_eq!(StringValue::encode(b"9223372036854775808").encoding().name(), "embstr");
    }

    #[test]
    fn text_and_length_agree() {
        let mut buffer = NumberBuffer::new();
        for value in [
            StringValue::Int(-5),
            StringValue::Int(i64::MIN),
            StringValue::Raw(b"abc"),
            StringValue::EmbStr(b""),
        ] {
            assert_eq!(value.as_bytes(&mut buffer).len(), value.len());
            assert_eq!(value.is_empty(), value.as_bytes(&mut buffer).is_empty());
        }
    }

    #[test]
    fn digits_stored_as_bytes_are_an_integer_too() {
        assert_eq!(StringValue::Raw(b"17").to_integer(), Some(17));
        assert_eq!(StringValue::EmbStr(b"1x").to_integer(), None);
        assert_eq!(StringValue::Int(-1).to_integer(), Some(-1));
    }
}
