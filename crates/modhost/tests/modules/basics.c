/* Strings, numbers, replies, keys, memory and calls, a command for each. */

#include "redismodule.h"

#include <string.h>

#define S RedisModuleString

/* basics.echo word... : the words, the last with a tail. */
static int echo(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc < 2)
        return RedisModule_WrongArity(ctx);
    RedisModule_ReplyWithArray(ctx, argc - 1);
    for (int at = 1; at < argc - 1; at++)
        RedisModule_ReplyWithString(ctx, argv[at]);
    S *last = RedisModule_CreateStringFromString(ctx, argv[argc - 1]);
    RedisModule_StringAppendBuffer(ctx, last, "-tail", 5);
    size_t len;
    const char *text = RedisModule_StringPtrLen(last, &len);
    RedisModule_ReplyWithStringBuffer(ctx, text, strlen(text) == len ? len : 0);
    RedisModule_FreeString(ctx, last);
    return REDISMODULE_OK;
}

/* basics.number text : as integer, unsigned, double and long double; null where it isn't one. */
static int number(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    long long integer;
    unsigned long long natural;
    double real;
    long double extended;
    RedisModule_AutoMemory(ctx);
    RedisModule_ReplyWithArray(ctx, 4);
    if (RedisModule_StringToLongLong(argv[1], &integer) == REDISMODULE_OK)
        RedisModule_ReplyWithLongLong(ctx, integer);
    else
        RedisModule_ReplyWithNull(ctx);
    if (RedisModule_StringToULongLong(argv[1], &natural) == REDISMODULE_OK)
        RedisModule_ReplyWithString(ctx, RedisModule_CreateStringFromULongLong(ctx, natural));
    else
        RedisModule_ReplyWithNull(ctx);
    if (RedisModule_StringToDouble(argv[1], &real) == REDISMODULE_OK)
        RedisModule_ReplyWithString(ctx, RedisModule_CreateStringFromDouble(ctx, real));
    else
        RedisModule_ReplyWithNull(ctx);
    int (*to_long_double)(const S *, long double *);
    S *(*from_long_double)(RedisModuleCtx *, long double, int);
    RedisModule_GetApi("RedisModule_StringToLongDouble", &to_long_double);
    RedisModule_GetApi("RedisModule_CreateStringFromLongDouble", &from_long_double);
    if (to_long_double(argv[1], &extended) == REDISMODULE_OK)
        RedisModule_ReplyWithString(ctx, from_long_double(ctx, extended, 1));
    else
        RedisModule_ReplyWithNull(ctx);
    return REDISMODULE_OK;
}

/* basics.replies : one of each. */
static int replies(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModule_ReplyWithArray(ctx, REDISMODULE_POSTPONED_LEN);
    long count = 0;
    RedisModule_ReplyWithSimpleString(ctx, "status"), count++;
    RedisModule_ReplyWithError(ctx, "ERR wrong"), count++;
    RedisModule_ReplyWithErrorFormat(ctx, "ERR %s %d", "format", 7), count++;
    RedisModule_ReplyWithCString(ctx, "text"), count++;
    RedisModule_ReplyWithEmptyString(ctx), count++;
    RedisModule_ReplyWithNull(ctx), count++;
    RedisModule_ReplyWithNullArray(ctx), count++;
    RedisModule_ReplyWithEmptyArray(ctx), count++;
    RedisModule_ReplyWithBool(ctx, 1), count++;
    RedisModule_ReplyWithDouble(ctx, 1.5), count++;
    RedisModule_ReplyWithBigNumber(ctx, "123", 3), count++;
    RedisModule_ReplyWithVerbatimString(ctx, "hi", 2), count++;
    RedisModule_ReplyWithVerbatimStringType(ctx, "hi", 2, "mkd"), count++;
    RedisModule_ReplyWithMap(ctx, REDISMODULE_POSTPONED_LEN), count++;
    RedisModule_ReplyWithCString(ctx, "k");
    RedisModule_ReplyWithSet(ctx, REDISMODULE_POSTPONED_LEN);
    RedisModule_ReplyWithLongLong(ctx, -1);
    RedisModule_ReplySetSetLength(ctx, 1);
    RedisModule_ReplySetMapLength(ctx, 1);
    RedisModule_ReplySetArrayLength(ctx, count);
    return REDISMODULE_OK;
}

/* basics.append key text : through DMA. */
static int append(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc != 3)
        return RedisModule_WrongArity(ctx);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE);
    int type = RedisModule_KeyType(key);
    if (type != REDISMODULE_KEYTYPE_EMPTY && type != REDISMODULE_KEYTYPE_STRING) {
        RedisModule_CloseKey(key);
        return RedisModule_ReplyWithError(ctx, REDISMODULE_ERRORMSG_WRONGTYPE);
    }
    size_t len, more;
    const char *text = RedisModule_StringPtrLen(argv[2], &more);
    size_t before = RedisModule_ValueLength(key);
    RedisModule_StringTruncate(key, before + more);
    char *value = RedisModule_StringDMA(key, &len, REDISMODULE_WRITE);
    memcpy(value + before, text, more);
    RedisModule_CloseKey(key);
    return RedisModule_ReplyWithLongLong(ctx, (long long)len);
}

/* basics.expire key ms : and what is left. */
static int expire(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    long long ms;
    RedisModule_AutoMemory(ctx);
    RedisModule_StringToLongLong(argv[2], &ms);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_WRITE);
    int status = RedisModule_SetExpire(key, ms);
    RedisModule_ReplyWithArray(ctx, 3);
    RedisModule_ReplyWithLongLong(ctx, status);
    RedisModule_ReplyWithLongLong(ctx, RedisModule_GetExpire(key));
    return RedisModule_ReplyWithLongLong(ctx, RedisModule_GetAbsExpire(key));
}

/* basics.delete key */
static int delete(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    RedisModule_AutoMemory(ctx);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ);
    int read_only = key ? RedisModule_DeleteKey(key) : -1;
    RedisModuleKey *writable = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_WRITE);
    RedisModule_ReplyWithArray(ctx, 3);
    RedisModule_ReplyWithLongLong(ctx, read_only);
    RedisModule_ReplyWithLongLong(ctx, RedisModule_DeleteKey(writable));
    return RedisModule_ReplyWithLongLong(ctx, RedisModule_KeyExists(ctx, argv[1]));
}

/* basics.call command args... : its reply as it is. */
static int call(RedisModuleCtx *ctx, S **argv, int argc)
{
    const char *name = RedisModule_StringPtrLen(argv[1], NULL);
    RedisModuleCallReply *reply = RedisModule_Call(ctx, name, "Ev", argv + 2, (size_t)argc - 2);
    if (reply == NULL)
        return RedisModule_ReplyWithError(ctx, "ERR no reply");
    RedisModule_ReplyWithCallReply(ctx, reply);
    RedisModule_FreeCallReply(reply);
    return REDISMODULE_OK;
}

/* basics.mixed key : SET with arguments of each letter, then what GET replies, by kind, length and text. */
static int mixed(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    RedisModule_AutoMemory(ctx);
    RedisModuleCallReply *set = RedisModule_Call(ctx, "SET", "!sbcl", argv[1], "value", (size_t)5, "PX", 5000LL);
    size_t len;
    const char *status = RedisModule_CallReplyStringPtr(set, &len);
    RedisModule_ReplyWithArray(ctx, 5);
    RedisModule_ReplyWithStringBuffer(ctx, status, len);
    RedisModuleCallReply *get = RedisModule_Call(ctx, "GET", "s", argv[1]);
    RedisModule_ReplyWithLongLong(ctx, RedisModule_CallReplyType(get));
    RedisModule_ReplyWithLongLong(ctx, (long long)RedisModule_CallReplyLength(get));
    RedisModule_ReplyWithString(ctx, RedisModule_CreateStringFromCallReply(get));
    RedisModuleCallReply *mget = RedisModule_Call(ctx, "MGET", "sc", argv[1], "missing");
    return RedisModule_ReplyWithLongLong(ctx, RedisModule_CallReplyType(RedisModule_CallReplyArrayElement(mget, 1)));
}

static void *held;
static S *kept;

/* basics.hold bytes : takes a block, or with 0 frees it. */
static int hold(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    long long bytes;
    RedisModule_StringToLongLong(argv[1], &bytes);
    if (bytes == 0) {
        RedisModule_Free(held);
        held = NULL;
    } else {
        held = RedisModule_Realloc(held, (size_t)bytes);
    }
    return RedisModule_ReplyWithLongLong(ctx, held ? (long long)RedisModule_MallocSize(held) : 0);
}

/* basics.keep [text] : keeps a string beyond the command, or gives it back and frees it. */
static int keep(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc == 2) {
        kept = argv[1];
        RedisModule_RetainString(ctx, kept);
        return RedisModule_ReplyWithSimpleString(ctx, "OK");
    }
    RedisModule_ReplyWithString(ctx, kept);
    RedisModule_FreeString(NULL, kept);
    kept = NULL;
    return REDISMODULE_OK;
}

static int sub(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    return RedisModule_ReplyWithString(ctx, argv[1]);
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (RedisModule_Init(ctx, "basics", 3, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    RedisModule_Log(ctx, "notice", "%d arguments", argc);
    const struct {
        const char *name;
        RedisModuleCmdFunc function;
        const char *flags;
        int first;
    } commands[] = {
        { "basics.echo", echo, "readonly fast", 0 },     { "basics.number", number, "readonly", 0 },
        { "basics.replies", replies, "readonly", 0 },    { "basics.append", append, "write deny-oom", 1 },
        { "basics.expire", expire, "write", 1 },         { "basics.delete", delete, "write", 1 },
        { "basics.call", call, "", 0 },                  { "basics.mixed", mixed, "write", 1 },
        { "basics.hold", hold, "", 0 },                  { "basics.keep", keep, "", 0 },
        { "basics.box", NULL, "", 0 },
    };
    for (size_t at = 0; at < sizeof(commands) / sizeof(*commands); at++) {
        int first = commands[at].first;
        if (RedisModule_CreateCommand(ctx, commands[at].name, commands[at].function, commands[at].flags, first,
                                      first, first) == REDISMODULE_ERR)
            return REDISMODULE_ERR;
    }
    if (RedisModule_CreateCommand(ctx, "basics.bad", echo, "readonly no-such-flag", 0, 0, 0) == REDISMODULE_OK)
        return REDISMODULE_ERR;
    if (RedisModule_CreateCommand(ctx, "get", echo, "", 0, 0, 0) == REDISMODULE_OK)
        return REDISMODULE_ERR;
    RedisModuleCommand *box = RedisModule_GetCommand(ctx, "basics.box");
    if (box == NULL || RedisModule_CreateSubcommand(box, "get", sub, "readonly", 2, 2, 1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    /* An argument that says so fails the load, after everything was registered. */
    if (argc > 0 && strcmp(RedisModule_StringPtrLen(argv[0], NULL), "fail") == 0)
        return REDISMODULE_ERR;
    return REDISMODULE_OK;
}
