//! The Redis-compatible server.
#![forbid(unsafe_code)]

fn main() {}
