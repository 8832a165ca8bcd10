//! The numbers of the API, in one module for each set of them.

use std::ffi::{c_int, c_uint};

macro_rules! sets {
    ($($(#[$doc:meta])* $module:ident($prefix:literal): $kind:ty { $($name:ident = $value:expr;)* })*) => {$(
        $(#[$doc])*
        pub mod $module {
            #[allow(unused_imports, reason = "no set needs them all")]
            use super::*;
            $(
                #[doc = concat!("`", $prefix, stringify!($name), "`")]
                pub const $name: $kind = $value;
            )*
        }
    )*};
}

/// Done.
pub const OK: c_int = 0;
/// Not done.
pub const ERR: c_int = 1;
/// An authentication callback has decided.
pub const AUTH_HANDLED: c_int = 0;
/// An authentication callback leaves the decision to others.
pub const AUTH_NOT_HANDLED: c_int = 1;
/// The version of the API that modules are written for.
pub const API_VERSION: c_int = 1;
/// The length of an array that is said afterwards.
pub const POSTPONED_LEN: i64 = -1;
/// A key without expiry.
pub const NO_EXPIRE: i64 = -1;
/// The value that has HashSet delete a field, as an address.
pub const HASH_DELETE: usize = 1;
/// The length of a cluster node's identifier, in bytes.
pub const NODE_ID_LEN: usize = 40;
/// The client that an append-only file's commands come from.
pub const AOF_CLIENT: u64 = u64::MAX;

sets! {
    /// How a key is opened.
    key_mode("REDISMODULE_"): c_int {
        READ = 1;
        WRITE = 1 << 1;
        OPEN_KEY_NOTOUCH = 1 << 16;
        OPEN_KEY_NONOTIFY = 1 << 17;
        OPEN_KEY_NOSTATS = 1 << 18;
        OPEN_KEY_NOEXPIRE = 1 << 19;
        OPEN_KEY_NOEFFECTS = 1 << 20;
        OPEN_KEY_ACCESS_EXPIRED = 1 << 21;
        OPEN_KEY_ACCESS_TRIMMED = 1 << 22;
    }
    /// An end of a list.
    list_end("REDISMODULE_LIST_"): c_int {
        HEAD = 0;
        TAIL = 1;
    }
    /// What KeyType answers.
    key_type("REDISMODULE_KEYTYPE_"): c_int {
        EMPTY = 0;
        STRING = 1;
        LIST = 2;
        HASH = 3;
        SET = 4;
        ZSET = 5;
        MODULE = 6;
        STREAM = 7;
        GCRA = 8;
    }
    /// What CallReplyType answers.
    reply("REDISMODULE_REPLY_"): c_int {
        UNKNOWN = -1;
        STRING = 0;
        ERROR = 1;
        INTEGER = 2;
        ARRAY = 3;
        NULL = 4;
        MAP = 5;
        SET = 6;
        BOOL = 7;
        DOUBLE = 8;
        BIG_NUMBER = 9;
        VERBATIM_STRING = 10;
        ATTRIBUTE = 11;
        PROMISE = 12;
    }
    /// Flags of ZsetAdd, in and out.
    zadd("REDISMODULE_ZADD_"): c_int {
        XX = 1;
        NX = 1 << 1;
        ADDED = 1 << 2;
        UPDATED = 1 << 3;
        NOP = 1 << 4;
        GT = 1 << 5;
        LT = 1 << 6;
    }
    /// Flags of HashSet and HashGet.
    hash("REDISMODULE_HASH_"): c_int {
        NONE = 0;
        NX = 1;
        XX = 1 << 1;
        CFIELDS = 1 << 2;
        EXISTS = 1 << 3;
        COUNT_ALL = 1 << 4;
        EXPIRE_TIME = 1 << 5;
    }
    /// Flags of directives.
    config("REDISMODULE_CONFIG_"): c_uint {
        DEFAULT = 0;
        IMMUTABLE = 1;
        SENSITIVE = 1 << 1;
        HIDDEN = 1 << 4;
        PROTECTED = 1 << 5;
        DENY_LOADING = 1 << 6;
        MEMORY = 1 << 7;
        BITFLAGS = 1 << 8;
        UNPREFIXED = 1 << 9;
    }
    /// Flags of StreamAdd.
    stream_add("REDISMODULE_STREAM_ADD_"): c_int {
        AUTOID = 1;
    }
    /// Flags of StreamIteratorStart.
    stream_iterator("REDISMODULE_STREAM_ITERATOR_"): c_int {
        EXCLUSIVE = 1;
        REVERSE = 1 << 1;
    }
    /// Flags of StreamTrimByLength and StreamTrimByID.
    stream_trim("REDISMODULE_STREAM_TRIM_"): c_int {
        APPROX = 1;
    }
    /// What GetContextFlags answers.
    ctx_flags("REDISMODULE_CTX_FLAGS_"): c_int {
        LUA = 1;
        MULTI = 1 << 1;
        MASTER = 1 << 2;
        SLAVE = 1 << 3;
        READONLY = 1 << 4;
        CLUSTER = 1 << 5;
        AOF = 1 << 6;
        RDB = 1 << 7;
        MAXMEMORY = 1 << 8;
        EVICT = 1 << 9;
        OOM = 1 << 10;
        OOM_WARNING = 1 << 11;
        REPLICATED = 1 << 12;
        LOADING = 1 << 13;
        REPLICA_IS_STALE = 1 << 14;
        REPLICA_IS_CONNECTING = 1 << 15;
        REPLICA_IS_TRANSFERRING = 1 << 16;
        REPLICA_IS_ONLINE = 1 << 17;
        ACTIVE_CHILD = 1 << 18;
        MULTI_DIRTY = 1 << 19;
        IS_CHILD = 1 << 20;
        DENY_BLOCKING = 1 << 21;
        RESP3 = 1 << 22;
        ASYNC_LOADING = 1 << 23;
        SERVER_STARTUP = 1 << 24;
        DEBUG_ENABLED = 1 << 25;
        TRIM_IN_PROGRESS = 1 << 26;
    }
    /// Classes of keyspace notifications.
    notify("REDISMODULE_NOTIFY_"): c_int {
        KEYSPACE = 1;
        KEYEVENT = 1 << 1;
        GENERIC = 1 << 2;
        STRING = 1 << 3;
        LIST = 1 << 4;
        SET = 1 << 5;
        HASH = 1 << 6;
        ZSET = 1 << 7;
        EXPIRED = 1 << 8;
        EVICTED = 1 << 9;
        STREAM = 1 << 10;
        KEY_MISS = 1 << 11;
        LOADED = 1 << 12;
        MODULE = 1 << 13;
        NEW = 1 << 14;
        OVERWRITTEN = 1 << 15;
        TYPE_CHANGED = 1 << 16;
        KEY_TRIMMED = 1 << 17;
        RATE_LIMIT = 1 << 18;
        TRIMMED = 1 << 30;
        ALL = 10236;
    }
    /// Flags of a cluster's nodes.
    node("REDISMODULE_NODE_"): c_int {
        MYSELF = 1;
        MASTER = 1 << 1;
        SLAVE = 1 << 2;
        PFAIL = 1 << 3;
        FAIL = 1 << 4;
        NOFAILOVER = 1 << 5;
    }
    /// What SetClusterFlags takes.
    cluster_flag("REDISMODULE_CLUSTER_FLAG_"): u64 {
        NONE = 0;
        NO_FAILOVER = 1 << 1;
        NO_REDIRECTION = 1 << 2;
    }
    /// When what is kept beside the keys is saved.
    aux("REDISMODULE_AUX_"): c_int {
        BEFORE_RDB = 1;
        AFTER_RDB = 1 << 1;
    }
    /// What Yield lets happen.
    yield_flag("REDISMODULE_YIELD_FLAG_"): c_int {
        NONE = 1;
        CLIENTS = 1 << 1;
    }
    /// What ends a wait for keys.
    block_unblock("REDISMODULE_BLOCK_UNBLOCK_"): c_int {
        DEFAULT = 0;
        DELETED = 1;
    }
    /// Flags of command filters.
    filter("REDISMODULE_CMDFILTER_"): c_int {
        NOSELF = 1;
    }
    /// What SetModuleOptions takes.
    options("REDISMODULE_"): c_int {
        OPTIONS_HANDLE_IO_ERRORS = 1;
        OPTION_NO_IMPLICIT_SIGNAL_MODIFIED = 1 << 1;
        OPTIONS_HANDLE_REPL_ASYNC_LOAD = 1 << 2;
        OPTIONS_ALLOW_NESTED_KEYSPACE_NOTIFICATIONS = 1 << 3;
    }
    /// Flags of a command's argument.
    cmd_arg("REDISMODULE_CMD_ARG_"): c_int {
        NONE = 0;
        OPTIONAL = 1;
        MULTIPLE = 1 << 1;
        MULTIPLE_TOKEN = 1 << 2;
    }
    /// What a command does with a key.
    cmd_key("REDISMODULE_CMD_KEY_"): u64 {
        RO = 1;
        RW = 1 << 1;
        OW = 1 << 2;
        RM = 1 << 3;
        ACCESS = 1 << 4;
        UPDATE = 1 << 5;
        INSERT = 1 << 6;
        DELETE = 1 << 7;
        NOT_KEY = 1 << 8;
        INCOMPLETE = 1 << 9;
        VARIABLE_FLAGS = 1 << 10;
    }
    /// What a command does with a channel.
    cmd_channel("REDISMODULE_CMD_CHANNEL_"): c_int {
        PATTERN = 1;
        PUBLISH = 1 << 1;
        SUBSCRIBE = 1 << 2;
        UNSUBSCRIBE = 1 << 3;
    }
    /// What a descriptor is ready for.
    event_loop("REDISMODULE_EVENTLOOP_"): c_int {
        READABLE = 1;
        WRITABLE = 2;
    }
    /// Events of the server.
    event("REDISMODULE_EVENT_"): u64 {
        REPLICATION_ROLE_CHANGED = 0;
        PERSISTENCE = 1;
        FLUSHDB = 2;
        LOADING = 3;
        CLIENT_CHANGE = 4;
        SHUTDOWN = 5;
        REPLICA_CHANGE = 6;
        MASTER_LINK_CHANGE = 7;
        CRON_LOOP = 8;
        MODULE_CHANGE = 9;
        LOADING_PROGRESS = 10;
        SWAPDB = 11;
        REPL_BACKUP = 12;
        FORK_CHILD = 13;
        REPL_ASYNC_LOAD = 14;
        EVENTLOOP = 15;
        CONFIG = 16;
        KEY = 17;
    }
    /// What has happened, in an event.
    subevent("REDISMODULE_SUBEVENT_"): u64 {
        PERSISTENCE_RDB_START = 0;
        PERSISTENCE_AOF_START = 1;
        PERSISTENCE_SYNC_RDB_START = 2;
        PERSISTENCE_ENDED = 3;
        PERSISTENCE_FAILED = 4;
        PERSISTENCE_SYNC_AOF_START = 5;
        LOADING_RDB_START = 0;
        LOADING_AOF_START = 1;
        LOADING_REPL_START = 2;
        LOADING_ENDED = 3;
        LOADING_FAILED = 4;
        CLIENT_CHANGE_CONNECTED = 0;
        CLIENT_CHANGE_DISCONNECTED = 1;
        MASTER_LINK_UP = 0;
        MASTER_LINK_DOWN = 1;
        REPLICA_CHANGE_ONLINE = 0;
        REPLICA_CHANGE_OFFLINE = 1;
        FLUSHDB_START = 0;
        FLUSHDB_END = 1;
        MODULE_LOADED = 0;
        MODULE_UNLOADED = 1;
        CONFIG_CHANGE = 0;
        LOADING_PROGRESS_RDB = 0;
        LOADING_PROGRESS_AOF = 1;
        REPL_BACKUP_CREATE = 0;
        REPL_BACKUP_RESTORE = 1;
        REPL_BACKUP_DISCARD = 2;
        REPL_ASYNC_LOAD_STARTED = 0;
        REPL_ASYNC_LOAD_ABORTED = 1;
        REPL_ASYNC_LOAD_COMPLETED = 2;
        FORK_CHILD_BORN = 0;
        FORK_CHILD_DIED = 1;
        EVENTLOOP_BEFORE_SLEEP = 0;
        EVENTLOOP_AFTER_SLEEP = 1;
        KEY_DELETED = 0;
        KEY_EXPIRED = 1;
        KEY_EVICTED = 2;
        KEY_OVERWRITTEN = 3;
    }
    /// What the server has become, in an event of its role.
    role("REDISMODULE_EVENT_REPLROLECHANGED_"): u64 {
        NOW_MASTER = 0;
        NOW_REPLICA = 1;
    }
    /// Flags of a client.
    client_info("REDISMODULE_CLIENTINFO_FLAG_"): u64 {
        SSL = 1;
        PUBSUB = 1 << 1;
        BLOCKED = 1 << 2;
        TRACKING = 1 << 3;
        UNIXSOCKET = 1 << 4;
        MULTI = 1 << 5;
    }
    /// What a command's argument is.
    arg_type("REDISMODULE_ARG_TYPE_"): c_int {
        STRING = 0;
        INTEGER = 1;
        DOUBLE = 2;
        KEY = 3;
        PATTERN = 4;
        UNIX_TIME = 5;
        PURE_TOKEN = 6;
        ONEOF = 7;
        BLOCK = 8;
    }
    /// How the search for keys begins.
    kspec_bs("REDISMODULE_KSPEC_BS_"): c_int {
        INVALID = 0;
        UNKNOWN = 1;
        INDEX = 2;
        KEYWORD = 3;
    }
    /// How keys follow.
    kspec_fk("REDISMODULE_KSPEC_FK_"): c_int {
        OMITTED = 0;
        UNKNOWN = 1;
        RANGE = 2;
        KEYNUM = 3;
    }
    /// What was denied.
    acl_log("REDISMODULE_ACL_LOG_"): c_int {
        AUTH = 0;
        CMD = 1;
        KEY = 2;
        CHANNEL = 3;
    }
    /// Kinds of directives.
    config_type("REDISMODULE_CONFIG_TYPE_"): c_int {
        STRING = 0;
        ENUM = 1;
        NUMERIC = 2;
        BOOL = 3;
    }
}
