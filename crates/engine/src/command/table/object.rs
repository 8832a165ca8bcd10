//! The sub-commands of OBJECT.

use super::super::Group::Generic;
use super::super::{Command, KeySpec};
use super::{KEYSPACE, LOADING, READONLY, RO, STALE};
use crate::commands::{help, object};

#[rustfmt::skip]
pub(super) const OBJECT: &[Command] = &[
    Command::new("encoding", 3, object::encoding)
        .syntax("key")
        .flags(&[READONLY])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(2, &[RO])])
        .tips(&["nondeterministic_output"])
        .doc(Generic, "2.2.3", "O(1)", "Names the form in which a value is kept."),
    Command::new("freq", 3, object::freq)
        .syntax("key")
        .flags(&[READONLY])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(2, &[RO])])
        .tips(&["nondeterministic_output"])
        .doc(Generic, "4.0.0", "O(1)", "Tells how often a key is used, on a logarithmic scale."),
    Command::new("help", 2, help::help)
        .flags(&[LOADING, STALE])
        .acl(&[KEYSPACE])
        .doc(Generic, "6.2.0", "O(1)", "Lists the sub-commands."),
    Command::new("idletime", 3, object::idletime)
        .syntax("key")
        .flags(&[READONLY])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(2, &[RO])])
        .tips(&["nondeterministic_output"])
        .doc(Generic, "2.2.3", "O(1)", "Tells the seconds since a key was last used."),
    Command::new("refcount", 3, object::refcount)
        .syntax("key")
        .flags(&[READONLY])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(2, &[RO])])
        .tips(&["nondeterministic_output"])
        .doc(Generic, "2.2.3", "O(1)", "Tells how many own a value."),
];
