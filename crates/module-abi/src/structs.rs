//! What crosses the boundary in memory, laid out as C does it. Layouts are asserted when the crate is compiled.

use std::ffi::{c_char, c_int};
use std::mem::offset_of;

use crate::types::*;

/// The functions of a type of values: a version, and behind it what that version has. What lies beyond is not to be
/// read: [`TypeMethods::size_of_version`].
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct TypeMethods {
    /// 1 to 5.
    pub version: u64,
    /// Makes a value of what was saved.
    pub rdb_load: Option<TypeLoadFunc>,
    /// Saves a value.
    pub rdb_save: Option<TypeSaveFunc>,
    /// Gives the commands that make a value anew.
    pub aof_rewrite: Option<TypeRewriteFunc>,
    /// The bytes that a value takes.
    pub mem_usage: Option<TypeMemUsageFunc>,
    /// Gives what a value's digest is made of.
    pub digest: Option<TypeDigestFunc>,
    /// Frees a value.
    pub free: Option<TypeFreeFunc>,
    /// Loads what is kept beside the keys. From here on since version 2.
    pub aux_load: Option<TypeAuxLoadFunc>,
    /// Saves what is kept beside the keys.
    pub aux_save: Option<TypeAuxSaveFunc>,
    /// When that is called: [`constants::aux`](crate::constants::aux).
    pub aux_save_triggers: c_int,
    /// How much work freeing a value is. From here on since version 3.
    pub free_effort: Option<TypeFreeEffortFunc>,
    /// A value's key is removed.
    pub unlink: Option<TypeUnlinkFunc>,
    /// Copies a value.
    pub copy: Option<TypeCopyFunc>,
    /// Moves a value's blocks.
    pub defrag: Option<TypeDefragFunc>,
    /// As `mem_usage`. From here on since version 4.
    pub mem_usage2: Option<TypeMemUsageFunc2>,
    /// As `free_effort`.
    pub free_effort2: Option<TypeFreeEffortFunc2>,
    /// As `unlink`.
    pub unlink2: Option<TypeUnlinkFunc2>,
    /// As `copy`.
    pub copy2: Option<TypeCopyFunc2>,
    /// As `aux_save`, but nothing is saved where it saves nothing. Since version 5.
    pub aux_save2: Option<TypeAuxSaveFunc>,
}

impl TypeMethods {
    /// The newest version.
    pub const VERSION: u64 = 5;

    /// The bytes that a struct of this version has; `None` for one that doesn't exist yet.
    pub const fn size_of_version(version: u64) -> Option<usize> {
        match version {
            1 => Some(offset_of!(Self, aux_load)),
            2 => Some(offset_of!(Self, free_effort)),
            3 => Some(offset_of!(Self, mem_usage2)),
            4 => Some(offset_of!(Self, aux_save2)),
            5 => Some(size_of::<Self>()),
            _ => None,
        }
    }
}

/// What SetCommandInfo says of a command.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct CommandInfo {
    /// The sizes of what the pointers below lead to.
    pub version: *const CommandInfoVersion,
    /// What the command does.
    pub summary: *const c_char,
    /// The time it takes.
    pub complexity: *const c_char,
    /// The version of the module that had it first.
    pub since: *const c_char,
    /// Its changes, up to one without `since`.
    pub history: *const CommandHistoryEntry,
    /// Hints for clients and proxies, separated by spaces.
    pub tips: *const c_char,
    /// The number of arguments; negative where more may follow. 0 leaves it as it is.
    pub arity: c_int,
    /// Where the keys stand, up to one without a way to begin.
    pub key_specs: *const CommandKeySpec,
    /// The arguments, up to one without name.
    pub args: *const CommandArg,
}

/// The sizes of the elements of a [`CommandInfo`]'s arrays, as the module was compiled with them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct CommandInfoVersion {
    /// 1.
    pub version: c_int,
    /// Bytes of a [`CommandHistoryEntry`].
    pub sizeof_historyentry: usize,
    /// Bytes of a [`CommandKeySpec`].
    pub sizeof_keyspec: usize,
    /// Bytes of a [`CommandArg`].
    pub sizeof_arg: usize,
}

/// A change of a command.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct CommandHistoryEntry {
    /// The version of the module that it came with.
    pub since: *const c_char,
    /// What it was.
    pub changes: *const c_char,
}

/// An argument of a command.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct CommandArg {
    /// Its name.
    pub name: *const c_char,
    /// What it is: [`constants::arg_type`](crate::constants::arg_type).
    pub kind: c_int,
    /// For a key, which of the key specs is about it.
    pub key_spec_index: c_int,
    /// The word that stands before it.
    pub token: *const c_char,
    /// What it is for.
    pub summary: *const c_char,
    /// The version of the module that had it first.
    pub since: *const c_char,
    /// [`constants::cmd_arg`](crate::constants::cmd_arg).
    pub flags: c_int,
    /// The version that deprecated it.
    pub deprecated_since: *const c_char,
    /// The arguments that it consists of.
    pub subargs: *const CommandArg,
    /// What to show for it.
    pub display_text: *const c_char,
}

/// Where keys stand among the arguments.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct CommandKeySpec {
    /// A remark.
    pub notes: *const c_char,
    /// [`constants::cmd_key`](crate::constants::cmd_key).
    pub flags: u64,
    /// How to begin: [`constants::kspec_bs`](crate::constants::kspec_bs).
    pub begin_search_type: c_int,
    /// Where to begin.
    pub bs: BeginSearch,
    /// How to go on: [`constants::kspec_fk`](crate::constants::kspec_fk).
    pub find_keys_type: c_int,
    /// Where the keys follow.
    pub fk: FindKeys,
}

/// Where the search for keys begins, by `begin_search_type`.
#[derive(Clone, Copy)]
#[repr(C)]
pub union BeginSearch {
    /// At an argument.
    pub index: BeginIndex,
    /// Behind a word.
    pub keyword: BeginKeyword,
}

/// At an argument.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct BeginIndex {
    /// Its number.
    pub pos: c_int,
}

/// Behind a word.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct BeginKeyword {
    /// The word.
    pub keyword: *const c_char,
    /// Where to look for it from; negative from the end backwards.
    pub startfrom: c_int,
}

/// How keys follow, by `find_keys_type`.
#[derive(Clone, Copy)]
#[repr(C)]
pub union FindKeys {
    /// From here to there.
    pub range: FindRange,
    /// As many as an argument says.
    pub keynum: FindKeyNum,
}

/// From here to there.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FindRange {
    /// The last key, counted from the begin; negative from the end.
    pub lastkey: c_int,
    /// The distance from a key to the next.
    pub keystep: c_int,
    /// The fraction of the arguments that is looked at.
    pub limit: c_int,
}

/// As many as an argument says.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FindKeyNum {
    /// The argument with the number.
    pub keynumidx: c_int,
    /// The first key.
    pub firstkey: c_int,
    /// The distance from a key to the next.
    pub keystep: c_int,
}

/// An identifier of a stream's entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[repr(C)]
pub struct StreamId {
    /// Milliseconds.
    pub ms: u64,
    /// The number within the millisecond.
    pub seq: u64,
}

/// An event of the server, passed by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Event {
    /// [`constants::event`](crate::constants::event).
    pub id: u64,
    /// The version of the data that comes with it.
    pub version: u64,
}

/// A client.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ClientInfo {
    /// 1.
    pub version: u64,
    /// [`constants::client_info`](crate::constants::client_info).
    pub flags: u64,
    /// Its number.
    pub id: u64,
    /// Its address, NUL-terminated.
    pub addr: [c_char; 46],
    /// Its port.
    pub port: u16,
    /// The number of the database that it has selected.
    pub db: u16,
}

/// The role of the server among others.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ReplicationInfo {
    /// 1.
    pub version: u64,
    /// Whether it is a primary.
    pub master: c_int,
    /// The host of the primary.
    pub masterhost: *const c_char,
    /// The port of the primary.
    pub masterport: c_int,
    /// The replication's identifier.
    pub replid1: *const c_char,
    /// The one before.
    pub replid2: *const c_char,
    /// How far it has come.
    pub repl1_offset: u64,
    /// Up to where the one before is valid.
    pub repl2_offset: u64,
}

/// A database is emptied.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct FlushInfo {
    /// 1.
    pub version: u64,
    /// Whether that is done at once.
    pub sync: i32,
    /// The number of the database; −1 for all.
    pub dbnum: i32,
}

/// A module was loaded or unloaded.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ModuleChange {
    /// 1.
    pub version: u64,
    /// Its name.
    pub module_name: *const c_char,
    /// Its version.
    pub module_version: i32,
}

/// Directives were changed.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct ConfigChange {
    /// 1.
    pub version: u64,
    /// How many.
    pub num_changes: u32,
    /// Their names.
    pub config_names: *const *const c_char,
}

/// The server's regular work.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct CronLoop {
    /// 1.
    pub version: u64,
    /// How often a second that is done.
    pub hz: i32,
}

/// How far loading has come.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct LoadingProgress {
    /// 1.
    pub version: u64,
    /// How often a second the server does its regular work.
    pub hz: i32,
    /// 0 to 1024; −1 where that isn't known.
    pub progress: i32,
}

/// Two databases were exchanged.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct SwapDbInfo {
    /// 1.
    pub version: u64,
    /// One.
    pub dbnum_first: i32,
    /// The other.
    pub dbnum_second: i32,
}

/// A key is going or has gone.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct KeyInfo {
    /// 1.
    pub version: u64,
    /// The key, open for reading.
    pub key: *mut Key,
}

/// Fails to compile where a struct isn't laid out as C's is on a 64-bit machine.
macro_rules! layout {
    ($($name:ident: $size:literal { $($field:ident: $offset:literal),* $(,)? })*) => {
        #[cfg(target_pointer_width = "64")]
        const _: () = {$(
            assert!(size_of::<$name>() == $size);
            $(assert!(offset_of!($name, $field) == $offset);)*
        )*};
    };
}

layout! {
    TypeMethods: 152 {
        rdb_load: 8, free: 48, aux_load: 56, aux_save: 64, aux_save_triggers: 72, free_effort: 80, defrag: 104,
        mem_usage2: 112, copy2: 136, aux_save2: 144,
    }
    CommandInfo: 72 { summary: 8, history: 32, tips: 40, arity: 48, key_specs: 56, args: 64 }
    CommandInfoVersion: 32 { sizeof_historyentry: 8, sizeof_keyspec: 16, sizeof_arg: 24 }
    CommandHistoryEntry: 16 { changes: 8 }
    CommandArg: 72 {
        kind: 8, key_spec_index: 12, token: 16, summary: 24, since: 32, flags: 40, deprecated_since: 48, subargs: 56,
        display_text: 64,
    }
    CommandKeySpec: 56 { flags: 8, begin_search_type: 16, bs: 24, find_keys_type: 40, fk: 44 }
    StreamId: 16 { seq: 8 }
    Event: 16 { version: 8 }
    ClientInfo: 80 { flags: 8, id: 16, addr: 24, port: 70, db: 72 }
    ReplicationInfo: 64 { master: 8, masterhost: 16, masterport: 24, replid1: 32, replid2: 40, repl1_offset: 48 }
    FlushInfo: 16 { sync: 8, dbnum: 12 }
    ModuleChange: 24 { module_name: 8, module_version: 16 }
    ConfigChange: 24 { num_changes: 8, config_names: 16 }
    CronLoop: 16 { hz: 8 }
    LoadingProgress: 16 { hz: 8, progress: 12 }
    SwapDbInfo: 16 { dbnum_first: 8, dbnum_second: 12 }
    KeyInfo: 16 { key: 8 }
}

#[cfg(target_pointer_width = "64")]
const _: () = {
    let ends = [56, 80, 112, 144, 152];
    let mut version = 1;
    while version <= TypeMethods::VERSION {
        assert!(
            matches!(TypeMethods::size_of_version(version), Some(end) if end == ends[version as usize - 1])
        );
        version += 1;
    }
    assert!(TypeMethods::size_of_version(TypeMethods::VERSION + 1).is_none());
};
