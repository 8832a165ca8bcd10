//! Values of types that modules bring along.
//!
//! A value is two words to the keyspace: its type, a trait object that the module's host implements, and an address
//! that only the type understands. Who saves, measures, copies or frees a value asks the type, through the safe
//! methods of [`ModuleValue`]; nobody here knows what a module is.
#![allow(unsafe_code)]

use std::alloc::Layout;
use std::ffi::c_void;
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use heapwalk::Relocate;

/// Where a value stands, for types that want to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'k> {
    /// The number of the database.
    pub db: usize,
    /// The key.
    pub key: &'k [u8],
}

/// Takes what a value is made of, in order, when it is saved: the five primitives of RDB's module values.
pub trait Save {
    /// An unsigned integer.
    fn unsigned(&mut self, value: u64);
    /// A signed integer.
    fn signed(&mut self, value: i64);
    /// A number of 32 bits.
    fn float(&mut self, value: f32);
    /// A number of 64 bits.
    fn double(&mut self, value: f64);
    /// Bytes.
    fn string(&mut self, bytes: &[u8]);
    /// Whether something couldn't be written, so that what follows is in vain.
    fn has_failed(&self) -> bool {
        false
    }
}

/// What is being loaded ends early, or holds something else than was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Corrupt;

impl fmt::Display for Corrupt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the saved value is corrupt or cut short")
    }
}

impl std::error::Error for Corrupt {}

/// Gives back what a [`Save`] has taken, in the same order.
pub trait Load {
    /// An unsigned integer.
    ///
    /// # Errors
    /// When that isn't what follows.
    fn unsigned(&mut self) -> Result<u64, Corrupt>;
    /// A signed integer.
    ///
    /// # Errors
    /// When that isn't what follows.
    fn signed(&mut self) -> Result<i64, Corrupt>;
    /// A number of 32 bits.
    ///
    /// # Errors
    /// When that isn't what follows.
    fn float(&mut self) -> Result<f32, Corrupt>;
    /// A number of 64 bits.
    ///
    /// # Errors
    /// When that isn't what follows.
    fn double(&mut self) -> Result<f64, Corrupt>;
    /// Bytes.
    ///
    /// # Errors
    /// When that isn't what follows.
    fn string(&mut self) -> Result<Vec<u8>, Corrupt>;
}

/// Takes what a value's digest is made of, as DEBUG DIGEST-VALUE asks for.
pub trait Digest {
    /// The next element, which counts in its place.
    fn element(&mut self, bytes: &[u8]);
    /// What came since the last call belongs together; such groups count in any order.
    fn end_sequence(&mut self);
}

/// Takes the commands that make a value anew, as an append-only file has them.
pub trait Rewrite {
    /// One command: its name and its arguments.
    fn command(&mut self, args: &[&[u8]]);
}

/// Moves blocks that a value consists of, for active defragmentation.
pub trait Defrag {
    /// Moves a block of the program's own allocator, or leaves it where it is.
    ///
    /// # Safety
    /// The block is live, and was allocated with a layout that this one stands for. Where an address is given
    /// back it takes the place of the old one, which isn't used any
    /// more.
    unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> Option<NonNull<u8>>;
    /// Whether time is up: what is left is for another call, which begins at the cursor that is set now.
    fn is_over(&mut self) -> bool;
    /// Where a value that isn't done at once has come to: 0 to begin with.
    fn cursor(&mut self) -> &mut u64;
}

/// Moves what modules have by the visitor that moves the keyspace's own blocks.
pub struct DefragBy<'m, R: ?Sized> {
    mover: &'m mut R,
    is_over: &'m mut dyn FnMut(&R) -> bool,
    cursor: u64,
}

impl<'m, R: ?Sized> DefragBy<'m, R> {
    /// For a value that has come to this cursor, 0 to begin with. `is_over` says whether the mover's time is up.
    pub fn new(mover: &'m mut R, is_over: &'m mut dyn FnMut(&R) -> bool, cursor: u64) -> Self {
        Self { mover, is_over, cursor }
    }
}

impl<R: ?Sized> fmt::Debug for DefragBy<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DefragBy").field("cursor", &self.cursor).finish_non_exhaustive()
    }
}

impl<R: Relocate + ?Sized> Defrag for DefragBy<'_, R> {
    unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: passed on.
        unsafe { self.mover.block(block, layout) }
    }

    fn is_over(&mut self) -> bool {
        (self.is_over)(self.mover)
    }

    fn cursor(&mut self) -> &mut u64 {
        &mut self.cursor
    }
}

/// A type of values that a module has registered.
///
/// # Safety
/// [`copy`](Self::copy) and [`load`](Self::load) give values of this type that nobody else has, and
/// [`free`](Self::free) may be called on any thread.
pub unsafe trait ModuleType: fmt::Debug + Send + Sync {
    /// The name of nine characters that TYPE answers with.
    fn name(&self) -> &str;

    /// The number that RDB has in the name's place: 54 bits of name, and the version of the encoding in the lowest 10.
    fn id(&self) -> u64;

    /// The bytes that a value takes beyond its entry. `samples` is how many of its elements may be looked at; 0 is all.
    ///
    /// # Safety
    /// `value` is one of this type, and live.
    unsafe fn memory_usage(&self, value: *mut c_void, place: Place<'_>, samples: usize) -> usize;

    /// How much work freeing a value is, in allocations: 1 for a type that doesn't say. A value that is worth it is
    /// freed on another thread; one that says 0 always is.
    ///
    /// # Safety
    /// `value` is one of this type, and live.
    unsafe fn free_effort(&self, value: *mut c_void, place: Place<'_>) -> usize;

    /// Says that a key was removed, before the value is freed, possibly on another thread.
    ///
    /// # Safety
    /// `value` is one of this type, and live.
    unsafe fn unlink(&self, value: *mut c_void, place: Place<'_>);

    /// Whether values of the type can be copied at all.
    fn can_copy(&self) -> bool {
        true
    }

    /// A copy of a value for another key, or `None` where the type has none or fails.
    ///
    /// # Safety
    /// `value` is one of this type, and live.
    unsafe fn copy(&self, value: *mut c_void, from: Place<'_>, to: Place<'_>) -> Option<*mut c_void>;

    /// Whether the type shows anything of its values for their digests.
    fn can_digest(&self) -> bool {
        true
    }

    /// Shows what a value's digest is made of.
    ///
    /// # Safety
    /// `value` is one of this type, and live.
    unsafe fn digest(&self, value: *mut c_void, place: Place<'_>, digest: &mut dyn Digest);

    /// Frees a value.
    ///
    /// # Safety
    /// `value` is one of this type, live, and not used any more.
    unsafe fn free(&self, value: *mut c_void);

    /// Moves a value's blocks, and gives its new address; says whether it is done with the value.
    ///
    /// # Safety
    /// `value` is one of this type, live, and known by the address that is given back from then on.
    unsafe fn defrag(
        &self,
        value: *mut c_void,
        place: Place<'_>,
        defrag: &mut dyn Defrag,
    ) -> (*mut c_void, bool);

    /// Saves a value.
    ///
    /// # Safety
    /// `value` is one of this type, and live.
    unsafe fn save(&self, value: *mut c_void, place: Place<'_>, save: &mut dyn Save);

    /// Shows the commands that make a value anew.
    ///
    /// # Safety
    /// `value` is one of this type, and live.
    unsafe fn rewrite(&self, value: *mut c_void, place: Place<'_>, rewrite: &mut dyn Rewrite);

    /// Makes a value of what was saved in a version of the encoding, or `None` if that can't be.
    fn load(&self, load: &mut dyn Load, encoding_version: u32, place: Place<'_>) -> Option<*mut c_void>;
}

/// The types that are registered, by what RDB knows them by.
pub trait ModuleTypes {
    /// The type whose name is that of the `id`, whatever the version of the encoding in the lowest 10 bits.
    fn by_id(&self, id: u64) -> Option<Arc<dyn ModuleType>>;
}

/// A value of a module's type, owned. Dropping it frees it, on whatever thread that is done.
pub struct ModuleValue {
    kind: Arc<dyn ModuleType>,
    value: *mut c_void,
}

// SAFETY: the value is nobody else's, and its type can be used, and its `free` called, on any thread.
unsafe impl Send for ModuleValue {}
// SAFETY: a shared value is handed to the type for reading only.
unsafe impl Sync for ModuleValue {}

impl ModuleValue {
    /// Takes a value over.
    ///
    /// # Safety
    /// `value` is a live one of this type, and nobody else frees it.
    pub unsafe fn from_raw(kind: Arc<dyn ModuleType>, value: *mut c_void) -> ModuleValue {
        ModuleValue { kind, value }
    }

    /// Makes a value of what was saved in a version of the encoding, or `None` if that can't be.
    pub fn load(
        kind: Arc<dyn ModuleType>,
        load: &mut dyn Load,
        encoding_version: u32,
        place: Place<'_>,
    ) -> Option<ModuleValue> {
        let value = kind.load(load, encoding_version, place)?;
        Some(ModuleValue { kind, value })
    }

    /// Gives the value up without freeing it.
    pub fn into_raw(self) -> *mut c_void {
        let this = ManuallyDrop::new(self);
        // SAFETY: read once, and the original isn't dropped.
        drop(unsafe { std::ptr::read(&this.kind) });
        this.value
    }

    /// The type.
    pub fn kind(&self) -> &Arc<dyn ModuleType> {
        &self.kind
    }

    /// The address that the type knows the value by.
    pub fn as_ptr(&self) -> *mut c_void {
        self.value
    }

    /// The bytes that the value takes beyond its entry: see [`ModuleType::memory_usage`].
    pub fn memory_usage(&self, place: Place<'_>, samples: usize) -> usize {
        // SAFETY: the value is one of this type, and live.
        unsafe { self.kind.memory_usage(self.value, place, samples) }
    }

    /// How much work freeing the value is: see [`ModuleType::free_effort`].
    pub fn free_effort(&self, place: Place<'_>) -> usize {
        // SAFETY: the value is one of this type, and live.
        unsafe { self.kind.free_effort(self.value, place) }
    }

    /// Says that the value's key was removed.
    pub fn unlink(&self, place: Place<'_>) {
        // SAFETY: the value is one of this type, and live.
        unsafe { self.kind.unlink(self.value, place) }
    }

    /// A copy for another key, or `None` where the type has none or fails.
    pub fn copy(&self, from: Place<'_>, to: Place<'_>) -> Option<ModuleValue> {
        // SAFETY: the value is one of this type, and live.
        let value = unsafe { self.kind.copy(self.value, from, to) }?;
        Some(ModuleValue { kind: Arc::clone(&self.kind), value })
    }

    /// Shows what the value's digest is made of; says whether its type shows anything of its values.
    pub fn digest(&self, place: Place<'_>, digest: &mut dyn Digest) -> bool {
        let can_digest = self.kind.can_digest();
        if can_digest {
            // SAFETY: the value is one of this type, and live.
            unsafe { self.kind.digest(self.value, place, digest) };
        }
        can_digest
    }

    /// Saves the value.
    pub fn save(&self, place: Place<'_>, save: &mut dyn Save) {
        // SAFETY: the value is one of this type, and live.
        unsafe { self.kind.save(self.value, place, save) }
    }

    /// Shows the commands that make the value anew.
    pub fn rewrite(&self, place: Place<'_>, rewrite: &mut dyn Rewrite) {
        // SAFETY: the value is one of this type, and live.
        unsafe { self.kind.rewrite(self.value, place, rewrite) }
    }

    /// Moves the value's blocks; says whether it is done.
    pub fn defrag(&mut self, place: Place<'_>, defrag: &mut dyn Defrag) -> bool {
        // SAFETY: the value is one of this type, and live; it is known by its new address from here on.
        let (value, is_done) = unsafe { self.kind.defrag(self.value, place, defrag) };
        self.value = value;
        is_done
    }
}

impl Drop for ModuleValue {
    fn drop(&mut self) {
        // SAFETY: the value is one of this type, live, and this is the end of its only owner.
        unsafe { self.kind.free(self.value) }
    }
}

impl fmt::Debug for ModuleValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ModuleValue").field("type", &self.kind.name()).finish_non_exhaustive()
    }
}

/// A value of a module's type in an entry, borrowed.
pub struct ModuleRef<'a> {
    /// A copy of the bits in the entry, which owns what they refer to.
    value: ManuallyDrop<ModuleValue>,
    entry: PhantomData<&'a ModuleValue>,
}

impl ModuleRef<'_> {
    /// # Safety
    /// `value` is a copy of one that stays as it is for the lifetime of the result.
    pub(crate) unsafe fn new(value: ManuallyDrop<ModuleValue>) -> Self {
        Self { value, entry: PhantomData }
    }
}

impl Deref for ModuleRef<'_> {
    type Target = ModuleValue;

    fn deref(&self) -> &ModuleValue {
        &self.value
    }
}

impl fmt::Debug for ModuleRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}
