//! The sub-commands of MEMORY.

use super::super::Group::Server;
use super::super::{Command, KeySpec};
use super::{LOADING, READONLY, RO, STALE};
use crate::commands::{help, memory, modules};

#[rustfmt::skip]
pub(super) const MEMORY: &[Command] = &[
    Command::new("doctor", 2, memory::doctor)
        .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
        .doc(Server, "4.0.0", "O(1)", "Says what is wrong with the use of memory, and what helps."),
    Command::new("help", 2, help::help)
        .flags(&[LOADING, STALE])
        .doc(Server, "4.0.0", "O(1)", "Lists the sub-commands."),
    Command::new("malloc-stats", 2, memory::malloc_stats)
        .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
        .doc(Server, "4.0.0", "Grows with the memory in use", "Shows the allocator's own report."),
    Command::new("modules", 2, modules::memory)
        .tips(&["nondeterministic_output"])
        .doc(Server, "0.1.0", "O(N) for N modules", "Shows what each module holds."),
    Command::new("purge", 2, memory::purge)
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .doc(Server, "4.0.0", "Grows with the memory in use", "Gives unused pages back to the system."),
    Command::new("stats", 2, memory::stats)
        .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
        .doc(Server, "4.0.0", "O(1)", "Shows where memory went."),
    Command::new("usage", -3, memory::usage)
        .syntax("key [SAMPLES count:integer]")
        .flags(&[READONLY])
        .keys(&[KeySpec::one(2, &[RO])])
        .doc(Server, "4.0.0", "O(N) for N samples", "Tells the bytes that a key takes."),
];
