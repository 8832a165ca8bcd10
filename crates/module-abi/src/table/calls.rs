//! Calling commands, and replicating them.

api! {
    "Calling Redis commands from modules" {
        "4.0.0" fn Call(ctx: *mut Ctx, cmdname: *const c_char, fmt: *const c_char, ...) -> *mut CallReply;
        "4.0.0" fn CallReplyProto(reply: *mut CallReply, len: *mut usize) -> *const c_char;
        "4.0.0" fn FreeCallReply(reply: *mut CallReply);
        "4.0.0" fn CallReplyType(reply: *mut CallReply) -> c_int;
        "4.0.0" fn CallReplyInteger(reply: *mut CallReply) -> c_longlong;
        "7.0.0" fn CallReplyDouble(reply: *mut CallReply) -> f64;
        "7.0.0" fn CallReplyBool(reply: *mut CallReply) -> c_int;
        "7.0.0" fn CallReplyBigNumber(reply: *mut CallReply, len: *mut usize) -> *const c_char;
        "7.0.0" fn CallReplyVerbatim(
            reply: *mut CallReply,
            len: *mut usize,
            format: *mut *const c_char,
        ) -> *const c_char;
        "7.0.0" fn CallReplySetElement(reply: *mut CallReply, idx: usize) -> *mut CallReply;
        "7.0.0" fn CallReplyMapElement(
            reply: *mut CallReply,
            idx: usize,
            key: *mut *mut CallReply,
            val: *mut *mut CallReply,
        ) -> c_int;
        "7.0.0" fn CallReplyAttributeElement(
            reply: *mut CallReply,
            idx: usize,
            key: *mut *mut CallReply,
            val: *mut *mut CallReply,
        ) -> c_int;
        "7.2.0" fn CallReplyPromiseSetUnblockHandler(
            reply: *mut CallReply,
            on_unblock: Option<UnblockedFunc>,
            private_data: *mut c_void,
        );
        "7.2.0" fn CallReplyPromiseAbort(reply: *mut CallReply, private_data: *mut *mut c_void) -> c_int;
        "7.0.0" fn CallReplyAttribute(reply: *mut CallReply) -> *mut CallReply;
        "4.0.0" fn CallReplyLength(reply: *mut CallReply) -> usize;
        "4.0.0" fn CallReplyArrayElement(reply: *mut CallReply, idx: usize) -> *mut CallReply;
        "4.0.0" fn CallReplyStringPtr(reply: *mut CallReply, len: *mut usize) -> *const c_char;
        "4.0.0" fn CreateStringFromCallReply(reply: *mut CallReply) -> *mut ModuleString;
        "7.0.6" fn SetContextUser(ctx: *mut Ctx, user: *const User);
    }
    "Commands replication API" {
        "4.0.0" fn Replicate(ctx: *mut Ctx, cmdname: *const c_char, fmt: *const c_char, ...) -> c_int;
        "4.0.0" fn ReplicateVerbatim(ctx: *mut Ctx) -> c_int;
    }
}
