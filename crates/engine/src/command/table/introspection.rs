//! The sub-commands of COMMAND, LATENCY, MODULE, PUBSUB and SLOWLOG: what the server tells of itself.

use super::super::Command;
use super::super::Group::{PubSub, Server};
use super::{ADMIN, CONNECTION, LOADING, NO_ASYNC_LOADING, NOSCRIPT, PUBSUB, STALE};
use crate::commands::{command, help, latency, modules, pubsub, slowlog};

/// What the reports of LATENCY tell a proxy: each server has its own.
const REPORT: &[&str] = &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];

#[rustfmt::skip]
pub(super) const COMMAND: &[Command] = &[
    Command::new("count", 2, command::count)
        .flags(&[LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Server, "2.8.13", "O(1)", "Counts the commands."),
    Command::new("docs", -2, command::docs)
        .syntax("[command-name...]")
        .flags(&[LOADING, STALE])
        .acl(&[CONNECTION])
        .tips(&["nondeterministic_output_order"])
        .doc(Server, "7.0.0", "O(N) for N names", "Documents commands, or all of them."),
    Command::new("getkeys", -4, command::getkeys)
        .flags(&[LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Server, "2.8.13", "O(N) for N arguments", "Picks the keys out of a command."),
    Command::new("getkeysandflags", -4, command::getkeysandflags)
        .flags(&[LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Server, "7.0.0", "O(N) for N arguments", "Picks the keys out of a command, with their use."),
    Command::new("help", 2, help::help)
        .flags(&[LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Server, "5.0.0", "O(1)", "Lists the sub-commands."),
    Command::new("info", -2, command::info)
        .syntax("[command-name...]")
        .flags(&[LOADING, STALE])
        .acl(&[CONNECTION])
        .tips(&["nondeterministic_output_order"])
        .doc(Server, "2.8.13", "O(N) for N names", "Describes commands, or all of them.")
        .history(&[("7.0.0", "Without names, every command.")]),
    Command::new("list", -2, command::list)
        .syntax("[FILTERBY <filterby: MODULE module-name | ACLCAT category | PATTERN pattern>]")
        .flags(&[LOADING, STALE])
        .acl(&[CONNECTION])
        .tips(&["nondeterministic_output_order"])
        .doc(Server, "7.0.0", "O(N) for N commands", "Names the commands, or some of them."),
];

#[rustfmt::skip]
pub(super) const LATENCY: &[Command] = &[
    Command::new("doctor", 2, latency::doctor)
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .tips(REPORT)
        .doc(Server, "2.8.13", "O(1)", "Says what took long, and what may help."),
    Command::new("graph", 3, latency::graph)
        .syntax("event")
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .tips(REPORT)
        .doc(Server, "2.8.13", "O(1)", "Draws when an event took long, and how long."),
    Command::new("help", 2, help::help)
        .flags(&[LOADING, STALE])
        .doc(Server, "2.8.13", "O(1)", "Lists the sub-commands."),
    Command::new("histogram", -2, latency::histogram)
        .syntax("[command...]")
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .tips(REPORT)
        .doc(Server, "7.0.0", "O(N) for N commands", "Shows how long calls of commands took."),
    Command::new("history", 3, latency::history)
        .syntax("event")
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .tips(REPORT)
        .doc(Server, "2.8.13", "O(1)", "Shows when an event took long, and how long."),
    Command::new("latest", 2, latency::latest)
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .tips(REPORT)
        .doc(Server, "2.8.13", "O(1)", "Shows of each event when it took long last."),
    Command::new("reset", -2, latency::reset)
        .syntax("[event...]")
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc(Server, "2.8.13", "O(1)", "Forgets events, or all of them."),
];

#[rustfmt::skip]
pub(super) const MODULE: &[Command] = &[
    Command::new("help", 2, help::help)
        .flags(&[LOADING, STALE])
        .doc(Server, "5.0.0", "O(1)", "Lists the sub-commands."),
    Command::new("list", 2, modules::list)
        .flags(&[ADMIN, NOSCRIPT])
        .tips(&["nondeterministic_output_order"])
        .doc(Server, "4.0.0", "O(N) for N modules", "Lists the modules, and what each holds."),
    Command::new("load", -3, modules::load)
        .syntax("path [arg...]")
        .flags(&[ADMIN, NOSCRIPT, NO_ASYNC_LOADING])
        .doc(Server, "4.0.0", "O(1)", "Loads a module."),
    Command::new("loadex", -3, modules::loadex)
        .syntax("path [CONFIG <configs: name value>]... [ARGS <args: arg>...]")
        .flags(&[ADMIN, NOSCRIPT, NO_ASYNC_LOADING])
        .doc(Server, "7.0.0", "O(1)", "Loads a module, with values for its directives."),
    Command::new("unload", 3, modules::unload)
        .syntax("name")
        .flags(&[ADMIN, NOSCRIPT, NO_ASYNC_LOADING])
        .doc(Server, "4.0.0", "O(1)", "Unloads a module."),
];

#[rustfmt::skip]
pub(super) const PUBSUB_SUBCOMMANDS: &[Command] = &[
    Command::new("channels", -2, pubsub::channels)
        .syntax("[pattern]")
        .flags(&[PUBSUB, LOADING, STALE])
        .doc(PubSub, "2.8.0", "O(N) for N channels", "Lists the channels that have subscribers."),
    Command::new("help", 2, help::help)
        .flags(&[LOADING, STALE])
        .doc(PubSub, "6.2.0", "O(1)", "Lists the sub-commands."),
    Command::new("numpat", 2, pubsub::numpat)
        .flags(&[PUBSUB, LOADING, STALE])
        .doc(PubSub, "2.8.0", "O(1)", "Counts the patterns that have subscribers."),
    Command::new("numsub", -2, pubsub::numsub)
        .syntax("[channel...]")
        .flags(&[PUBSUB, LOADING, STALE])
        .doc(PubSub, "2.8.0", "O(1) a channel", "Counts the subscribers of channels."),
    Command::new("shardchannels", -2, pubsub::shardchannels)
        .syntax("[pattern]")
        .flags(&[PUBSUB, LOADING, STALE])
        .doc(PubSub, "7.0.0", "O(N) for N channels", "Lists the shard channels that have subscribers."),
    Command::new("shardnumsub", -2, pubsub::shardnumsub)
        .syntax("[shardchannel...]")
        .flags(&[PUBSUB, LOADING, STALE])
        .doc(PubSub, "7.0.0", "O(1) a channel", "Counts the subscribers of shard channels."),
];

#[rustfmt::skip]
pub(super) const SLOWLOG: &[Command] = &[
    Command::new("get", -2, slowlog::get)
        .syntax("[count:integer]")
        .flags(&[ADMIN, LOADING, STALE])
        .tips(&["request_policy:all_nodes", "nondeterministic_output"])
        .doc(Server, "2.2.12", "O(N) for N entries", "Shows the commands that took long.")
        .history(&[("4.0.0", "The client's address and name.")]),
    Command::new("help", 2, help::help)
        .flags(&[LOADING, STALE])
        .doc(Server, "6.2.0", "O(1)", "Lists the sub-commands."),
    Command::new("len", 2, slowlog::len)
        .flags(&[ADMIN, LOADING, STALE])
        .tips(&["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"])
        .doc(Server, "2.2.12", "O(1)", "Counts the entries of the slow log."),
    Command::new("reset", 2, slowlog::reset)
        .flags(&[ADMIN, LOADING, STALE])
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc(Server, "2.2.12", "O(N) for N entries", "Forgets the entries of the slow log."),
];
