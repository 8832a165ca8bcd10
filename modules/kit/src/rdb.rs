//! What a value is written to and read from: RDB, AOF and digest.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char, c_longlong};

use redis_module::raw;

use crate::value::Place;

/// An RDB file, or the payload of DUMP, being written.
pub struct Writer(pub(crate) *mut raw::RedisModuleIO);

impl Writer {
    /// Where the value is that is written.
    pub fn place(&self) -> Place {
        Place::of_io(self.0)
    }

    /// Writes a number.
    pub fn unsigned(&mut self, number: u64) {
        raw::save_unsigned(self.0, number);
    }

    /// Writes bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        raw::save_slice(self.0, bytes);
    }
}

/// An RDB file, or the payload of RESTORE, being read. Whatever is cut short is an error: it may come
/// from a client.
pub struct Reader(pub(crate) *mut raw::RedisModuleIO);

/// The input ended early, or holds what no value holds.
#[derive(Debug)]
pub struct Malformed;

impl Reader {
    /// Reads a number.
    ///
    /// # Errors
    /// When the input is cut short.
    pub fn unsigned(&mut self) -> Result<u64, Malformed> {
        raw::load_unsigned(self.0).map_err(|_| Malformed)
    }

    /// Reads bytes.
    ///
    /// # Errors
    /// When the input is cut short.
    pub fn bytes(&mut self) -> Result<Vec<u8>, Malformed> {
        raw::load_string_buffer(self.0).map(|buffer| buffer.as_ref().to_vec()).map_err(|_| Malformed)
    }
}

/// An AOF being rewritten.
pub struct Rewriter {
    pub(crate) io: *mut raw::RedisModuleIO,
    pub(crate) key: *mut raw::RedisModuleString,
}

impl Rewriter {
    /// Writes one command: its name, the key, and arguments, which are copied as they are written.
    pub fn command(&mut self, name: &CStr, arguments: &[&[u8]]) {
        // SAFETY: the formats name the arguments that follow: a string of the server's, and a vector
        // of such strings with its length. The strings are ours to free.
        unsafe {
            let create = raw::RedisModule_CreateString.expect("Redis 4");
            let mut strings: Vec<_> = arguments
                .iter()
                .map(|bytes| create(std::ptr::null_mut(), bytes.as_ptr().cast(), bytes.len()))
                .collect();
            let emit = raw::RedisModule_EmitAOF.expect("Redis 4");
            emit(self.io, name.as_ptr(), c"sv".as_ptr(), self.key, strings.as_mut_ptr(), strings.len());
            let free = raw::RedisModule_FreeString.expect("Redis 4");
            strings.into_iter().for_each(|string| free(std::ptr::null_mut(), string));
        }
    }

    /// Writes a command without arguments: MULTI or EXEC.
    pub fn bare(&mut self, name: &CStr) {
        // SAFETY: an empty format has no arguments.
        unsafe { raw::RedisModule_EmitAOF.expect("Redis 4")(self.io, name.as_ptr(), c"".as_ptr()) }
    }
}

/// The digest of a value, for DEBUG DIGEST.
pub struct Digest(pub(crate) *mut raw::RedisModuleDigest);

impl Digest {
    /// Adds bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        // SAFETY: the digest is the callback's, and the bytes are read only during the call.
        unsafe {
            raw::RedisModule_DigestAddStringBuffer.expect("Redis 4")(
                self.0,
                bytes.as_ptr().cast::<c_char>(),
                bytes.len(),
            );
        }
    }

    /// Adds a number.
    pub fn integer(&mut self, number: i64) {
        // SAFETY: the digest is the callback's.
        unsafe { raw::RedisModule_DigestAddLongLong.expect("Redis 4")(self.0, number as c_longlong) }
    }

    /// Ends an element; the order of elements doesn't matter to the digest.
    pub fn end_element(&mut self) {
        // SAFETY: the digest is the callback's.
        unsafe { raw::RedisModule_DigestEndSequence.expect("Redis 4")(self.0) }
    }
}
