//! WAIT: for replicas, of which there are none.

use std::time::Duration;

use crate::args::integer;
use crate::blocking::Waiter;
use crate::context::Context;
use crate::error::Error;

/// The one who waits for replicas to have what has been written.
#[derive(Debug)]
struct ForReplicas;

impl Waiter for ForReplicas {
    fn timed_out(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        context.reply().integer(0);
        Ok(())
    }
}

/// WAIT: as Redis without replicas, waits until the time is up unless 0 of them are enough; 0 milliseconds are for
/// ever.
pub(crate) fn wait(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let replicas = integer(args[1])?;
    let timeout = timeout(args[2])?;
    if replicas <= 0 || !context.may_wait() {
        context.reply.integer(0);
    } else {
        context.wait(&[], timeout, Box::new(ForReplicas));
    }
    Ok(())
}

/// How long a command may wait, in milliseconds; `None` for ever, which 0 means.
///
/// # Errors
/// When it is no number, negative, or past the end of time.
pub(super) fn timeout(arg: &[u8]) -> Result<Option<Duration>, Error> {
    let milliseconds =
        integer(arg).map_err(|_| Error::fixed("ERR timeout is not an integer or out of range"))?;
    let milliseconds = u64::try_from(milliseconds).map_err(|_| Error::fixed("ERR timeout is negative"))?;
    Ok((milliseconds != 0).then(|| Duration::from_millis(milliseconds)))
}
