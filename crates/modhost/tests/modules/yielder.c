/* Commands that let others have their turn. */

#include "redismodule.h"

#include <string.h>
#include <unistd.h>

#include "check.h"

#define S RedisModuleString

static int is_inside, is_stopped;

/* Lets others have their turn so often, until it is stopped; 0 is for ever. */
static long long work(RedisModuleCtx *ctx, const char *flags, const char *text, long long times)
{
    int bits = REDISMODULE_YIELD_FLAG_NONE;
    if (strcmp(flags, "clients") == 0)
        bits = REDISMODULE_YIELD_FLAG_CLIENTS;
    is_stopped = 0;
    is_inside++;
    long long turn = 0;
    while (!is_stopped && (times == 0 || turn < times)) {
        RedisModule_Yield(ctx, bits, text);
        turn++;
        usleep(1000);
    }
    is_inside--;
    return turn;
}

/* YIELDER.WORK flags times [text] */
static int work_command(RedisModuleCtx *ctx, S **argv, int argc)
{
    long long times;
    CHECK(argc >= 3 && RedisModule_StringToLongLong(argv[2], &times) == REDISMODULE_OK);
    const char *text = argc == 4 ? RedisModule_StringPtrLen(argv[3], NULL) : NULL;
    work(ctx, RedisModule_StringPtrLen(argv[1], NULL), text, times);
    return RedisModule_ReplyWithSimpleString(ctx, is_stopped ? "stopped" : "done");
}

/* YIELDER.THROUGH flags times [text]: the same within a command that it calls, and with a write before and after. */
static int through(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc == 4);
    RedisModule_FreeCallReply(RedisModule_Call(ctx, "INCR", "c", "through"));
    RedisModuleCallReply *reply = RedisModule_Call(ctx, "yielder.work", "v", argv + 1, (size_t)argc - 1);
    CHECK(reply != NULL);
    RedisModule_FreeCallReply(RedisModule_Call(ctx, "INCR", "c", "through"));
    RedisModule_ReplyWithCallReply(ctx, reply);
    RedisModule_FreeCallReply(reply);
    return REDISMODULE_OK;
}

/* YIELDER.INSIDE: how many commands are letting others have their turn. Runs while they do. */
static int inside(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    return RedisModule_ReplyWithLongLong(ctx, is_inside);
}

/* YIELDER.STOP: has them end. Runs while they do, and lets nobody have a turn within. */
static int stop(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModule_Yield(ctx, REDISMODULE_YIELD_FLAG_CLIENTS, "within");
    is_stopped = 1;
    return RedisModule_ReplyWithLongLong(ctx, is_inside);
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (RedisModule_Init(ctx, "yielder", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    if (RedisModule_CreateCommand(ctx, "yielder.work", work_command, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "yielder.through", through, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "yielder.inside", inside, "allow-busy", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "yielder.stop", stop, "allow-busy", 0, 0, 0) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    return REDISMODULE_OK;
}
