//! Modules in C, compiled for these tests and loaded into an engine in the same process.

#[global_allocator]
static ALLOC: zmalloc::ZMalloc = zmalloc::ZMalloc::new();

mod absent;
mod basics;
mod blocking;
mod clients;
mod configs;
mod corners;
mod coverage;
mod defrag;
mod dictionaries;
mod events;
mod filters;
mod forks;
mod guests;
mod keyed;
mod loading;
mod logins;
mod looping;
mod memory;
mod oracle;
mod places;
mod probes;
mod refusals;
mod support;
mod symbols;
mod telling;
mod test_server;
mod turns;
mod types;
mod users;
mod values;
