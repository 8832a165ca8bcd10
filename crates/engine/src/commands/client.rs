//! What a client says about itself: CLIENT ID SETNAME GETNAME SETINFO NO-EVICT NO-TOUCH REPLY.

use crate::args::is;
use crate::client::ReplyMode;
use crate::context::Context;
use crate::error::Error;

/// CLIENT ID: the number of the client that asks.
pub(crate) fn id(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    context.reply.integer(context.id.number().cast_signed());
    Ok(())
}

/// CLIENT SETNAME: the name that CLIENT LIST shows; an empty one takes it back.
pub(crate) fn setname(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    set_name(context, args[2])?;
    context.reply.ok();
    Ok(())
}

/// Names the client that asks.
///
/// # Errors
/// When the name isn't made of printable characters without spaces.
pub(super) fn set_name(context: &mut Context<'_>, name: &[u8]) -> Result<(), Error> {
    if !is_printable(name) {
        return Err(Error::fixed("ERR Client names cannot contain spaces, newlines or special characters."));
    }
    context.client_mut().name = name.to_vec();
    Ok(())
}

/// Whether a text can stand in a line of CLIENT LIST without being mistaken for something else.
pub(crate) fn is_printable(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_graphic)
}

/// CLIENT GETNAME: the name that was set, or null.
pub(crate) fn getname(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    // The reply is written while the client is borrowed from the same context.
    let name = std::mem::take(&mut context.client_mut().name);
    if name.is_empty() {
        context.reply.null();
    } else {
        context.reply.bulk(&name);
    }
    context.client_mut().name = name;
    Ok(())
}

/// CLIENT SETINFO `LIB-NAME name | LIB-VER version`: which library speaks, as Redis 7.2 documents it.
pub(crate) fn setinfo(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let (attribute, value) = (args[2], args[3]);
    let client = context.client_mut();
    let field = if is(attribute, "lib-name") {
        &mut client.library_name
    } else if is(attribute, "lib-ver") {
        &mut client.library_version
    } else {
        return Err(Error::new([b"ERR Unrecognized option '", attribute, b"'"].concat()));
    };
    if !is_printable(value) {
        let rule: &[u8] = b" cannot contain spaces, newlines or special characters.";
        return Err(Error::new([b"ERR ", attribute, rule].concat()));
    }
    *field = value.to_vec();
    context.reply.ok();
    Ok(())
}

/// CLIENT NO-EVICT `ON | OFF`: whether the client is spared when clients take too much memory.
pub(crate) fn no_evict(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    context.client_mut().no_evict = on_or_off(args[2])?;
    context.reply.ok();
    Ok(())
}

/// CLIENT NO-TOUCH `ON | OFF`: whether the client's commands, but for TOUCH, leave the access clocks of keys as they
/// are, as Redis 7.2 documents it.
pub(crate) fn no_touch(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    context.client_mut().no_touch = on_or_off(args[2])?;
    context.reply.ok();
    Ok(())
}

fn on_or_off(arg: &[u8]) -> Result<bool, Error> {
    match () {
        _ if is(arg, "on") => Ok(true),
        _ if is(arg, "off") => Ok(false),
        _ => Err(Error::SYNTAX),
    }
}

/// CLIENT REPLY `ON | OFF | SKIP`: whether commands are answered. Only ON is answered itself.
pub(crate) fn reply(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let mode = args[2];
    let client = context.client_mut();
    if is(mode, "on") {
        client.reply_mode = ReplyMode::On;
        context.reply.ok();
    } else if is(mode, "off") {
        client.reply_mode = ReplyMode::Off;
    } else if is(mode, "skip") {
        if client.reply_mode != ReplyMode::Off {
            client.reply_mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(Error::SYNTAX);
    }
    Ok(())
}
