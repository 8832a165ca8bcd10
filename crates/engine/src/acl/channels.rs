//! Which arguments are channels.

use crate::command::Command;

/// The arguments of a call that are channels to publish to or to subscribe to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Channels {
    /// The number of the first.
    pub(super) first: usize,
    /// How many there are.
    pub(super) count: usize,
    /// Whether they are patterns, which a user must be granted as such.
    pub(super) are_patterns: bool,
}

/// The channels that a call needs; none where a client only unsubscribes.
pub(super) fn channels(command: &Command, args: &[&[u8]]) -> Option<Channels> {
    let all = args.len().saturating_sub(1);
    let (count, are_patterns) = match command.name {
        "publish" | "spublish" => (all.min(1), false),
        "subscribe" | "ssubscribe" => (all, false),
        "psubscribe" => (all, true),
        _ => return None,
    };
    Some(Channels { first: 1, count, are_patterns })
}
