//! The allocation functions of the Module API, found by name.

use std::ffi::{CStr, c_char, c_int, c_ulong, c_void};
use std::{error, fmt, mem, ptr};

pub(crate) type Alloc = unsafe extern "C" fn(usize) -> *mut c_void;
pub(crate) type Calloc = unsafe extern "C" fn(usize, usize) -> *mut c_void;
pub(crate) type Realloc = unsafe extern "C" fn(*mut c_void, usize) -> *mut c_void;
pub(crate) type Free = unsafe extern "C" fn(*mut c_void);
pub(crate) type UsableSize = unsafe extern "C" fn(*mut c_void) -> usize;

pub(crate) type DefragAlloc = unsafe extern "C" fn(*mut c_void, *mut c_void) -> *mut c_void;
pub(crate) type DefragShouldStop = unsafe extern "C" fn(*mut c_void) -> c_int;
pub(crate) type DefragCursorSet = unsafe extern "C" fn(*mut c_void, c_ulong) -> c_int;
pub(crate) type DefragCursorGet = unsafe extern "C" fn(*mut c_void, *mut c_ulong) -> c_int;

/// `GetApi(name, &function)`, the first word of a module's context: 0 when it wrote the function.
pub(crate) type GetApi = unsafe extern "C" fn(*const c_char, *mut *mut c_void) -> c_int;

/// The functions, as the server has them.
#[derive(Clone, Copy)]
pub(crate) struct HostApi {
    /// Ends the server when there is no memory, like `calloc` and `realloc`.
    pub(crate) alloc: Alloc,
    pub(crate) calloc: Calloc,
    pub(crate) realloc: Realloc,
    pub(crate) free: Free,
    /// Since Redis 7.0: null when there is no memory.
    pub(crate) try_alloc: Option<Alloc>,
    /// Since Redis 7.4.
    pub(crate) try_calloc: Option<Calloc>,
    /// Since Redis 7.4.
    pub(crate) try_realloc: Option<Realloc>,
    /// Since Redis 7.0.1: the bytes of a block that may be used.
    pub(crate) usable_size: Option<UsableSize>,
    /// Since Redis 6.2.
    pub(crate) defrag: Option<DefragApi>,
}

/// The functions for a type's defrag callback, each of which takes the callback's context.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DefragApi {
    /// Moves a block, if that is of use: the new block, or null with the old one as it was.
    pub(crate) alloc: DefragAlloc,
    /// Whether the callback's time is up.
    pub(crate) should_stop: DefragShouldStop,
    /// Keeps a number for the next call: 0 on success, 1 when there will be none.
    pub(crate) cursor_set: DefragCursorSet,
    /// Reads that number: 0 on success.
    pub(crate) cursor_get: DefragCursorGet,
}

/// Why no server was bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BindError {
    /// The context is null, or holds no way to look functions up.
    NoContext,
    /// The server lacks this function, by its name without a prefix.
    MissingFunction(&'static str),
    /// Another server is bound already: memory can't be taken from two.
    AnotherServer,
}

impl fmt::Display for BindError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoContext => formatter.write_str("the context of the module holds no API"),
            Self::MissingFunction(name) => write!(formatter, "the server has no function {name}"),
            Self::AnotherServer => formatter.write_str("another server is bound already"),
        }
    }
}

impl error::Error for BindError {}

/// The names of one function, first as Redis has it. Valkey knows both.
type Names = [&'static CStr; 2];

const ALLOC: Names = [c"RedisModule_Alloc", c"ValkeyModule_Alloc"];
const CALLOC: Names = [c"RedisModule_Calloc", c"ValkeyModule_Calloc"];
const REALLOC: Names = [c"RedisModule_Realloc", c"ValkeyModule_Realloc"];
const FREE: Names = [c"RedisModule_Free", c"ValkeyModule_Free"];
const TRY_ALLOC: Names = [c"RedisModule_TryAlloc", c"ValkeyModule_TryAlloc"];
const TRY_CALLOC: Names = [c"RedisModule_TryCalloc", c"ValkeyModule_TryCalloc"];
const TRY_REALLOC: Names = [c"RedisModule_TryRealloc", c"ValkeyModule_TryRealloc"];
const DEFRAG_ALLOC: Names = [c"RedisModule_DefragAlloc", c"ValkeyModule_DefragAlloc"];
const DEFRAG_SHOULD_STOP: Names = [c"RedisModule_DefragShouldStop", c"ValkeyModule_DefragShouldStop"];
const DEFRAG_CURSOR_SET: Names = [c"RedisModule_DefragCursorSet", c"ValkeyModule_DefragCursorSet"];
const DEFRAG_CURSOR_GET: Names = [c"RedisModule_DefragCursorGet", c"ValkeyModule_DefragCursorGet"];
const USABLE_SIZE: Names = [c"RedisModule_MallocUsableSize", c"ValkeyModule_MallocUsableSize"];

impl HostApi {
    /// Looks the functions up in the context that OnLoad was given.
    ///
    /// # Errors
    /// When the context is null, or the server lacks Alloc, Calloc, Realloc or Free.
    ///
    /// # Safety
    /// `context` must be null or the context that the server passed to `RedisModule_OnLoad`.
    pub(crate) unsafe fn of_context(context: *mut c_void) -> Result<Self, BindError> {
        if context.is_null() {
            return Err(BindError::NoContext);
        }
        // SAFETY: a context begins with the pointer to GetApi; null reads as `None`.
        let get_api = unsafe { *context.cast::<Option<GetApi>>() }.ok_or(BindError::NoContext)?;
        // SAFETY: it is the server's.
        unsafe { Self::of_get_api(get_api) }
    }

    /// Looks the functions up by the server's GetApi.
    ///
    /// # Errors
    /// When the server lacks Alloc, Calloc, Realloc or Free.
    ///
    /// # Safety
    /// It must be the function that a server passed to this module.
    pub(crate) unsafe fn of_get_api(get_api: GetApi) -> Result<Self, BindError> {
        let look_up = |names: Names| {
            names.iter().find_map(|name| {
                let mut function = ptr::null_mut();
                // SAFETY: GetApi takes a string and a place for a pointer.
                let status = unsafe { get_api(name.as_ptr(), &raw mut function) };
                (status == 0 && !function.is_null()).then_some(function)
            })
        };
        let defrag = || {
            // SAFETY: as below.
            unsafe {
                Some(DefragApi {
                    alloc: mem::transmute::<*mut c_void, DefragAlloc>(look_up(DEFRAG_ALLOC)?),
                    should_stop: mem::transmute::<*mut c_void, DefragShouldStop>(look_up(
                        DEFRAG_SHOULD_STOP,
                    )?),
                    cursor_set: mem::transmute::<*mut c_void, DefragCursorSet>(look_up(DEFRAG_CURSOR_SET)?),
                    cursor_get: mem::transmute::<*mut c_void, DefragCursorGet>(look_up(DEFRAG_CURSOR_GET)?),
                })
            }
        };
        let required = |names: Names, name| look_up(names).ok_or(BindError::MissingFunction(name));
        // SAFETY: a function has the type that the Module API documents for its name, and a pointer
        // to a function that isn't null is one that can be called.
        unsafe {
            Ok(Self {
                alloc: mem::transmute::<*mut c_void, Alloc>(required(ALLOC, "Alloc")?),
                calloc: mem::transmute::<*mut c_void, Calloc>(required(CALLOC, "Calloc")?),
                realloc: mem::transmute::<*mut c_void, Realloc>(required(REALLOC, "Realloc")?),
                free: mem::transmute::<*mut c_void, Free>(required(FREE, "Free")?),
                try_alloc: look_up(TRY_ALLOC).map(|f| mem::transmute::<*mut c_void, Alloc>(f)),
                try_calloc: look_up(TRY_CALLOC).map(|f| mem::transmute::<*mut c_void, Calloc>(f)),
                try_realloc: look_up(TRY_REALLOC).map(|f| mem::transmute::<*mut c_void, Realloc>(f)),
                usable_size: look_up(USABLE_SIZE).map(|f| mem::transmute::<*mut c_void, UsableSize>(f)),
                defrag: defrag(),
            })
        }
    }
}
