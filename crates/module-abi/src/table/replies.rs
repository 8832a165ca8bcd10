//! Replies.

api! {
    "Reply APIs" {
        "4.0.0" fn WrongArity(ctx: *mut Ctx) -> c_int;
        "4.0.0" fn ReplyWithLongLong(ctx: *mut Ctx, ll: c_longlong) -> c_int;
        "4.0.0" fn ReplyWithError(ctx: *mut Ctx, err: *const c_char) -> c_int;
        "7.2.0" fn ReplyWithErrorFormat(ctx: *mut Ctx, fmt: *const c_char, ...) -> c_int;
        "4.0.0" fn ReplyWithSimpleString(ctx: *mut Ctx, msg: *const c_char) -> c_int;
        "4.0.0" fn ReplyWithArray(ctx: *mut Ctx, len: c_long) -> c_int;
        "7.0.0" fn ReplyWithMap(ctx: *mut Ctx, len: c_long) -> c_int;
        "7.0.0" fn ReplyWithSet(ctx: *mut Ctx, len: c_long) -> c_int;
        "7.0.0" fn ReplyWithAttribute(ctx: *mut Ctx, len: c_long) -> c_int;
        "6.0.0" fn ReplyWithNullArray(ctx: *mut Ctx) -> c_int;
        "6.0.0" fn ReplyWithEmptyArray(ctx: *mut Ctx) -> c_int;
        "4.0.0" fn ReplySetArrayLength(ctx: *mut Ctx, len: c_long);
        "7.0.0" fn ReplySetMapLength(ctx: *mut Ctx, len: c_long);
        "7.0.0" fn ReplySetSetLength(ctx: *mut Ctx, len: c_long);
        "7.0.0" fn ReplySetAttributeLength(ctx: *mut Ctx, len: c_long);
        "4.0.0" fn ReplyWithStringBuffer(ctx: *mut Ctx, buf: *const c_char, len: usize) -> c_int;
        "5.0.6" fn ReplyWithCString(ctx: *mut Ctx, buf: *const c_char) -> c_int;
        "4.0.0" fn ReplyWithString(ctx: *mut Ctx, string: *mut ModuleString) -> c_int;
        "6.0.0" fn ReplyWithEmptyString(ctx: *mut Ctx) -> c_int;
        "6.0.0" fn ReplyWithVerbatimString(ctx: *mut Ctx, buf: *const c_char, len: usize) -> c_int;
        "7.0.0" fn ReplyWithVerbatimStringType(
            ctx: *mut Ctx,
            buf: *const c_char,
            len: usize,
            ext: *const c_char,
        ) -> c_int;
        "4.0.0" fn ReplyWithNull(ctx: *mut Ctx) -> c_int;
        "7.0.0" fn ReplyWithBool(ctx: *mut Ctx, b: c_int) -> c_int;
        "6.0.0" fn ReplyWithLongDouble(ctx: *mut Ctx, d: LongDouble) -> c_int;
        "4.0.0" fn ReplyWithDouble(ctx: *mut Ctx, d: f64) -> c_int;
        "7.0.0" fn ReplyWithBigNumber(ctx: *mut Ctx, bignum: *const c_char, len: usize) -> c_int;
        "4.0.0" fn ReplyWithCallReply(ctx: *mut Ctx, reply: *mut CallReply) -> c_int;
    }
}
