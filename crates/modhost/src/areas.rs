//! The areas of the API, one file each. An area is one line in each of the two lists below; whoever adds functions adds
//! a file.

use engine::Engine;

use crate::api::Binding;
use crate::slot::Slot;

pub(crate) mod attributes;
pub(crate) mod automatic;
pub(crate) mod blocking;
pub(crate) mod call_replies;
pub(crate) mod calls;
pub(crate) mod categories;
pub(crate) mod channels;
pub(crate) mod clients;
pub(crate) mod cluster;
pub(crate) mod collections;
pub(crate) mod command_info;
pub(crate) mod command_keys;
pub(crate) mod commands;
pub(crate) mod configs;
pub(crate) mod databases;
pub(crate) mod deferred;
pub(crate) mod defrag;
pub(crate) mod dictionaries;
pub(crate) mod digests;
pub(crate) mod event_loop;
pub(crate) mod events;
pub(crate) mod filters;
pub(crate) mod forks;
pub(crate) mod info;
pub(crate) mod io;
pub(crate) mod key_positions;
pub(crate) mod keys;
pub(crate) mod log;
pub(crate) mod logins;
pub(crate) mod memory;
pub(crate) mod notifications;
pub(crate) mod numbers;
pub(crate) mod promises;
pub(crate) mod rdb;
pub(crate) mod replication;
pub(crate) mod replies;
pub(crate) mod scan;
pub(crate) mod sharing;
pub(crate) mod string_keys;
pub(crate) mod strings;
pub(crate) mod threads;
pub(crate) mod timers;
pub(crate) mod turns;
pub(crate) mod types;
pub(crate) mod users;
pub(crate) mod values;

/// The functions of every area.
pub(crate) const BINDINGS: &[&[Binding]] = &[
    attributes::BINDINGS,
    automatic::BINDINGS,
    blocking::BINDINGS,
    call_replies::BINDINGS,
    calls::BINDINGS,
    categories::BINDINGS,
    channels::BINDINGS,
    clients::BINDINGS,
    cluster::BINDINGS,
    collections::BINDINGS,
    command_keys::BINDINGS,
    command_info::BINDINGS,
    commands::BINDINGS,
    configs::BINDINGS,
    databases::BINDINGS,
    deferred::BINDINGS,
    defrag::BINDINGS,
    dictionaries::BINDINGS,
    digests::BINDINGS,
    events::BINDINGS,
    filters::BINDINGS,
    forks::BINDINGS,
    info::BINDINGS,
    io::BINDINGS,
    key_positions::BINDINGS,
    keys::BINDINGS,
    log::BINDINGS,
    logins::BINDINGS,
    notifications::BINDINGS,
    numbers::BINDINGS,
    promises::BINDINGS,
    rdb::BINDINGS,
    replication::BINDINGS,
    replies::BINDINGS,
    scan::BINDINGS,
    sharing::BINDINGS,
    string_keys::BINDINGS,
    strings::BINDINGS,
    threads::BINDINGS,
    timers::BINDINGS,
    turns::BINDINGS,
    types::BINDINGS,
    users::BINDINGS,
    values::BINDINGS,
    crate::foreign::BINDINGS,
];

/// What an area has to do with modules that come and go.
#[derive(Clone, Copy)]
pub(crate) struct Hooks {
    /// Why a module can't be unloaded now, if that is so, in the words of MODULE UNLOAD.
    pub(crate) keeps: fn(&'static Slot) -> Option<&'static str>,
    /// Takes back all that a module has registered: it is being unloaded, or its OnLoad has failed.
    pub(crate) forget: fn(&'static Slot, &mut Engine),
}

/// The areas that have something to do then, in the order in which they do it.
pub(crate) const HOOKS: &[Hooks] = &[
    logins::HOOKS,
    users::HOOKS,
    commands::HOOKS,
    categories::HOOKS,
    types::HOOKS,
    sharing::HOOKS,
    timers::HOOKS,
    blocking::HOOKS,
    event_loop::HOOKS,
    promises::HOOKS,
    deferred::HOOKS,
    filters::HOOKS,
    forks::HOOKS,
    events::HOOKS,
];
