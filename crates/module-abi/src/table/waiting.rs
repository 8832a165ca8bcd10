//! Clients that wait, threads, timers, events of descriptors, child processes.

api! {
    "Blocking clients from modules" {
        "7.2.0" fn RegisterAuthCallback(ctx: *mut Ctx, cb: Option<AuthFunc>);
        "6.0.0" fn BlockClientOnKeys(
            ctx: *mut Ctx,
            reply_callback: Option<CommandFunc>,
            timeout_callback: Option<CommandFunc>,
            free_privdata: Option<unsafe extern "C" fn(ctx: *mut Ctx, data: *mut c_void)>,
            timeout_ms: c_longlong,
            keys: *mut *mut ModuleString,
            numkeys: c_int,
            privdata: *mut c_void,
        ) -> *mut BlockedClient;
        "7.2.0" fn BlockClientOnKeysWithFlags(
            ctx: *mut Ctx,
            reply_callback: Option<CommandFunc>,
            timeout_callback: Option<CommandFunc>,
            free_privdata: Option<unsafe extern "C" fn(ctx: *mut Ctx, data: *mut c_void)>,
            timeout_ms: c_longlong,
            keys: *mut *mut ModuleString,
            numkeys: c_int,
            privdata: *mut c_void,
            flags: c_int,
        ) -> *mut BlockedClient;
        "6.0.0" fn SignalKeyAsReady(ctx: *mut Ctx, key: *mut ModuleString);
        "6.0.0" fn GetBlockedClientReadyKey(ctx: *mut Ctx) -> *mut ModuleString;
        "4.0.0" fn BlockClient(
            ctx: *mut Ctx,
            reply_callback: Option<CommandFunc>,
            timeout_callback: Option<CommandFunc>,
            free_privdata: Option<unsafe extern "C" fn(ctx: *mut Ctx, data: *mut c_void)>,
            timeout_ms: c_longlong,
        ) -> *mut BlockedClient;
        "7.2.0" fn BlockClientGetPrivateData(blocked_client: *mut BlockedClient) -> *mut c_void;
        "7.2.0" fn BlockClientSetPrivateData(blocked_client: *mut BlockedClient, private_data: *mut c_void);
        "7.2.0" fn BlockClientOnAuth(
            ctx: *mut Ctx,
            reply_callback: Option<AuthFunc>,
            free_privdata: Option<unsafe extern "C" fn(ctx: *mut Ctx, data: *mut c_void)>,
        ) -> *mut BlockedClient;
        "4.0.0" fn UnblockClient(bc: *mut BlockedClient, privdata: *mut c_void) -> c_int;
        "4.0.0" fn IsBlockedReplyRequest(ctx: *mut Ctx) -> c_int;
        "4.0.0" fn IsBlockedTimeoutRequest(ctx: *mut Ctx) -> c_int;
        "4.0.0" fn GetBlockedClientPrivateData(ctx: *mut Ctx) -> *mut c_void;
        "5.0.0" fn GetBlockedClientHandle(ctx: *mut Ctx) -> *mut BlockedClient;
        "4.0.0" fn AbortBlock(bc: *mut BlockedClient) -> c_int;
        "5.0.0" fn BlockedClientDisconnected(ctx: *mut Ctx) -> c_int;
        "5.0.0" fn SetDisconnectCallback(bc: *mut BlockedClient, callback: Option<DisconnectFunc>);
    }
    "Thread Safe Contexts" {
        "4.0.0" fn GetThreadSafeContext(bc: *mut BlockedClient) -> *mut Ctx;
        "6.0.9" fn GetDetachedThreadSafeContext(ctx: *mut Ctx) -> *mut Ctx;
        "4.0.0" fn FreeThreadSafeContext(ctx: *mut Ctx);
        "4.0.0" fn ThreadSafeContextLock(ctx: *mut Ctx);
        "6.0.8" fn ThreadSafeContextTryLock(ctx: *mut Ctx) -> c_int;
        "4.0.0" fn ThreadSafeContextUnlock(ctx: *mut Ctx);
    }
    "Modules Timers API" {
        "5.0.0" fn CreateTimer(
            ctx: *mut Ctx,
            period: i64,
            callback: Option<TimerFunc>,
            data: *mut c_void,
        ) -> TimerId;
        "5.0.0" fn StopTimer(ctx: *mut Ctx, id: TimerId, data: *mut *mut c_void) -> c_int;
        "5.0.0" fn GetTimerInfo(
            ctx: *mut Ctx,
            id: TimerId,
            remaining: *mut u64,
            data: *mut *mut c_void,
        ) -> c_int;
    }
    "Modules EventLoop API" {
        "7.0.0" fn EventLoopAdd(
            fd: c_int,
            mask: c_int,
            func: Option<EventLoopFunc>,
            user_data: *mut c_void,
        ) -> c_int;
        "7.0.0" fn EventLoopDel(fd: c_int, mask: c_int) -> c_int;
        "7.0.0" fn EventLoopAddOneShot(func: Option<EventLoopOneShotFunc>, user_data: *mut c_void) -> c_int;
    }
    "Module fork API" {
        "6.0.0" fn Fork(cb: Option<ForkDoneFunc>, user_data: *mut c_void) -> c_int;
        "6.2.0" fn SendChildHeartbeat(progress: f64);
        "6.0.0" fn ExitFromChild(retcode: c_int) -> c_int;
        "6.0.0" fn KillForkChild(child_pid: c_int) -> c_int;
    }
}
