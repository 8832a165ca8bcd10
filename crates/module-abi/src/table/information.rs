//! What a module says of itself and asks about the server.

api! {
    "Module information and time measurement" {
        "4.0.0" fn SetModuleAttribs(ctx: *mut Ctx, name: *const c_char, ver: c_int, apiver: c_int);
        "4.0.3" fn IsModuleNameBusy(name: *const c_char) -> c_int;
        "6.0.0" fn SetModuleOptions(ctx: *mut Ctx, options: c_int);
        "6.0.0" fn SignalModifiedKey(ctx: *mut Ctx, keyname: *mut ModuleString) -> c_int;
        "4.0.0" fn Milliseconds() -> i64;
        "7.0.0" fn MonotonicMicroseconds() -> u64;
        "7.2.0" fn Microseconds() -> i64;
        "7.2.0" fn CachedMicroseconds() -> i64;
        "7.0.0" fn Yield(ctx: *mut Ctx, flags: c_int, busy_reply: *const c_char);
        "6.2.0" fn BlockedClientMeasureTimeStart(bc: *mut BlockedClient) -> c_int;
        "6.2.0" fn BlockedClientMeasureTimeEnd(bc: *mut BlockedClient) -> c_int;
    }
    "Miscellaneous APIs" {
        "6.0.0" fn ModuleTypeReplaceValue(
            key: *mut Key,
            mt: *mut ModuleType,
            new_value: *mut c_void,
            old_value: *mut *mut c_void,
        ) -> c_int;
        "6.0.9" fn GetContextFlagsAll() -> c_int;
        "7.2.0" fn GetModuleOptionsAll() -> c_int;
        "6.0.9" fn GetKeyspaceNotificationFlagsAll() -> c_int;
        "6.0.9" fn GetServerVersion() -> c_int;
        "6.2.0" fn GetTypeMethodVersion() -> c_int;
        "6.0.9" fn GetCommandKeys(
            ctx: *mut Ctx,
            argv: *mut *mut ModuleString,
            argc: c_int,
            num_keys: *mut c_int,
        ) -> *mut c_int;
        "7.0.0" fn GetCommandKeysWithFlags(
            ctx: *mut Ctx,
            argv: *mut *mut ModuleString,
            argc: c_int,
            num_keys: *mut c_int,
            out_flags: *mut *mut c_int,
        ) -> *mut c_int;
        "6.2.5" fn GetCurrentCommandName(ctx: *mut Ctx) -> *const c_char;
    }
    "Modules utility APIs" {
        "5.0.0" fn GetRandomBytes(dst: *mut c_uchar, len: usize);
        "5.0.0" fn GetRandomHexChars(dst: *mut c_char, len: usize);
    }
    "Logging" {
        "4.0.0" fn Log(ctx: *mut Ctx, level: *const c_char, fmt: *const c_char, ...);
        "4.0.0" fn LogIOError(io: *mut Io, levelstr: *const c_char, fmt: *const c_char, ...);
        "6.0.0" fn _Assert(estr: *const c_char, file: *const c_char, line: c_int);
        "6.0.0" fn LatencyAddSample(event: *const c_char, latency: i64);
    }
    "Modules Info fields" {
        "6.0.0" fn RegisterInfoFunc(ctx: *mut Ctx, cb: Option<InfoFunc>) -> c_int;
        "6.0.0" fn InfoAddSection(ctx: *mut InfoCtx, name: *const c_char) -> c_int;
        "6.0.0" fn InfoBeginDictField(ctx: *mut InfoCtx, name: *const c_char) -> c_int;
        "6.0.0" fn InfoEndDictField(ctx: *mut InfoCtx) -> c_int;
        "6.0.0" fn InfoAddFieldString(
            ctx: *mut InfoCtx,
            field: *const c_char,
            value: *mut ModuleString,
        ) -> c_int;
        "6.0.0" fn InfoAddFieldCString(
            ctx: *mut InfoCtx,
            field: *const c_char,
            value: *const c_char,
        ) -> c_int;
        "6.0.0" fn InfoAddFieldDouble(ctx: *mut InfoCtx, field: *const c_char, value: f64) -> c_int;
        "6.0.0" fn InfoAddFieldLongLong(ctx: *mut InfoCtx, field: *const c_char, value: c_longlong) -> c_int;
        "6.0.0" fn InfoAddFieldULongLong(
            ctx: *mut InfoCtx,
            field: *const c_char,
            value: c_ulonglong,
        ) -> c_int;
        "6.0.0" fn GetServerInfo(ctx: *mut Ctx, section: *const c_char) -> *mut ServerInfoData;
        "6.0.0" fn FreeServerInfo(ctx: *mut Ctx, data: *mut ServerInfoData);
        "6.0.0" fn ServerInfoGetField(
            ctx: *mut Ctx,
            data: *mut ServerInfoData,
            field: *const c_char,
        ) -> *mut ModuleString;
        "6.0.0" fn ServerInfoGetFieldC(data: *mut ServerInfoData, field: *const c_char) -> *const c_char;
        "6.0.0" fn ServerInfoGetFieldSigned(
            data: *mut ServerInfoData,
            field: *const c_char,
            out_err: *mut c_int,
        ) -> c_longlong;
        "6.0.0" fn ServerInfoGetFieldUnsigned(
            data: *mut ServerInfoData,
            field: *const c_char,
            out_err: *mut c_int,
        ) -> c_ulonglong;
        "6.0.0" fn ServerInfoGetFieldDouble(
            data: *mut ServerInfoData,
            field: *const c_char,
            out_err: *mut c_int,
        ) -> f64;
    }
}
