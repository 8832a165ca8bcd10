/* Threads that want the server, all at once and all the time.
 *
 * crowd.start count : starts so many threads, each of which counts its turns in the key `turns`, and its own.
 * crowd.stop : asks them to end; how many haven't.
 * crowd.turns : how many turns all of them have had. */

#include "redismodule.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define S RedisModuleString
#define MOST 64

static pthread_t threads[MOST];
static int started;
static atomic_int running;
static atomic_int has_to_end;
static atomic_llong turns;

static void *work(void *unused)
{
    REDISMODULE_NOT_USED(unused);
    RedisModuleCtx *ctx = RedisModule_GetThreadSafeContext(NULL);
    while (!has_to_end) {
        RedisModule_ThreadSafeContextLock(ctx);
        RedisModuleCallReply *reply = RedisModule_Call(ctx, "INCR", "c", "turns");
        if (RedisModule_CallReplyType(reply) == REDISMODULE_REPLY_INTEGER)
            turns++;
        RedisModule_FreeCallReply(reply);
        S *text = RedisModule_CreateStringPrintf(ctx, "turn %lld", (long long)turns);
        char *copy = RedisModule_Strdup(RedisModule_StringPtrLen(text, NULL));
        RedisModule_FreeString(ctx, text);
        RedisModule_ThreadSafeContextUnlock(ctx);
        /* Allocations count from wherever they are made. */
        copy = RedisModule_Realloc(copy, 2 * strlen(copy) + 1);
        RedisModule_Free(copy);
    }
    RedisModule_FreeThreadSafeContext(ctx);
    running--;
    return NULL;
}

static int start(RedisModuleCtx *ctx, S **argv, int argc)
{
    long long count;
    if (argc != 2 || RedisModule_StringToLongLong(argv[1], &count) == REDISMODULE_ERR || count < 1 ||
        count > MOST - started)
        return RedisModule_ReplyWithError(ctx, "ERR no such number of threads");
    for (; count > 0; count--) {
        running++;
        if (pthread_create(&threads[started], NULL, work, NULL) != 0) {
            running--;
            return RedisModule_ReplyWithError(ctx, "ERR no thread");
        }
        started++;
    }
    return RedisModule_ReplyWithLongLong(ctx, started);
}

static int stop(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    has_to_end = 1;
    return RedisModule_ReplyWithLongLong(ctx, running);
}

static int had(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    return RedisModule_ReplyWithLongLong(ctx, turns);
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (RedisModule_Init(ctx, "crowd", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "crowd.start", start, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "crowd.stop", stop, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "crowd.turns", had, "readonly", 0, 0, 0) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    return REDISMODULE_OK;
}

/* Threads that still want the server would never get it. */
int RedisModule_OnUnload(RedisModuleCtx *ctx)
{
    REDISMODULE_NOT_USED(ctx);
    if (running != 0)
        return REDISMODULE_ERR;
    while (started > 0)
        pthread_join(threads[--started], NULL);
    return REDISMODULE_OK;
}
