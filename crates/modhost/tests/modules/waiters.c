/* Blocked clients: on threads, on keys, for a time. */

#include "redismodule.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define B RedisModuleBlockedClient

static long long freed, freed_of_gone, disconnected;
static B *held;

static void free_data(RedisModuleCtx *ctx, void *data)
{
    freed++;
    freed_of_gone += RedisModule_BlockedClientDisconnected(ctx);
    RedisModule_Free(data);
}

static void gone(RedisModuleCtx *ctx, B *client)
{
    disconnected++;
    /* On keys there is data from the beginning. */
    if (RedisModule_GetBlockedClientPrivateData(ctx) == NULL && client == held) {
        held = NULL;
        RedisModule_UnblockClient(client, RedisModule_Strdup("gone"));
    }
}

static int reply(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(RedisModule_IsBlockedReplyRequest(ctx) && !RedisModule_IsBlockedTimeoutRequest(ctx));
    CHECK(RedisModule_GetBlockedClientHandle(ctx) != NULL);
    const char *data = RedisModule_GetBlockedClientPrivateData(ctx);
    RedisModule_ReplyWithArray(ctx, 3);
    RedisModule_ReplyWithString(ctx, argv[0]);
    RedisModule_ReplyWithLongLong(ctx, argc);
    return RedisModule_ReplyWithCString(ctx, data != NULL ? data : "nothing");
}

static int timeout(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    CHECK(!RedisModule_IsBlockedReplyRequest(ctx) && RedisModule_IsBlockedTimeoutRequest(ctx));
    return RedisModule_ReplyWithSimpleString(ctx, "TIMEOUT");
}

static void *unblock(void *client)
{
    RedisModule_BlockedClientMeasureTimeStart(client);
    char *data = RedisModule_Strdup("from the thread");
    RedisModule_BlockedClientMeasureTimeEnd(client);
    RedisModule_UnblockClient(client, data);
    return NULL;
}

/* WAITERS.AT_ONCE: blocks, and is unblocked before the command has returned. */
static int at_once(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    return RedisModule_UnblockClient(RedisModule_BlockClient(ctx, reply, NULL, free_data, 0), NULL);
}

/* All threads, which have to have ended before the module goes. */
static pthread_t *threads;
static size_t thread_count;

static void in_thread(void *(*function)(void *), B *client)
{
    threads = realloc(threads, (thread_count + 1) * sizeof(*threads));
    pthread_create(&threads[thread_count++], NULL, function, client);
}

/* WAITERS.THREAD: a thread unblocks the client, the callback replies. */
static int thread(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    B *client = RedisModule_BlockClient(ctx, reply, timeout, free_data, 0);
    CHECK(RedisModule_BlockedClientMeasureTimeEnd(client) == REDISMODULE_ERR);
    in_thread(unblock, client);
    return REDISMODULE_OK;
}

static void *answer(void *client)
{
    RedisModuleCtx *ctx = RedisModule_GetThreadSafeContext(client);
    RedisModule_ReplyWithArray(ctx, REDISMODULE_POSTPONED_LEN);
    for (int turn = 0; turn < 3; turn++) {
        RedisModule_ThreadSafeContextLock(ctx);
        RedisModuleCallReply *turns = RedisModule_Call(ctx, "INCR", "c", "turns");
        RedisModule_ReplyWithCallReply(ctx, turns);
        RedisModule_FreeCallReply(turns);
        RedisModule_ThreadSafeContextUnlock(ctx);
    }
    RedisModule_ReplyWithLongLong(ctx, RedisModule_GetClientId(ctx) != 0);
    RedisModule_ReplySetArrayLength(ctx, 4);
    RedisModule_UnblockClient(client, NULL);
    RedisModule_FreeThreadSafeContext(ctx);
    return NULL;
}

/* WAITERS.ANSWER: a thread replies itself, and uses the server meanwhile. */
static int answer_in_thread(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    in_thread(answer, RedisModule_BlockClient(ctx, NULL, NULL, NULL, 0));
    return REDISMODULE_OK;
}

/* WAITERS.HOLD milliseconds: waits until WAITERS.RELEASE. */
static int hold(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc != 2)
        return RedisModule_WrongArity(ctx);
    long long milliseconds;
    RedisModule_StringToLongLong(argv[1], &milliseconds);
    int denied = (RedisModule_GetContextFlags(ctx) & REDISMODULE_CTX_FLAGS_DENY_BLOCKING) != 0;
    held = RedisModule_BlockClient(ctx, reply, milliseconds != 0 ? timeout : NULL, free_data, milliseconds);
    RedisModule_SetDisconnectCallback(held, gone);
    if (denied) {
        RedisModule_UnblockClient(held, RedisModule_Strdup("denied"));
        held = NULL;
    }
    return REDISMODULE_OK;
}

static int release(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    int status = held == NULL ? REDISMODULE_ERR : RedisModule_UnblockClient(held, RedisModule_Strdup("held"));
    held = NULL;
    return RedisModule_ReplyWithLongLong(ctx, status);
}

/* WAITERS.ABORT: thinks better of it. */
static int abort_block(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    B *client = RedisModule_BlockClient(ctx, reply, timeout, free_data, 0);
    RedisModule_SetDisconnectCallback(client, gone);
    RedisModule_AbortBlock(client);
    return RedisModule_ReplyWithError(ctx, "ERR no thread to be had");
}

/* Takes the value at the key, if it is a string that isn't "bad". */
static int key_ready(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    CHECK(RedisModule_IsBlockedReplyRequest(ctx));
    B *client = RedisModule_GetBlockedClientHandle(ctx);
    S *key = RedisModule_GetBlockedClientReadyKey(ctx);
    RedisModuleCallReply *value = RedisModule_Call(ctx, "GETDEL", "s", key);
    size_t len;
    const char *text = RedisModule_CallReplyStringPtr(value, &len);
    if (text != NULL && len == 3 && memcmp(text, "bad", 3) == 0) {
        RedisModule_FreeCallReply(value);
        return REDISMODULE_ERR;
    }
    RedisModule_ReplyWithArray(ctx, 3);
    RedisModule_ReplyWithString(ctx, key);
    RedisModule_ReplyWithCallReply(ctx, value);
    RedisModule_ReplyWithCString(ctx, RedisModule_GetBlockedClientPrivateData(ctx));
    RedisModule_FreeCallReply(value);
    if (RedisModule_BlockClientGetPrivateData != NULL) {
        void *data = RedisModule_BlockClientGetPrivateData(client);
        CHECK(data == RedisModule_GetBlockedClientPrivateData(ctx));
        RedisModule_BlockClientSetPrivateData(client, data);
    }
    return REDISMODULE_OK;
}

/* WAITERS.KEYS milliseconds key ...: waits until a key is signalled that has something good. */
static int keys(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc < 3)
        return RedisModule_WrongArity(ctx);
    long long milliseconds;
    RedisModule_StringToLongLong(argv[1], &milliseconds);
    B *client = RedisModule_BlockClientOnKeys(ctx, key_ready, timeout, free_data, milliseconds, argv + 2, argc - 2,
                                              RedisModule_Strdup("data"));
    RedisModule_SetDisconnectCallback(client, gone);
    return REDISMODULE_OK;
}

/* WAITERS.GONE key: waits until the key goes. */
static int key_gone(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc != 2)
        return RedisModule_WrongArity(ctx);
    RedisModule_BlockClientOnKeysWithFlags(ctx, key_ready, timeout, free_data, 0, argv + 1, 1,
                                           RedisModule_Strdup("data"), REDISMODULE_BLOCK_UNBLOCK_DELETED);
    return REDISMODULE_OK;
}

static int signal_key(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc != 2)
        return RedisModule_WrongArity(ctx);
    RedisModule_SignalKeyAsReady(ctx, argv[1]);
    return RedisModule_ReplyWithLongLong(ctx, 1);
}

/* WAITERS.CALL words...: calls a command, as the reply to its own. */
static int call(RedisModuleCtx *ctx, S **argv, int argc)
{
    RedisModuleCallReply *answer = RedisModule_Call(ctx, RedisModule_StringPtrLen(argv[1], NULL), "Ev", argv + 2,
                                                    (size_t)argc - 2);
    RedisModule_ReplyWithCallReply(ctx, answer);
    RedisModule_FreeCallReply(answer);
    return REDISMODULE_OK;
}

static RedisModuleCallReply *promise;

static void promise_kept(RedisModuleCtx *ctx, RedisModuleCallReply *answer, void *client)
{
    REDISMODULE_NOT_USED(ctx);
    RedisModuleCtx *thread = RedisModule_GetThreadSafeContext(client);
    RedisModule_ReplyWithArray(thread, 2);
    RedisModule_ReplyWithSimpleString(thread, "kept");
    RedisModule_ReplyWithCallReply(thread, answer);
    RedisModule_FreeCallReply(answer);
    RedisModule_FreeThreadSafeContext(thread);
    RedisModule_UnblockClient(client, NULL);
}

/* WAITERS.PROMISE words...: calls a command that may wait, and waits for it. */
static int promise_call(RedisModuleCtx *ctx, S **argv, int argc)
{
    RedisModuleCallReply *answer = RedisModule_Call(ctx, RedisModule_StringPtrLen(argv[1], NULL), "EKv", argv + 2,
                                                    (size_t)argc - 2);
    if (RedisModule_CallReplyType(answer) != REDISMODULE_REPLY_PROMISE) {
        RedisModule_CallReplyPromiseSetUnblockHandler(answer, promise_kept, NULL);
        CHECK(RedisModule_CallReplyPromiseAbort(answer, NULL) == REDISMODULE_ERR);
        RedisModule_ReplyWithCallReply(ctx, answer);
        RedisModule_FreeCallReply(answer);
        return REDISMODULE_OK;
    }
    B *client = RedisModule_BlockClient(ctx, NULL, NULL, NULL, 0);
    RedisModule_CallReplyPromiseSetUnblockHandler(answer, promise_kept, client);
    if (promise != NULL)
        RedisModule_FreeCallReply(promise);
    promise = answer;
    return REDISMODULE_OK;
}

/* WAITERS.BREAK: awaits no longer what was promised last. */
static int break_promise(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    void *client = NULL;
    int status = RedisModule_CallReplyPromiseAbort(promise, &client);
    if (status == REDISMODULE_OK)
        RedisModule_UnblockClient(client, NULL);
    RedisModule_FreeCallReply(promise);
    promise = NULL;
    return RedisModule_ReplyWithLongLong(ctx, status);
}

static int counts(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModule_ReplyWithArray(ctx, 3);
    RedisModule_ReplyWithLongLong(ctx, freed);
    RedisModule_ReplyWithLongLong(ctx, freed_of_gone);
    return RedisModule_ReplyWithLongLong(ctx, disconnected);
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (RedisModule_Init(ctx, "waiters", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    freed = freed_of_gone = disconnected = 0;
    struct {
        const char *name;
        RedisModuleCmdFunc function;
    } commands[] = {
        { "waiters.thread", thread },       { "waiters.answer", answer_in_thread }, { "waiters.hold", hold },
        { "waiters.release", release },     { "waiters.abort", abort_block },       { "waiters.keys", keys },
        { "waiters.gone", key_gone },       { "waiters.signal", signal_key },       { "waiters.call", call },
        { "waiters.counts", counts },       { "waiters.promise", promise_call },    { "waiters.break", break_promise },
        { "waiters.at_once", at_once },
    };
    for (size_t at = 0; at < sizeof(commands) / sizeof(*commands); at++)
        if (RedisModule_CreateCommand(ctx, commands[at].name, commands[at].function, "", 0, 0, 0) == REDISMODULE_ERR)
            return REDISMODULE_ERR;
    return REDISMODULE_OK;
}

/* No client is blocked any more, so no thread waits for the server. */
int RedisModule_OnUnload(RedisModuleCtx *ctx)
{
    REDISMODULE_NOT_USED(ctx);
    for (size_t at = 0; at < thread_count; at++)
        pthread_join(threads[at], NULL);
    free(threads);
    return REDISMODULE_OK;
}
