/* A filter that changes what begins with certain words, and one that is there only now and then. */

#include "redismodule.h"

#include <string.h>

#include "check.h"

static RedisModuleCommandFilter *second;
static unsigned long long last_client;

static void change(RedisModuleCommandFilterCtx *command)
{
    int count = RedisModule_CommandFilterArgsCount(command);
    /* Redis 7.0 has no such function. */
    if (RedisModule_CommandFilterGetClientId != NULL)
        last_client = RedisModule_CommandFilterGetClientId(command);
    for (int at = 0; at < count; at++) {
        S *arg = (S *)RedisModule_CommandFilterArgGet(command, at);
        if (equals(arg, "@delete")) {
            RedisModule_CommandFilterArgDelete(command, at--);
            count--;
        } else if (equals(arg, "@replace")) {
            RedisModule_CommandFilterArgReplace(command, at, RedisModule_CreateString(NULL, "replaced", 8));
        } else if (equals(arg, "@insert")) {
            RedisModule_CommandFilterArgInsert(command, 0, RedisModule_CreateString(NULL, "echo", 4));
            at++, count++;
        }
    }
}

static void swallow(RedisModuleCommandFilterCtx *command)
{
    if (equals((S *)RedisModule_CommandFilterArgGet(command, 0), "get"))
        RedisModule_CommandFilterArgReplace(command, 0, RedisModule_CreateString(NULL, "strlen", 6));
}

/* filters.call : what echo replies when the module itself calls it with a word that is changed. */
static int call(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModuleCallReply *reply = RedisModule_Call(ctx, "echo", "c", "@replace");
    RedisModule_ReplyWithCallReply(ctx, reply);
    RedisModule_FreeCallReply(reply);
    return REDISMODULE_OK;
}

static int toggle(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (second == NULL) {
        second = RedisModule_RegisterCommandFilter(ctx, swallow, REDISMODULE_CMDFILTER_NOSELF);
    } else {
        CHECK(RedisModule_UnregisterCommandFilter(ctx, second) == REDISMODULE_OK);
        CHECK(RedisModule_UnregisterCommandFilter(ctx, second) == REDISMODULE_ERR);
        second = NULL;
    }
    return RedisModule_ReplyWithLongLong(ctx, (long long)last_client);
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    if (RedisModule_Init(ctx, "filters", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    RedisModule_CreateCommand(ctx, "filters.call", call, "", 0, 0, 0);
    RedisModule_CreateCommand(ctx, "filters.toggle", toggle, "", 0, 0, 0);
    int flags = argc == 0 ? 0 : REDISMODULE_CMDFILTER_NOSELF;
    return RedisModule_RegisterCommandFilter(ctx, change, flags) == NULL ? REDISMODULE_ERR : REDISMODULE_OK;
}
