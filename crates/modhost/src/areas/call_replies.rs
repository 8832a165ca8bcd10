//! Replies to the commands that a module has called.

use std::ffi::{c_char, c_int, c_longlong};
use std::ptr;

use module_abi::constants::{ERR, OK, reply};
use module_abi::types;

use crate::api::export;
use crate::call_reply::CallReply;
use crate::guard::Out;
use crate::string::StrRef;

/// A text of a reply, with its length.
fn text(text: Option<&[u8]>, len: &Out<usize>) -> *const c_char {
    match text {
        Some(text) => {
            len.put(text.len());
            text.as_ptr().cast()
        }
        None => ptr::null(),
    }
}

fn raw(reply: Option<&CallReply>) -> *mut types::CallReply {
    reply.map_or(ptr::null_mut(), CallReply::as_raw)
}

/// Two elements that belong together, of a map or an attribute.
fn pair(
    reply: Option<&CallReply>,
    kind: i32,
    index: usize,
    key: &Out<*mut types::CallReply>,
    value: &Out<*mut types::CallReply>,
) -> c_int {
    let reply = reply.filter(|reply| reply.kind == kind);
    let Some((reply, first)) = reply.zip(index.checked_mul(2)) else { return ERR };
    let (Some(first), Some(second)) = (reply.element(first), reply.element(first + 1)) else { return ERR };
    key.put(first.as_raw());
    value.put(second.as_raw());
    OK
}

fn element(answer: Option<&CallReply>, kind: i32, index: usize) -> *mut types::CallReply {
    raw(answer.filter(|answer| answer.kind == kind).and_then(|answer| answer.element(index)))
}

export! {
    fn FreeCallReply(reply: *mut types::CallReply) {
        // SAFETY: the module gives up a reply that it was given; an element of one stays its.
        let freed = unsafe { CallReply::from_raw(reply) };
        if let Some(context) = freed.as_ref().and_then(|reply| reply.owner()) {
            context.let_go_of_reply(reply);
        }
    }

    fn CallReplyType(answer: Option<&CallReply>) -> c_int {
        answer.map_or(reply::UNKNOWN, |answer| answer.kind)
    }

    fn CallReplyProto(reply: Option<&CallReply>, len: Out<usize>) -> *const c_char {
        text(reply.map(CallReply::proto), &len)
    }

    /// Bytes of a text, elements of an aggregate.
    /// Of strings and errors the bytes, of what has elements their number; of anything else, verbatim strings and big
    /// numbers too, 0.
    fn CallReplyLength(answer: Option<&CallReply>) -> usize {
        let counted = answer.filter(|answer| {
            matches!(
                answer.kind,
                reply::STRING | reply::ERROR | reply::ARRAY | reply::SET | reply::MAP | reply::ATTRIBUTE
            )
        });
        counted.map_or(0, |answer| answer.number as usize)
    }

    fn CallReplyInteger(answer: Option<&CallReply>) -> c_longlong {
        answer.filter(|answer| answer.kind == reply::INTEGER).map_or(c_longlong::MIN, |answer| answer.number)
    }

    fn CallReplyDouble(reply: Option<&CallReply>) -> f64 {
        reply.and_then(CallReply::double).unwrap_or(f64::NEG_INFINITY)
    }

    fn CallReplyBool(answer: Option<&CallReply>) -> c_int {
        answer.filter(|answer| answer.kind == reply::BOOL).map_or(c_int::MIN, |answer| answer.number as c_int)
    }

    fn CallReplyBigNumber(answer: Option<&CallReply>, len: Out<usize>) -> *const c_char {
        text(answer.filter(|answer| answer.kind == reply::BIG_NUMBER).and_then(CallReply::text), &len)
    }

    fn CallReplyVerbatim(
        answer: Option<&CallReply>,
        len: Out<usize>,
        kind: Out<*const c_char>,
    ) -> *const c_char {
        let Some(letters) = answer.and_then(CallReply::verbatim_type) else { return ptr::null() };
        kind.put(letters.as_ptr().cast());
        text(answer.and_then(CallReply::text), &len)
    }

    fn CallReplyArrayElement(answer: Option<&CallReply>, index: usize) -> *mut types::CallReply {
        element(answer, reply::ARRAY, index)
    }

    fn CallReplySetElement(answer: Option<&CallReply>, index: usize) -> *mut types::CallReply {
        element(answer, reply::SET, index)
    }

    fn CallReplyMapElement(
        answer: Option<&CallReply>,
        index: usize,
        key: Out<*mut types::CallReply>,
        value: Out<*mut types::CallReply>,
    ) -> c_int {
        pair(answer, reply::MAP, index, &key, &value)
    }

    fn CallReplyAttributeElement(
        answer: Option<&CallReply>,
        index: usize,
        key: Out<*mut types::CallReply>,
        value: Out<*mut types::CallReply>,
    ) -> c_int {
        pair(answer, reply::ATTRIBUTE, index, &key, &value)
    }

    fn CallReplyAttribute(reply: Option<&CallReply>) -> *mut types::CallReply {
        raw(reply.and_then(CallReply::attribute))
    }

    fn CallReplyStringPtr(answer: Option<&CallReply>, len: Out<usize>) -> *const c_char {
        let has_text = answer.filter(|answer| matches!(answer.kind, reply::STRING | reply::ERROR));
        text(has_text.and_then(CallReply::text), &len)
    }

    /// Strings, errors and integers can become strings.
    fn CreateStringFromCallReply(answer: Option<&CallReply>) -> *mut types::ModuleString {
        let Some(answer) = answer else { return ptr::null_mut() };
        let made = match answer.kind {
            reply::STRING | reply::ERROR => StrRef::new(answer.text().unwrap_or_default()),
            reply::INTEGER => StrRef::new(answer.number.to_string().as_bytes()),
            _ => return ptr::null_mut(),
        };
        if let Some(ctx) = answer.owner() {
            return ctx.give_string(made);
        }
        if let Some(slot) = answer.slot() {
            made.charge(slot);
        }
        made.into_raw()
    }
}
