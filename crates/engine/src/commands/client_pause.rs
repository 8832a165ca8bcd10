//! Holding clients up and letting them go: CLIENT PAUSE UNPAUSE UNBLOCK.

use super::wait::timeout;
use crate::args::{integer, is};
use crate::context::Context;
use crate::error::Error;

/// CLIENT PAUSE `milliseconds [WRITE | ALL]`: keeps all commands for so long, or all that write.
pub(crate) fn pause(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let writes_only = match &args[3..] {
        [] => false,
        [mode] if is(mode, "all") => false,
        [mode] if is(mode, "write") => true,
        [_] => return Err(Error::fixed("ERR CLIENT PAUSE mode must be WRITE or ALL")),
        _ => return Err(Error::wrong_subcommand(args)),
    };
    let length = timeout(args[2])?.unwrap_or_default();
    let length = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
    let end = context.engine.clock.now_ms().saturating_add(length);
    context.engine.pause(end, writes_only);
    context.reply.ok();
    Ok(())
}

/// CLIENT UNPAUSE: ends what CLIENT PAUSE began.
pub(crate) fn unpause(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    context.engine.unpause();
    context.reply.ok();
    Ok(())
}

/// CLIENT UNBLOCK `id [TIMEOUT | ERROR]`: ends a client's wait as if its time were up, or with an error; says whether
/// it waited.
pub(crate) fn unblock(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let error = match &args[3..] {
        [] => None,
        [reason] if is(reason, "timeout") => None,
        [reason] if is(reason, "error") => {
            Some(Error::fixed("UNBLOCKED client unblocked via CLIENT UNBLOCK"))
        }
        [_] => return Err(Error::fixed("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")),
        _ => return Err(Error::wrong_subcommand(args)),
    };
    let number = integer(args[2])?;
    let engine = &mut *context.engine;
    let found = u64::try_from(number).ok().and_then(|number| engine.clients.numbered(number));
    let waited = found.is_some_and(|id| engine.unblock(id, error));
    context.reply.integer(waited.into());
    Ok(())
}
