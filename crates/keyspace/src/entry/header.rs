//! Where the parts of an entry lie.
#![forbid(unsafe_code)]

use crate::module_value::ModuleValue;
use crate::size_class::round_up;
use crate::string::{Encoding, ValueType};
use std::alloc::Layout;

/// The longest value that lies in the entry itself, in bytes.
///
/// A separate block costs 24 bytes in the entry and a cache miss to read, and saves moving the key
/// when the value grows. At 512 bytes the 24 are less than the rounding to the next size, and the
/// eight cache lines of the value outweigh the one miss.
pub(super) const MAX_INLINE: usize = 512;

/// Bytes of the fixed part of the header: kind, flags, access clock.
pub(super) const FIXED: usize = 5;

/// How the value is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Storage {
    /// As eight bytes.
    Integer,
    /// Its length, in one byte to 255 and else in two, then its bytes.
    Inline(usize),
    /// As the address, length and capacity of a block of its own.
    Block,
    /// As a [`ModuleValue`].
    Module,
}

/// What decides the places of the parts of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Shape {
    pub(super) key_len: usize,
    pub(super) has_expiry: bool,
    pub(super) storage: Storage,
}

impl Shape {
    /// Bytes that the length of the key takes.
    #[inline]
    pub(super) fn key_len_width(&self) -> usize {
        match self.key_len {
            0..=0xff => 1,
            0x100..=0xffff => 2,
            _ => 4,
        }
    }

    /// Bytes that the length of an inline value takes, 0 for other storage.
    #[inline]
    pub(super) fn value_len_width(&self) -> usize {
        match self.storage {
            Storage::Inline(0..=0xff) => 1,
            Storage::Inline(_) => 2,
            Storage::Integer | Storage::Block | Storage::Module => 0,
        }
    }

    /// Where the expiry begins, if there is one.
    #[inline]
    pub(super) fn expiry_at(&self) -> usize {
        FIXED + self.key_len_width()
    }

    /// Where the key begins.
    #[inline]
    pub(super) fn key_at(&self) -> usize {
        self.expiry_at() + if self.has_expiry { 8 } else { 0 }
    }

    /// Where the value begins, with its length if it is inline.
    #[inline]
    pub(super) fn value_at(&self) -> usize {
        self.key_at() + self.key_len
    }

    /// The layout of the block that an entry of this shape lies in.
    #[inline]
    pub(super) fn layout(&self) -> Layout {
        let value = match self.storage {
            Storage::Integer => 8,
            Storage::Inline(len) => self.value_len_width() + len,
            Storage::Block => 24,
            Storage::Module => size_of::<ModuleValue>(),
        };
        Layout::from_size_align(round_up(self.value_at() + value), 8)
            .expect("an entry within the address space")
    }

    /// The flags byte: the width of the key's length in bits 0 and 1 (1, 2 or 4 bytes as 0, 1, 2),
    /// whether there is an expiry in bit 2, the storage in bits 3 to 5.
    #[inline]
    pub(super) fn flags(&self) -> u8 {
        let storage = match (self.storage, self.value_len_width()) {
            (Storage::Integer, _) => INTEGER,
            (Storage::Block, _) => BLOCK,
            (Storage::Module, _) => MODULE,
            (Storage::Inline(_), 1) => INLINE_1,
            (Storage::Inline(_), _) => INLINE_2,
        };
        self.key_len_width().ilog2() as u8 | if self.has_expiry { HAS_EXPIRY } else { 0 } | storage
    }
}

pub(super) const KEY_WIDTH: u8 = 0b11;
pub(super) const HAS_EXPIRY: u8 = 1 << 2;
pub(super) const STORAGE: u8 = 0b111 << 3;
pub(super) const INTEGER: u8 = 0 << 3;
pub(super) const INLINE_1: u8 = 1 << 3;
pub(super) const INLINE_2: u8 = 2 << 3;
pub(super) const BLOCK: u8 = 3 << 3;
pub(super) const MODULE: u8 = 4 << 3;

/// The kind byte: the type in the low half, the encoding in the high half.
#[inline]
pub(super) fn kind(value_type: ValueType, encoding: Encoding) -> u8 {
    value_type as u8 | (encoding as u8) << 4
}

/// The type in a kind byte that [`kind`] made.
#[inline]
pub(super) fn value_type(kind: u8) -> ValueType {
    const STRING: u8 = ValueType::String as u8;
    const MODULE: u8 = ValueType::Module as u8;
    match kind & 0xf {
        STRING => ValueType::String,
        MODULE => ValueType::Module,
        other => unreachable!("type {other}"),
    }
}

/// The encoding in a kind byte that [`kind`] made.
#[inline]
pub(super) fn encoding(kind: u8) -> Encoding {
    const INT: u8 = Encoding::Int as u8;
    const EMBSTR: u8 = Encoding::EmbStr as u8;
    match kind >> 4 {
        INT => Encoding::Int,
        EMBSTR => Encoding::EmbStr,
        _ => Encoding::Raw,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(key_len: usize, has_expiry: bool, storage: Storage) -> usize {
        Shape { key_len, has_expiry, storage }.layout().size()
    }

    #[test]
    fn sizes_meet_their_targets() {
        assert_eq!(size(16, false, Storage::Inline(8)), 32);
        assert_eq!(size(16, false, Storage::Integer), 32);
        assert_eq!(size(16, false, Storage::Inline(32)), 56);
        assert_eq!(size(16, false, Storage::Inline(100)), 128);
        assert_eq!(size(16, true, Storage::Inline(16)), 48);
        assert_eq!(size(16, true, Storage::Integer), 40);
        assert_eq!(size(16, false, Storage::Block), 48);
    }

    #[test]
    fn parts_follow_one_another() {
        for key_len in [0, 1, 255, 256, 65535, 65536] {
            for has_expiry in [false, true] {
                for storage in [
                    Storage::Integer,
                    Storage::Inline(0),
                    Storage::Inline(256),
                    Storage::Block,
                    Storage::Module,
                ] {
                    let shape = Shape { key_len, has_expiry, storage };
                    assert!(shape.key_len >> (8 * shape.key_len_width()) == 0);
                    assert_eq!(shape.key_at(), FIXED + shape.key_len_width() + 8 * usize::from(has_expiry));
                    assert_eq!(shape.value_at(), shape.key_at() + key_len);
                    assert!(shape.layout().size() > shape.value_at());
                }
            }
        }
    }
}
