//! The functions that C defines (`c/foreign.c`), and those that they call.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use module_abi::constants::{ERR, OK};
use module_abi::types::{self, LongDouble, ModuleString};

use crate::api::Binding;
use crate::areas::calls::{self, Argument, CallFlags};
use crate::areas::log;
use crate::context::Ctx;
use crate::guard::{FromRaw, bytes, guarded, set_errno};
use crate::io::{Io, Medium};
use crate::string::StrRef;

unsafe extern "C" {
    fn modhost_Call(
        ctx: *mut types::Ctx,
        name: *const c_char,
        format: *const c_char,
        ...
    ) -> *mut types::CallReply;
    fn modhost_Replicate(ctx: *mut types::Ctx, name: *const c_char, format: *const c_char, ...) -> c_int;
    fn modhost_EmitAOF(io: *mut types::Io, name: *const c_char, format: *const c_char, ...);
    fn modhost_HashSet(key: *mut types::Key, flags: c_int, ...) -> c_int;
    fn modhost_HashGet(key: *mut types::Key, flags: c_int, ...) -> c_int;
    fn modhost_Log(ctx: *mut types::Ctx, level: *const c_char, format: *const c_char, ...);
    fn modhost_LogIOError(io: *mut types::Io, level: *const c_char, format: *const c_char, ...);
    fn modhost_CreateStringPrintf(ctx: *mut types::Ctx, format: *const c_char, ...) -> *mut ModuleString;
    fn modhost_ReplyWithErrorFormat(ctx: *mut types::Ctx, format: *const c_char, ...) -> c_int;
    fn modhost_CreateStringFromLongDouble(
        ctx: *mut types::Ctx,
        number: LongDouble,
        for_people: c_int,
    ) -> *mut ModuleString;
    fn modhost_ReplyWithLongDouble(ctx: *mut types::Ctx, number: LongDouble) -> c_int;
    fn modhost_StringToLongDouble(string: *const ModuleString, number: *mut LongDouble) -> c_int;
    fn modhost_SaveLongDouble(io: *mut types::Io, number: LongDouble);
    fn modhost_LoadLongDouble(io: *mut types::Io) -> LongDouble;
}

macro_rules! bind {
    ($($name:ident = $function:ident;)*) => {
        /// The functions that C defines.
        pub(crate) const BINDINGS: &[Binding] = &[$({
            let function: module_abi::signature::$name = $function;
            Binding::new(stringify!($name), function as *const ())
        }),*];
    };
}

bind! {
    Call = modhost_Call;
    Replicate = modhost_Replicate;
    EmitAOF = modhost_EmitAOF;
    HashSet = modhost_HashSet;
    HashGet = modhost_HashGet;
    Log = modhost_Log;
    LogIOError = modhost_LogIOError;
    CreateStringPrintf = modhost_CreateStringPrintf;
    ReplyWithErrorFormat = modhost_ReplyWithErrorFormat;
    CreateStringFromLongDouble = modhost_CreateStringFromLongDouble;
    ReplyWithLongDouble = modhost_ReplyWithLongDouble;
    StringToLongDouble = modhost_StringToLongDouble;
    SaveLongDouble = modhost_SaveLongDouble;
    LoadLongDouble = modhost_LoadLongDouble;
}

/// # Safety
/// What the module's call was documented to be given; `arguments` are as many as `count` says.
#[unsafe(no_mangle)]
unsafe extern "C" fn modhost_call(
    ctx: *mut types::Ctx,
    name: *const c_char,
    format: *const c_char,
    arguments: *const Argument,
    count: usize,
) -> *mut types::CallReply {
    guarded("Call", || {
        // SAFETY: the module vouches for what it has passed, and C for the array.
        unsafe {
            let (ctx, name, format) =
                (<&Ctx>::from_raw(ctx), <&CStr>::from_raw(name), <&CStr>::from_raw(format));
            calls::call(ctx, name, format, std::slice::from_raw_parts(arguments, count))
        }
    })
}

/// # Safety
/// As [`modhost_call`].
#[unsafe(no_mangle)]
unsafe extern "C" fn modhost_replicate(
    _ctx: *mut types::Ctx,
    _name: *const c_char,
    format: *const c_char,
    _arguments: *const Argument,
    _count: usize,
) -> c_int {
    guarded("Replicate", || {
        // SAFETY: the module vouches for a text.
        let format = unsafe { <&CStr>::from_raw(format) };
        // There are no replicas and no append-only file; a format that can't be read is refused all the same.
        if CallFlags::parse(format.to_bytes()).is_some() { OK } else { ERR }
    })
}

/// # Safety
/// As [`modhost_call`].
#[unsafe(no_mangle)]
unsafe extern "C" fn modhost_emit_aof(
    io: *mut types::Io,
    name: *const c_char,
    format: *const c_char,
    arguments: *const Argument,
    count: usize,
) {
    guarded("EmitAOF", || {
        // SAFETY: the module vouches for what it has passed, and C for the array.
        let (io, name, format, arguments) = unsafe {
            let arguments = std::slice::from_raw_parts(arguments, count);
            (<&Io<'_>>::from_raw(io), <&CStr>::from_raw(name), <&CStr>::from_raw(format), arguments)
        };
        if CallFlags::parse(format.to_bytes()).is_none() {
            tracing::warn!(
                "Fatal: AOF method for module data type called EmitAOF with unknown command or format"
            );
            io.has_failed.set(true);
            set_errno(libc::EINVAL);
            return;
        }
        let mut held = calls::Held::new();
        // SAFETY: as above.
        let args = unsafe { calls::collect(name, arguments, &mut held) };
        let args: Vec<&[u8]> = args.iter().map(AsRef::as_ref).collect();
        if let Medium::Rewrite(rewrite) = &mut *io.medium.borrow_mut() {
            rewrite.command(&args);
        }
    });
}

/// There are no hashes here.
///
/// # Safety
/// None is needed.
#[unsafe(no_mangle)]
unsafe extern "C" fn modhost_hash_set(
    _key: *mut types::Key,
    _flags: c_int,
    _pairs: *const *const c_void,
    _count: usize,
) -> c_int {
    set_errno(libc::ENOTSUP);
    0
}

/// There are no hashes here.
///
/// # Safety
/// None is needed.
#[unsafe(no_mangle)]
unsafe extern "C" fn modhost_hash_get(
    _key: *mut types::Key,
    _flags: c_int,
    _pairs: *const *mut c_void,
    _count: usize,
) -> c_int {
    set_errno(libc::ENOTSUP);
    ERR
}

/// # Safety
/// What the module's call was documented to be given; there are `len` bytes of text.
#[unsafe(no_mangle)]
unsafe extern "C" fn modhost_log(
    ctx: *mut types::Ctx,
    level: *const c_char,
    text: *const c_char,
    len: usize,
) {
    guarded("Log", || {
        // SAFETY: the module vouches for what it has passed, and C for the text.
        let (ctx, level, text) =
            unsafe { (<Option<&Ctx>>::from_raw(ctx), log::level(level), bytes(text, len)) };
        log::write(log::slot_of(ctx), level, text);
    });
}

/// # Safety
/// As [`modhost_log`].
#[unsafe(no_mangle)]
unsafe extern "C" fn modhost_log_io_error(
    io: *mut types::Io,
    level: *const c_char,
    text: *const c_char,
    len: usize,
) {
    guarded("LogIOError", || {
        // SAFETY: the module vouches for what it has passed, and C for the text.
        let (io, level, text) = unsafe { (<&Io<'_>>::from_raw(io), log::level(level), bytes(text, len)) };
        log::write(Some(io.slot), level, text);
    });
}

/// # Safety
/// As [`modhost_log`].
#[unsafe(no_mangle)]
unsafe extern "C" fn modhost_create_string(
    ctx: *mut types::Ctx,
    text: *const c_char,
    len: usize,
) -> *mut ModuleString {
    guarded("CreateStringPrintf", || {
        // SAFETY: the module vouches for the context, and C for the text.
        let (ctx, text) = unsafe { (<Option<&Ctx>>::from_raw(ctx), bytes(text, len)) };
        match ctx {
            Some(ctx) => ctx.give_string(StrRef::new(text)),
            None => StrRef::new(text).into_raw(),
        }
    })
}

/// # Safety
/// As [`modhost_log`].
#[unsafe(no_mangle)]
unsafe extern "C" fn modhost_reply_with_error(
    ctx: *mut types::Ctx,
    text: *const c_char,
    len: usize,
) -> c_int {
    guarded("ReplyWithErrorFormat", || {
        // SAFETY: the module vouches for the context, and C for the text.
        let (ctx, text) = unsafe { (<&Ctx>::from_raw(ctx), bytes(text, len)) };
        ctx.reply.borrow_mut().error(&engine::Error::new(text));
        OK
    })
}

/// # Safety
/// As [`modhost_log`].
#[unsafe(no_mangle)]
unsafe extern "C" fn modhost_reply_with_number(
    ctx: *mut types::Ctx,
    text: *const c_char,
    len: usize,
) -> c_int {
    guarded("ReplyWithLongDouble", || {
        // SAFETY: the module vouches for the context, and C for the text.
        let (ctx, text) = unsafe { (<&Ctx>::from_raw(ctx), bytes(text, len)) };
        ctx.reply.borrow_mut().double_as(text);
        OK
    })
}

/// # Safety
/// The string is one of a module's, or NULL, and there is a place for the length.
#[unsafe(no_mangle)]
unsafe extern "C" fn modhost_text(string: *const ModuleString, len: *mut usize) -> *const c_char {
    // SAFETY: the module vouches for the string, and C for the place.
    unsafe {
        match crate::string::ConstStr::from_raw(string).0 {
            Some(string) => {
                len.write(string.bytes().len());
                string.as_c()
            }
            None => ptr::null(),
        }
    }
}

/// # Safety
/// As [`modhost_log`].
#[unsafe(no_mangle)]
unsafe extern "C" fn modhost_save_text(io: *mut types::Io, text: *const c_char, len: usize) {
    guarded("SaveLongDouble", || {
        // SAFETY: the module vouches for what is being saved, and C for the text.
        let (io, text) = unsafe { (<&Io<'_>>::from_raw(io), bytes(text, len)) };
        io.save(|save| save.string(text));
    });
}

/// A text that was saved, with a NUL behind it, to be given to [`modhost_free_text`]; NULL where there is none.
///
/// # Safety
/// The module's callback was given what is being loaded, and there is a place for the length.
#[unsafe(no_mangle)]
unsafe extern "C" fn modhost_load_text(io: *mut types::Io, len: *mut usize) -> *mut c_char {
    guarded("LoadLongDouble", || {
        // SAFETY: the module vouches for what is being loaded.
        let io = unsafe { <&Io<'_>>::from_raw(io) };
        let Some(text) = io.load(|load| load.string()) else { return ptr::null_mut() };
        // SAFETY: C vouches for the place.
        unsafe { len.write(text.len()) };
        let until_nul: Vec<u8> = text.into_iter().take_while(|&byte| byte != 0).collect();
        std::ffi::CString::new(until_nul).map_or(ptr::null_mut(), std::ffi::CString::into_raw)
    })
}

/// # Safety
/// The text is one that [`modhost_load_text`] gave.
#[unsafe(no_mangle)]
unsafe extern "C" fn modhost_free_text(text: *mut c_char) {
    // SAFETY: by the caller's word.
    drop(unsafe { std::ffi::CString::from_raw(text) });
}
