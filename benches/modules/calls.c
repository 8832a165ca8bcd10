/* What `cargo xtask bench modhost` measures servers with: each command crosses one part of the Module API, and does
 * little else. */

#include "redismodule.h"

#include <string.h>

/* A value of the type: a text. */
struct text {
    size_t len;
    char bytes[];
};

static RedisModuleType *type;

static void free_text(void *value)
{
    RedisModule_Free(value);
}

/* CALLS.NOTHING: a reply. */
static int nothing(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    return RedisModule_ReplyWithSimpleString(ctx, "OK");
}

/* CALLS.SET key value: SET, called. */
static int call_set(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    if (argc != 3)
        return RedisModule_WrongArity(ctx);
    RedisModuleCallReply *reply = RedisModule_Call(ctx, "SET", "ss", argv[1], argv[2]);
    if (reply == NULL)
        return RedisModule_ReplyWithError(ctx, "ERR SET was not called");
    RedisModule_ReplyWithCallReply(ctx, reply);
    RedisModule_FreeCallReply(reply);
    return REDISMODULE_OK;
}

/* CALLS.PUT key value: a value of the type, in the place of whatever there was. */
static int put(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    if (argc != 3)
        return RedisModule_WrongArity(ctx);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE);
    int kind = RedisModule_KeyType(key);
    if (kind != REDISMODULE_KEYTYPE_EMPTY && RedisModule_ModuleTypeGetType(key) != type) {
        RedisModule_CloseKey(key);
        return RedisModule_ReplyWithError(ctx, REDISMODULE_ERRORMSG_WRONGTYPE);
    }
    size_t len;
    const char *bytes = RedisModule_StringPtrLen(argv[2], &len);
    struct text *text = RedisModule_Alloc(sizeof(*text) + len);
    text->len = len;
    memcpy(text->bytes, bytes, len);
    RedisModule_ModuleTypeSetValue(key, type, text);
    RedisModule_CloseKey(key);
    return RedisModule_ReplyWithSimpleString(ctx, "OK");
}

/* CALLS.TAKE key: the value. */
static int take(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    if (argc != 2)
        return RedisModule_WrongArity(ctx);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ);
    if (RedisModule_KeyType(key) == REDISMODULE_KEYTYPE_EMPTY) {
        RedisModule_CloseKey(key);
        return RedisModule_ReplyWithNull(ctx);
    }
    if (RedisModule_ModuleTypeGetType(key) != type) {
        RedisModule_CloseKey(key);
        return RedisModule_ReplyWithError(ctx, REDISMODULE_ERRORMSG_WRONGTYPE);
    }
    struct text *text = RedisModule_ModuleTypeGetValue(key);
    RedisModule_ReplyWithStringBuffer(ctx, text->bytes, text->len);
    RedisModule_CloseKey(key);
    return REDISMODULE_OK;
}

/* CALLS.ALLOC pairs: that many blocks of 16 to 271 bytes, taken and given back, 64 of them at a time. */
static int alloc(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    void *blocks[64] = {NULL};
    long long pairs;
    if (argc != 2 || RedisModule_StringToLongLong(argv[1], &pairs) != REDISMODULE_OK)
        return RedisModule_ReplyWithError(ctx, "ERR a number of pairs");
    for (long long at = 0; at < pairs; at++) {
        void **block = &blocks[at % 64];
        if (*block != NULL)
            RedisModule_Free(*block);
        *block = RedisModule_Alloc(16 + at * 37 % 256);
    }
    for (int at = 0; at < 64; at++)
        if (blocks[at] != NULL)
            RedisModule_Free(blocks[at]);
    return RedisModule_ReplyWithLongLong(ctx, pairs);
}

static int reply_ok(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    return RedisModule_ReplyWithSimpleString(ctx, "OK");
}

/* CALLS.WAIT: blocks, and is unblocked at once. */
static int wait_for_nothing(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModuleBlockedClient *client = RedisModule_BlockClient(ctx, reply_ok, NULL, NULL, 0);
    RedisModule_UnblockClient(client, NULL);
    return REDISMODULE_OK;
}

static void unblock(RedisModuleCtx *ctx, void *client)
{
    REDISMODULE_NOT_USED(ctx);
    RedisModule_UnblockClient(client, NULL);
}

/* CALLS.TIMER: blocks, and is unblocked by a timer of a millisecond. */
static int wait_for_timer(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModuleBlockedClient *client = RedisModule_BlockClient(ctx, reply_ok, NULL, NULL, 0);
    RedisModule_CreateTimer(ctx, 1, unblock, client);
    return REDISMODULE_OK;
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    static const struct {
        const char *name;
        RedisModuleCmdFunc function;
        const char *flags;
        int key;
    } commands[] = {
        {"calls.nothing", nothing, "readonly fast", 0},
        {"calls.set", call_set, "write deny-oom", 1},
        {"calls.put", put, "write deny-oom", 1},
        {"calls.take", take, "readonly fast", 1},
        {"calls.alloc", alloc, "readonly", 0},
        {"calls.wait", wait_for_nothing, "readonly", 0},
        {"calls.timer", wait_for_timer, "readonly", 0},
    };
    RedisModuleTypeMethods methods = {.version = REDISMODULE_TYPE_METHOD_VERSION, .free = free_text};
    if (RedisModule_Init(ctx, "calls", 1, REDISMODULE_APIVER_1) != REDISMODULE_OK)
        return REDISMODULE_ERR;
    type = RedisModule_CreateDataType(ctx, "callstext", 0, &methods);
    if (type == NULL)
        return REDISMODULE_ERR;
    for (size_t at = 0; at < sizeof(commands) / sizeof(*commands); at++) {
        int key = commands[at].key;
        if (RedisModule_CreateCommand(ctx, commands[at].name, commands[at].function, commands[at].flags, key, key,
                                      key) != REDISMODULE_OK)
            return REDISMODULE_ERR;
    }
    return REDISMODULE_OK;
}
