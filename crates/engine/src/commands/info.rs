//! INFO.

use crate::context::Context;
use crate::error::Error;

/// INFO `[section…]`: the figures of the sections that are named, or of all.
pub(crate) fn info(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let text = context.engine.info_text(&args[1..]);
    context.reply.verbatim("txt", text.as_bytes());
    Ok(())
}
