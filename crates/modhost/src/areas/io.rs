//! Saving and loading values: the primitives of RDB, and where a value stands.

use std::ffi::{c_char, c_int};
use std::ptr;

use module_abi::types::{self, ModuleString};

use crate::api::export;
use crate::guard::{Out, bytes};
use crate::io::{Io, KeyOptCtx};
use crate::string::{Str, StrRef};

export! {
    fn SaveUnsigned(io: &Io<'_>, value: u64) {
        io.save(|save| save.unsigned(value));
    }

    fn LoadUnsigned(io: &Io<'_>) -> u64 {
        io.load(|load| load.unsigned()).unwrap_or(0)
    }

    fn SaveSigned(io: &Io<'_>, value: i64) {
        io.save(|save| save.signed(value));
    }

    fn LoadSigned(io: &Io<'_>) -> i64 {
        io.load(|load| load.signed()).unwrap_or(0)
    }

    fn SaveString(io: &Io<'_>, string: Option<&Str>) {
        io.save(|save| save.string(string.map_or(&[], Str::bytes)));
    }

    fn SaveStringBuffer(io: &Io<'_>, text: *const c_char, len: usize) {
        // SAFETY: the module passes that many bytes.
        let text = unsafe { bytes(text, len) };
        io.save(|save| save.string(text));
    }

    fn LoadString(io: &Io<'_>) -> *mut ModuleString {
        let loaded = io.load(|load| load.string());
        loaded.map_or(ptr::null_mut(), |text| StrRef::charged(&text, io.slot).into_raw())
    }

    /// The module frees the block with Free, so it is charged for it.
    fn LoadStringBuffer(io: &Io<'_>, len: Out<usize>) -> *mut c_char {
        let Some(text) = io.load(|load| load.string()) else { return ptr::null_mut() };
        let block = zmalloc::zmalloc_usable(text.len().max(1));
        io.slot.counters().take(block.len());
        // SAFETY: the block has that many bytes.
        unsafe { block.cast::<u8>().as_ptr().copy_from_nonoverlapping(text.as_ptr(), text.len()) };
        len.put(text.len());
        block.cast().as_ptr()
    }

    fn SaveDouble(io: &Io<'_>, value: f64) {
        io.save(|save| save.double(value));
    }

    fn LoadDouble(io: &Io<'_>) -> f64 {
        io.load(|load| load.double()).unwrap_or(0.0)
    }

    fn SaveFloat(io: &Io<'_>, value: f32) {
        io.save(|save| save.float(value));
    }

    fn LoadFloat(io: &Io<'_>) -> f32 {
        io.load(|load| load.float()).unwrap_or(0.0)
    }

    fn IsIOError(io: &Io<'_>) -> c_int {
        c_int::from(io.has_failed.get())
    }

    fn GetContextFromIO(io: &Io<'_>) -> *mut types::Ctx {
        io.context()
    }

    fn GetKeyNameFromIO(io: &Io<'_>) -> *const ModuleString {
        io.place.as_ref().map_or(ptr::null(), |(_, key)| key.as_raw().cast_const())
    }

    /// −1 for a value that stands under no key.
    fn GetDbIdFromIO(io: &Io<'_>) -> c_int {
        io.place.as_ref().map_or(-1, |(db, _)| *db as c_int)
    }

    fn GetKeyNameFromOptCtx(keys: &KeyOptCtx) -> *const ModuleString {
        keys.from.as_ref().map_or(ptr::null(), |(key, _)| key.as_raw().cast_const())
    }

    fn GetToKeyNameFromOptCtx(keys: &KeyOptCtx) -> *const ModuleString {
        keys.to.as_ref().map_or(ptr::null(), |(key, _)| key.as_raw().cast_const())
    }

    fn GetDbIdFromOptCtx(keys: &KeyOptCtx) -> c_int {
        keys.from.as_ref().map_or(-1, |(_, db)| *db as c_int)
    }

    fn GetToDbIdFromOptCtx(keys: &KeyOptCtx) -> c_int {
        keys.to.as_ref().map_or(-1, |(_, db)| *db as c_int)
    }
}
