//! A module's own type, and the callbacks that the server wants for it.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};

use heapwalk::HeapWalk;
use redis_module::native_types::RedisType;
use redis_module::{RedisString, raw};
use zmalloc_module::value::{defrag, mem_usage2};

use crate::rdb::{Digest, Malformed, Reader, Rewriter, Writer};

/// Where a value is.
pub struct Place {
    /// The number of the database, -1 where the server can't say.
    pub database: i32,
    /// The name of the key, where the server says it.
    pub key: Option<Vec<u8>>,
}

impl Place {
    /// Where a value is that is read or written.
    pub(crate) fn of_io(io: *mut raw::RedisModuleIO) -> Self {
        // SAFETY: the server's structure is valid during the callback that has it.
        unsafe {
            let database = raw::RedisModule_GetDbIdFromIO.map_or(-1, |get| get(io));
            let key = raw::RedisModule_GetKeyNameFromIO.and_then(|get| name_of(get(io)));
            Self { database, key }
        }
    }
}

/// How the values of a registered type are written to RDB and to the payload of DUMP.
///
/// Other servers read it: parts are never reordered, and whatever is laid out otherwise has another
/// version, or, where a module wrote two layouts under one version, another name.
pub trait Encoding: 'static {
    /// What is encoded.
    type Value: Value;

    /// The version that [`Encoding::save`] writes. [`Encoding::load`] is given no later one.
    const VERSION: i32;

    /// Writes a value.
    fn save(value: &Self::Value, output: &mut Writer);

    /// Reads what any version up to [`Encoding::VERSION`] wrote.
    ///
    /// # Errors
    /// When the input isn't such a value; the server then refuses the file or the RESTORE.
    fn load(input: &mut Reader, version: i32, place: &Place) -> Result<Self::Value, Malformed>;
}

/// A value that lives in a key.
///
/// Its walk over its heap, which `#[derive(HeapWalk)]` writes, is what MEMORY USAGE adds up and what
/// the server's defragmentation moves.
pub trait Value: HeapWalk + Sized + 'static {
    /// The types whose keys hold such values: new keys are of the first, and the others are what
    /// older servers wrote.
    fn data_types() -> &'static [&'static RedisType];

    /// Writes commands that build the value.
    fn rewrite(&self, output: &mut Rewriter);

    /// How many blocks there are to free: from 64 on, UNLINK leaves the value to a thread.
    fn free_effort(&self) -> usize;

    /// Adds the value to a digest: equal values have equal digests.
    fn digest(&self, digest: &mut Digest);

    /// The value for COPY.
    fn copy(&self, to: &Place) -> Self;

    /// The key goes, whatever becomes of the value: by DEL, by expiry, overwritten, renamed.
    fn unlinked(&self, _from: &Place) {}
}

/// The callbacks for a type.
pub const fn methods<E: Encoding>() -> raw::RedisModuleTypeMethods {
    raw::RedisModuleTypeMethods {
        version: raw::REDISMODULE_TYPE_METHOD_VERSION as u64,
        rdb_load: Some(rdb_load::<E>),
        rdb_save: Some(rdb_save::<E>),
        aof_rewrite: Some(aof_rewrite::<E::Value>),
        mem_usage: None,
        digest: Some(digest::<E::Value>),
        free: Some(free::<E::Value>),
        aux_load: None,
        aux_save: None,
        aux_save2: None,
        aux_save_triggers: 0,
        free_effort: None,
        unlink: None,
        copy: None,
        defrag: Some(defrag::<E::Value, _, _>),
        copy2: Some(copy::<E::Value>),
        free_effort2: Some(free_effort::<E::Value>),
        mem_usage2: Some(mem_usage2::<E::Value, _>),
        unlink2: Some(unlink::<E::Value>),
    }
}

fn name_of(key: *const raw::RedisModuleString) -> Option<Vec<u8>> {
    (!key.is_null()).then(|| RedisString::string_as_slice(key).to_vec())
}

// SAFETY (of all that follow): the server calls them with a value that `rdb_load`, `copy` or a command
// made, a `Box` turned raw, and with its own structures, valid during the call.

unsafe extern "C" fn rdb_load<E: Encoding>(io: *mut raw::RedisModuleIO, version: c_int) -> *mut c_void {
    if version > E::VERSION {
        return std::ptr::null_mut();
    }
    match E::load(&mut Reader(io), version, &Place::of_io(io)) {
        Ok(value) => Box::into_raw(Box::new(value)).cast(),
        Err(Malformed) => std::ptr::null_mut(),
    }
}

unsafe extern "C" fn rdb_save<E: Encoding>(io: *mut raw::RedisModuleIO, value: *mut c_void) {
    // SAFETY: see above.
    E::save(unsafe { &*value.cast::<E::Value>() }, &mut Writer(io));
}

unsafe extern "C" fn aof_rewrite<T: Value>(
    io: *mut raw::RedisModuleIO,
    key: *mut raw::RedisModuleString,
    value: *mut c_void,
) {
    // SAFETY: see above.
    unsafe { &*value.cast::<T>() }.rewrite(&mut Rewriter { io, key });
}

unsafe extern "C" fn free<T: Value>(value: *mut c_void) {
    // SAFETY: see above; the server drops its pointer. This may be another thread than the main one.
    drop(unsafe { Box::from_raw(value.cast::<T>()) });
}

unsafe extern "C" fn digest<T: Value>(digest: *mut raw::RedisModuleDigest, value: *mut c_void) {
    // SAFETY: see above.
    unsafe { &*value.cast::<T>() }.digest(&mut Digest(digest));
}

unsafe extern "C" fn free_effort<T: Value>(
    _options: *mut raw::RedisModuleKeyOptCtx,
    value: *const c_void,
) -> usize {
    // SAFETY: see above.
    unsafe { &*value.cast::<T>() }.free_effort()
}

unsafe extern "C" fn unlink<T: Value>(options: *mut raw::RedisModuleKeyOptCtx, value: *const c_void) {
    // SAFETY: see above.
    let (value, from) = unsafe {
        let database = raw::RedisModule_GetDbIdFromOptCtx.map_or(-1, |get| get(options));
        let key = raw::RedisModule_GetKeyNameFromOptCtx.and_then(|get| name_of(get(options)));
        (&*value.cast::<T>(), Place { database, key })
    };
    value.unlinked(&from);
}

unsafe extern "C" fn copy<T: Value>(
    options: *mut raw::RedisModuleKeyOptCtx,
    value: *const c_void,
) -> *mut c_void {
    // SAFETY: see above.
    let (value, to) = unsafe {
        let database = raw::RedisModule_GetToDbIdFromOptCtx.map_or(-1, |get| get(options));
        let key = raw::RedisModule_GetToKeyNameFromOptCtx.and_then(|get| name_of(get(options)));
        (&*value.cast::<T>(), Place { database, key })
    };
    Box::into_raw(Box::new(value.copy(&to))).cast()
}
