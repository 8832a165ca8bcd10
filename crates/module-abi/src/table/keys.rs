//! Keys and their values.

api! {
    "DB and Key APIs -- Generic API" {
        "4.0.0" fn GetSelectedDb(ctx: *mut Ctx) -> c_int;
        "4.0.0" fn SelectDb(ctx: *mut Ctx, newid: c_int) -> c_int;
        "7.0.0" fn KeyExists(ctx: *mut Ctx, keyname: *mut ModuleString) -> c_int;
        "4.0.0" fn OpenKey(ctx: *mut Ctx, keyname: *mut ModuleString, mode: c_int) -> *mut Key;
        "7.2.0" fn GetOpenKeyModesAll() -> c_int;
        "4.0.0" fn CloseKey(kp: *mut Key);
        "4.0.0" fn KeyType(kp: *mut Key) -> c_int;
        "4.0.0" fn ValueLength(kp: *mut Key) -> usize;
        "4.0.0" fn DeleteKey(key: *mut Key) -> c_int;
        "4.0.7" fn UnlinkKey(key: *mut Key) -> c_int;
        "4.0.0" fn GetExpire(key: *mut Key) -> i64;
        "4.0.0" fn SetExpire(key: *mut Key, expire: i64) -> c_int;
        "6.2.8" fn GetAbsExpire(key: *mut Key) -> i64;
        "6.2.8" fn SetAbsExpire(key: *mut Key, expire: i64) -> c_int;
        "6.0.0" fn ResetDataset(restart_aof: c_int, is_async: c_int);
        "6.0.0" fn DbSize(ctx: *mut Ctx) -> c_ulonglong;
        "6.0.0" fn RandomKey(ctx: *mut Ctx) -> *mut ModuleString;
        "4.0.0" fn GetClientId(ctx: *mut Ctx) -> c_ulonglong;
        "6.2.1" fn GetClientUserNameById(ctx: *mut Ctx, id: u64) -> *mut ModuleString;
        "6.0.0" fn GetClientInfoById(ci: *mut c_void, id: u64) -> c_int;
        "7.0.3" fn GetClientNameById(ctx: *mut Ctx, id: u64) -> *mut ModuleString;
        "7.0.3" fn SetClientNameById(id: u64, name: *mut ModuleString) -> c_int;
        "6.0.0" fn PublishMessage(
            ctx: *mut Ctx,
            channel: *mut ModuleString,
            message: *mut ModuleString,
        ) -> c_int;
        "7.0.0" fn PublishMessageShard(
            ctx: *mut Ctx,
            channel: *mut ModuleString,
            message: *mut ModuleString,
        ) -> c_int;
        "4.0.3" fn GetContextFlags(ctx: *mut Ctx) -> c_int;
        "6.0.0" fn AvoidReplicaTraffic() -> c_int;
        "7.0.0" fn GetDbIdFromOptCtx(ctx: *mut KeyOptCtx) -> c_int;
        "7.0.0" fn GetToDbIdFromOptCtx(ctx: *mut KeyOptCtx) -> c_int;
        "7.0.0" fn GetKeyNameFromOptCtx(ctx: *mut KeyOptCtx) -> *const ModuleString;
        "7.0.0" fn GetToKeyNameFromOptCtx(ctx: *mut KeyOptCtx) -> *const ModuleString;
    }
    "Key API for String type" {
        "4.0.0" fn StringSet(key: *mut Key, string: *mut ModuleString) -> c_int;
        "4.0.0" fn StringDMA(key: *mut Key, len: *mut usize, mode: c_int) -> *mut c_char;
        "4.0.0" fn StringTruncate(key: *mut Key, newlen: usize) -> c_int;
    }
    "Key API for List type" {
        "4.0.0" fn ListPush(kp: *mut Key, end: c_int, ele: *mut ModuleString) -> c_int;
        "4.0.0" fn ListPop(key: *mut Key, end: c_int) -> *mut ModuleString;
        "7.0.0" fn ListGet(key: *mut Key, index: c_long) -> *mut ModuleString;
        "7.0.0" fn ListSet(key: *mut Key, index: c_long, value: *mut ModuleString) -> c_int;
        "7.0.0" fn ListInsert(key: *mut Key, index: c_long, value: *mut ModuleString) -> c_int;
        "7.0.0" fn ListDelete(key: *mut Key, index: c_long) -> c_int;
    }
    "Key API for Sorted Set type" {
        "4.0.0" fn ZsetAdd(key: *mut Key, score: f64, ele: *mut ModuleString, flagsptr: *mut c_int) -> c_int;
        "4.0.0" fn ZsetIncrby(
            key: *mut Key,
            score: f64,
            ele: *mut ModuleString,
            flagsptr: *mut c_int,
            newscore: *mut f64,
        ) -> c_int;
        "4.0.0" fn ZsetScore(key: *mut Key, ele: *mut ModuleString, score: *mut f64) -> c_int;
        "4.0.0" fn ZsetRem(key: *mut Key, ele: *mut ModuleString, deleted: *mut c_int) -> c_int;
    }
    "Key API for Sorted Set iterator" {
        "4.0.0" fn ZsetRangeStop(key: *mut Key);
        "4.0.0" fn ZsetFirstInScoreRange(
            key: *mut Key,
            min: f64,
            max: f64,
            minex: c_int,
            maxex: c_int,
        ) -> c_int;
        "4.0.0" fn ZsetLastInScoreRange(
            key: *mut Key,
            min: f64,
            max: f64,
            minex: c_int,
            maxex: c_int,
        ) -> c_int;
        "4.0.0" fn ZsetFirstInLexRange(
            key: *mut Key,
            min: *mut ModuleString,
            max: *mut ModuleString,
        ) -> c_int;
        "4.0.0" fn ZsetLastInLexRange(key: *mut Key, min: *mut ModuleString, max: *mut ModuleString) -> c_int;
        "4.0.0" fn ZsetRangeCurrentElement(key: *mut Key, score: *mut f64) -> *mut ModuleString;
        "4.0.0" fn ZsetRangeNext(key: *mut Key) -> c_int;
        "4.0.0" fn ZsetRangePrev(key: *mut Key) -> c_int;
        "4.0.0" fn ZsetRangeEndReached(key: *mut Key) -> c_int;
    }
    "Key API for Hash type" {
        "4.0.0" fn HashSet(key: *mut Key, flags: c_int, ...) -> c_int;
        "4.0.0" fn HashGet(key: *mut Key, flags: c_int, ...) -> c_int;
    }
    "Key API for Stream type" {
        "6.2.0" fn StreamAdd(
            key: *mut Key,
            flags: c_int,
            id: *mut StreamId,
            argv: *mut *mut ModuleString,
            numfields: i64,
        ) -> c_int;
        "6.2.0" fn StreamDelete(key: *mut Key, id: *mut StreamId) -> c_int;
        "6.2.0" fn StreamIteratorStart(
            key: *mut Key,
            flags: c_int,
            startid: *mut StreamId,
            endid: *mut StreamId,
        ) -> c_int;
        "6.2.0" fn StreamIteratorStop(key: *mut Key) -> c_int;
        "6.2.0" fn StreamIteratorNextID(key: *mut Key, id: *mut StreamId, numfields: *mut c_long) -> c_int;
        "6.2.0" fn StreamIteratorNextField(
            key: *mut Key,
            field_ptr: *mut *mut ModuleString,
            value_ptr: *mut *mut ModuleString,
        ) -> c_int;
        "6.2.0" fn StreamIteratorDelete(key: *mut Key) -> c_int;
        "6.2.0" fn StreamTrimByLength(key: *mut Key, flags: c_int, length: c_longlong) -> c_longlong;
        "6.2.0" fn StreamTrimByID(key: *mut Key, flags: c_int, id: *mut StreamId) -> c_longlong;
    }
}
