//! TairHash: hashes whose fields have versions and expire.
//!
//! Commands, replies and the type's encoding are those that Tair documents for its module of this
//! name, so clients and data can go from one to the other. The folder is meant to be read:
//!
//! - `fields` is the data structure, `value` what becomes of it in a key, `encoding` how it is saved;
//! - `commands` holds a file for each group of commands. Each has a function over the fields alone,
//!   tested without a server, and a few lines that open the key and reply;
//! - `effect` opens keys, and says what replicas are told;
//! - `index` and `expire` remove fields whose time has come, as `settings` says, and `statistics`
//!   counts them.
//!
//! What a module should see to, and where it does:
//!
//! - arguments are checked before the keyspace is touched: `commands/set.rs`;
//! - a reply has one shape whatever happens: `commands/get.rs`;
//! - arguments are the server's, kept as long as they are used: `commands/mod.rs`;
//! - replicas are told what can be heard twice, verbatim where nothing is relative: `effect.rs`;
//! - flags and key positions: below; keys opened as meant, and WRONGTYPE: `keys` in `module-kit`;
//! - RDB with a version, and what was written before: `encoding.rs`; input that is cut short is
//!   refused: `start`, below;
//! - the AOF in pieces, between MULTI and EXEC, and the command for what no other command can rebuild:
//!   `value.rs`, `commands/load.rs`;
//! - MEMORY USAGE and defragmentation by `derive(HeapWalk)`, UNLINK's effort, digest, COPY: `value.rs`;
//! - an index of its own follows RENAME, MOVE, SWAPDB, FLUSHALL, COPY, RESTORE and loading, and only a
//!   master that isn't paused removes what has expired: `expire.rs`;
//! - only two symbols are exported: `build.rs`.
//!
//! The timer is the server's, and ends with it; the server unloads no module that has a type.
#![deny(unsafe_code)]
#![expect(missing_docs, reason = "redis_module! writes the two functions that the server looks for")]

mod allocator;
mod commands;
mod effect;
mod encoding;
mod expire;
mod fields;
mod index;
mod settings;
mod statistics;
mod value;

use module_kit::server;
use redis_module::{Context, InfoContext, RedisResult, RedisString, Status, redis_module};

use crate::commands::{delete, expiry, get, increment, load, scan, set, version};
use crate::encoding::{EX_HASH, TAIR_HASH};
use crate::expire::follow_key;
use crate::settings::Settings;

/// What the module holds, under `tairhash_memory` in INFO.
fn memory(context: &InfoContext, for_crash_report: bool) {
    // INFO has no reply of its own to say an error in: a field that can't be added is left out.
    let _: RedisResult<()> = zmalloc_module::info::memory_info(context, for_crash_report);
}

fn start(context: &Context, args: &[RedisString]) -> Status {
    server::handle_read_errors(context);
    let started = Settings::load(args).and_then(|settings| expire::start(context, settings));
    match started {
        Ok(()) => Status::Ok,
        Err(reason) => {
            context.log_warning(&reason);
            Status::Err
        }
    }
}

// Every command but EXHEXPIREINFO names its key, so that a cluster can route it and an ACL can guard
// it. Those that write say so, and those that may take memory are refused when there is none left
// (deny-oom). What takes a time that depends on how much is stored isn't fast. A reading command may
// remove fields that have expired, as Redis's own remove expired keys: no client can tell.
redis_module! {
    name: "tairhash",
    version: 1,
    allocator: (crate::allocator::Allocator, crate::allocator::ALLOCATOR),
    data_types: [TAIR_HASH, EX_HASH],
    init: start,
    info: memory,
    commands: [
        ["exhset", set::exhset, "write deny-oom fast", 1, 1, 1, ""],
        ["exhsetnx", set::exhsetnx, "write deny-oom fast", 1, 1, 1, ""],
        ["exhmset", set::exhmset, "write deny-oom fast", 1, 1, 1, ""],
        ["exhmsetwithopts", set::exhmsetwithopts, "write deny-oom fast", 1, 1, 1, ""],
        ["exhdel", delete::exhdel, "write fast", 1, 1, 1, ""],
        ["exhdelwithver", delete::exhdelwithver, "write fast", 1, 1, 1, ""],
        ["exhget", get::exhget, "readonly fast", 1, 1, 1, ""],
        ["exhmget", get::exhmget, "readonly fast", 1, 1, 1, ""],
        ["exhgetwithver", get::exhgetwithver, "readonly fast", 1, 1, 1, ""],
        ["exhmgetwithver", get::exhmgetwithver, "readonly fast", 1, 1, 1, ""],
        ["exhexists", get::exhexists, "readonly fast", 1, 1, 1, ""],
        ["exhstrlen", get::exhstrlen, "readonly fast", 1, 1, 1, ""],
        ["exhlen", scan::exhlen, "readonly", 1, 1, 1, ""],
        ["exhkeys", scan::exhkeys, "readonly", 1, 1, 1, ""],
        ["exhvals", scan::exhvals, "readonly", 1, 1, 1, ""],
        ["exhgetall", scan::exhgetall, "readonly", 1, 1, 1, ""],
        ["exhgetallwithver", scan::exhgetallwithver, "readonly", 1, 1, 1, ""],
        ["exhscan", scan::exhscan, "readonly", 1, 1, 1, ""],
        ["exhexpire", expiry::exhexpire, "write fast", 1, 1, 1, ""],
        ["exhexpireat", expiry::exhexpireat, "write fast", 1, 1, 1, ""],
        ["exhpexpire", expiry::exhpexpire, "write fast", 1, 1, 1, ""],
        ["exhpexpireat", expiry::exhpexpireat, "write fast", 1, 1, 1, ""],
        ["exhpersist", expiry::exhpersist, "write fast", 1, 1, 1, ""],
        ["exhttl", expiry::exhttl, "readonly fast", 1, 1, 1, ""],
        ["exhpttl", expiry::exhpttl, "readonly fast", 1, 1, 1, ""],
        ["exhver", version::exhver, "readonly fast", 1, 1, 1, ""],
        ["exhsetver", version::exhsetver, "write fast", 1, 1, 1, ""],
        ["exhincrby", increment::exhincrby, "write deny-oom fast", 1, 1, 1, ""],
        ["exhincrbyfloat", increment::exhincrbyfloat, "write deny-oom fast", 1, 1, 1, ""],
        ["exhexpireinfo", expiry::exhexpireinfo, "readonly fast", 0, 0, 0, ""],
        ["exhload", load::exhload, "write deny-oom", 1, 1, 1, ""],
    ],
    event_handlers: [
        [@GENERIC: follow_key],
    ],
}
