//! THE table: every command, what it takes, what it touches, and which function runs it.
//!
//! Rows are sorted by group, then by name; sub-commands stand in the files below, those of one command
//! together. To add a command, write its row and its function: look-up, checks, COMMAND and HELP follow.
//! [`super::syntax`] says how `syntax` is written, [`KeySpec`] how keys are described.

mod acl;
mod client;
mod config;
mod introspection;
mod memory;
mod object;

use super::Group::{Bitmap, Connection, Generic, PubSub, Server, String, Transactions};
use super::{Categories, Command, Flags, KeyFlags, KeySpec};
use crate::commands::{
    bitfield, bits, command, connection, counters, debug, dump, expire, info, keys, lcs, lolwut, pubsub,
    scan, server, strings, transactions, wait,
};

const WRITE: Flags = Flags::WRITE;
const READONLY: Flags = Flags::READONLY;
const DENYOOM: Flags = Flags::DENYOOM;
const ADMIN: Flags = Flags::ADMIN;
const PUBSUB: Flags = Flags::PUBSUB;
const NOSCRIPT: Flags = Flags::NOSCRIPT;
const LOADING: Flags = Flags::LOADING;
const MAY_REPLICATE: Flags = Flags::MAY_REPLICATE;
const STALE: Flags = Flags::STALE;
const SKIP_SLOWLOG: Flags = Flags::SKIP_SLOWLOG;
const FAST: Flags = Flags::FAST;
const NO_AUTH: Flags = Flags::NO_AUTH;
const NO_MULTI: Flags = Flags::NO_MULTI;
const NO_ASYNC_LOADING: Flags = Flags::NO_ASYNC_LOADING;
const ALLOW_BUSY: Flags = Flags::ALLOW_BUSY;

const KEYSPACE: Categories = Categories::KEYSPACE;
const STRING: Categories = Categories::STRING;
const BITMAP: Categories = Categories::BITMAP;
const DANGEROUS: Categories = Categories::DANGEROUS;
const TRANSACTION: Categories = Categories::TRANSACTION;
const CONNECTION: Categories = Categories::CONNECTION;

const RO: KeyFlags = KeyFlags::RO;
const RW: KeyFlags = KeyFlags::RW;
const OW: KeyFlags = KeyFlags::OW;
const RM: KeyFlags = KeyFlags::RM;
const ACCESS: KeyFlags = KeyFlags::ACCESS;
const UPDATE: KeyFlags = KeyFlags::UPDATE;
const INSERT: KeyFlags = KeyFlags::INSERT;
const DELETE: KeyFlags = KeyFlags::DELETE;
const NOT_KEY: KeyFlags = KeyFlags::NOT_KEY;

/// Every command that isn't a sub-command.
///
/// Laid out by hand: one property a line, however short the row.
#[rustfmt::skip]
pub static COMMANDS: &[Command] = &[
    // Bits.
    Command::new("bitcount", -2, bits::bitcount)
        .syntax("key [index: start:integer end:integer [index_unit: BYTE | BIT]@7.0.0]")
        .flags(&[READONLY])
        .acl(&[BITMAP])
        .keys(&[KeySpec::one(1, &[RO, ACCESS])])
        .doc(Bitmap, "2.6.0", "O(N) for N bytes", "Counts the bits that are set.")
        .history(&[("7.0.0", "BYTE and BIT.")]),
    Command::new("bitfield", -2, bitfield::bitfield)
        .syntax(
            "key [operation: GET <encoding_offset: encoding offset:integer> \
             | <write: [OVERFLOW <wrap_sat_fail: WRAP | SAT | FAIL>] \
             <write_operation: SET <encoding_offset_value: encoding offset:integer value:integer> \
             | INCRBY <encoding_offset_increment: encoding offset:integer increment:integer>>>]...",
        )
        .flags(&[WRITE, DENYOOM])
        .acl(&[BITMAP])
        .keys(&[KeySpec::one(1, &[RW, ACCESS, UPDATE])
            .varying(KeyFlags::of_bitfield)
            .notes("Only reads when every operation is a GET.")])
        .doc(Bitmap, "3.2.0", "O(N) for N operations", "Reads and writes integers of any width."),
    Command::new("bitfield_ro", -2, bitfield::bitfield_ro)
        .syntax("key [GET <encoding_offset: encoding offset:integer>]...")
        .flags(&[READONLY, FAST])
        .acl(&[BITMAP])
        .keys(&[KeySpec::one(1, &[RO, ACCESS])])
        .doc(Bitmap, "6.0.0", "O(N) for N operations", "Reads integers of any width."),
    Command::new("bitop", -4, bits::bitop)
        .syntax("operation destkey:key key...")
        .flags(&[WRITE, DENYOOM])
        .acl(&[BITMAP])
        .keys(&[KeySpec::one(2, &[OW, UPDATE]), KeySpec::every(1, 3, &[RO, ACCESS])])
        .doc(Bitmap, "2.6.0", "O(N) for N bytes", "Combines strings bit by bit, and stores the result."),
    Command::new("bitpos", -3, bits::bitpos)
        .syntax(
            "key bit:integer [index: start:integer \
             [end_index: end:integer [index_unit: BYTE | BIT]@7.0.0]]",
        )
        .flags(&[READONLY])
        .acl(&[BITMAP])
        .keys(&[KeySpec::one(1, &[RO, ACCESS])])
        .doc(Bitmap, "2.8.7", "O(N) for N bytes", "Finds the first bit that is set, or clear.")
        .history(&[("7.0.0", "BYTE and BIT.")]),
    Command::new("getbit", 3, bits::getbit)
        .syntax("key offset:integer")
        .flags(&[READONLY, FAST])
        .acl(&[BITMAP])
        .keys(&[KeySpec::one(1, &[RO, ACCESS])])
        .doc(Bitmap, "2.2.0", "O(1)", "Answers with a bit."),
    Command::new("setbit", 4, bits::setbit)
        .syntax("key offset:integer value:integer")
        .flags(&[WRITE, DENYOOM])
        .acl(&[BITMAP])
        .keys(&[KeySpec::one(1, &[RW, ACCESS, UPDATE])])
        .doc(Bitmap, "2.2.0", "O(1)", "Sets or clears a bit."),
    // The connection.
    Command::new("auth", -2, connection::auth)
        .syntax("[username]@6.0.0 password")
        .flags(&[NOSCRIPT, LOADING, STALE, FAST, NO_AUTH, ALLOW_BUSY])
        .acl(&[CONNECTION])
        .doc(Connection, "1.0.0", "O(1)", "Logs the connection in.")
        .history(&[("6.0.0", "A user's name before the password.")]),
    Command::container("client", -2, client::CLIENT)
        .doc(Connection, "2.4.0", "That of the sub-command.", "Shows and manages connections."),
    Command::new("echo", 2, connection::echo)
        .syntax("message")
        .flags(&[LOADING, STALE, FAST])
        .acl(&[CONNECTION])
        .doc(Connection, "1.0.0", "O(1)", "Answers with the message."),
    Command::new("hello", -1, connection::hello)
        .syntax(
            "[arguments: protover:integer [AUTH <username_password: username password>] \
             [SETNAME clientname]]",
        )
        .flags(&[NOSCRIPT, LOADING, STALE, FAST, NO_AUTH, ALLOW_BUSY])
        .acl(&[CONNECTION])
        .doc(Connection, "6.0.0", "O(1)", "Agrees on the protocol; logs in and names the connection too.")
        .history(&[("6.2.0", "Without arguments it reports on the connection.")]),
    Command::new("ping", -1, connection::ping)
        .syntax("[message]")
        .flags(&[FAST])
        .acl(&[CONNECTION])
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .doc(Connection, "1.0.0", "O(1)", "Asks for a sign of life."),
    Command::new("quit", -1, connection::quit)
        .flags(&[NOSCRIPT, LOADING, STALE, FAST, NO_AUTH, ALLOW_BUSY])
        .acl(&[CONNECTION])
        .doc(Connection, "1.0.0", "O(1)", "Ends the connection, once every reply is sent."),
    Command::new("reset", 1, connection::reset)
        .flags(&[NOSCRIPT, LOADING, STALE, FAST, NO_AUTH, ALLOW_BUSY])
        .acl(&[CONNECTION])
        .doc(Connection, "6.2.0", "O(1)", "Makes the connection as good as new."),
    Command::new("select", 2, connection::select)
        .syntax("index:integer")
        .flags(&[LOADING, STALE, FAST])
        .acl(&[CONNECTION])
        .doc(Connection, "1.0.0", "O(1)", "Chooses the connection's database."),
    // Keys, whatever their values.
    Command::new("copy", -3, keys::copy)
        .syntax("source:key destination:key [DB destination-db:integer] [REPLACE]")
        .flags(&[WRITE, DENYOOM])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(1, &[RO, ACCESS]), KeySpec::one(2, &[OW, UPDATE])])
        .doc(Generic, "6.2.0", "O(N) for a value of N elements, O(1) for a string", "Copies a value."),
    Command::new("del", -2, keys::del)
        .syntax("key...")
        .flags(&[WRITE])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::every(1, 1, &[RM, DELETE])])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .doc(Generic, "1.0.0", "O(N) for N keys; a key with M elements costs O(M)", "Removes keys."),
    Command::new("dump", 2, dump::dump)
        .syntax("key")
        .flags(&[READONLY])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(1, &[RO, ACCESS])])
        .tips(&["nondeterministic_output"])
        .doc(Generic, "2.6.0", "O(N) for a value of N bytes", "Answers with a value in a form that RESTORE reads."),
    Command::new("exists", -2, keys::exists)
        .syntax("key...")
        .flags(&[READONLY, FAST])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::every(1, 1, &[RO])])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .doc(Generic, "1.0.0", "O(N) for N keys", "Counts how many of the keys exist.")
        .history(&[("3.0.3", "More than one key.")]),
    Command::new("expire", -3, expire::expire)
        .syntax("key seconds:integer [condition: NX | XX | GT | LT]@7.0.0")
        .flags(&[WRITE, FAST])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(1, &[RW, UPDATE])])
        .doc(Generic, "1.0.0", "O(1)", "Gives a key so many seconds to live.")
        .history(&[("7.0.0", "NX, XX, GT and LT.")]),
    Command::new("expireat", -3, expire::expireat)
        .syntax("key unix-time-seconds:unix-time [condition: NX | XX | GT | LT]@7.0.0")
        .flags(&[WRITE, FAST])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(1, &[RW, UPDATE])])
        .doc(Generic, "1.2.0", "O(1)", "Lets a key live until a time in seconds.")
        .history(&[("7.0.0", "NX, XX, GT and LT.")]),
    Command::new("expiretime", 2, expire::expiretime)
        .syntax("key")
        .flags(&[READONLY, FAST])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(1, &[RO, ACCESS])])
        .doc(Generic, "7.0.0", "O(1)", "Tells when a key expires, in seconds."),
    Command::new("keys", 2, keys::keys)
        .syntax("pattern")
        .flags(&[READONLY])
        .acl(&[KEYSPACE, DANGEROUS])
        .tips(&["request_policy:all_shards", "nondeterministic_output_order"])
        .doc(Generic, "1.0.0", "O(N) for N keys in the database", "Lists the keys that match a pattern."),
    Command::new("move", 3, keys::move_)
        .syntax("key db:integer")
        .flags(&[WRITE, FAST])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(1, &[RW, ACCESS, UPDATE])])
        .doc(Generic, "1.0.0", "O(1)", "Moves a key to another database."),
    Command::container("object", -2, object::OBJECT)
        .doc(Generic, "2.2.3", "That of the sub-command.", "Shows how a value is kept."),
    Command::new("persist", 2, expire::persist)
        .syntax("key")
        .flags(&[WRITE, FAST])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(1, &[RW, UPDATE])])
        .doc(Generic, "2.2.0", "O(1)", "Lets a key live for ever."),
    Command::new("pexpire", -3, expire::pexpire)
        .syntax("key milliseconds:integer [condition: NX | XX | GT | LT]@7.0.0")
        .flags(&[WRITE, FAST])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(1, &[RW, UPDATE])])
        .doc(Generic, "2.6.0", "O(1)", "Gives a key so many milliseconds to live.")
        .history(&[("7.0.0", "NX, XX, GT and LT.")]),
    Command::new("pexpireat", -3, expire::pexpireat)
        .syntax("key unix-time-milliseconds:unix-time [condition: NX | XX | GT | LT]@7.0.0")
        .flags(&[WRITE, FAST])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(1, &[RW, UPDATE])])
        .doc(Generic, "2.6.0", "O(1)", "Lets a key live until a time in milliseconds.")
        .history(&[("7.0.0", "NX, XX, GT and LT.")]),
    Command::new("pexpiretime", 2, expire::pexpiretime)
        .syntax("key")
        .flags(&[READONLY, FAST])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(1, &[RO, ACCESS])])
        .doc(Generic, "7.0.0", "O(1)", "Tells when a key expires, in milliseconds."),
    Command::new("pttl", 2, expire::pttl)
        .syntax("key")
        .flags(&[READONLY, FAST])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(1, &[RO, ACCESS])])
        .tips(&["nondeterministic_output"])
        .doc(Generic, "2.6.0", "O(1)", "Tells how many milliseconds a key has left.")
        .history(&[("2.8.0", "-2 for a key that doesn't exist.")]),
    Command::new("randomkey", 1, keys::randomkey)
        .flags(&[READONLY])
        .acl(&[KEYSPACE])
        .tips(&["request_policy:all_shards", "nondeterministic_output"])
        .doc(Generic, "1.0.0", "O(1)", "Draws a key."),
    Command::new("rename", 3, keys::rename)
        .syntax("key newkey:key")
        .flags(&[WRITE])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(1, &[RW, ACCESS, DELETE]), KeySpec::one(2, &[OW, UPDATE])])
        .doc(Generic, "1.0.0", "O(1)", "Renames a key, over any other."),
    Command::new("renamenx", 3, keys::renamenx)
        .syntax("key newkey:key")
        .flags(&[WRITE, FAST])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(1, &[RW, ACCESS, DELETE]), KeySpec::one(2, &[OW, INSERT])])
        .doc(Generic, "1.0.0", "O(1)", "Renames a key unless the new name is taken.")
        .history(&[("3.2.0", "The same name twice is no error.")]),
    Command::new("restore", -4, dump::restore)
        .syntax(
            "key ttl:integer serialized-value [REPLACE]@3.0.0 [ABSTTL]@5.0.0 [IDLETIME seconds:integer]@5.0.0 \
             [FREQ frequency:integer]@5.0.0",
        )
        .flags(&[WRITE, DENYOOM])
        .acl(&[KEYSPACE, DANGEROUS])
        .keys(&[KeySpec::one(1, &[OW, UPDATE])])
        .doc(Generic, "2.6.0", "O(N) for a value of N bytes", "Stores a value that DUMP has answered with.")
        .history(&[("3.0.0", "REPLACE."), ("5.0.0", "ABSTTL."), ("5.0.0", "IDLETIME and FREQ.")]),
    Command::new("scan", -2, scan::scan)
        .syntax("cursor:integer [MATCH pattern] [COUNT count:integer] [TYPE type]@6.0.0")
        .flags(&[READONLY])
        .acl(&[KEYSPACE])
        .tips(&["nondeterministic_output", "request_policy:special"])
        .doc(Generic, "2.8.0", "O(1) a call, O(N) for all N keys", "Lists the keys, some at a call.")
        .history(&[("6.0.0", "TYPE.")]),
    Command::new("touch", -2, keys::touch)
        .syntax("key...")
        .flags(&[READONLY, FAST])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::every(1, 1, &[RO])])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .doc(Generic, "3.2.1", "O(N) for N keys", "Makes keys look just used; counts those that exist."),
    Command::new("ttl", 2, expire::ttl)
        .syntax("key")
        .flags(&[READONLY, FAST])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(1, &[RO, ACCESS])])
        .tips(&["nondeterministic_output"])
        .doc(Generic, "1.0.0", "O(1)", "Tells how many seconds a key has left.")
        .history(&[("2.8.0", "-2 for a key that doesn't exist.")]),
    Command::new("type", 2, keys::type_)
        .syntax("key")
        .flags(&[READONLY, FAST])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::one(1, &[RO])])
        .doc(Generic, "1.0.0", "O(1)", "Tells the type of a value."),
    Command::new("unlink", -2, keys::unlink)
        .syntax("key...")
        .flags(&[WRITE, FAST])
        .acl(&[KEYSPACE])
        .keys(&[KeySpec::every(1, 1, &[RM, DELETE])])
        .tips(&["request_policy:multi_shard", "response_policy:agg_sum"])
        .doc(Generic, "4.0.0", "O(1) a key", "Removes keys; frees large values in the background."),
    Command::new("wait", 3, wait::wait)
        .syntax("numreplicas:integer timeout:integer")
        .flags(&[NOSCRIPT])
        .acl(&[CONNECTION])
        .tips(&["request_policy:all_shards", "response_policy:agg_min"])
        .doc(Generic, "3.0.0", "O(1)", "Waits until replicas have what the connection has written."),
    // Messages.
    Command::new("psubscribe", -2, pubsub::psubscribe)
        .syntax("<pattern: pattern>...")
        .flags(&[PUBSUB, NOSCRIPT, LOADING, STALE])
        .doc(PubSub, "2.0.0", "O(N) for the client's N patterns", "Subscribes to channels that match patterns."),
    Command::new("publish", 3, pubsub::publish)
        .syntax("channel message")
        .flags(&[PUBSUB, LOADING, STALE, FAST, MAY_REPLICATE])
        .doc(PubSub, "2.0.0", "O(N+M) for N subscribers and M patterns", "Sends a message to a channel."),
    Command::container("pubsub", -2, introspection::PUBSUB_SUBCOMMANDS)
        .doc(PubSub, "2.8.0", "That of the sub-command.", "Shows what is subscribed to."),
    Command::new("punsubscribe", -1, pubsub::punsubscribe)
        .syntax("[pattern...]")
        .flags(&[PUBSUB, NOSCRIPT, LOADING, STALE])
        .doc(PubSub, "2.0.0", "O(1) a pattern", "Takes subscriptions to patterns back, or all of them."),
    Command::new("spublish", 3, pubsub::spublish)
        .syntax("shardchannel message")
        .flags(&[PUBSUB, LOADING, STALE, FAST, MAY_REPLICATE])
        .keys(&[KeySpec::one(1, &[NOT_KEY])])
        .doc(PubSub, "7.0.0", "O(N) for N subscribers", "Sends a message to a shard channel."),
    Command::new("ssubscribe", -2, pubsub::ssubscribe)
        .syntax("shardchannel...")
        .flags(&[PUBSUB, NOSCRIPT, LOADING, STALE])
        .keys(&[KeySpec::every(1, 1, &[NOT_KEY])])
        .doc(PubSub, "7.0.0", "O(1) a channel", "Subscribes to shard channels."),
    Command::new("subscribe", -2, pubsub::subscribe)
        .syntax("channel...")
        .flags(&[PUBSUB, NOSCRIPT, LOADING, STALE])
        .doc(PubSub, "2.0.0", "O(1) a channel", "Subscribes to channels."),
    Command::new("sunsubscribe", -1, pubsub::sunsubscribe)
        .syntax("[shardchannel...]")
        .flags(&[PUBSUB, NOSCRIPT, LOADING, STALE])
        .keys(&[KeySpec::every(1, 1, &[NOT_KEY])])
        .doc(PubSub, "7.0.0", "O(1) a channel", "Takes subscriptions to shard channels back, or all of them."),
    Command::new("unsubscribe", -1, pubsub::unsubscribe)
        .syntax("[channel...]")
        .flags(&[PUBSUB, NOSCRIPT, LOADING, STALE])
        .doc(PubSub, "2.0.0", "O(1) a channel", "Takes subscriptions to channels back, or all of them."),
    // The server.
    Command::container("acl", -2, acl::ACL)
        .doc(Server, "6.0.0", "That of the sub-command.", "Shows and changes who may do what."),
    Command::handler_or_container("command", -1, command::command, introspection::COMMAND)
        .flags(&[LOADING, STALE])
        .acl(&[CONNECTION])
        .tips(&["nondeterministic_output_order"])
        .doc(Server, "2.8.13", "O(N) for N commands", "Describes the commands."),
    Command::container("config", -2, config::CONFIG)
        .doc(Server, "2.0.0", "That of the sub-command.", "Shows and changes the configuration."),
    Command::new("dbsize", 1, keys::dbsize)
        .flags(&[READONLY, FAST])
        .acl(&[KEYSPACE])
        .tips(&["request_policy:all_shards", "response_policy:agg_sum"])
        .doc(Server, "1.0.0", "O(1)", "Counts the database's keys."),
    Command::new("debug", -2, debug::debug)
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .doc(Server, "1.0.0", "That of the sub-command.", "Helps whoever tests a server.")
        .system(),
    Command::new("flushall", -1, keys::flushall)
        .syntax("[async: ASYNC@4.0.0 | SYNC@6.2.0]")
        .flags(&[WRITE])
        .acl(&[KEYSPACE, DANGEROUS])
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .doc(Server, "1.0.0", "O(N) for N keys in all databases", "Removes every key of every database.")
        .history(&[("4.0.0", "ASYNC."), ("6.2.0", "SYNC.")]),
    Command::new("flushdb", -1, keys::flushdb)
        .syntax("[async: ASYNC@4.0.0 | SYNC@6.2.0]")
        .flags(&[WRITE])
        .acl(&[KEYSPACE, DANGEROUS])
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .doc(Server, "1.0.0", "O(N) for N keys in the database", "Removes every key of the database.")
        .history(&[("4.0.0", "ASYNC."), ("6.2.0", "SYNC.")]),
    Command::new("info", -1, info::info)
        .syntax("[section...]")
        .flags(&[LOADING, STALE])
        .acl(&[DANGEROUS])
        .tips(&["nondeterministic_output", "request_policy:all_shards", "response_policy:special"])
        .doc(Server, "1.0.0", "O(1)", "Reports on the server, section by section.")
        .history(&[("7.0.0", "More than one section.")]),
    Command::container("latency", -2, introspection::LATENCY)
        .doc(Server, "2.8.13", "That of the sub-command.", "Shows what took long."),
    Command::new("lolwut", -1, lolwut::lolwut)
        .syntax("[VERSION version:integer]")
        .flags(&[READONLY, FAST])
        .doc(Server, "5.0.0", "", "Draws a picture."),
    Command::container("memory", -2, memory::MEMORY)
        .doc(Server, "4.0.0", "That of the sub-command.", "Shows where memory went, and gives it back."),
    Command::container("module", -2, introspection::MODULE)
        .doc(Server, "4.0.0", "That of the sub-command.", "Loads and unloads modules, and tells of them."),
    Command::new("monitor", 1, server::monitor)
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE])
        .doc(Server, "1.0.0", "", "Shows every command as it runs."),
    Command::new("shutdown", -1, server::shutdown)
        .syntax("[nosave_save: NOSAVE | SAVE] [NOW]@7.0.0 [FORCE]@7.0.0 [ABORT]@7.0.0")
        .flags(&[ADMIN, NOSCRIPT, LOADING, STALE, NO_MULTI, ALLOW_BUSY])
        .doc(Server, "1.0.0", "O(N) for N keys to be saved, else O(1)", "Ends the server.")
        .history(&[("7.0.0", "NOW, FORCE and ABORT.")]),
    Command::container("slowlog", -2, introspection::SLOWLOG)
        .doc(Server, "2.2.12", "That of the sub-command.", "Shows the commands that took long."),
    Command::new("swapdb", 3, keys::swapdb)
        .syntax("index1:integer index2:integer")
        .flags(&[WRITE, FAST])
        .acl(&[KEYSPACE, DANGEROUS])
        .doc(Server, "4.0.0", "O(N) for N clients that watch or wait", "Exchanges two databases."),
    Command::new("time", 1, server::time)
        .flags(&[LOADING, STALE, FAST])
        .tips(&["nondeterministic_output"])
        .doc(Server, "2.6.0", "O(1)", "Tells the server's time, in seconds and microseconds."),
    // Strings.
    Command::new("append", 3, strings::append)
        .syntax("key value")
        .flags(&[WRITE, DENYOOM, FAST])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[RW, INSERT])])
        .doc(String, "2.0.0", "O(1), amortised", "Adds to the end of a string."),
    Command::new("decr", 2, counters::decr)
        .syntax("key")
        .flags(&[WRITE, DENYOOM, FAST])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[RW, ACCESS, UPDATE])])
        .doc(String, "1.0.0", "O(1)", "Takes one from an integer."),
    Command::new("decrby", 3, counters::decrby)
        .syntax("key decrement:integer")
        .flags(&[WRITE, DENYOOM, FAST])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[RW, ACCESS, UPDATE])])
        .doc(String, "1.0.0", "O(1)", "Takes a number from an integer."),
    Command::new("get", 2, strings::get)
        .syntax("key")
        .flags(&[READONLY, FAST])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[RO, ACCESS])])
        .doc(String, "1.0.0", "O(1)", "Answers with a string."),
    Command::new("getdel", 2, strings::getdel)
        .syntax("key")
        .flags(&[WRITE, FAST])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[RW, ACCESS, DELETE])])
        .doc(String, "6.2.0", "O(1)", "Answers with a string and removes it."),
    Command::new("getex", -2, strings::getex)
        .syntax(
            "key [expiration: EX seconds:integer | PX milliseconds:integer \
             | EXAT unix-time-seconds:unix-time | PXAT unix-time-milliseconds:unix-time | PERSIST]",
        )
        .flags(&[WRITE, FAST])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[RW, ACCESS, UPDATE]).notes("The expiry may change.")])
        .doc(String, "6.2.0", "O(1)", "Answers with a string and changes when it expires."),
    Command::new("getrange", 4, strings::getrange)
        .syntax("key start:integer end:integer")
        .flags(&[READONLY])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[RO, ACCESS])])
        .doc(String, "2.4.0", "O(N) for N bytes of reply", "Answers with part of a string."),
    Command::new("getset", 3, strings::getset)
        .syntax("key value")
        .flags(&[WRITE, DENYOOM, FAST])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[RW, ACCESS, UPDATE])])
        .doc(String, "1.0.0", "O(1)", "Sets a string and answers with the one before.")
        .deprecated("6.2.0", "`SET` with `GET`"),
    Command::new("incr", 2, counters::incr)
        .syntax("key")
        .flags(&[WRITE, DENYOOM, FAST])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[RW, ACCESS, UPDATE])])
        .doc(String, "1.0.0", "O(1)", "Adds one to an integer."),
    Command::new("incrby", 3, counters::incrby)
        .syntax("key increment:integer")
        .flags(&[WRITE, DENYOOM, FAST])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[RW, ACCESS, UPDATE])])
        .doc(String, "1.0.0", "O(1)", "Adds a number to an integer."),
    Command::new("incrbyfloat", 3, counters::incrbyfloat)
        .syntax("key increment:double")
        .flags(&[WRITE, DENYOOM, FAST])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[RW, ACCESS, UPDATE])])
        .doc(String, "2.6.0", "O(1)", "Adds a number, which needn't be whole."),
    Command::new("lcs", -3, lcs::lcs)
        .syntax("key1:key key2:key [LEN] [IDX] [MINMATCHLEN len:integer] [WITHMATCHLEN]")
        .flags(&[READONLY])
        .acl(&[STRING])
        .keys(&[KeySpec::pair(1, &[RO, ACCESS])])
        .doc(String, "7.0.0", "O(N*M) for N and M bytes", "Finds what two strings have in common."),
    Command::new("mget", -2, strings::mget)
        .syntax("key...")
        .flags(&[READONLY, FAST])
        .acl(&[STRING])
        .keys(&[KeySpec::every(1, 1, &[RO, ACCESS])])
        .tips(&["request_policy:multi_shard"])
        .doc(String, "1.0.0", "O(N) for N keys", "Answers with several strings."),
    Command::new("mset", -3, strings::mset)
        .syntax("<key_value: key value>...")
        .flags(&[WRITE, DENYOOM])
        .acl(&[STRING])
        .keys(&[KeySpec::every(2, 1, &[OW, UPDATE])])
        .tips(&["request_policy:multi_shard", "response_policy:all_succeeded"])
        .doc(String, "1.0.1", "O(N) for N keys", "Sets several strings."),
    Command::new("msetnx", -3, strings::msetnx)
        .syntax("<key_value: key value>...")
        .flags(&[WRITE, DENYOOM])
        .acl(&[STRING])
        .keys(&[KeySpec::every(2, 1, &[OW, INSERT])])
        .tips(&["request_policy:multi_shard", "response_policy:agg_min"])
        .doc(String, "1.0.1", "O(N) for N keys", "Sets several strings if none of the keys exists."),
    Command::new("psetex", 4, strings::psetex)
        .syntax("key milliseconds:integer value")
        .flags(&[WRITE, DENYOOM])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[OW, UPDATE])])
        .doc(String, "2.6.0", "O(1)", "Sets a string and its milliseconds to live."),
    Command::new("set", -3, strings::set)
        .syntax(
            "key value [condition: NX | XX]@2.6.12 [GET]@6.2.0 [expiration: EX seconds:integer@2.6.12 \
             | PX milliseconds:integer@2.6.12 | EXAT unix-time-seconds:unix-time@6.2.0 \
             | PXAT unix-time-milliseconds:unix-time@6.2.0 | KEEPTTL@6.0.0]",
        )
        .flags(&[WRITE, DENYOOM])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[RW, ACCESS, UPDATE])
            .varying(KeyFlags::of_set)
            .notes("Reads the value only for GET.")])
        .doc(String, "1.0.0", "O(1)", "Sets a string.")
        .history(&[
            ("2.6.12", "EX, PX, NX and XX."),
            ("6.0.0", "KEEPTTL."),
            ("6.2.0", "GET, EXAT and PXAT."),
            ("7.0.0", "NX together with GET."),
        ]),
    Command::new("setex", 4, strings::setex)
        .syntax("key seconds:integer value")
        .flags(&[WRITE, DENYOOM])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[OW, UPDATE])])
        .doc(String, "2.0.0", "O(1)", "Sets a string and its seconds to live."),
    Command::new("setnx", 3, strings::setnx)
        .syntax("key value")
        .flags(&[WRITE, DENYOOM, FAST])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[OW, INSERT])])
        .doc(String, "1.0.0", "O(1)", "Sets a string unless the key exists."),
    Command::new("setrange", 4, strings::setrange)
        .syntax("key offset:integer value")
        .flags(&[WRITE, DENYOOM])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[RW, UPDATE])])
        .doc(String, "2.2.0", "O(N) for N bytes of value", "Overwrites part of a string."),
    Command::new("strlen", 2, strings::strlen)
        .syntax("key")
        .flags(&[READONLY, FAST])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[RO])])
        .doc(String, "2.2.0", "O(1)", "Counts the bytes of a string."),
    Command::new("substr", 4, strings::getrange)
        .syntax("key start:integer end:integer")
        .flags(&[READONLY])
        .acl(&[STRING])
        .keys(&[KeySpec::one(1, &[RO, ACCESS])])
        .doc(String, "1.0.0", "O(N) for N bytes of reply", "Answers with part of a string.")
        .deprecated("2.0.0", "`GETRANGE`"),
    // Transactions.
    Command::new("discard", 1, transactions::discard)
        .flags(&[NOSCRIPT, LOADING, STALE, FAST, ALLOW_BUSY])
        .acl(&[TRANSACTION])
        .doc(Transactions, "2.0.0", "O(N) for N queued commands", "Forgets the queued commands."),
    Command::new("exec", 1, transactions::exec)
        .flags(&[NOSCRIPT, LOADING, STALE, SKIP_SLOWLOG])
        .acl(&[TRANSACTION])
        .doc(Transactions, "1.2.0", "That of the queued commands", "Runs the queued commands."),
    Command::new("multi", 1, transactions::multi)
        .flags(&[NOSCRIPT, LOADING, STALE, FAST, ALLOW_BUSY])
        .acl(&[TRANSACTION])
        .doc(Transactions, "1.2.0", "O(1)", "Queues the commands that follow, until EXEC."),
    Command::new("unwatch", 1, transactions::unwatch)
        .flags(&[NOSCRIPT, LOADING, STALE, FAST, ALLOW_BUSY])
        .acl(&[TRANSACTION])
        .doc(Transactions, "2.2.0", "O(1) a watched key", "Forgets the watched keys."),
    Command::new("watch", -2, transactions::watch)
        .syntax("key...")
        .flags(&[NOSCRIPT, LOADING, STALE, FAST, ALLOW_BUSY])
        .acl(&[TRANSACTION])
        .keys(&[KeySpec::every(1, 1, &[RO])])
        .doc(Transactions, "2.2.0", "O(1) a key", "Has EXEC run only if none of the keys changes before."),
];
