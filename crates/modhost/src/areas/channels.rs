//! Commands whose channels only their modules know: they are called to tell them, and for nothing else.

use std::ffi::c_int;

use engine::command::{Channel, Command};
use engine::resp::Writer;
use module_abi::constants::cmd_channel::{PATTERN, PUBLISH, SUBSCRIBE, UNSUBSCRIBE};

use super::commands::{Arguments, owner};
use crate::api::export;
use crate::context::Ctx;

/// What can be done with a channel.
pub(crate) const ALL: c_int = PATTERN | PUBLISH | SUBSCRIBE | UNSUBSCRIBE;

/// Asks a module which arguments of a call are channels. Positions beyond the arguments are passed over.
pub(crate) fn find(command: &Command, args: &[&[u8]]) -> Vec<Channel> {
    let Some((owner, function)) = owner(command) else { return Vec::new() };
    let ctx = Ctx::new(owner.slot(), None, Writer::default());
    ctx.ask_for_channels(owner);
    Arguments::new(args).call(&ctx, function);
    ctx.finish();
    let mut channels = ctx.take_channels();
    channels.retain(|channel| channel.position < args.len());
    channels
}

export! {
    fn IsChannelsPositionRequest(ctx: &Ctx) -> c_int {
        c_int::from(ctx.asks_for_channels())
    }

    /// A channel that a command only unsubscribes from needs no permission, and isn't noted.
    fn ChannelAtPosWithFlags(ctx: &Ctx, position: c_int, flags: c_int) {
        if let Some(position) = usize::try_from(position).ok().filter(|position| *position != 0)
            && flags & (PUBLISH | SUBSCRIBE) != 0
        {
            ctx.note_channel(Channel { position, is_pattern: flags & PATTERN != 0 });
        }
    }
}
