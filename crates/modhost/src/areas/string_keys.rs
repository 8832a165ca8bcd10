//! Keys that hold strings.

use std::ffi::{c_char, c_int};
use std::ptr;

use keyspace::{Expiry, NumberBuffer, StringValue, ValueType};
use module_abi::constants::{ERR, OK, key_mode};

use crate::api::export;
use crate::guard::Out;
use crate::key::Key;
use crate::string::Str;

export! {
    /// Whatever the key held is replaced, and its expiry goes with it.
    fn StringSet(key: Option<&Key>, string: Option<&Str>) -> c_int {
        let (Some(key), Some(string)) = (key.filter(|key| key.is_writable()), string) else { return ERR };
        key.with_engine(|engine, db, name| {
            engine.put_string(db, name, StringValue::encode(string.bytes()), Expiry::Never);
        });
        OK
    }

    /// The bytes of the value itself, to be read, and to be written if that is asked for: the mode in which the key was
    /// opened doesn't count, as in Redis.
    fn StringDMA(key: Option<&Key>, len: Out<usize>, mode: c_int) -> *mut c_char {
        let Some(key) = key else { return ptr::null_mut() };
        let is_string = key.look().map(|seen| seen.kind == ValueType::String);
        match is_string {
            Some(false) => return ptr::null_mut(),
            None => {
                len.put(0);
                return c"<dma-empty-string>".as_ptr().cast_mut();
            }
            Some(true) => {}
        }
        let writes = mode & key_mode::WRITE != 0;
        let text = key.with_engine(|engine, db, name| {
            let mut entry = engine.entry_mut(db, name)?;
            if writes || matches!(entry.get().string(), StringValue::Int(_)) {
                // An integer becomes the text that it reads as.
                return Some(entry.with_text_mut(|text| (text.as_mut_ptr(), text.len())));
            }
            let mut unused = NumberBuffer::new();
            let text = entry.get().string().as_bytes(&mut unused);
            Some((text.as_ptr().cast_mut(), text.len()))
        });
        let Some((address, length)) = text.flatten() else { return ptr::null_mut() };
        len.put(length);
        address.cast()
    }

    /// Makes the value so many bytes long; new ones are zero. A key that isn't there is made, unless the length is 0.
    fn StringTruncate(key: Option<&Key>, len: usize) -> c_int {
        const LONGEST: usize = 512 << 20;
        let Some(key) = key.filter(|key| key.is_writable()) else { return ERR };
        if len > LONGEST {
            return ERR;
        }
        let set = |engine: &mut engine::Engine, db: usize, name: &[u8]| {
            let Some(mut entry) = engine.entry_mut(db, name) else {
                if len != 0 {
                    engine.put_string(db, name, StringValue::Raw(&vec![0; len]), Expiry::Never);
                }
                return OK;
            };
            if entry.get().value_type() != ValueType::String {
                return ERR;
            }
            let mut buffer = NumberBuffer::new();
            let mut text = entry.get().string().as_bytes(&mut buffer).to_vec();
            text.resize(len, 0);
            entry.set_string(StringValue::Raw(&text));
            OK
        };
        key.with_engine(set).unwrap_or(ERR)
    }
}
