//! TairString: strings with a version and flags, and CAS and CAD for Redis's own strings.
//!
//! Commands, replies and the type's encoding are those that Tair documents for its module of this
//! name, so clients and data can go from one to the other. The folder is meant to be read:
//!
//! - `value` is the type, and how it is saved;
//! - `commands` holds a file for each group of commands. Each has a function over the value alone,
//!   tested without a server, and a few lines that open the key and reply;
//! - `effect` is what a command does to its key, and what replicas are told.
//!
//! What a module should see to, and where it does:
//!
//! - arguments are checked before the keyspace is touched: `commands/exset.rs`;
//! - a reply has one shape whatever happens: `commands/compare.rs`;
//! - arguments are the server's, kept as long as they are used: `commands/mod.rs`;
//! - replicas are told what can be heard twice, verbatim where nothing is relative: `effect.rs`;
//! - flags and key positions: below; keys opened as meant, and WRONGTYPE: `keys` in `module-kit`;
//! - RDB with a version, and the AOF: `value.rs`; input that is cut short is refused: `start`, below;
//! - MEMORY USAGE and defragmentation by `derive(HeapWalk)`, UNLINK's effort, digest, COPY: `value.rs`;
//! - only two symbols are exported: `build.rs`.
//!
//! It has no state of its own besides its values, so there is nothing to end: the server frees these,
//! and unloads no module that has a type.
#![deny(unsafe_code)]
#![expect(missing_docs, reason = "redis_module! writes the two functions that the server looks for")]

mod allocator;
mod commands;
mod effect;
mod value;

use module_kit::server;
use redis_module::{Context, InfoContext, RedisResult, RedisString, Status, redis_module};

use crate::commands::{append, compare, exset, get, increment};
use crate::value::TAIR_STRING;

fn start(context: &Context, _args: &[RedisString]) -> Status {
    server::handle_read_errors(context);
    Status::Ok
}

/// What the module holds, under `exstrtype_memory` in INFO.
fn memory(context: &InfoContext, for_crash_report: bool) {
    // INFO has no reply of its own to say an error in: a field that can't be added is left out.
    let _: RedisResult<()> = zmalloc_module::info::memory_info(context, for_crash_report);
}

// Every command names its key, so that a cluster can route it and an ACL can guard it. Those that
// write say so, and those that may take memory are refused when there is none left (deny-oom). All
// take a time that doesn't depend on how much is stored (fast), but those that copy a whole value.
redis_module! {
    name: "exstrtype",
    version: 1,
    allocator: (crate::allocator::Allocator, crate::allocator::ALLOCATOR),
    data_types: [TAIR_STRING],
    init: start,
    info: memory,
    commands: [
        ["exset", exset::exset, "write deny-oom fast", 1, 1, 1, ""],
        ["exget", get::exget, "readonly fast", 1, 1, 1, ""],
        ["exsetver", exset::exsetver, "write fast", 1, 1, 1, ""],
        ["exincrby", increment::exincrby, "write deny-oom fast", 1, 1, 1, ""],
        ["exincrbyfloat", increment::exincrbyfloat, "write deny-oom fast", 1, 1, 1, ""],
        ["excas", compare::excas, "write deny-oom fast", 1, 1, 1, ""],
        ["excad", compare::excad, "write fast", 1, 1, 1, ""],
        ["exappend", append::exappend, "write deny-oom", 1, 1, 1, ""],
        ["exprepend", append::exprepend, "write deny-oom", 1, 1, 1, ""],
        ["exgae", get::exgae, "write fast", 1, 1, 1, ""],
        ["cas", compare::cas, "write deny-oom fast", 1, 1, 1, ""],
        ["cad", compare::cad, "write fast", 1, 1, 1, ""],
    ],
}
