//! The server as a whole: TIME SHUTDOWN.

use crate::args::is;
use crate::client::Close;
use crate::context::Context;
use crate::engine::Shutdown;
use crate::error::Error;

/// TIME: the data clock, in whole seconds since 1970 and the microseconds on top.
pub(crate) fn time(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    const SECOND: i64 = 1_000_000;
    let now = context.engine.clock.now_us();
    context.reply.array(2);
    context.reply.bulk_integer(now.div_euclid(SECOND));
    context.reply.bulk_integer(now.rem_euclid(SECOND));
    Ok(())
}

/// MONITOR: shows the client every command as it runs; one that is shown them already gets no answer.
pub(crate) fn monitor(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    if !context.may_wait() {
        return Err(Error::fixed("ERR MONITOR isn't allowed for DENY BLOCKING client"));
    }
    if context.engine.begin_monitor(context.id) {
        context.reply.ok();
    }
    Ok(())
}

/// SHUTDOWN `[NOSAVE | SAVE] [NOW] [FORCE]`, or `ABORT` to take it back while it can be.
///
/// The one that asks gets no reply, and nothing it has sent behind this is executed. What SAVE asks for can't be
/// done, as nothing here is saved: it is refused unless FORCE says to end regardless.
pub(crate) fn shutdown(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let (mut shutdown, mut save, mut nosave, mut abort) = (Shutdown::default(), false, false, false);
    for option in &args[1..] {
        if is(option, "nosave") {
            nosave = true;
        } else if is(option, "save") {
            save = true;
        } else if is(option, "now") {
            shutdown.now = true;
        } else if is(option, "force") {
            shutdown.force = true;
        } else if is(option, "abort") {
            abort = true;
        } else {
            return Err(Error::SYNTAX);
        }
    }
    if save && nosave || abort && (save || nosave || shutdown != Shutdown::default()) {
        return Err(Error::SYNTAX);
    }
    if abort {
        context.engine.shutdown.take().ok_or(Error::fixed("ERR No shutdown in progress."))?;
        context.reply.ok();
        return Ok(());
    }
    // What a command is at that lets others have their turn isn't ended by accident, as in Redis.
    if !nosave && let Some(busy) = context.engine.busy_error() {
        return Err(busy);
    }
    if save && !shutdown.force {
        return Err(Error::fixed("ERR Errors trying to SHUTDOWN. Check logs."));
    }
    context.engine.shutdown = Some(shutdown);
    context.client_mut().close = Some(Close::AfterReply);
    Ok(())
}
