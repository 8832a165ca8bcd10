//! Reading an entry.
#![allow(unsafe_code)]

use super::block::Block;
use super::header::{
    self, BLOCK, FIXED, HAS_EXPIRY, INLINE_1, INTEGER, KEY_WIDTH, MODULE, STORAGE, Shape, Storage,
};
use super::{Entry, MAX_CLOCK};
use crate::module_value::{ModuleRef, ModuleValue};
use crate::string::{Encoding, StringValue, ValueType};
use std::alloc::Layout;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// A key with its value, borrowed.
#[derive(Clone, Copy)]
pub struct EntryRef<'a> {
    pub(super) block: NonNull<u8>,
    pub(super) entry: PhantomData<&'a Entry>,
}

// SAFETY: a reference to an entry that is only read, and may be shared.
unsafe impl Send for EntryRef<'_> {}
// SAFETY: as above.
unsafe impl Sync for EntryRef<'_> {}

impl<'a> EntryRef<'a> {
    /// # Safety
    /// There are at least `offset` + the size of `T` bytes in the entry, and what is there was written
    /// as a `T`, which is an integer, an address, or what the caller takes care not to drop.
    #[inline]
    unsafe fn read<T>(self, offset: usize) -> T {
        // SAFETY: within the block, by the caller's word, and valid as a `T`.
        unsafe { self.block.add(offset).cast::<T>().read_unaligned() }
    }

    #[inline]
    fn flags(self) -> u8 {
        // SAFETY: every entry has the fixed part of the header.
        unsafe { self.read(1) }
    }

    #[inline]
    fn kind(self) -> u8 {
        // SAFETY: every entry has the fixed part of the header.
        unsafe { self.read(0) }
    }

    /// The shape without the length of an inline value.
    #[inline]
    pub(super) fn outline(self) -> Shape {
        let flags = self.flags();
        // SAFETY: the flags tell how the length that follows the fixed part was written.
        let key_len = unsafe {
            match flags & KEY_WIDTH {
                0 => usize::from(self.read::<u8>(FIXED)),
                1 => usize::from(self.read::<u16>(FIXED)),
                _ => self.read::<u32>(FIXED) as usize,
            }
        };
        let storage = match flags & STORAGE {
            INTEGER => Storage::Integer,
            BLOCK => Storage::Block,
            MODULE => Storage::Module,
            _ => Storage::Inline(0),
        };
        Shape { key_len, has_expiry: flags & HAS_EXPIRY != 0, storage }
    }

    #[inline]
    pub(super) fn shape(self) -> Shape {
        let outline = self.outline();
        if outline.storage != Storage::Inline(0) {
            return outline;
        }
        let at = outline.value_at();
        // SAFETY: the flags tell how the length at the beginning of an inline value was written.
        let len = unsafe {
            match self.flags() & STORAGE {
                INLINE_1 => usize::from(self.read::<u8>(at)),
                _ => usize::from(self.read::<u16>(at)),
            }
        };
        Shape { storage: Storage::Inline(len), ..outline }
    }

    /// The separate block of an entry of this `shape`, if it has one.
    #[inline]
    pub(super) fn value_block(self, shape: Shape) -> Option<Block> {
        if shape.storage != Storage::Block {
            return None;
        }
        let at = shape.value_at();
        // SAFETY: the shape says that a block's description is there, address, length and capacity.
        unsafe { Some(Block { data: self.read(at), len: self.read(at + 8), capacity: self.read(at + 16) }) }
    }

    /// The key.
    #[inline]
    pub fn key(self) -> &'a [u8] {
        let shape = self.outline();
        // SAFETY: the shape says where the key's bytes are, which stay as they are for 'a.
        unsafe { std::slice::from_raw_parts(self.block.add(shape.key_at()).as_ptr(), shape.key_len) }
    }

    /// When the key expires, in milliseconds since the Unix epoch, if ever.
    #[inline]
    pub fn expiry(self) -> Option<i64> {
        let shape = self.outline();
        // SAFETY: where the shape has an expiry, it is there.
        shape.has_expiry.then(|| unsafe { self.read(shape.expiry_at()) })
    }

    /// The access clock, 24 bits that mean what the owner of the database puts there.
    #[inline]
    pub fn clock(self) -> u32 {
        // SAFETY: every entry has the fixed part of the header.
        let [low, middle, high] = unsafe { self.read::<[u8; 3]>(2) };
        u32::from_ne_bytes([low, middle, high, 0]) & MAX_CLOCK
    }

    /// The type of the value.
    #[inline]
    pub fn value_type(self) -> ValueType {
        header::value_type(self.kind())
    }

    /// The encoding of the value.
    #[inline]
    pub fn encoding(self) -> Encoding {
        header::encoding(self.kind())
    }

    /// The name of the value's type, as TYPE replies it.
    pub fn type_name(self) -> std::borrow::Cow<'static, str> {
        match self.module() {
            Some(value) => value.kind().name().to_owned().into(),
            None => self.value_type().name().into(),
        }
    }

    /// The value, if it is of a module's type.
    #[inline]
    pub fn module(self) -> Option<ModuleRef<'a>> {
        let shape = self.outline();
        if shape.storage != Storage::Module {
            return None;
        }
        // SAFETY: the shape says that a module's value is there; its bits are not dropped, and it stays for 'a.
        Some(unsafe { ModuleRef::new(self.read::<ManuallyDrop<ModuleValue>>(shape.value_at())) })
    }

    /// The value, which is a string.
    ///
    /// # Panics
    /// When it isn't: see [`EntryRef::value_type`].
    #[inline]
    pub fn string(self) -> StringValue<'a> {
        let shape = self.shape();
        let text = match shape.storage {
            // SAFETY: the shape says that an integer is there.
            Storage::Integer => return StringValue::Int(unsafe { self.read(shape.value_at()) }),
            Storage::Inline(len) => {
                let at = shape.value_at() + shape.value_len_width();
                // SAFETY: the shape says that the text is there, and it stays as it is for 'a.
                unsafe { std::slice::from_raw_parts(self.block.add(at).as_ptr(), len) }
            }
            Storage::Block => {
                let block = self.value_block(shape).expect("a shape with a block");
                // SAFETY: the entry owns the block, whose first bytes are the text and stay so for 'a.
                unsafe { std::slice::from_raw_parts(block.data.as_ptr(), block.len) }
            }
            Storage::Module => panic!("a module's value is no string"),
        };
        match self.encoding() {
            Encoding::EmbStr => StringValue::EmbStr(text),
            _ => StringValue::Raw(text),
        }
    }

    /// The bytes that the entry takes, separate block included; `usable` tells how many bytes a block
    /// of a layout takes. What a module's value consists of is not the entry's.
    pub fn memory_usage(self, usable: impl Fn(Layout) -> usize) -> usize {
        let shape = self.shape();
        usable(shape.layout()) + self.value_block(shape).map_or(0, |block| usable(block.layout()))
    }

    /// An entry of its own with the same value, expiry and access clock, under `key`. `copy` copies a module's value;
    /// where it can't, there is no entry.
    ///
    /// # Panics
    /// If `key` is longer than `u32::MAX` bytes.
    pub fn duplicate(
        self,
        key: &[u8],
        copy: impl FnOnce(&ModuleValue) -> Option<ModuleValue>,
    ) -> Option<Entry> {
        match self.module() {
            Some(value) => Some(Entry::from_module(key, copy(&value)?, self.expiry(), self.clock())),
            None => Some(Entry::new(key, self.string(), self.expiry(), self.clock())),
        }
    }
}

impl std::fmt::Debug for EntryRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut entry = f.debug_struct("Entry");
        entry.field("key", &self.key().escape_ascii().to_string());
        match self.module() {
            Some(value) => entry.field("value", &value),
            None => entry.field("value", &self.string()),
        };
        entry.field("expiry", &self.expiry()).field("clock", &self.clock()).finish()
    }
}

impl EntryRef<'_> {
    /// Whether both are the same entry, not only equal ones.
    #[inline]
    pub(crate) fn is_same(self, other: EntryId) -> bool {
        self.block == other.0
    }

    /// The identity of the entry, which changes when it moves.
    #[inline]
    pub(crate) fn id(self) -> EntryId {
        EntryId(self.block)
    }
}

/// Where an entry is or was; says nothing about whether it still exists.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct EntryId(NonNull<u8>);
