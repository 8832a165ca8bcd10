//! Replies: each kind, in the version of the protocol that the client speaks.

use std::borrow::Cow;
use std::ffi::{CStr, c_char, c_int, c_long, c_longlong};

use engine::Error;
use engine::resp::{Version, Writer};
use module_abi::constants::{ERR, OK, POSTPONED_LEN};

use crate::api::export;
use crate::call_reply::CallReply;
use crate::context::Ctx;
use crate::guard::bytes;
use crate::string::Str;

/// Writes a part of the reply.
fn write(ctx: &Ctx, body: impl FnOnce(&mut Writer)) -> c_int {
    body(&mut ctx.reply.borrow_mut());
    OK
}

/// The header of an aggregate, or where it is to be once its length is known.
fn begin(ctx: &Ctx, len: c_long, header: fn(&mut Writer, usize)) -> c_int {
    match usize::try_from(len) {
        Ok(len) => write(ctx, |writer| header(writer, len)),
        Err(_) if len == POSTPONED_LEN => {
            let place = ctx.reply.borrow().len();
            ctx.postponed.borrow_mut().push(place);
            OK
        }
        Err(_) => ERR,
    }
}

/// Puts the header where it was left out last.
fn end(ctx: &Ctx, len: c_long, header: fn(&mut Writer, usize)) {
    let Some(place) = ctx.postponed.borrow_mut().pop() else {
        tracing::warn!(
            "API misuse detected in module {}: the length of a reply was set, and none was postponed",
            ctx.slot.name()
        );
        return;
    };
    let len = usize::try_from(len).unwrap_or(0);
    ctx.reply.borrow_mut().insert(place, |writer| header(writer, len));
}

fn attribute(writer: &mut Writer, len: usize) {
    writer.attribute(len);
}

/// A status can't hold the end of a line.
fn one_line(text: &CStr) -> Cow<'_, str> {
    match text.to_str() {
        Ok(text) if !text.bytes().any(|byte| matches!(byte, b'\r' | b'\n')) => text.into(),
        _ => text.to_string_lossy().replace(['\r', '\n'], " ").into(),
    }
}

export! {
    fn WrongArity(ctx: &Ctx) -> c_int {
        let name = ctx.command_name();
        write(ctx, |writer| writer.error(&Error::wrong_arity(name)))
    }

    fn ReplyWithLongLong(ctx: &Ctx, number: c_longlong) -> c_int {
        write(ctx, |writer| writer.integer(number))
    }

    fn ReplyWithError(ctx: &Ctx, error: &CStr) -> c_int {
        write(ctx, |writer| writer.error(&Error::new(error.to_bytes())))
    }

    fn ReplyWithSimpleString(ctx: &Ctx, text: &CStr) -> c_int {
        write(ctx, |writer| writer.simple(&one_line(text)))
    }

    fn ReplyWithArray(ctx: &Ctx, len: c_long) -> c_int {
        begin(ctx, len, Writer::array)
    }

    fn ReplyWithMap(ctx: &Ctx, len: c_long) -> c_int {
        begin(ctx, len, Writer::map)
    }

    fn ReplyWithSet(ctx: &Ctx, len: c_long) -> c_int {
        begin(ctx, len, Writer::set)
    }

    /// Only a client that speaks RESP3 can be told.
    fn ReplyWithAttribute(ctx: &Ctx, len: c_long) -> c_int {
        let version = ctx.reply.borrow().version();
        if version == Version::V2 { ERR } else { begin(ctx, len, attribute) }
    }

    fn ReplyWithNullArray(ctx: &Ctx) -> c_int {
        write(ctx, Writer::null_array)
    }

    fn ReplyWithEmptyArray(ctx: &Ctx) -> c_int {
        write(ctx, |writer| writer.array(0))
    }

    fn ReplySetArrayLength(ctx: &Ctx, len: c_long) {
        end(ctx, len, Writer::array);
    }

    fn ReplySetMapLength(ctx: &Ctx, len: c_long) {
        end(ctx, len, Writer::map);
    }

    fn ReplySetSetLength(ctx: &Ctx, len: c_long) {
        end(ctx, len, Writer::set);
    }

    fn ReplySetAttributeLength(ctx: &Ctx, len: c_long) {
        let version = ctx.reply.borrow().version();
        if version == Version::V3 {
            end(ctx, len, attribute);
        }
    }

    fn ReplyWithStringBuffer(ctx: &Ctx, text: *const c_char, len: usize) -> c_int {
        // SAFETY: the module passes that many bytes.
        let text = unsafe { bytes(text, len) };
        write(ctx, |writer| writer.bulk(text))
    }

    fn ReplyWithCString(ctx: &Ctx, text: &CStr) -> c_int {
        write(ctx, |writer| writer.bulk(text.to_bytes()))
    }

    fn ReplyWithString(ctx: &Ctx, string: Option<&Str>) -> c_int {
        write(ctx, |writer| writer.bulk(string.map_or(&[], Str::bytes)))
    }

    fn ReplyWithEmptyString(ctx: &Ctx) -> c_int {
        write(ctx, |writer| writer.bulk(b""))
    }

    fn ReplyWithVerbatimStringType(ctx: &Ctx, text: *const c_char, len: usize, kind: &CStr) -> c_int {
        // SAFETY: the module passes that many bytes.
        let text = unsafe { bytes(text, len) };
        let mut letters = *b"txt";
        for (letter, given) in letters.iter_mut().zip(kind.to_bytes()) {
            *letter = if given.is_ascii_graphic() { *given } else { b'?' };
        }
        write(ctx, |writer| writer.verbatim(std::str::from_utf8(&letters).unwrap_or("txt"), text))
    }

    fn ReplyWithVerbatimString(ctx: &Ctx, text: *const c_char, len: usize) -> c_int {
        // SAFETY: the module passes that many bytes.
        let text = unsafe { bytes(text, len) };
        write(ctx, |writer| writer.verbatim("txt", text))
    }

    fn ReplyWithNull(ctx: &Ctx) -> c_int {
        write(ctx, Writer::null)
    }

    fn ReplyWithBool(ctx: &Ctx, value: c_int) -> c_int {
        write(ctx, |writer| writer.boolean(value != 0))
    }

    fn ReplyWithDouble(ctx: &Ctx, number: f64) -> c_int {
        write(ctx, |writer| writer.double(number))
    }

    fn ReplyWithBigNumber(ctx: &Ctx, text: *const c_char, len: usize) -> c_int {
        // SAFETY: the module passes that many bytes.
        let text = unsafe { bytes(text, len) };
        write(ctx, |writer| writer.big_number(text))
    }

    /// The reply is sent as it was received; one that a command called with RESP3 gave needs a client that speaks it.
    fn ReplyWithCallReply(ctx: &Ctx, reply: Option<&CallReply>) -> c_int {
        let Some(reply) = reply else { return ERR };
        write(ctx, |writer| writer.raw(reply.proto()))
    }
}
