//! Data types that modules bring along.

api! {
    "Modules data types" {
        "4.0.0" fn CreateDataType(
            ctx: *mut Ctx,
            name: *const c_char,
            encver: c_int,
            typemethods: *mut TypeMethods,
        ) -> *mut ModuleType;
        "4.0.0" fn ModuleTypeSetValue(key: *mut Key, mt: *mut ModuleType, value: *mut c_void) -> c_int;
        "4.0.0" fn ModuleTypeGetType(key: *mut Key) -> *mut ModuleType;
        "4.0.0" fn ModuleTypeGetValue(key: *mut Key) -> *mut c_void;
    }
    "RDB loading and saving functions" {
        "6.0.0" fn IsIOError(io: *mut Io) -> c_int;
        "4.0.0" fn SaveUnsigned(io: *mut Io, value: u64);
        "4.0.0" fn LoadUnsigned(io: *mut Io) -> u64;
        "4.0.0" fn SaveSigned(io: *mut Io, value: i64);
        "4.0.0" fn LoadSigned(io: *mut Io) -> i64;
        "4.0.0" fn SaveString(io: *mut Io, s: *mut ModuleString);
        "4.0.0" fn SaveStringBuffer(io: *mut Io, string: *const c_char, len: usize);
        "4.0.0" fn LoadString(io: *mut Io) -> *mut ModuleString;
        "4.0.0" fn LoadStringBuffer(io: *mut Io, lenptr: *mut usize) -> *mut c_char;
        "4.0.0" fn SaveDouble(io: *mut Io, value: f64);
        "4.0.0" fn LoadDouble(io: *mut Io) -> f64;
        "4.0.0" fn SaveFloat(io: *mut Io, value: f32);
        "4.0.0" fn LoadFloat(io: *mut Io) -> f32;
        "6.0.0" fn SaveLongDouble(io: *mut Io, value: LongDouble);
        "6.0.0" fn LoadLongDouble(io: *mut Io) -> LongDouble;
    }
    "RDB load/save API" {
        "7.2.0" fn RdbStreamCreateFromFile(filename: *const c_char) -> *mut RdbStream;
        "7.2.0" fn RdbStreamFree(stream: *mut RdbStream);
        "7.2.0" fn RdbLoad(ctx: *mut Ctx, stream: *mut RdbStream, flags: c_int) -> c_int;
        "7.2.0" fn RdbSave(ctx: *mut Ctx, stream: *mut RdbStream, flags: c_int) -> c_int;
    }
    "AOF API for modules data types" {
        "4.0.0" fn EmitAOF(io: *mut Io, cmdname: *const c_char, fmt: *const c_char, ...);
    }
    "IO context handling" {
        "4.0.0" fn GetContextFromIO(io: *mut Io) -> *mut Ctx;
        "5.0.5" fn GetKeyNameFromIO(io: *mut Io) -> *const ModuleString;
        "6.0.0" fn GetKeyNameFromModuleKey(key: *mut Key) -> *const ModuleString;
        "7.0.0" fn GetDbIdFromModuleKey(key: *mut Key) -> c_int;
        "7.0.0" fn GetDbIdFromIO(io: *mut Io) -> c_int;
    }
    "Key digest API (DEBUG DIGEST interface for modules types" {
        "6.0.0" fn LoadDataTypeFromString(string: *const ModuleString, mt: *const ModuleType) -> *mut c_void;
        "7.0.0" fn LoadDataTypeFromStringEncver(
            string: *const ModuleString,
            mt: *const ModuleType,
            encver: c_int,
        ) -> *mut c_void;
        "6.0.0" fn SaveDataTypeToString(
            ctx: *mut Ctx,
            data: *mut c_void,
            mt: *const ModuleType,
        ) -> *mut ModuleString;
        "4.0.0" fn DigestAddStringBuffer(md: *mut Digest, ele: *const c_char, len: usize);
        "4.0.0" fn DigestAddLongLong(md: *mut Digest, ele: c_longlong);
        "4.0.0" fn DigestEndSequence(md: *mut Digest);
        "7.0.0" fn GetDbIdFromDigest(dig: *mut Digest) -> c_int;
        "7.0.0" fn GetKeyNameFromDigest(dig: *mut Digest) -> *const ModuleString;
    }
    "Defrag API" {
        "6.2.0" fn RegisterDefragFunc(ctx: *mut Ctx, func: Option<DefragFunc>) -> c_int;
        "8.0.0" fn RegisterDefragCallbacks(
            ctx: *mut Ctx,
            start: Option<DefragFunc>,
            end: Option<DefragFunc>,
        ) -> c_int;
        "6.2.0" fn DefragAlloc(ctx: *mut DefragCtx, ptr: *mut c_void) -> *mut c_void;
        "8.0.0" fn DefragAllocRaw(ctx: *mut DefragCtx, size: usize) -> *mut c_void;
        "8.0.0" fn DefragFreeRaw(ctx: *mut DefragCtx, ptr: *mut c_void);
        "6.2.0" fn DefragRedisModuleString(
            ctx: *mut DefragCtx,
            string: *mut ModuleString,
        ) -> *mut ModuleString;
        "6.2.0" fn DefragShouldStop(ctx: *mut DefragCtx) -> c_int;
        "6.2.0" fn DefragCursorSet(ctx: *mut DefragCtx, cursor: c_ulong) -> c_int;
        "6.2.0" fn DefragCursorGet(ctx: *mut DefragCtx, cursor: *mut c_ulong) -> c_int;
        "7.0.0" fn GetDbIdFromDefragCtx(ctx: *mut DefragCtx) -> c_int;
        "7.0.0" fn GetKeyNameFromDefragCtx(ctx: *mut DefragCtx) -> *const ModuleString;
    }
}
