//! Dictionaries and their iterators.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use module_abi::constants::{ERR, OK};
use module_abi::types::{self, ModuleString};

use crate::api::{export, export_own};
use crate::context::Ctx;
use crate::dictionary::{Dict, DictIter, Direction, Operator};
use crate::guard::{Data, Out, bytes};
use crate::string::{Str, StrRef};

export_own! {
    fn CreateDict(slot; ctx: Option<&Ctx>) -> *mut types::Dict {
        match ctx {
            Some(ctx) => ctx.give_dict(Dict::new(slot)),
            None => Dict::new(slot).into_raw(),
        }
    }
}

export! {
    fn FreeDict(ctx: Option<&Ctx>, dict: *mut types::Dict) {
        if let Some(ctx) = ctx {
            ctx.let_go_of_dict(dict);
        }
        // SAFETY: the module gives the dictionary up.
        drop(unsafe { Dict::from_raw(dict) });
    }

    fn DictSize(dict: &Dict) -> u64 {
        dict.entries.borrow().len() as u64
    }

    fn DictSetC(dict: &Dict, key: *mut c_void, len: usize, value: Data) -> c_int {
        // SAFETY: the module passes that many bytes.
        set(dict, unsafe { bytes(key.cast(), len) }, value)
    }

    fn DictSet(dict: &Dict, key: Option<&Str>, value: Data) -> c_int {
        set(dict, text(key), value)
    }

    fn DictReplaceC(dict: &Dict, key: *mut c_void, len: usize, value: Data) -> c_int {
        // SAFETY: the module passes that many bytes.
        replace(dict, unsafe { bytes(key.cast(), len) }, value)
    }

    fn DictReplace(dict: &Dict, key: Option<&Str>, value: Data) -> c_int {
        replace(dict, text(key), value)
    }

    fn DictGetC(dict: &Dict, key: *mut c_void, len: usize, is_absent: Out<c_int>) -> Data {
        // SAFETY: the module passes that many bytes.
        get(dict, unsafe { bytes(key.cast(), len) }, &is_absent)
    }

    fn DictGet(dict: &Dict, key: Option<&Str>, is_absent: Out<c_int>) -> Data {
        get(dict, text(key), &is_absent)
    }

    fn DictDelC(dict: &Dict, key: *mut c_void, len: usize, old: *mut c_void) -> c_int {
        // SAFETY: the module passes that many bytes.
        delete(dict, unsafe { bytes(key.cast(), len) }, old.cast())
    }

    fn DictDel(dict: &Dict, key: Option<&Str>, old: *mut c_void) -> c_int {
        delete(dict, text(key), old.cast())
    }

    fn DictIteratorStartC(
        dict: &Dict,
        operator: &CStr,
        key: *mut c_void,
        len: usize,
    ) -> *mut types::DictIter {
        // SAFETY: the module passes that many bytes.
        let key = unsafe { bytes(key.cast(), len) };
        DictIter::new(dict, Operator::parse(operator.to_bytes()), key).into_raw()
    }

    fn DictIteratorStart(dict: &Dict, operator: &CStr, key: Option<&Str>) -> *mut types::DictIter {
        DictIter::new(dict, Operator::parse(operator.to_bytes()), text(key)).into_raw()
    }

    fn DictIteratorStop(iterator: *mut types::DictIter) {
        // SAFETY: the module gives the iterator up.
        drop(unsafe { DictIter::from_raw(iterator) });
    }

    /// 1 where there is such an operator, as Redis answers.
    fn DictIteratorReseekC(iterator: &DictIter, operator: &CStr, key: *mut c_void, len: usize) -> c_int {
        // SAFETY: the module passes that many bytes.
        let key = unsafe { bytes(key.cast(), len) };
        c_int::from(iterator.seek(Operator::parse(operator.to_bytes()), key))
    }

    fn DictIteratorReseek(iterator: &DictIter, operator: &CStr, key: Option<&Str>) -> c_int {
        c_int::from(iterator.seek(Operator::parse(operator.to_bytes()), text(key)))
    }

    fn DictNextC(iterator: &DictIter, len: Out<usize>, value: Out<*mut c_void>) -> *mut c_void {
        step(iterator, Direction::Forward, &len, &value)
    }

    fn DictPrevC(iterator: &DictIter, len: Out<usize>, value: Out<*mut c_void>) -> *mut c_void {
        step(iterator, Direction::Backward, &len, &value)
    }

    fn DictNext(ctx: Option<&Ctx>, iterator: &DictIter, value: Out<*mut c_void>) -> *mut ModuleString {
        step_to_string(ctx, iterator, Direction::Forward, &value)
    }

    fn DictPrev(ctx: Option<&Ctx>, iterator: &DictIter, value: Out<*mut c_void>) -> *mut ModuleString {
        step_to_string(ctx, iterator, Direction::Backward, &value)
    }

    fn DictCompareC(iterator: &DictIter, operator: &CStr, key: *mut c_void, len: usize) -> c_int {
        // SAFETY: the module passes that many bytes.
        compare(iterator, operator, unsafe { bytes(key.cast::<c_char>(), len) })
    }

    fn DictCompare(iterator: &DictIter, operator: &CStr, key: Option<&Str>) -> c_int {
        compare(iterator, operator, text(key))
    }
}

/// The text of a key; NULL is the empty one.
fn text(key: Option<&Str>) -> &[u8] {
    key.map_or(&[], Str::bytes)
}

/// Adds a key, if it isn't there.
fn set(dict: &Dict, key: &[u8], value: Data) -> c_int {
    if dict.entries.borrow_mut().insert(key, value).is_ok() { OK } else { ERR }
}

/// Adds a key, or gives one that is there another value, which is answered with a failure.
fn replace(dict: &Dict, key: &[u8], value: Data) -> c_int {
    match dict.entries.borrow_mut().insert(key, value) {
        Ok(()) => OK,
        Err(old) => {
            *old = value;
            ERR
        }
    }
}

fn get(dict: &Dict, key: &[u8], is_absent: &Out<c_int>) -> Data {
    let value = dict.entries.borrow().get(key);
    is_absent.put(c_int::from(value.is_none()));
    value.unwrap_or(ptr::null_mut())
}

fn delete(dict: &Dict, key: &[u8], old: *mut *mut c_void) -> c_int {
    let Some(removed) = dict.entries.borrow_mut().remove(key) else { return ERR };
    if !old.is_null() {
        // SAFETY: the module passes a place for a pointer.
        unsafe { old.write(removed) };
    }
    OK
}

fn step(
    iterator: &DictIter,
    direction: Direction,
    len: &Out<usize>,
    value: &Out<*mut c_void>,
) -> *mut c_void {
    let Some(found) = iterator.step(direction) else { return ptr::null_mut() };
    let (key, key_len) = iterator.key();
    len.put(key_len);
    value.put(found);
    key.cast_mut().cast()
}

fn step_to_string(
    ctx: Option<&Ctx>,
    iterator: &DictIter,
    direction: Direction,
    value: &Out<*mut c_void>,
) -> *mut ModuleString {
    let Some(found) = iterator.step(direction) else { return ptr::null_mut() };
    value.put(found);
    let key = iterator.key_bytes();
    match ctx {
        Some(ctx) => ctx.give_string(StrRef::new(&key)),
        None => StrRef::charged(&key, iterator.slot).into_raw(),
    }
}

fn compare(iterator: &DictIter, operator: &CStr, key: &[u8]) -> c_int {
    if iterator.compares(Operator::parse(operator.to_bytes()), key) { OK } else { ERR }
}
