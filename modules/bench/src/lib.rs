//! One command, `ALLOCBENCH shape`, that allocates in one way and replies how long it took.
//!
//! It is built twice, with our allocator and with the one of the crate redis-module, and has no data
//! type, so that it can be unloaded. What it measures is what a module's author writes: vectors,
//! strings and maps.
#![deny(unsafe_code)]
#![expect(missing_docs, reason = "redis_module! writes the two functions that the server looks for")]

mod allocator;
mod calloc;
mod shapes;

use redis_module::{Context, NextArg, RedisError, RedisResult, RedisString, RedisValue, redis_module};

/// `ALLOCBENCH shape`: nanoseconds.
fn allocbench(_context: &Context, args: Vec<RedisString>) -> RedisResult {
    let mut args = args.into_iter().skip(1);
    let shape = args.next_str()?;
    args.done()?;
    let run = shapes::of(shape).ok_or(RedisError::Str("ERR there is no such shape"))?;
    Ok(RedisValue::Integer(shapes::nanoseconds(run)))
}

/// `ALLOCBENCHBYTES`: what the module holds, by its allocator's count; 0 with one that doesn't count.
fn held(_context: &Context, _args: Vec<RedisString>) -> RedisResult {
    Ok(RedisValue::Integer(zmalloc_module::ModuleAlloc::usage().bytes as i64))
}

redis_module! {
    name: "allocbench",
    version: 1,
    allocator: (crate::allocator::Allocator, crate::allocator::ALLOCATOR),
    data_types: [],
    commands: [
        ["allocbench", allocbench, "readonly", 0, 0, 0, ""],
        ["allocbenchbytes", held, "readonly fast", 0, 0, 0, ""],
    ],
}
