//! One key with its value, expiry and access clock, in one allocation.
//!
//! ```text
//!   0      1       2       5
//!   | kind | flags | clock | key length | expiry | key | value |
//!     1      1       3       1, 2 or 4    0 or 8
//!
//!   value: an integer of 8 bytes
//!       or length (1 or 2 bytes) and up to 512 bytes of text
//!       or address, length and capacity of a separate block (3 x 8 bytes)
//!       or the type and the address of a module's value (3 x 8 bytes)
//! ```
//! Numbers are in the machine's byte order and not aligned. Kind and flags are described in `header`.
#![allow(unsafe_code)]

mod block;
mod header;
mod indexed;
#[cfg(test)]
mod module_tests;
mod reference;
mod relocate;
#[cfg(test)]
mod tests;

use crate::module_value::ModuleValue;
use crate::number::NumberBuffer;
use crate::string::{Encoding, StringValue, ValueType};
use crate::table::Pointer;
use block::Block;
use header::{FIXED, MAX_INLINE, Shape, Storage};
use std::alloc::{alloc, dealloc, handle_alloc_error};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

pub(crate) use indexed::IndexedEntry;
pub(crate) use reference::EntryId;
pub use reference::EntryRef;

/// The widest access clock, which has 24 bits.
pub const MAX_CLOCK: u32 = (1 << 24) - 1;

/// A key with its value, owned.
///
/// Dropping it frees its memory, on whatever thread that is done.
pub struct Entry {
    /// A block with the layout of its header's shape, whose parts are all set.
    block: NonNull<u8>,
}

// SAFETY: an entry owns its memory alone, and all of it is plain bytes or a module's value, which can be sent too.
unsafe impl Send for Entry {}
// SAFETY: a shared entry is only read.
unsafe impl Sync for Entry {}

/// Where a new entry's value goes.
enum Room {
    /// Eight bytes.
    Integer,
    /// So many bytes in the entry.
    Inline(usize),
    /// A separate block, which the entry takes over.
    Block(Block),
    /// A module's value, which the entry takes over.
    Module(ModuleValue),
}

impl Entry {
    /// An entry of these parts; of `clock` the low 24 bits count.
    ///
    /// # Panics
    /// If `key` is longer than `u32::MAX` bytes.
    pub fn new(key: &[u8], value: StringValue<'_>, expiry: Option<i64>, clock: u32) -> Entry {
        let room = match value {
            StringValue::Int(_) => Room::Integer,
            StringValue::EmbStr(text) | StringValue::Raw(text) if text.len() <= MAX_INLINE => {
                Room::Inline(text.len())
            }
            StringValue::EmbStr(text) | StringValue::Raw(text) => {
                Room::Block(Block::allocate(text.len(), text.len()))
            }
        };
        let (mut entry, shape) = Entry::allocate(key, expiry, clock, room);
        entry.write_value(shape, value);
        entry
    }

    /// As [`Entry::new`] with a text of encoding `raw`; a large one is taken over rather than copied.
    ///
    /// # Panics
    /// If `key` is longer than `u32::MAX` bytes.
    pub fn from_vec(key: &[u8], text: Vec<u8>, expiry: Option<i64>, clock: u32) -> Entry {
        if text.len() <= MAX_INLINE {
            return Entry::new(key, StringValue::Raw(&text), expiry, clock);
        }
        Entry::allocate(key, expiry, clock, Room::Block(Block::from_vec(text))).0
    }

    /// As [`Entry::new`], with a value of a module's type.
    ///
    /// # Panics
    /// If `key` is longer than `u32::MAX` bytes.
    pub fn from_module(key: &[u8], value: ModuleValue, expiry: Option<i64>, clock: u32) -> Entry {
        Entry::allocate(key, expiry, clock, Room::Module(value)).0
    }

    /// Puts a value of the same or another type into the place of a module's value, which is given back.
    ///
    /// # Panics
    /// If the entry has a value of another kind.
    pub fn replace_module(&mut self, value: ModuleValue) -> ModuleValue {
        let shape = self.as_ref().outline();
        assert!(shape.storage == Storage::Module, "a module's value");
        // SAFETY: the shape says that a module's value is there; it is overwritten, so that this is the only one.
        let old = unsafe { self.take_module(shape) };
        // SAFETY: the shape has a place for it.
        unsafe { self.write(shape.value_at(), value) };
        old
    }

    /// # Safety
    /// The entry is of this shape, which has a module's value, and doesn't use that any more.
    unsafe fn take_module(&self, shape: Shape) -> ModuleValue {
        // SAFETY: by the caller's word it is there, and the only copy from now on.
        unsafe { self.block.add(shape.value_at()).cast::<ModuleValue>().read_unaligned() }
    }

    /// The entry, borrowed.
    #[inline]
    pub fn as_ref(&self) -> EntryRef<'_> {
        EntryRef { block: self.block, entry: PhantomData }
    }

    /// Sets the low 24 bits of the access clock.
    #[inline]
    pub fn set_clock(&mut self, clock: u32) {
        let [low, middle, high, _] = clock.to_ne_bytes();
        // SAFETY: every entry has the fixed part of the header.
        unsafe { self.write(2, [low, middle, high]) };
    }

    /// Sets the value, and keeps everything else.
    #[inline]
    pub fn set_string(&mut self, value: StringValue<'_>) {
        let shape = self.as_ref().shape();
        if let (StringValue::Int(_), Storage::Integer) = (value, shape.storage) {
            self.write_value(shape, value);
        } else {
            self.replace_value(shape, value, self.as_ref().expiry());
        }
    }

    /// Sets value and expiry.
    #[inline]
    pub fn set_string_and_expiry(&mut self, value: StringValue<'_>, expiry: Option<i64>) {
        self.replace_value(self.as_ref().shape(), value, expiry);
    }

    /// Sets the time when the key expires, in milliseconds since the Unix epoch, or that it doesn't.
    pub fn set_expiry(&mut self, expiry: Option<i64>) {
        let old = self.as_ref();
        let shape = old.shape();
        if shape.has_expiry == expiry.is_some() {
            self.write_expiry(shape, expiry);
            return;
        }
        self.rebuild(None, expiry);
    }

    /// The same entry under another key.
    ///
    /// # Panics
    /// If `key` is longer than `u32::MAX` bytes.
    pub fn rekey(mut self, key: &[u8]) -> Entry {
        self.rebuild(Some(key), self.as_ref().expiry());
        self
    }

    /// Adds `tail` to the text of the value, whose encoding becomes `raw`; gives the new length.
    pub fn append(&mut self, tail: &[u8]) -> usize {
        let len = self.as_ref().string().len();
        self.set_range(len, tail)
    }

    /// Overwrites the text of the value from `offset` on with `part`; where the text is shorter than
    /// `offset`, zero bytes come between. The encoding becomes `raw`. Gives the new length.
    ///
    /// # Panics
    /// If the new length is past `usize::MAX`.
    pub fn set_range(&mut self, offset: usize, part: &[u8]) -> usize {
        let end = offset.checked_add(part.len()).expect("a length within the address space");
        let text = self.grow_text(end);
        text[offset..end].copy_from_slice(part);
        text.len()
    }

    /// Takes the text out, in the block of its own that it has, if that is one for a text of `len` bytes: those fit,
    /// and fill half of it. Then the value is an empty text; otherwise nothing changes.
    pub fn take_text(&mut self, len: usize) -> Option<Vec<u8>> {
        let old = self.as_ref();
        let block = old.value_block(old.shape()).filter(|block| block.suits(len))?;
        let (new, _) = Entry::allocate(old.key(), old.expiry(), old.clock(), Room::Inline(0));
        let old = ManuallyDrop::new(std::mem::replace(self, new));
        // SAFETY: the old entry is not used any more, and its description of the block isn't either.
        unsafe {
            old.free_shell();
            Some(block.into_vec())
        }
    }

    /// Makes the value a text of encoding `raw` with at least `len` bytes, new ones zero.
    fn grow_text(&mut self, len: usize) -> &mut [u8] {
        if let StringValue::Int(value) = self.as_ref().string() {
            self.set_string(StringValue::Raw(NumberBuffer::new().format(value).as_bytes()));
        }
        let old = self.as_ref();
        let shape = old.shape();
        match shape.storage {
            Storage::Block => {
                let mut block = old.value_block(shape).expect("a shape with a block");
                // SAFETY: the entry owns the block; its copy of the description is overwritten next.
                unsafe { block.grow(len) };
                self.write_block(block);
            }
            Storage::Inline(old_len) if len > old_len => self.grow_inline(shape, old_len, len),
            Storage::Inline(_) | Storage::Integer | Storage::Module => {}
        }
        self.write_kind(ValueType::String, Encoding::Raw);
        self.text_mut()
    }

    /// Makes the inline text of `old_len` bytes `len` bytes long, in place if the size of the entry
    /// allows.
    fn grow_inline(&mut self, shape: Shape, old_len: usize, len: usize) {
        let storage = if len <= MAX_INLINE { Storage::Inline(len) } else { Storage::Block };
        let grown = Shape { storage, ..shape };
        if grown.flags() == shape.flags() && grown.layout() == shape.layout() {
            self.write_inline_len(grown);
            self.zero_text(grown, old_len);
            return;
        }
        let old = self.as_ref();
        let room = match storage {
            Storage::Block => Room::Block(Block::allocate(len, Block::room_to_grow(len))),
            _ => Room::Inline(len),
        };
        let (mut new, shape) = Entry::allocate(old.key(), old.expiry(), old.clock(), room);
        let (StringValue::EmbStr(text) | StringValue::Raw(text)) = old.string() else {
            unreachable!("an inline text")
        };
        new.zero_text(shape, old_len);
        new.write_text(shape, text);
        *self = new;
    }

    /// Sets value and expiry of an entry of this `shape`, in place if its size allows.
    fn replace_value(&mut self, shape: Shape, value: StringValue<'_>, expiry: Option<i64>) {
        let in_place =
            if shape.has_expiry == expiry.is_some() { self.make_room_for(shape, value) } else { None };
        if let Some(shape) = in_place {
            self.write_expiry(shape, expiry);
            self.write_value(shape, value);
        } else {
            let old = self.as_ref();
            *self = Entry::new(old.key(), value, expiry, old.clock());
        }
    }

    /// Tries to prepare the value's place for `value` without another allocation; gives the new shape,
    /// and otherwise changes nothing.
    #[inline]
    fn make_room_for(&mut self, shape: Shape, value: StringValue<'_>) -> Option<Shape> {
        let storage = match value {
            StringValue::Int(_) => Storage::Integer,
            StringValue::EmbStr(text) | StringValue::Raw(text) => Storage::Inline(text.len()),
        };
        if let Some(mut block) = self.as_ref().value_block(shape) {
            let Storage::Inline(len) = storage else { return None };
            if !block.suits(len) {
                return None;
            }
            block.len = len;
            self.write_block(block);
            return Some(shape);
        }
        let new = Shape { storage, ..shape };
        if shape.storage == Storage::Module {
            return None;
        }
        if matches!(storage, Storage::Inline(len) if len > MAX_INLINE) || new.layout() != shape.layout() {
            return None;
        }
        // SAFETY: every entry has the fixed part of the header. The value is written by the caller.
        unsafe { self.write(1, new.flags()) };
        self.write_inline_len(new);
        Some(new)
    }

    /// Moves to a block with another key, if one is given, and another expiry. A separate block of the
    /// value stays where it is.
    fn rebuild(&mut self, key: Option<&[u8]>, expiry: Option<i64>) {
        let old = self.as_ref();
        let shape = old.shape();
        let room = match (shape.storage, old.value_block(shape)) {
            (_, Some(block)) => Room::Block(block),
            (Storage::Inline(len), None) => Room::Inline(len),
            // SAFETY: the shape says that it is there; only the entry's own block is freed below.
            (Storage::Module, None) => Room::Module(unsafe { self.take_module(shape) }),
            (_, None) => Room::Integer,
        };
        let key = key.unwrap_or(old.key());
        let (mut new, new_shape) = Entry::allocate(key, expiry, old.clock(), room);
        match shape.storage {
            Storage::Block => new.write_kind(ValueType::String, old.encoding()),
            Storage::Module => {}
            Storage::Inline(_) | Storage::Integer => new.write_value(new_shape, old.string()),
        }
        let old = ManuallyDrop::new(std::mem::replace(self, new));
        // SAFETY: the old entry is not used any more. Its value's block or module's value, if any, is the new one's.
        unsafe { old.free_shell() };
    }

    /// Frees the entry's own block.
    ///
    /// # Safety
    /// The entry is neither used nor dropped after this.
    unsafe fn free_shell(&self) {
        // SAFETY: the block was allocated with the layout of its shape, and by the caller's word this
        // is the last use of it.
        unsafe { dealloc(self.block.as_ptr(), self.as_ref().shape().layout()) };
    }

    /// An entry with everything but the encoding and the integer or text, which the caller writes, and
    /// its shape.
    fn allocate(key: &[u8], expiry: Option<i64>, clock: u32, room: Room) -> (Entry, Shape) {
        assert!(u32::try_from(key.len()).is_ok(), "a key of more than u32::MAX bytes");
        let storage = match room {
            Room::Integer => Storage::Integer,
            Room::Inline(len) => Storage::Inline(len),
            Room::Block(_) => Storage::Block,
            Room::Module(_) => Storage::Module,
        };
        let shape = Shape { key_len: key.len(), has_expiry: expiry.is_some(), storage };
        let layout = shape.layout();
        // SAFETY: the size is not zero: it has the header.
        let block = NonNull::new(unsafe { alloc(layout) }).unwrap_or_else(|| handle_alloc_error(layout));
        let mut entry = Entry { block };
        // SAFETY: each place is that which the shape gives the part, so within the block.
        unsafe {
            entry.write(1, shape.flags());
            match shape.key_len_width() {
                1 => entry.write(FIXED, key.len() as u8),
                2 => entry.write(FIXED, key.len() as u16),
                _ => entry.write(FIXED, key.len() as u32),
            }
            block.add(shape.key_at()).copy_from_nonoverlapping(NonNull::from(key).cast(), key.len());
        }
        entry.write_kind(ValueType::String, Encoding::Raw);
        entry.set_clock(clock);
        entry.write_expiry(shape, expiry);
        entry.write_inline_len(shape);
        match room {
            Room::Integer | Room::Inline(_) => {}
            Room::Block(block) => entry.write_block(block),
            Room::Module(value) => {
                entry.write_kind(ValueType::Module, Encoding::Raw);
                // SAFETY: the shape has a place for it.
                unsafe { entry.write(shape.value_at(), value) };
            }
        }
        (entry, shape)
    }

    /// # Safety
    /// `offset` is the place of a part that is stored as a `T`.
    #[inline]
    unsafe fn write<T>(&mut self, offset: usize, part: T) {
        // SAFETY: within the block, by the caller's word, which the entry owns.
        unsafe { self.block.add(offset).cast::<T>().write_unaligned(part) };
    }

    #[inline]
    fn write_kind(&mut self, value_type: ValueType, encoding: Encoding) {
        // SAFETY: every entry has the fixed part of the header.
        unsafe { self.write(0, header::kind(value_type, encoding)) };
    }

    /// Writes the expiry where `shape` has one.
    #[inline]
    fn write_expiry(&mut self, shape: Shape, expiry: Option<i64>) {
        if let (true, Some(expiry)) = (shape.has_expiry, expiry) {
            // SAFETY: the shape, which is this entry's, has a place for it.
            unsafe { self.write(shape.expiry_at(), expiry) };
        }
    }

    /// Writes the length of an inline value, where `shape` has one.
    #[inline]
    fn write_inline_len(&mut self, shape: Shape) {
        let Storage::Inline(len) = shape.storage else {
            return;
        };
        // SAFETY: the shape, which is this entry's, has a place for it.
        unsafe {
            match shape.value_len_width() {
                1 => self.write(shape.value_at(), len as u8),
                _ => self.write(shape.value_at(), len as u16),
            }
        }
    }

    /// Writes the description of the separate block, where the shape has a place for one.
    fn write_block(&mut self, block: Block) {
        let shape = self.as_ref().outline();
        assert!(shape.storage == Storage::Block);
        let at = shape.value_at();
        // SAFETY: the shape has a place for the three parts.
        unsafe {
            self.write(at, block.data);
            self.write(at + 8, block.len);
            self.write(at + 16, block.capacity);
        }
    }

    /// Writes value and encoding into an entry of this `shape`, which is already right for it.
    #[inline]
    fn write_value(&mut self, shape: Shape, value: StringValue<'_>) {
        match value {
            StringValue::Int(value) => {
                assert!(shape.storage == Storage::Integer);
                // SAFETY: the shape, which is this entry's, has a place for the integer.
                unsafe { self.write(shape.value_at(), value) };
            }
            StringValue::EmbStr(text) | StringValue::Raw(text) => self.write_text(shape, text),
        }
        self.write_kind(ValueType::String, value.encoding());
    }

    /// Writes the first bytes of the text, `text`, whether or not they were set before.
    #[inline]
    fn write_text(&mut self, shape: Shape, text: &[u8]) {
        let (data, len) = self.text_place(shape);
        assert!(text.len() <= len);
        // SAFETY: there is room for the text, by the above, in memory that the entry owns; `text` is
        // borrowed and so elsewhere.
        unsafe { data.copy_from_nonoverlapping(NonNull::from(text).cast(), text.len()) };
    }

    /// Sets the bytes of the text from `start` on to zero, whether or not they were set before.
    fn zero_text(&mut self, shape: Shape, start: usize) {
        let (data, len) = self.text_place(shape);
        assert!(start <= len);
        // SAFETY: within the text, by the above, in memory that the entry owns.
        unsafe { data.add(start).write_bytes(0, len - start) };
    }

    /// The text, all of which was set.
    ///
    /// # Panics
    /// If the value isn't stored as a text.
    pub(crate) fn text_mut(&mut self) -> &mut [u8] {
        let (data, len) = self.text_place(self.as_ref().shape());
        // SAFETY: the entry owns these bytes, and is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(data.as_ptr(), len) }
    }

    /// Where the text of an entry of this `shape` is, and its length.
    ///
    /// # Panics
    /// If the value is stored as an integer.
    #[inline]
    fn text_place(&self, shape: Shape) -> (NonNull<u8>, usize) {
        match shape.storage {
            Storage::Inline(len) => {
                let at = shape.value_at() + shape.value_len_width();
                // SAFETY: the shape says that the text is there, within the entry's block.
                (unsafe { self.block.add(at) }, len)
            }
            Storage::Block => {
                let block = self.as_ref().value_block(shape).expect("a shape with a block");
                (block.data, block.len)
            }
            Storage::Integer | Storage::Module => unreachable!("no text"),
        }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        let entry = self.as_ref();
        let shape = entry.shape();
        if let Some(block) = entry.value_block(shape) {
            // SAFETY: the entry owns the block, and is not used after this.
            unsafe { block.free() };
        }
        if shape.storage == Storage::Module {
            // SAFETY: the shape says that it is there, and the entry is not used after this.
            drop(unsafe { self.take_module(shape) });
        }
        // SAFETY: this is the last thing done with the entry, in its drop.
        unsafe { self.free_shell() };
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_ref().fmt(f)
    }
}

// SAFETY: an entry is the pointer to its block, which is allocated and so within the address space of
// 48 bits that `Word` checks for; it moves only when the entry is changed, which a table does outside
// of `into_raw` and `from_raw`. A reference holds the same pointer.
unsafe impl Pointer for Entry {
    type Ref<'a> = EntryRef<'a>;

    #[inline]
    fn into_raw(self) -> NonNull<u8> {
        ManuallyDrop::new(self).block
    }

    #[inline]
    unsafe fn from_raw(block: NonNull<u8>) -> Entry {
        Entry { block }
    }

    #[inline]
    unsafe fn borrow<'a>(block: NonNull<u8>) -> EntryRef<'a> {
        EntryRef { block, entry: PhantomData }
    }
}
