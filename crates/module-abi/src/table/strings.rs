//! Strings and numbers.

api! {
    "String objects APIs" {
        "4.0.0" fn CreateString(ctx: *mut Ctx, ptr: *const c_char, len: usize) -> *mut ModuleString;
        "4.0.0" fn CreateStringFromLongLong(ctx: *mut Ctx, ll: c_longlong) -> *mut ModuleString;
        "7.0.3" fn CreateStringFromULongLong(ctx: *mut Ctx, ull: c_ulonglong) -> *mut ModuleString;
        "6.0.0" fn CreateStringFromDouble(ctx: *mut Ctx, d: f64) -> *mut ModuleString;
        "6.0.0" fn CreateStringFromLongDouble(
            ctx: *mut Ctx,
            ld: LongDouble,
            humanfriendly: c_int,
        ) -> *mut ModuleString;
        "4.0.0" fn CreateStringFromString(ctx: *mut Ctx, string: *const ModuleString) -> *mut ModuleString;
        "6.2.0" fn CreateStringFromStreamID(ctx: *mut Ctx, id: *const StreamId) -> *mut ModuleString;
        "4.0.0" fn CreateStringPrintf(ctx: *mut Ctx, fmt: *const c_char, ...) -> *mut ModuleString;
        "4.0.0" fn FreeString(ctx: *mut Ctx, string: *mut ModuleString);
        "4.0.0" fn StringPtrLen(string: *const ModuleString, len: *mut usize) -> *const c_char;
        "4.0.0" fn RetainString(ctx: *mut Ctx, string: *mut ModuleString);
        "6.0.7" fn HoldString(ctx: *mut Ctx, string: *mut ModuleString) -> *mut ModuleString;
    }
    "Higher level string operations" {
        "4.0.0" fn StringToLongLong(string: *const ModuleString, ll: *mut c_longlong) -> c_int;
        "7.0.3" fn StringToULongLong(string: *const ModuleString, ull: *mut c_ulonglong) -> c_int;
        "4.0.0" fn StringToDouble(string: *const ModuleString, d: *mut f64) -> c_int;
        "6.0.0" fn StringToLongDouble(string: *const ModuleString, d: *mut LongDouble) -> c_int;
        "6.2.0" fn StringToStreamID(string: *const ModuleString, id: *mut StreamId) -> c_int;
        "4.0.0" fn StringAppendBuffer(
            ctx: *mut Ctx,
            string: *mut ModuleString,
            buf: *const c_char,
            len: usize,
        ) -> c_int;
        "7.0.0" fn TrimStringAllocation(string: *mut ModuleString);
        "4.0.0" fn StringCompare(a: *const ModuleString, b: *const ModuleString) -> c_int;
    }
}
