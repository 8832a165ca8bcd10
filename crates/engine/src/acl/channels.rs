//! Which arguments are channels.

use crate::command::{Channel, Command};

/// The channels that a call needs; none where a client only unsubscribes.
pub(super) fn channels(command: &Command, args: &[&[u8]]) -> Vec<Channel> {
    if let Some(find) = command.added.as_ref().and_then(|added| added.find_channels) {
        return find(command, args);
    }
    let all = args.len().saturating_sub(1);
    let (count, is_pattern) = match command.name {
        "publish" | "spublish" => (all.min(1), false),
        "subscribe" | "ssubscribe" => (all, false),
        "psubscribe" => (all, true),
        _ => (0, false),
    };
    (1..=count).map(|position| Channel { position, is_pattern }).collect()
}
