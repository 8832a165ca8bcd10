//! The sub-commands of ACL.

use super::super::Command;
use super::super::Group::Server;
use super::{ADMIN, LOADING, NOSCRIPT, STALE};
use crate::commands::{acl, help};

#[rustfmt::skip]
pub(super) const ACL: &[Command] = &[
    Command::new("cat", -2, acl::cat)
        .syntax("[categoryname]")
        .flags(&[NOSCRIPT, LOADING, STALE])
        .doc(Server, "6.0.0", "O(N) for N commands", "Lists the categories, or the commands in one."),
    Command::new("deluser", -3, acl::deluser)
        .syntax("username...")
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .doc(Server, "6.0.0", "O(N) for N connections", "Removes users, and closes their connections."),
    Command::new("dryrun", -4, acl::dryrun)
        .syntax("username command [arg...]")
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .doc(Server, "7.0.0", "O(N) for N rules", "Tells whether a user may make a call, without making it."),
    Command::new("genpass", -2, acl::genpass)
        .syntax("[bits:integer]")
        .flags(&[NOSCRIPT, LOADING, STALE])
        .doc(Server, "6.0.0", "O(1)", "Makes a password that nobody can guess."),
    Command::new("getuser", 3, acl::getuser)
        .syntax("username")
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .doc(Server, "6.0.0", "O(N) for N rules", "Shows a user's passwords and rules.")
        .history(&[("6.2.0", "Channels."), ("7.0.0", "Selectors; keys and channels as rules.")]),
    Command::new("help", 2, help::help)
        .flags(&[LOADING, STALE])
        .doc(Server, "6.0.0", "O(1)", "Lists the sub-commands."),
    Command::new("list", 2, acl::list)
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .doc(Server, "6.0.0", "O(N) for N users", "Shows every user as a line of rules."),
    Command::new("load", 2, acl::load)
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .doc(Server, "6.0.0", "O(N) for N users", "Reads the users from the ACL file."),
    Command::new("log", -2, acl::log)
        .syntax("[operation: count:integer | RESET]")
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .doc(Server, "6.0.0", "O(N) for N entries", "Shows what was denied lately, or forgets it."),
    Command::new("save", 2, acl::save)
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .doc(Server, "6.0.0", "O(N) for N users", "Writes the users to the ACL file."),
    Command::new("setuser", -3, acl::setuser)
        .syntax("username [rule...]")
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .doc(Server, "6.0.0", "O(N) for N rules", "Creates or changes a user.")
        .history(&[("6.2.0", "Channels."), ("7.0.0", "Selectors, and what may be done with keys.")]),
    Command::new("users", 2, acl::users)
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .doc(Server, "6.0.0", "O(N) for N users", "Names every user."),
    Command::new("whoami", 2, acl::whoami)
        .flags(&[NOSCRIPT, LOADING, STALE])
        .doc(Server, "6.0.0", "O(1)", "Names the connection's user."),
];
