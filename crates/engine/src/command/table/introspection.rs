//! The sub-commands of LATENCY, MODULE and SLOWLOG.

use super::super::Command;
use super::super::Group::Server;
use super::{ADMIN, LOADING, NO_ASYNC_LOADING, NOSCRIPT, STALE};
use crate::commands::{help, latency, modules, slowlog};

/// What the reports of LATENCY tell a proxy: each server has its own.
const REPORT: &[&str] = &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];

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
