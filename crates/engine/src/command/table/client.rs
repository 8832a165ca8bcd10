//! The sub-commands of CLIENT.

use super::super::Command;
use super::super::Group::Connection;
use super::{ADMIN, CONNECTION, LOADING, NOSCRIPT, STALE};
use crate::commands::{client, client_kill, client_list, client_pause, help, tracking};

#[rustfmt::skip]
pub(super) const CLIENT: &[Command] = &[
    Command::new("caching", 3, tracking::caching)
        .syntax("<mode: YES | NO>")
        .flags(&[NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Connection, "6.0.0", "O(1)", "Says whether to track what the next command reads."),
    Command::new("getname", 2, client::getname)
        .flags(&[NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Connection, "2.6.9", "O(1)", "Answers with the connection's name."),
    Command::new("getredir", 2, tracking::getredir)
        .flags(&[NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Connection, "6.0.0", "O(1)", "Tells who is told of what the connection tracks."),
    Command::new("help", 2, help::help)
        .flags(&[LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Connection, "5.0.0", "O(1)", "Lists the sub-commands."),
    Command::new("id", 2, client::id)
        .flags(&[NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Connection, "5.0.0", "O(1)", "Answers with the connection's number."),
    Command::new("info", 2, client_list::info)
        .flags(&[NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .tips(&["nondeterministic_output"])
        .doc(Connection, "6.2.0", "O(1)", "Describes the connection."),
    Command::new("kill", -3, client_kill::kill)
        .syntax(
            "<filter: ip:port:string!2.8.12 | <new-format: [ID client-id:integer]@2.8.12 \
             | [TYPE <normal_master_slave_pubsub: NORMAL | MASTER@3.2.0 | SLAVE \
             | REPLICA@5.0.0 | PUBSUB>]@2.8.12 \
             | [USER username] | [ADDR ip:port:string] | [LADDR ip:port:string]@6.2.0 \
             | [SKIPME yes/no]>...>",
        )
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Connection, "2.4.0", "O(N) for N connections", "Closes the connections that pass every filter.")
        .history(&[
            ("2.8.12", "Filters by name."),
            ("2.8.12", "ID."),
            ("3.2.0", "TYPE MASTER."),
            ("5.0.0", "TYPE REPLICA, beside SLAVE."),
            ("6.2.0", "LADDR."),
        ]),
    Command::new("list", -2, client_list::list)
        .syntax(
            "[TYPE <normal_master_replica_pubsub: NORMAL | MASTER | REPLICA | PUBSUB>]@5.0.0 \
             [ID <id: client-id:integer...>]@6.2.0",
        )
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .tips(&["nondeterministic_output"])
        .doc(Connection, "2.4.0", "O(N) for N connections", "Describes every connection.")
        .history(&[
            ("2.8.12", "`id`."),
            ("5.0.0", "TYPE."),
            ("6.0.0", "`user`."),
            ("6.2.0", "ID; `argv-mem`, `tot-mem`, `laddr` and `redir`."),
            ("7.0.0", "`resp`, `multi-mem`, `rbs` and `rbp`."),
            ("7.0.3", "`ssub`."),
        ]),
    Command::new("no-evict", 3, client::no_evict)
        .syntax("<enabled: ON | OFF>")
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Connection, "7.0.0", "O(1)", "Spares the connection when clients are evicted, or doesn't."),
    Command::new("no-touch", 3, client::no_touch)
        .syntax("<enabled: ON | OFF>")
        .flags(&[NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Connection, "7.2.0", "O(1)", "Has the connection leave no trace of when keys were used, or not."),
    Command::new("pause", -3, client_pause::pause)
        .syntax("timeout:integer [mode: WRITE | ALL]@6.2.0")
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Connection, "2.9.50", "O(1)", "Holds all commands up for a while, or those that write.")
        .history(&[("6.2.0", "WRITE and ALL.")]),
    Command::new("reply", 3, client::reply)
        .syntax("<on_off_skip: ON | OFF | SKIP>")
        .flags(&[NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Connection, "3.2.0", "O(1)", "Says whether the connection wants replies."),
    Command::new("setinfo", 4, client::setinfo)
        .syntax("<attr: LIB-NAME libname | LIB-VER libver>")
        .flags(&[NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"])
        .doc(Connection, "7.2.0", "O(1)", "Tells the name or version of the client's library."),
    Command::new("setname", 3, client::setname)
        .syntax("connection-name")
        .flags(&[NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Connection, "2.6.9", "O(1)", "Names the connection."),
    Command::new("tracking", -3, tracking::tracking)
        .syntax(
            "<status: ON | OFF> [REDIRECT client-id:integer] [PREFIX prefix]... [BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
        )
        .flags(&[NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Connection, "6.0.0", "O(1), or O(N) for N keys", "Tells of changes to keys that were read, or not."),
    Command::new("trackinginfo", 2, tracking::trackinginfo)
        .flags(&[NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Connection, "6.2.0", "O(1)", "Tells how the connection is tracked."),
    Command::new("unblock", -3, client_pause::unblock)
        .syntax("client-id:integer [timeout_error: TIMEOUT | ERROR]")
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Connection, "5.0.0", "O(N) for N connections", "Ends the wait of a connection."),
    Command::new("unpause", 2, client_pause::unpause)
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .acl(&[CONNECTION])
        .doc(Connection, "6.2.0", "O(N) for N held connections", "Lets held commands go on."),
];
