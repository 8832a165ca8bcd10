//! All keys: scanning, eviction, notifications.

api! {
    "Scanning keyspace and hashes" {
        "6.0.0" fn ScanCursorCreate() -> *mut ScanCursor;
        "6.0.0" fn ScanCursorRestart(cursor: *mut ScanCursor);
        "6.0.0" fn ScanCursorDestroy(cursor: *mut ScanCursor);
        "6.0.0" fn Scan(
            ctx: *mut Ctx,
            cursor: *mut ScanCursor,
            function: Option<ScanFunc>,
            privdata: *mut c_void,
        ) -> c_int;
        "6.0.0" fn ScanKey(
            key: *mut Key,
            cursor: *mut ScanCursor,
            function: Option<ScanKeyFunc>,
            privdata: *mut c_void,
        ) -> c_int;
    }
    "Key eviction API" {
        "6.0.0" fn SetLRU(key: *mut Key, lru_idle: i64) -> c_int;
        "6.0.0" fn GetLRU(key: *mut Key, lru_idle: *mut i64) -> c_int;
        "6.0.0" fn SetLFU(key: *mut Key, lfu_freq: c_longlong) -> c_int;
        "6.0.0" fn GetLFU(key: *mut Key, lfu_freq: *mut c_longlong) -> c_int;
    }
    "Module Keyspace Notifications API" {
        "4.0.9" fn SubscribeToKeyspaceEvents(
            ctx: *mut Ctx,
            types: c_int,
            cb: Option<NotificationFunc>,
        ) -> c_int;
        "7.2.0" fn AddPostNotificationJob(
            ctx: *mut Ctx,
            callback: Option<PostNotificationJobFunc>,
            pd: *mut c_void,
            free_pd: Option<unsafe extern "C" fn(data: *mut c_void)>,
        ) -> c_int;
        "6.0.0" fn NotifyKeyspaceEvent(
            ctx: *mut Ctx,
            kind: c_int,
            event: *const c_char,
            key: *mut ModuleString,
        ) -> c_int;
        "6.0.0" fn GetNotifyKeyspaceEvents() -> c_int;
    }
}
