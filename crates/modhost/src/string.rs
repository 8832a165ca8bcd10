//! Strings that modules hold: one block each, counted by reference.
//!
//! ```text
//!   | references | owner | next | held | length | data -> | capacity | bytes | NUL |
//!                                                   behind the header, or a block of its own once the string has grown
//! ```
//!
//! A string is charged to one module: the first that holds it. When that has given up all of its references while
//! others have some, the charge passes on to the module that was the last to take one, if any was.

use std::cell::Cell;
use std::ffi::{c_char, c_int};
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicU16, AtomicU32, Ordering};

use module_abi::types::ModuleString;

use crate::charge;
use crate::counters::{self, Counters, Kind};
use crate::guard::FromRaw;
use crate::slot::Slot;

/// No module.
const NOBODY: u16 = u16::MAX;

/// A string.
#[derive(Debug)]
pub(crate) struct Str {
    references: AtomicU32,
    /// The slot that is charged for it.
    owner: AtomicU16,
    /// Another slot whose module has taken a reference.
    next: AtomicU16,
    /// How many of the references are the owner's.
    held: AtomicU32,
    len: Cell<usize>,
    data: Cell<*mut u8>,
    /// The bytes of the room for the text, its NUL included.
    capacity: Cell<usize>,
}

/// A reference to a string, which is given up when it is dropped.
#[derive(Debug)]
pub(crate) struct StrRef(NonNull<Str>);

impl Str {
    fn is_inline(&self) -> bool {
        ptr::eq(self.data.get(), ptr::from_ref(self).wrapping_add(1).cast())
    }

    /// The text.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: there are that many bytes, which change only by `append`, which one reference alone may do.
        unsafe { std::slice::from_raw_parts(self.data.get(), self.len.get()) }
    }

    /// The text as C takes it, with a NUL behind it.
    pub(crate) fn as_c(&self) -> *const c_char {
        self.data.get().cast_const().cast()
    }

    /// The same reference as a module knows it.
    pub(crate) fn as_raw(&self) -> *mut ModuleString {
        ptr::from_ref(self).cast_mut().cast()
    }

    /// The number of references.
    pub(crate) fn references(&self) -> u32 {
        self.references.load(Ordering::Relaxed)
    }

    /// One more reference.
    pub(crate) fn retain(&self) -> StrRef {
        self.references.fetch_add(1, Ordering::Relaxed);
        StrRef(NonNull::from(self))
    }

    /// The counters of the module that is charged.
    fn owner(&self) -> Option<&'static Counters> {
        let owner = self.owner.load(Ordering::Relaxed);
        (owner != NOBODY).then(|| counters::of(usize::from(owner)))
    }

    /// A reference of this string's is a module's from now on. It is charged, if nobody is.
    pub(crate) fn charge(&self, slot: &Slot) {
        let slot = slot.index() as u16;
        match self.owner.load(Ordering::Relaxed) {
            NOBODY => self.charge_anew(slot),
            owner if owner == slot => self.set_held(self.held().wrapping_add(1)),
            _ => self.next.store(slot, Ordering::Relaxed),
        }
    }

    fn charge_anew(&self, slot: u16) {
        self.owner.store(slot, Ordering::Relaxed);
        self.held.store(1, Ordering::Relaxed);
        let counters = counters::of(usize::from(slot));
        self.for_each_block(|bytes| counters.take_as(Kind::String, bytes));
    }

    /// A module is about to give up a reference. If it was its last, but not the string's, another is charged.
    pub(crate) fn discharge(&self, slot: &Slot) {
        let is_owner = usize::from(self.owner.load(Ordering::Relaxed)) == slot.index();
        if self.references() == 1 || !is_owner {
            return;
        }
        let left = self.held().wrapping_sub(1);
        self.set_held(left);
        if left == 0 && self.next.load(Ordering::Relaxed) != NOBODY {
            self.pass_on();
        }
    }

    /// Charges the module that was the last to take a reference, in place of the owner.
    #[cold]
    fn pass_on(&self) {
        let next = self.next.swap(NOBODY, Ordering::Relaxed);
        if next != NOBODY {
            self.credit();
            self.charge_anew(next);
        }
    }

    /// How many references the owner has. Two threads that take and give up the same string at the same moment, which
    /// Redis forbids, may have it count wrong: then the charge passes on too early, or not before the string is freed.
    fn held(&self) -> u32 {
        self.held.load(Ordering::Relaxed)
    }

    fn set_held(&self, held: u32) {
        self.held.store(held, Ordering::Relaxed);
    }

    /// Whoever is charged no longer is.
    fn credit(&self) {
        if let Some(counters) = self.owner() {
            self.for_each_block(|bytes| counters.give_as(Kind::String, bytes));
        }
    }

    /// The block apart that holds the text, if one does.
    fn apart(&self) -> Option<NonNull<u8>> {
        if self.is_inline() { None } else { NonNull::new(self.data.get()) }
    }

    /// The bytes that it takes.
    pub(crate) fn memory(&self) -> usize {
        self.header_memory() + self.memory_apart()
    }

    /// The bytes that the block takes which begins with the header.
    fn header_memory(&self) -> usize {
        let block = NonNull::from(self).cast();
        // SAFETY: the block is of the family, live, and while the text is in it of this size.
        unsafe {
            match self.is_inline() {
                true => charge::usable(block, size_of::<Self>() + self.capacity.get()),
                false => zmalloc::zmalloc_usable_size(Some(block)),
            }
        }
    }

    /// Shows the bytes of each block.
    #[inline]
    fn for_each_block(&self, mut show: impl FnMut(usize)) {
        show(self.header_memory());
        if !self.is_inline() {
            show(self.memory_apart());
        }
    }

    fn memory_apart(&self) -> usize {
        // SAFETY: the block is of the family, and live.
        unsafe { zmalloc::zmalloc_usable_size(self.apart()) }
    }

    /// Adds to the text; says whether that could be done, which takes that there is no other reference.
    pub(crate) fn append(&self, tail: &[u8]) -> bool {
        if self.references() != 1 {
            return false;
        }
        let len = self.len.get();
        let Some(needed) = len.checked_add(tail.len()).and_then(|len| len.checked_add(1)) else {
            return false;
        };
        if needed > self.capacity.get() {
            self.make_room(needed.max(len.saturating_mul(2)));
        }
        // SAFETY: there is room for the text, its tail and a NUL, which nobody else refers to.
        unsafe {
            ptr::copy(tail.as_ptr(), self.data.get().add(len), tail.len());
            self.data.get().add(needed - 1).write(0);
        }
        self.len.set(needed - 1);
        true
    }

    /// Gives back the room beyond the text, where nobody else refers to the string and it is worth it.
    pub(crate) fn trim(&self) {
        let wanted = self.len.get() + 1;
        if self.references() == 1 && !self.is_inline() && self.capacity.get() > wanted {
            self.make_room(wanted);
        }
    }

    /// Gives the text a room of so many bytes, which are enough for it. The owner is charged for that.
    fn make_room(&self, capacity: usize) {
        let before = self.memory_apart();
        let data = match self.apart() {
            None => {
                let data = zmalloc::zmalloc(capacity);
                // SAFETY: the new block is longer than the text and its NUL.
                unsafe { data.as_ptr().copy_from_nonoverlapping(self.data.get(), self.len.get() + 1) };
                data
            }
            // SAFETY: the block is of the family, and only known here.
            apart => unsafe { zmalloc::zrealloc(apart, capacity) },
        };
        let is_new = self.is_inline();
        self.data.set(data.as_ptr());
        self.capacity.set(capacity);
        match self.owner() {
            Some(counters) if is_new => counters.take_as(Kind::String, self.memory_apart()),
            Some(counters) => counters.resize_as(Kind::String, before, self.memory_apart()),
            None => {}
        }
    }
}

impl StrRef {
    /// A string of its own.
    pub(crate) fn new(text: &[u8]) -> Self {
        let capacity = text.len() + 1;
        let block = zmalloc::zmalloc(size_of::<Str>() + capacity).cast::<Str>();
        // SAFETY: the block has room for the header, the text and a NUL.
        unsafe {
            let data = block.add(1).cast::<u8>();
            block.write(Str {
                references: AtomicU32::new(1),
                owner: AtomicU16::new(NOBODY),
                next: AtomicU16::new(NOBODY),
                held: AtomicU32::new(0),
                len: Cell::new(text.len()),
                data: Cell::new(data.as_ptr()),
                capacity: Cell::new(capacity),
            });
            data.as_ptr().copy_from_nonoverlapping(text.as_ptr(), text.len());
            data.add(text.len()).write(0);
        }
        Self(block)
    }

    /// A string that a module is charged for.
    pub(crate) fn charged(text: &[u8], slot: &Slot) -> Self {
        let string = Self::new(text);
        string.charge(slot);
        string
    }

    /// The same string with its blocks moved, unless there are other references, to which it would be lost.
    ///
    /// # Safety
    /// `relocate` leaves a block of the family where it is, or gives one of the same usable size that has taken its
    /// place.
    pub(crate) unsafe fn moved(self, relocate: impl Fn(NonNull<u8>) -> Option<NonNull<u8>>) -> Self {
        if self.references() != 1 {
            return self;
        }
        let is_inline = self.is_inline();
        if !is_inline && let Some(data) = NonNull::new(self.data.get()).and_then(&relocate) {
            self.data.set(data.as_ptr());
        }
        let Some(header) = relocate(self.0.cast()) else { return self };
        // The old header is gone.
        std::mem::forget(self);
        let moved = Self(header.cast());
        if is_inline {
            // SAFETY: the text stands behind the header, in one block.
            moved.data.set(unsafe { moved.0.add(1).cast().as_ptr() });
        }
        moved
    }

    /// Hands the reference to a module, which gives it up by FreeString.
    pub(crate) fn into_raw(self) -> *mut ModuleString {
        let raw = self.0.as_ptr().cast();
        std::mem::forget(self);
        raw
    }

    /// A module gives up a reference; NULL is none.
    ///
    /// # Safety
    /// As [`Self::from_raw`].
    pub(crate) unsafe fn give_up(raw: *mut ModuleString, slot: &Slot) {
        // SAFETY: passed on.
        if let Some(string) = unsafe { Self::from_raw(raw) } {
            string.discharge(slot);
        }
    }

    /// Takes a reference back.
    ///
    /// # Safety
    /// It is one that [`Self::into_raw`] gave, and that nobody uses any more.
    pub(crate) unsafe fn from_raw(raw: *mut ModuleString) -> Option<Self> {
        NonNull::new(raw.cast::<Str>()).map(Self)
    }
}

impl std::ops::Deref for StrRef {
    type Target = Str;

    fn deref(&self) -> &Str {
        // SAFETY: the string is there as long as there is a reference.
        unsafe { self.0.as_ref() }
    }
}

impl Drop for StrRef {
    fn drop(&mut self) {
        // Alone, nobody else can count.
        if self.references() != 1 && self.references.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        let bytes = self.header_memory();
        let owner = self.owner();
        if let Some(counters) = owner {
            counters.give_as(Kind::String, bytes);
        }
        if !self.is_inline() {
            let apart = self.memory_apart();
            owner.into_iter().for_each(|counters| counters.give_as(Kind::String, apart));
            // SAFETY: the block is of the family and live, and this was the last reference.
            unsafe { zmalloc::zfree(self.apart()) };
        }
        // SAFETY: as above; the block has this size.
        unsafe { zmalloc::raw::zfree_with_size(Some(self.0.cast()), bytes) };
    }
}

impl FromRaw for Option<&Str> {
    type Raw = *mut ModuleString;

    unsafe fn from_raw(raw: *mut ModuleString) -> Self {
        // SAFETY: the caller vouches for a string, or NULL.
        unsafe { raw.cast::<Str>().as_ref() }
    }
}

/// The strings of an array of C's.
///
/// # Safety
/// There are so many of them, which stay while they are used; those that are NULL are left out.
pub(crate) unsafe fn all<'a>(array: *const *mut ModuleString, count: c_int) -> Vec<&'a Str> {
    // SAFETY: by the caller's word.
    let string = |at| unsafe { (*array.add(at)).cast::<Str>().as_ref() };
    (0..usize::try_from(count).unwrap_or(0)).filter_map(string).collect()
}

/// A string that is only read, or none.
#[derive(Debug)]
pub(crate) struct ConstStr<'a>(pub(crate) Option<&'a Str>);

impl ConstStr<'_> {
    /// The text; that of no string is empty.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.0.map_or(&[], Str::bytes)
    }
}

impl FromRaw for ConstStr<'_> {
    type Raw = *const ModuleString;

    unsafe fn from_raw(raw: *const ModuleString) -> Self {
        // SAFETY: the caller vouches for a string, or NULL.
        Self(unsafe { raw.cast::<Str>().as_ref() })
    }
}
