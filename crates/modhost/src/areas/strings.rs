//! Strings: making them, holding them, reading them.

use std::ffi::{c_char, c_int, c_longlong, c_ulonglong};
use std::ptr;

use module_abi::constants::{ERR, OK};
use module_abi::structs::StreamId;
use module_abi::types::ModuleString;

use crate::api::{export, export_own};
use crate::context::Ctx;
use crate::guard::{Out, bytes};
use crate::slot::Slot;
use crate::string::{ConstStr, Str, StrRef};

/// Hands a string to a module; without a context nobody frees it but the module.
fn give(slot: &Slot, ctx: Option<&Ctx>, text: &[u8]) -> *mut ModuleString {
    match ctx {
        Some(ctx) => ctx.give_string(StrRef::new(text)),
        None => StrRef::charged(text, slot).into_raw(),
    }
}

/// One more reference of a module's, or the one that its context would have freed.
fn hold(slot: &Slot, ctx: Option<&Ctx>, string: &Str) -> *mut ModuleString {
    if ctx.is_some_and(|ctx| ctx.let_go_of_string(string)) {
        return string.as_raw();
    }
    string.charge(slot);
    string.retain().into_raw()
}

export_own! {
    fn CreateString(slot; ctx: Option<&Ctx>, text: *const c_char, len: usize) -> *mut ModuleString {
        // SAFETY: the module passes that many bytes.
        give(slot, ctx, unsafe { bytes(text, len) })
    }

    fn CreateStringFromLongLong(slot; ctx: Option<&Ctx>, number: c_longlong) -> *mut ModuleString {
        give(slot, ctx, number.to_string().as_bytes())
    }

    fn CreateStringFromULongLong(slot; ctx: Option<&Ctx>, number: c_ulonglong) -> *mut ModuleString {
        give(slot, ctx, number.to_string().as_bytes())
    }

    fn CreateStringFromDouble(slot; ctx: Option<&Ctx>, number: f64) -> *mut ModuleString {
        give(slot, ctx, super::numbers::double_text(number).as_bytes())
    }

    fn CreateStringFromString(slot; ctx: Option<&Ctx>, string: ConstStr<'_>) -> *mut ModuleString {
        give(slot, ctx, string.bytes())
    }

    fn CreateStringFromStreamID(slot; ctx: Option<&Ctx>, id: *const StreamId) -> *mut ModuleString {
        // SAFETY: the module passes an identifier, or NULL.
        let id = unsafe { id.as_ref() }.copied().unwrap_or_default();
        give(slot, ctx, format!("{}-{}", id.ms, id.seq).as_bytes())
    }

    fn FreeString(slot; ctx: Option<&Ctx>, string: *mut ModuleString) -> () {
        // SAFETY: the module gives up a reference that it has, or passes NULL.
        let Some(string) = (unsafe { StrRef::from_raw(string) }) else { return };
        if let Some(ctx) = ctx {
            ctx.let_go_of_string(&string);
        }
        string.discharge(slot);
    }

    /// A string that the context would free is kept from it; any other has one more reference.
    fn RetainString(slot; ctx: Option<&Ctx>, string: Option<&Str>) -> () {
        if let Some(string) = string {
            hold(slot, ctx, string);
        }
    }

    fn HoldString(slot; ctx: Option<&Ctx>, string: Option<&Str>) -> *mut ModuleString {
        string.map_or(ptr::null_mut(), |string| hold(slot, ctx, string))
    }
}

export! {
    fn StringPtrLen(string: ConstStr<'_>, len: Out<usize>) -> *const c_char {
        match string.0 {
            Some(string) => {
                len.put(string.bytes().len());
                string.as_c()
            }
            // As Redis's: a text to be shown rather than a crash.
            None => {
                let text = c"(NULL string reply referenced in module)";
                len.put(text.count_bytes());
                text.as_ptr()
            }
        }
    }

    /// Only a string with one reference can be changed.
    fn StringAppendBuffer(_ctx: Option<&Ctx>, string: Option<&Str>, text: *const c_char, len: usize) -> c_int {
        // SAFETY: the module passes that many bytes.
        let text = unsafe { bytes(text, len) };
        if string.is_some_and(|string| string.append(text)) { OK } else { ERR }
    }

    /// Gives back the room that a string has beyond its text; only one that the module alone refers to.
    fn TrimStringAllocation(string: Option<&Str>) {
        if let Some(string) = string {
            string.trim();
        }
    }

    fn StringCompare(first: ConstStr<'_>, second: ConstStr<'_>) -> c_int {
        first.bytes().cmp(second.bytes()) as c_int
    }
}
