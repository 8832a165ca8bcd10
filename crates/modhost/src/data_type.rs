//! Types of values that modules have registered, as the keyspace sees them.

use std::ffi::c_void;
use std::sync::Arc;

use keyspace::{Defrag, Digest, Load, ModuleType, ModuleTypes, Place, Rewrite, Save};
use module_abi::structs::TypeMethods;
use module_abi::types;

use crate::areas::types::of as registered_by;
use crate::defrag::DefragCtx;
use crate::gil::Gil;
use crate::guard::FromRaw;
use crate::io::{DigestInMaking, Io, KeyOptCtx, Medium};
use crate::slot::{self, Slot, Tenancy};
use crate::string::StrRef;

/// The letters that names consist of; the place of each is its number among the 54 bits of a name.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// How long a name is, in bytes.
const NAME_LEN: usize = 9;

/// How many bits of a type's number are the version of its encoding.
const VERSION_BITS: u32 = 10;

/// The number that RDB has for a type: its name, six bits a letter, and the version of its encoding in the lowest ten.
pub(crate) fn type_id(name: &[u8], encoding_version: i32) -> Option<u64> {
    let version = u64::try_from(encoding_version).ok().filter(|version| version >> VERSION_BITS == 0)?;
    if name.len() != NAME_LEN {
        return None;
    }
    let mut id = 0;
    for letter in name {
        id = id << 6 | LETTERS.iter().position(|known| known == letter)? as u64;
    }
    Some(id << VERSION_BITS | version)
}

/// A type of a module's.
#[derive(Debug)]
pub(crate) struct DataType {
    name: String,
    id: u64,
    slot: usize,
    /// The functions are there as long as the type.
    _tenancy: Option<Arc<Tenancy>>,
    pub(crate) methods: TypeMethods,
}

impl DataType {
    /// A type with this name and these functions; `None` where it isn't a name.
    pub(crate) fn new(
        slot: &Slot,
        name: &str,
        encoding_version: i32,
        methods: TypeMethods,
    ) -> Option<Arc<Self>> {
        let id = type_id(name.as_bytes(), encoding_version)?;
        let (name, slot, _tenancy) = (name.to_owned(), slot.index(), slot.tenancy());
        Some(Arc::new(Self { name, id, slot, _tenancy, methods }))
    }

    /// The module that has registered it.
    pub(crate) fn slot(&self) -> &'static Slot {
        slot::slot(self.slot)
    }

    /// One more reference to a type that a module has registered.
    pub(crate) fn retain(&self) -> Arc<Self> {
        // SAFETY: every one that is registered is the content of an `Arc`, and nobody has others.
        unsafe {
            Arc::increment_strong_count(self);
            Arc::from_raw(self)
        }
    }

    /// As a module knows it.
    pub(crate) fn as_raw(&self) -> *mut types::ModuleType {
        std::ptr::from_ref(self).cast_mut().cast()
    }

    fn key(place: Place<'_>) -> StrRef {
        StrRef::new(place.key)
    }

    /// Saves a value, which stands nowhere if a module has it for itself.
    ///
    /// # Safety
    /// `value` is one of this type, and live.
    pub(crate) unsafe fn save_at(&self, value: *mut c_void, place: Option<Place<'_>>, save: &mut dyn Save) {
        let Some(function) = self.methods.rdb_save else { return };
        let io = Io::new(self.slot(), place, Medium::Save(save));
        // SAFETY: the caller vouches for the value, the module for its function.
        unsafe { function(io.as_raw(), value) }
    }

    /// Makes a value of what was saved. One that a module has made though something couldn't be read is freed, as it
    /// isn't whole.
    pub(crate) fn load_at(
        &self,
        load: &mut dyn Load,
        encoding_version: i32,
        place: Option<Place<'_>>,
    ) -> Option<*mut c_void> {
        let function = self.methods.rdb_load?;
        let io = Io::new(self.slot(), place, Medium::Load(load));
        // SAFETY: the module vouches for its function.
        let value = unsafe { function(io.as_raw(), encoding_version) };
        if value.is_null() {
            return None;
        }
        if io.has_failed.get() {
            // SAFETY: the module has made the value, and nobody else has it.
            unsafe { self.free_uncounted(value) };
            return None;
        }
        Some(value)
    }

    /// Frees a value that didn't stand in the keyspace.
    ///
    /// # Safety
    /// `value` is one of this type, live, and not used any more.
    unsafe fn free_uncounted(&self, value: *mut c_void) {
        if let Some(free) = self.methods.free {
            // SAFETY: the caller vouches for the value, the module for its function.
            unsafe { free(value) }
        }
    }

    /// Counts a value that the keyspace is given, if there is one.
    fn counted(&self, value: Option<*mut c_void>) -> Option<*mut c_void> {
        self.slot().counters().count_value(i64::from(value.is_some()));
        value
    }
}

/// The types that the modules of a host have registered.
#[derive(Debug)]
pub(crate) struct Registry {
    pub(crate) gil: Arc<Gil>,
}

impl ModuleTypes for Registry {
    fn by_id(&self, id: u64) -> Option<Arc<dyn ModuleType>> {
        let mut known = slot::taken_by(&self.gil).flat_map(registered_by);
        let found = known.find(|known| known.id >> VERSION_BITS == id >> VERSION_BITS)?;
        Some(found)
    }
}

impl FromRaw for Option<&DataType> {
    type Raw = *mut types::ModuleType;

    unsafe fn from_raw(raw: *mut types::ModuleType) -> Self {
        // SAFETY: the caller vouches for a type that CreateDataType gave, or NULL.
        unsafe { raw.cast::<DataType>().as_ref() }
    }
}

// SAFETY: the module vouches for its functions: copies and what is loaded are values of their own, and Redis frees
// values on other threads as well.
unsafe impl ModuleType for DataType {
    fn name(&self) -> &str {
        &self.name
    }

    fn id(&self) -> u64 {
        self.id
    }

    unsafe fn memory_usage(&self, value: *mut c_void, place: Place<'_>, samples: usize) -> usize {
        let TypeMethods { mem_usage, mem_usage2, .. } = self.methods;
        // SAFETY: the caller vouches for the value, the module for its functions.
        unsafe {
            match (mem_usage2, mem_usage) {
                (Some(usage), _) => usage(KeyOptCtx::new(place, None).as_raw(), value, samples),
                (None, Some(usage)) => usage(value),
                (None, None) => 0,
            }
        }
    }

    unsafe fn free_effort(&self, value: *mut c_void, place: Place<'_>) -> usize {
        let TypeMethods { free_effort, free_effort2, .. } = self.methods;
        // SAFETY: the caller vouches for the value, the module for its functions.
        unsafe {
            match (free_effort2, free_effort) {
                (Some(effort), _) => effort(KeyOptCtx::new(place, None).as_raw(), value),
                (None, Some(effort)) => effort(Self::key(place).as_raw(), value),
                (None, None) => 1,
            }
        }
    }

    unsafe fn unlink(&self, value: *mut c_void, place: Place<'_>) {
        let TypeMethods { unlink, unlink2, .. } = self.methods;
        // SAFETY: the caller vouches for the value, the module for its functions.
        unsafe {
            match (unlink2, unlink) {
                (Some(unlink), _) => unlink(KeyOptCtx::new(place, None).as_raw(), value),
                (None, Some(unlink)) => unlink(Self::key(place).as_raw(), value),
                (None, None) => {}
            }
        }
    }

    fn can_copy(&self) -> bool {
        self.methods.copy.is_some() || self.methods.copy2.is_some()
    }

    unsafe fn copy(&self, value: *mut c_void, from: Place<'_>, to: Place<'_>) -> Option<*mut c_void> {
        let TypeMethods { copy, copy2, .. } = self.methods;
        // SAFETY: the caller vouches for the value, the module for its functions.
        let copied = unsafe {
            match (copy2, copy) {
                (Some(copy), _) => copy(KeyOptCtx::new(from, Some(to)).as_raw(), value),
                (None, Some(copy)) => copy(Self::key(from).as_raw(), Self::key(to).as_raw(), value),
                (None, None) => return None,
            }
        };
        self.counted((!copied.is_null()).then_some(copied))
    }

    fn can_digest(&self) -> bool {
        self.methods.digest.is_some()
    }

    unsafe fn digest(&self, value: *mut c_void, place: Place<'_>, digest: &mut dyn Digest) {
        let Some(function) = self.methods.digest else { return };
        let digest = DigestInMaking { digest: digest.into(), db: place.db, key: Self::key(place) };
        // SAFETY: the caller vouches for the value, the module for its function.
        unsafe { function(digest.as_raw(), value) }
    }

    unsafe fn free(&self, value: *mut c_void) {
        self.slot().counters().count_value(-1);
        // SAFETY: passed on.
        unsafe { self.free_uncounted(value) }
    }

    unsafe fn defrag(
        &self,
        value: *mut c_void,
        place: Place<'_>,
        defrag: &mut dyn Defrag,
    ) -> (*mut c_void, bool) {
        let Some(function) = self.methods.defrag else { return (value, true) };
        let key = Self::key(place);
        let ctx = DefragCtx::of_value(self.slot(), place, defrag);
        let mut moved = value;
        // SAFETY: the caller vouches for the value, the module for its function.
        let is_unfinished = unsafe { function(ctx.as_raw(), key.as_raw(), &mut moved) } != 0;
        (moved, !is_unfinished)
    }

    unsafe fn save(&self, value: *mut c_void, place: Place<'_>, save: &mut dyn Save) {
        // SAFETY: passed on.
        unsafe { self.save_at(value, Some(place), save) }
    }

    unsafe fn rewrite(&self, value: *mut c_void, place: Place<'_>, rewrite: &mut dyn Rewrite) {
        let Some(function) = self.methods.aof_rewrite else { return };
        let io = Io::new(self.slot(), Some(place), Medium::Rewrite(rewrite));
        let key = Self::key(place);
        // SAFETY: the caller vouches for the value, the module for its function.
        unsafe { function(io.as_raw(), key.as_raw(), value) }
    }

    fn load(&self, load: &mut dyn Load, encoding_version: u32, place: Place<'_>) -> Option<*mut c_void> {
        self.counted(self.load_at(load, encoding_version as i32, Some(place)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_54_bits() {
        assert_eq!(type_id(b"AAAAAAAAA", 0), Some(0));
        assert_eq!(type_id(b"AAAAAAAAB", 5), Some(1 << 10 | 5));
        assert_eq!(type_id(b"_________", 1023), Some(u64::MAX));
        for (name, version) in [
            (&b"AAAAAAAA"[..], 0),
            (b"AAAAAAAAAA", 0),
            (b"AAAAAAAA!", 0),
            (b"AAAAAAAAA", 1024),
            (b"AAAAAAAAA", -1),
        ] {
            assert_eq!(type_id(name, version), None);
        }
    }
}
