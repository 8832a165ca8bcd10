//! The sub-commands of CONFIG.

use super::super::Command;
use super::super::Group::Server;
use super::{ADMIN, LOADING, NOSCRIPT, STALE};
use crate::commands::{config, help};

#[rustfmt::skip]
pub(super) const CONFIG: &[Command] = &[
    Command::new("get", -3, config::get)
        .syntax("<parameter: parameter>...")
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .doc(Server, "2.0.0", "O(N) for N patterns", "Shows the directives that match a pattern.")
        .history(&[("7.0.0", "More than one pattern.")]),
    Command::new("help", 2, help::help)
        .flags(&[LOADING, STALE])
        .doc(Server, "5.0.0", "O(1)", "Lists the sub-commands."),
    Command::new("resetstat", 2, config::resetstat)
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .doc(Server, "2.0.0", "O(1)", "Sets the counters of INFO back to zero."),
    Command::new("rewrite", 2, config::rewrite)
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .doc(Server, "2.8.0", "O(1)", "Writes what is in force to the configuration file."),
    Command::new("set", -4, config::set)
        .syntax("<parameter_value: parameter value>...")
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc(Server, "2.0.0", "O(N) for N directives", "Changes directives, all or none.")
        .history(&[("7.0.0", "More than one directive.")]),
];
