//! The built server, started as a user starts it and driven from outside: sockets, signals, files, and clients
//! written by others.

mod abuse;
mod clients;
mod configuration;
mod crashes;
mod libraries;
mod memory;
mod messages;
mod misbehaving;
mod module_configuration;
mod module_events;
mod module_rounds;
mod module_turns;
mod modules;
mod protocol;
mod start_up;
mod support;
mod tools;
