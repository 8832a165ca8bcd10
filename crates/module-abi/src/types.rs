//! What stands behind pointers, and the functions that modules hand over.
//!
//! The types are named as in `redismodule.h`, without the prefix `RedisModule`. None of them has a value: a host puts
//! its own structs behind the pointers.

use std::ffi::{c_char, c_int, c_longlong, c_uchar, c_void};

use crate::structs::Event;

macro_rules! opaque {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        #[repr(C)]
        pub struct $name {
            _private: [u8; 0],
        }
    )*};
}

opaque! {
    /// The surroundings of a call, which most functions want.
    Ctx;
    /// A string, counted by reference.
    ModuleString;
    /// A key that is open.
    Key;
    /// A command that a module has registered.
    Command;
    /// A reply to a command that a module has called.
    CallReply;
    /// A type of values.
    ModuleType;
    /// A client that waits for a module.
    BlockedClient;
    /// A dictionary.
    Dict;
    /// A place in a dictionary.
    DictIter;
    /// A filter of commands.
    CommandFilter;
    /// A command as its filters see it.
    CommandFilterCtx;
    /// A section of INFO that was read.
    ServerInfoData;
    /// Where a scan has come to.
    ScanCursor;
    /// A user.
    User;
    /// The keys that a callback of a type is about.
    KeyOptCtx;
    /// A file in RDB's format.
    RdbStream;
    /// What is being saved or loaded.
    Io;
    /// A digest in the making.
    Digest;
    /// INFO in the making.
    InfoCtx;
    /// A defragmentation under way.
    DefragCtx;
}

/// A timer.
pub type TimerId = u64;

/// C's `long double`, which stands in signatures only: Rust has no such type, and would pass another one elsewhere.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(16))]
pub struct LongDouble([u8; 16]);

/// The first word of the context that a module's OnLoad is given: fills in the address of a function, and answers 1
/// where there is no such function.
pub type GetApiFunc = unsafe extern "C" fn(name: *const c_char, target: *mut *mut c_void) -> c_int;
/// A module's entry.
pub type OnLoadFunc = unsafe extern "C" fn(ctx: *mut Ctx, argv: *mut *mut ModuleString, argc: c_int) -> c_int;
/// What a module does before it is unloaded.
pub type OnUnloadFunc = unsafe extern "C" fn(ctx: *mut Ctx) -> c_int;
/// A command.
pub type CommandFunc =
    unsafe extern "C" fn(ctx: *mut Ctx, argv: *mut *mut ModuleString, argc: c_int) -> c_int;
/// A client that a module blocked has gone.
pub type DisconnectFunc = unsafe extern "C" fn(ctx: *mut Ctx, client: *mut BlockedClient);
/// A key has changed.
pub type NotificationFunc =
    unsafe extern "C" fn(ctx: *mut Ctx, class: c_int, event: *const c_char, key: *mut ModuleString) -> c_int;
/// What is done after notifications, when writing is allowed again.
pub type PostNotificationJobFunc = unsafe extern "C" fn(ctx: *mut Ctx, data: *mut c_void);
/// A message from another node of a cluster.
pub type ClusterMessageFunc =
    unsafe extern "C" fn(ctx: *mut Ctx, sender: *const c_char, kind: u8, payload: *const c_uchar, len: u32);
/// A timer is due.
pub type TimerFunc = unsafe extern "C" fn(ctx: *mut Ctx, data: *mut c_void);
/// A command is about to run.
pub type CommandFilterFunc = unsafe extern "C" fn(filter: *mut CommandFilterCtx);
/// A child process has ended.
pub type ForkDoneFunc = unsafe extern "C" fn(exit_code: c_int, by_signal: c_int, data: *mut c_void);
/// A key that a scan has come to.
pub type ScanFunc =
    unsafe extern "C" fn(ctx: *mut Ctx, name: *mut ModuleString, key: *mut Key, data: *mut c_void);
/// An element that the scan of a key has come to.
pub type ScanKeyFunc = unsafe extern "C" fn(
    key: *mut Key,
    field: *mut ModuleString,
    value: *mut ModuleString,
    data: *mut c_void,
);
/// The value of a directive of a module.
pub type ConfigGetStringFunc =
    unsafe extern "C" fn(name: *const c_char, data: *mut c_void) -> *mut ModuleString;
/// The value of a directive of a module.
pub type ConfigGetNumericFunc = unsafe extern "C" fn(name: *const c_char, data: *mut c_void) -> c_longlong;
/// The value of a directive of a module.
pub type ConfigGetBoolFunc = unsafe extern "C" fn(name: *const c_char, data: *mut c_void) -> c_int;
/// The value of a directive of a module.
pub type ConfigGetEnumFunc = unsafe extern "C" fn(name: *const c_char, data: *mut c_void) -> c_int;
/// A directive of a module is set.
pub type ConfigSetStringFunc = unsafe extern "C" fn(
    name: *const c_char,
    value: *mut ModuleString,
    data: *mut c_void,
    error: *mut *mut ModuleString,
) -> c_int;
/// A directive of a module is set.
pub type ConfigSetNumericFunc = unsafe extern "C" fn(
    name: *const c_char,
    value: c_longlong,
    data: *mut c_void,
    error: *mut *mut ModuleString,
) -> c_int;
/// A directive of a module is set.
pub type ConfigSetBoolFunc = unsafe extern "C" fn(
    name: *const c_char,
    value: c_int,
    data: *mut c_void,
    error: *mut *mut ModuleString,
) -> c_int;
/// A directive of a module is set.
pub type ConfigSetEnumFunc = unsafe extern "C" fn(
    name: *const c_char,
    value: c_int,
    data: *mut c_void,
    error: *mut *mut ModuleString,
) -> c_int;
/// Directives of a module were set, and are put into effect together.
pub type ConfigApplyFunc =
    unsafe extern "C" fn(ctx: *mut Ctx, data: *mut c_void, error: *mut *mut ModuleString) -> c_int;
/// The reply that a promise was given for has come.
pub type UnblockedFunc = unsafe extern "C" fn(ctx: *mut Ctx, reply: *mut CallReply, data: *mut c_void);
/// A client wants to log in.
pub type AuthFunc = unsafe extern "C" fn(
    ctx: *mut Ctx,
    user: *mut ModuleString,
    password: *mut ModuleString,
    error: *mut *mut ModuleString,
) -> c_int;
/// INFO was asked for.
pub type InfoFunc = unsafe extern "C" fn(ctx: *mut InfoCtx, for_crash_report: c_int);
/// A module's own blocks are to be moved.
pub type DefragFunc = unsafe extern "C" fn(ctx: *mut DefragCtx);
/// A client has become another user.
pub type UserChangedFunc = unsafe extern "C" fn(client: u64, data: *mut c_void);
/// An event of the server.
pub type EventFunc = unsafe extern "C" fn(ctx: *mut Ctx, event: Event, subevent: u64, data: *mut c_void);
/// A descriptor is ready.
pub type EventLoopFunc = unsafe extern "C" fn(fd: c_int, data: *mut c_void, mask: c_int);
/// What is done once in the event loop.
pub type EventLoopOneShotFunc = unsafe extern "C" fn(data: *mut c_void);
/// Makes a value of what was saved.
pub type TypeLoadFunc = unsafe extern "C" fn(io: *mut Io, encoding_version: c_int) -> *mut c_void;
/// Saves a value.
pub type TypeSaveFunc = unsafe extern "C" fn(io: *mut Io, value: *mut c_void);
/// Loads what a type keeps beside the keys.
pub type TypeAuxLoadFunc = unsafe extern "C" fn(io: *mut Io, encoding_version: c_int, when: c_int) -> c_int;
/// Saves what a type keeps beside the keys.
pub type TypeAuxSaveFunc = unsafe extern "C" fn(io: *mut Io, when: c_int);
/// Gives the commands that make a value anew.
pub type TypeRewriteFunc = unsafe extern "C" fn(io: *mut Io, key: *mut ModuleString, value: *mut c_void);
/// The bytes that a value takes.
pub type TypeMemUsageFunc = unsafe extern "C" fn(value: *const c_void) -> usize;
/// The bytes that a value takes.
pub type TypeMemUsageFunc2 =
    unsafe extern "C" fn(ctx: *mut KeyOptCtx, value: *const c_void, samples: usize) -> usize;
/// Gives what a value's digest is made of.
pub type TypeDigestFunc = unsafe extern "C" fn(digest: *mut Digest, value: *mut c_void);
/// Frees a value.
pub type TypeFreeFunc = unsafe extern "C" fn(value: *mut c_void);
/// How much work freeing a value is.
pub type TypeFreeEffortFunc = unsafe extern "C" fn(key: *mut ModuleString, value: *const c_void) -> usize;
/// How much work freeing a value is.
pub type TypeFreeEffortFunc2 = unsafe extern "C" fn(ctx: *mut KeyOptCtx, value: *const c_void) -> usize;
/// A value's key is removed.
pub type TypeUnlinkFunc = unsafe extern "C" fn(key: *mut ModuleString, value: *const c_void);
/// A value's key is removed.
pub type TypeUnlinkFunc2 = unsafe extern "C" fn(ctx: *mut KeyOptCtx, value: *const c_void);
/// Copies a value.
pub type TypeCopyFunc =
    unsafe extern "C" fn(from: *mut ModuleString, to: *mut ModuleString, value: *const c_void) -> *mut c_void;
/// Copies a value.
pub type TypeCopyFunc2 = unsafe extern "C" fn(ctx: *mut KeyOptCtx, value: *const c_void) -> *mut c_void;
/// Moves a value's blocks.
pub type TypeDefragFunc =
    unsafe extern "C" fn(ctx: *mut DefragCtx, key: *mut ModuleString, value: *mut *mut c_void) -> c_int;
