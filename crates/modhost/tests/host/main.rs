//! Modules in C, compiled for these tests and loaded into an engine in the same process.

#[global_allocator]
static ALLOC: zmalloc::ZMalloc = zmalloc::ZMalloc::new();

mod basics;
mod blocking;
mod configs;
mod corners;
mod coverage;
mod events;
mod filters;
mod guests;
mod loading;
mod looping;
mod memory;
mod support;
mod telling;
mod types;
