/* Writes down what it is told of: events.log is its diary. */

#include "redismodule.h"

#include <string.h>

#include "check.h"
#include "diary.h"

/* Cron and the loop only count. */
static int crons, sleeps, wakes;

static int counts(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModule_ReplyWithArray(ctx, 3);
    RedisModule_ReplyWithLongLong(ctx, crons);
    RedisModule_ReplyWithLongLong(ctx, sleeps);
    return RedisModule_ReplyWithLongLong(ctx, wakes);
}

static void job(RedisModuleCtx *ctx, void *data)
{
    RedisModuleCallReply *reply = RedisModule_Call(ctx, "INCR", "c", data);
    note("job in %d makes %lld of %s", RedisModule_GetSelectedDb(ctx), RedisModule_CallReplyInteger(reply),
         (char *)data);
    RedisModule_FreeCallReply(reply);
}

static void free_job(void *data)
{
    note("free %s", (char *)data);
    RedisModule_Free(data);
}

static int on_key(RedisModuleCtx *ctx, int type, const char *event, S *key)
{
    const char *name = RedisModule_StringPtrLen(key, NULL);
    note("%s of %s in %d, %x", event, name, RedisModule_GetSelectedDb(ctx), type);
    if (strcmp(name, "trigger") == 0)
        RedisModule_AddPostNotificationJob(ctx, job, RedisModule_Strdup("triggered"), free_job);
    if (strcmp(name, "nested") == 0)
        RedisModule_FreeCallReply(RedisModule_Call(ctx, "SET", "cc", "inner", "v"));
    return REDISMODULE_OK;
}

static int on_mine(RedisModuleCtx *ctx, int type, const char *event, S *key)
{
    REDISMODULE_NOT_USED(ctx);
    REDISMODULE_NOT_USED(type);
    note("mine: %s of %s", event, RedisModule_StringPtrLen(key, NULL));
    return REDISMODULE_OK;
}

/* events.notify event key : a notification of the module's own. */
static int notify(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc != 3)
        return RedisModule_WrongArity(ctx);
    const char *event = RedisModule_StringPtrLen(argv[1], NULL);
    CHECK(RedisModule_NotifyKeyspaceEvent(ctx, REDISMODULE_NOTIFY_MODULE, event, argv[2]) == REDISMODULE_OK);
    return RedisModule_ReplyWithLongLong(ctx, RedisModule_GetNotifyKeyspaceEvents());
}

static const char *sub(const char *const *names, uint64_t subevent)
{
    return names[subevent];
}

static void on_event(RedisModuleCtx *ctx, RedisModuleEvent event, uint64_t subevent, void *data)
{
    static const char *const edges[] = { "begins", "ends" };
    static const char *const clients[] = { "comes", "goes" };
    static const char *const modules[] = { "loaded", "unloaded" };
    static const char *const keys[] = { "deleted", "expired", "evicted", "overwritten" };
    switch (event.id) {
    case REDISMODULE_EVENT_FLUSHDB: {
        RedisModuleFlushInfo *info = data;
        note("flush of %d %s, sync %d", info->dbnum, sub(edges, subevent), info->sync);
        break;
    }
    case REDISMODULE_EVENT_CLIENT_CHANGE: {
        RedisModuleClientInfo *info = data;
        note("client %s: version %d, address %s, db %d, flags %d", sub(clients, subevent), (int)info->version,
             info->addr, info->db, (int)info->flags);
        break;
    }
    case REDISMODULE_EVENT_SHUTDOWN:
        note("shutdown %d", data == NULL);
        break;
    case REDISMODULE_EVENT_CRON_LOOP:
        crons += ((RedisModuleCronLoop *)data)->hz == 10;
        break;
    case REDISMODULE_EVENT_MODULE_CHANGE: {
        RedisModuleModuleChange *info = data;
        note("module %s %d %s", info->module_name, info->module_version, sub(modules, subevent));
        break;
    }
    case REDISMODULE_EVENT_SWAPDB: {
        RedisModuleSwapDbInfo *info = data;
        note("swap of %d and %d", info->dbnum_first, info->dbnum_second);
        break;
    }
    case REDISMODULE_EVENT_EVENTLOOP:
        if (subevent == REDISMODULE_SUBEVENT_EVENTLOOP_BEFORE_SLEEP)
            sleeps++;
        else
            wakes++;
        break;
    case REDISMODULE_EVENT_CONFIG: {
        RedisModuleConfigChange *info = data;
        for (uint32_t at = 0; at < info->num_changes; at++)
            note("config %s", info->config_names[at]);
        break;
    }
    case REDISMODULE_EVENT_KEY: {
        RedisModuleKey *key = ((RedisModuleKeyInfo *)data)->key;
        size_t len;
        const char *value = RedisModule_StringDMA(key, &len, REDISMODULE_READ);
        note("%s in %d is %s: %.*s", RedisModule_StringPtrLen(RedisModule_GetKeyNameFromModuleKey(key), NULL),
             RedisModule_GetSelectedDb(ctx), sub(keys, subevent), (int)len, value);
        break;
    }
    }
}

/* events.supported : what there is, and what there isn't. */
static int supported(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModuleEvent none = { 99, 1 }, newer = { REDISMODULE_EVENT_FLUSHDB, 2 };
    CHECK(RedisModule_IsSubEventSupported(RedisModuleEvent_FlushDB, REDISMODULE_SUBEVENT_FLUSHDB_END));
    CHECK(!RedisModule_IsSubEventSupported(RedisModuleEvent_FlushDB, 2));
    CHECK(RedisModule_IsSubEventSupported(RedisModuleEvent_Loading, REDISMODULE_SUBEVENT_LOADING_FAILED));
    CHECK(!RedisModule_IsSubEventSupported(RedisModuleEvent_Shutdown, 0));
    CHECK(!RedisModule_IsSubEventSupported(none, 0));
    CHECK(RedisModule_SubscribeToServerEvent(ctx, none, on_event) == REDISMODULE_ERR);
    CHECK(RedisModule_SubscribeToServerEvent(ctx, newer, on_event) == REDISMODULE_ERR);
    int all = RedisModule_GetKeyspaceNotificationFlagsAll();
    CHECK((all & REDISMODULE_NOTIFY_ALL) == REDISMODULE_NOTIFY_ALL && (all & REDISMODULE_NOTIFY_KEY_MISS));
    CHECK(!(all & (1 << 29)));
    DONE;
}

/* events.quiet : ends the subscription to flushes. */
static int quiet(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    CHECK(RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_FlushDB, NULL) == REDISMODULE_OK);
    DONE;
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (RedisModule_Init(ctx, "events", 3, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    RedisModule_CreateCommand(ctx, "events.log", read_diary, "", 0, 0, 0);
    RedisModule_CreateCommand(ctx, "events.counts", counts, "", 0, 0, 0);
    RedisModule_CreateCommand(ctx, "events.notify", notify, "", 0, 0, 0);
    RedisModule_CreateCommand(ctx, "events.supported", supported, "", 0, 0, 0);
    RedisModule_CreateCommand(ctx, "events.quiet", quiet, "", 0, 0, 0);
    int types = REDISMODULE_NOTIFY_ALL | REDISMODULE_NOTIFY_KEY_MISS;
    RedisModule_SubscribeToKeyspaceEvents(ctx, types & ~REDISMODULE_NOTIFY_MODULE, on_key);
    RedisModule_SubscribeToKeyspaceEvents(ctx, REDISMODULE_NOTIFY_MODULE, on_mine);
    RedisModuleEvent events[] = {
        RedisModuleEvent_FlushDB,      RedisModuleEvent_ClientChange, RedisModuleEvent_Shutdown,
        RedisModuleEvent_CronLoop,     RedisModuleEvent_ModuleChange, RedisModuleEvent_SwapDB,
        RedisModuleEvent_EventLoop,    RedisModuleEvent_Config,
    };
    for (size_t at = 0; at < sizeof events / sizeof *events; at++)
        if (RedisModule_SubscribeToServerEvent(ctx, events[at], on_event) == REDISMODULE_ERR)
            return REDISMODULE_ERR;
    /* Neither is in Redis 7.0, and both are tried only when they are asked for. */
    if (argc != 0 && strcmp(RedisModule_StringPtrLen(argv[0], NULL), "nested") == 0) {
        RedisModule_SetModuleOptions(ctx, REDISMODULE_OPTIONS_ALLOW_NESTED_KEYSPACE_NOTIFICATIONS);
        return REDISMODULE_OK;
    }
    return argc == 0 ? REDISMODULE_OK : RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_Key, on_event);
}
