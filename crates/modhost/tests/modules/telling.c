/* Notifications, events, messages, and threads. */

#include "redismodule.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "check.h"

static char seen[256];

/* Notes what it is told, and writes a key of its own, of which it isn't told again. */
static int notified(RedisModuleCtx *ctx, int class, const char *event, S *key)
{
    snprintf(seen, sizeof(seen), "%d %d %s %s", RedisModule_GetSelectedDb(ctx), class, event,
             RedisModule_StringPtrLen(key, NULL));
    RedisModuleCallReply *reply = RedisModule_Call(ctx, "INCR", "c", "changes");
    RedisModule_FreeCallReply(reply);
    return REDISMODULE_OK;
}

static int last(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModule_ReplyWithCString(ctx, seen);
    seen[0] = '\0';
    return REDISMODULE_OK;
}

static void changed(RedisModuleCtx *ctx, RedisModuleEvent event, uint64_t subevent, void *data)
{
    REDISMODULE_NOT_USED(ctx);
    const RedisModuleModuleChange *change = data;
    snprintf(seen, sizeof(seen), "%llu %llu %s %d", (unsigned long long)event.id, (unsigned long long)subevent,
             change->module_name, change->module_version);
}

static int tell(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    CHECK(RedisModule_NotifyKeyspaceEvent(ctx, REDISMODULE_NOTIFY_GENERIC, "told", argv[1]) == REDISMODULE_OK);
    CHECK(RedisModule_GetNotifyKeyspaceEvents() == 0);
    CHECK((RedisModule_GetKeyspaceNotificationFlagsAll() & REDISMODULE_NOTIFY_ALL) == REDISMODULE_NOTIFY_ALL);
    CHECK(RedisModule_IsSubEventSupported(RedisModuleEvent_FlushDB, 1) == 1);
    CHECK(RedisModule_IsSubEventSupported(RedisModuleEvent_FlushDB, 2) == 0);
    RedisModuleEvent unknown = { 99, 1 };
    CHECK(RedisModule_IsSubEventSupported(unknown, 0) == 0);
    CHECK(RedisModule_SubscribeToServerEvent(ctx, unknown, changed) == REDISMODULE_ERR);
    DONE;
}

/* telling.publish channel message : how many have received it. */
static int publish(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    int received = RedisModule_PublishMessage(ctx, argv[1], argv[2]);
    return RedisModule_ReplyWithLongLong(ctx, received * 10 + RedisModule_PublishMessageShard(ctx, argv[1], argv[2]));
}

static int shared(void)
{
    return 42;
}

static pthread_t thread;
static int has_thread;

static void *work(void *detached)
{
    RedisModuleCtx *ctx = detached;
    RedisModuleCtx *other = RedisModule_GetThreadSafeContext(NULL);
    for (int round = 0; round < 100; round++) {
        RedisModule_ThreadSafeContextLock(ctx);
        RedisModuleCallReply *reply = RedisModule_Call(ctx, "INCR", "c", "thread");
        RedisModule_FreeCallReply(reply);
        RedisModule_ThreadSafeContextUnlock(ctx);
        while (RedisModule_ThreadSafeContextTryLock(other) == REDISMODULE_ERR && errno == EBUSY)
            ;
        reply = RedisModule_Call(other, "INCR", "c", "thread");
        RedisModule_FreeCallReply(reply);
        RedisModule_ThreadSafeContextUnlock(other);
    }
    RedisModule_Log(ctx, "notice", "the thread is done");
    RedisModule_FreeThreadSafeContext(other);
    RedisModule_FreeThreadSafeContext(ctx);
    return NULL;
}

static int start(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    /* The context goes with the module, whose command is over when the thread uses it. */
    if (pthread_create(&thread, NULL, work, RedisModule_GetDetachedThreadSafeContext(ctx)) != 0)
        return RedisModule_ReplyWithError(ctx, "ERR no thread");
    has_thread = 1;
    return RedisModule_ReplyWithSimpleString(ctx, "OK");
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (RedisModule_Init(ctx, "telling", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (RedisModule_GetSharedAPI(ctx, "telling.shared") != NULL ||
        RedisModule_ExportSharedAPI(ctx, "telling.shared", shared) == REDISMODULE_ERR ||
        RedisModule_ExportSharedAPI(ctx, "telling.shared", shared) == REDISMODULE_OK ||
        RedisModule_SubscribeToKeyspaceEvents(ctx, REDISMODULE_NOTIFY_STRING | REDISMODULE_NOTIFY_GENERIC, notified) ==
            REDISMODULE_ERR ||
        RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_ModuleChange, changed) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "telling.last", last, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "telling.tell", tell, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "telling.publish", publish, "pubsub", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "telling.start", start, "", 0, 0, 0) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    return REDISMODULE_OK;
}

int RedisModule_OnUnload(RedisModuleCtx *ctx)
{
    REDISMODULE_NOT_USED(ctx);
    if (has_thread)
        pthread_join(thread, NULL);
    return REDISMODULE_OK;
}
