/* One command for each area, which checks what it calls. */

#include "redismodule.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "check.h"

static int strings(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModule_AutoMemory(ctx);
    S *bytes = RedisModule_CreateString(ctx, "a\0b", 3);
    size_t len;
    CHECK(memcmp(RedisModule_StringPtrLen(bytes, &len), "a\0b", 4) == 0 && len == 3);
    CHECK(equals(RedisModule_CreateStringFromLongLong(ctx, -42), "-42"));
    CHECK(equals(RedisModule_CreateStringPrintf(ctx, "%s-%05d", "x", 7), "x-00007"));
    S *wide = RedisModule_CreateStringPrintf(ctx, "%*d", 5000, 1);
    RedisModule_StringPtrLen(wide, &len);
    CHECK(len == 5000);
    RedisModuleStreamID id = { 5, 7 }, read = { 0, 0 };
    S *stream = RedisModule_CreateStringFromStreamID(ctx, &id);
    CHECK(equals(stream, "5-7"));
    CHECK(RedisModule_StringToStreamID(stream, &read) == REDISMODULE_OK && read.ms == 5 && read.seq == 7);
    CHECK(RedisModule_StringToStreamID(wide, &read) == REDISMODULE_ERR);
    CHECK(RedisModule_StringCompare(bytes, stream) > 0 && RedisModule_StringCompare(stream, bytes) < 0);
    CHECK(RedisModule_StringCompare(bytes, bytes) == 0);
    /* With two references it can't be changed. */
    S *held = RedisModule_HoldString(NULL, stream);
    CHECK(held == stream && RedisModule_StringAppendBuffer(ctx, stream, "x", 1) == REDISMODULE_ERR);
    RedisModule_FreeString(NULL, held);
    for (int at = 0; at < 1000; at++)
        CHECK(RedisModule_StringAppendBuffer(ctx, stream, "xy", 2) == REDISMODULE_OK);
    RedisModule_TrimStringAllocation(stream);
    RedisModule_StringPtrLen(stream, &len);
    CHECK(len == 2003);
    /* A string that is retained is not the context's any more. */
    S *own = RedisModule_CreateString(ctx, "own", 3);
    RedisModule_RetainString(ctx, own);
    CHECK(equals(own, "own"));
    RedisModule_FreeString(NULL, own);
    CHECK(strstr(RedisModule_StringPtrLen(NULL, &len), "NULL") != NULL);
    DONE;
}

static int memory(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    char *copy = RedisModule_Strdup("text");
    CHECK(strcmp(copy, "text") == 0 && RedisModule_MallocUsableSize(copy) >= 5);
    RedisModule_Free(copy);
    unsigned char *zero = RedisModule_Calloc(10, 100);
    for (int at = 0; at < 1000; at++)
        CHECK(zero[at] == 0);
    RedisModule_Free(zero);
    RedisModule_Free(NULL);
    CHECK(RedisModule_TryAlloc(SIZE_MAX / 2 + 1) == NULL);
    CHECK(RedisModule_TryCalloc(SIZE_MAX / 2, 3) == NULL);
    char *block = RedisModule_TryAlloc(10);
    memcpy(block, "123456789", 10);
    CHECK(RedisModule_TryRealloc(block, SIZE_MAX / 2 + 1) == NULL && strcmp(block, "123456789") == 0);
    block = RedisModule_TryRealloc(block, 100000);
    CHECK(block != NULL && strcmp(block, "123456789") == 0);
    RedisModule_Free(block);
    block = RedisModule_TryCalloc(3, 3);
    CHECK(block != NULL && block[8] == 0);
    RedisModule_Free(block);
    char *piece = RedisModule_PoolAlloc(ctx, 100), *other = RedisModule_PoolAlloc(ctx, 1);
    memset(piece, 1, 100);
    *other = 2;
    CHECK((size_t)piece % 8 == 0 && piece[99] == 1);
    CHECK(RedisModule_GetUsedMemoryRatio() == 0);
    DONE;
}

static int attributes(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    CHECK(RedisModule_IsModuleNameBusy("corners") == 1 && RedisModule_IsModuleNameBusy("nobody") == 0);
    CHECK(RedisModule_Milliseconds() == 1700000000000LL);
    CHECK(RedisModule_CachedMicroseconds() == 1700000000000000LL);
    long long now = (long long)time(NULL);
    CHECK(llabs(RedisModule_Microseconds() / 1000000 - now) <= 2);
    uint64_t before = RedisModule_MonotonicMicroseconds();
    CHECK(before > 0 && RedisModule_MonotonicMicroseconds() >= before);
    CHECK(RedisModule_GetServerVersion() >= 0x00070000 && RedisModule_GetServerVersion() < 0x01000000);
    CHECK(RedisModule_GetTypeMethodVersion() == 5);
    CHECK(RedisModule_GetOpenKeyModesAll() & REDISMODULE_OPEN_KEY_NOEFFECTS);
    CHECK((RedisModule_GetOpenKeyModesAll() & 3) == 3);
    CHECK(RedisModule_AvoidReplicaTraffic() == 0);
    unsigned char bytes[64] = { 0 }, none[64] = { 0 };
    RedisModule_GetRandomBytes(bytes, sizeof(bytes));
    CHECK(memcmp(bytes, none, sizeof(bytes)) != 0);
    char digits[41] = { 0 };
    RedisModule_GetRandomHexChars(digits, 40);
    CHECK(strspn(digits, "0123456789abcdef") == 40);
    void *unknown = ctx;
    CHECK(RedisModule_GetApi("RedisModule_NoSuchFunction", &unknown) == REDISMODULE_ERR && unknown == ctx);
    CHECK(RedisModule_GetApi("Alloc", &unknown) == REDISMODULE_ERR && unknown == ctx);
    CHECK(RedisModule_GetApi("ValkeyModule_Alloc", &unknown) == REDISMODULE_OK && unknown == RedisModule_Alloc);
    DONE;
}

static int databases(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    CHECK(RedisModule_GetSelectedDb(ctx) == 0 && RedisModule_DbSize(ctx) == 0);
    CHECK(RedisModule_SelectDb(ctx, 5) == REDISMODULE_OK && RedisModule_GetSelectedDb(ctx) == 5);
    CHECK(RedisModule_SelectDb(ctx, 1000000) == REDISMODULE_ERR && RedisModule_SelectDb(ctx, -1) == REDISMODULE_ERR);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_WRITE);
    CHECK(RedisModule_StringSet(key, argv[1]) == REDISMODULE_OK);
    CHECK(RedisModule_GetDbIdFromModuleKey(key) == 5);
    CHECK(RedisModule_StringCompare(RedisModule_GetKeyNameFromModuleKey(key), argv[1]) == 0);
    CHECK(RedisModule_DbSize(ctx) == 1);
    S *random = RedisModule_RandomKey(ctx);
    CHECK(RedisModule_StringCompare(random, argv[1]) == 0);
    RedisModule_FreeString(ctx, random);
    CHECK(RedisModule_UnlinkKey(key) == REDISMODULE_OK && RedisModule_KeyType(key) == REDISMODULE_KEYTYPE_EMPTY);
    CHECK(RedisModule_RandomKey(ctx) == NULL);
    RedisModule_StringSet(key, argv[1]);
    RedisModule_CloseKey(key);
    RedisModule_CloseKey(NULL);
    RedisModule_SelectDb(ctx, 0);
    RedisModule_ResetDataset(0, 0);
    RedisModule_SelectDb(ctx, 5);
    CHECK(RedisModule_DbSize(ctx) == 0);
    RedisModule_SelectDb(ctx, 0);
    CHECK(RedisModule_GetClientId(ctx) == 1);
    int flags = RedisModule_GetContextFlags(ctx);
    CHECK(flags & REDISMODULE_CTX_FLAGS_MASTER && !(flags & REDISMODULE_CTX_FLAGS_MULTI));
    CHECK(RedisModule_GetContextFlags(NULL) & REDISMODULE_CTX_FLAGS_MASTER);
    DONE;
}

static int keys(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    RedisModule_AutoMemory(ctx);
    CHECK(RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ) == NULL);
    CHECK(RedisModule_KeyType(NULL) == REDISMODULE_KEYTYPE_EMPTY && RedisModule_ValueLength(NULL) == 0);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE);
    size_t len = 9;
    CHECK(RedisModule_StringDMA(key, &len, REDISMODULE_READ) != NULL && len == 0);
    CHECK(RedisModule_SetAbsExpire(key, 1800000000000LL) == REDISMODULE_ERR);
    RedisModule_StringSet(key, argv[1]);
    CHECK(RedisModule_SetAbsExpire(key, 1800000000000LL) == REDISMODULE_OK);
    CHECK(RedisModule_GetAbsExpire(key) == 1800000000000LL && RedisModule_GetExpire(key) == 100000000000LL);
    CHECK(RedisModule_SetAbsExpire(key, -2) == REDISMODULE_ERR);
    CHECK(RedisModule_SetAbsExpire(key, REDISMODULE_NO_EXPIRE) == REDISMODULE_OK);
    CHECK(RedisModule_GetAbsExpire(key) == REDISMODULE_NO_EXPIRE);
    mstime_t idle;
    CHECK(RedisModule_SetLRU(key, 5000) == REDISMODULE_OK);
    CHECK(RedisModule_GetLRU(key, &idle) == REDISMODULE_OK && idle == 5000);
    long long frequency = 0;
    CHECK(RedisModule_SetLFU(key, 9) == REDISMODULE_ERR);
    CHECK(RedisModule_GetLFU(key, &frequency) == REDISMODULE_OK && frequency == -1);
    /* Opening it without effects leaves the clock as it is. */
    RedisModuleKey *quiet = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ | REDISMODULE_OPEN_KEY_NOEFFECTS);
    CHECK(RedisModule_GetLRU(quiet, &idle) == REDISMODULE_OK && idle == 5000);
    RedisModuleKey *seen = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ);
    CHECK(RedisModule_GetLRU(seen, &idle) == REDISMODULE_OK && idle == 0);
    CHECK(RedisModule_StringSet(seen, argv[1]) == REDISMODULE_ERR);
    CHECK(RedisModule_StringTruncate(seen, 1) == REDISMODULE_ERR);
    CHECK(RedisModule_StringDMA(seen, &len, REDISMODULE_WRITE) != NULL);
    CHECK(RedisModule_SignalModifiedKey(ctx, argv[1]) == REDISMODULE_OK);
    CHECK(RedisModule_HashSet(key, REDISMODULE_HASH_NONE, argv[1], argv[1], NULL) == 0);
    CHECK(RedisModule_HashGet(key, REDISMODULE_HASH_CFIELDS, "f", &argv[1], NULL) == REDISMODULE_ERR);
    DONE;
}

static int calls(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    RedisModule_AutoMemory(ctx);
    errno = 0;
    CHECK(RedisModule_Call(ctx, "NOSUCH", "c", "x") == NULL && errno == ENOENT);
    CHECK(RedisModule_Call(ctx, "GET", "") == NULL && errno == EINVAL);
    CHECK(RedisModule_Call(ctx, "GET", "s?", argv[1]) == NULL && errno == EBADF);
    CHECK(RedisModule_Call(ctx, "SET", "Wsc", argv[1], "x") == NULL && errno == ENOSPC);
    CHECK(RedisModule_Call(ctx, "SUBSCRIBE", "Sc", "x") == NULL && errno == ESPIPE);
    RedisModuleCallReply *denied = RedisModule_Call(ctx, "SET", "WEsc", argv[1], "x");
    CHECK(RedisModule_CallReplyType(denied) == REDISMODULE_REPLY_ERROR);
    CHECK(RedisModule_Call(ctx, "SET", "sbE", argv[1], "5", (size_t)1) != NULL && errno == 0);
    RedisModuleCallReply *sum = RedisModule_Call(ctx, "INCRBY", "sl", argv[1], 2LL);
    CHECK(RedisModule_CallReplyType(sum) == REDISMODULE_REPLY_INTEGER && RedisModule_CallReplyInteger(sum) == 7);
    CHECK(RedisModule_CallReplyLength(sum) == 0 && RedisModule_CallReplyStringPtr(sum, NULL) == NULL);
    CHECK(strcmp(RedisModule_StringPtrLen(RedisModule_CreateStringFromCallReply(sum), NULL), "7") == 0);
    size_t len;
    CHECK(memcmp(RedisModule_CallReplyProto(sum, &len), ":7\r\n", 4) == 0 && len == 4);
    /* A call of one's own, for the kinds that only RESP3 has. */
    RedisModuleCallReply *kinds = RedisModule_Call(ctx, "corners.kinds", "3");
    CHECK(RedisModule_CallReplyType(kinds) == REDISMODULE_REPLY_ARRAY && RedisModule_CallReplyLength(kinds) == 7);
    RedisModuleCallReply *at(size_t index) { return RedisModule_CallReplyArrayElement(kinds, index); }
    CHECK(RedisModule_CallReplyDouble(at(0)) == 2.5);
    CHECK(RedisModule_CallReplyBool(at(1)) == 1);
    const char *text = RedisModule_CallReplyBigNumber(at(2), &len);
    CHECK(len == 25 && memcmp(text, "1234567890123456789012345", len) == 0);
    const char *format;
    text = RedisModule_CallReplyVerbatim(at(3), &len, &format);
    CHECK(len == 2 && memcmp(text, "hi", 2) == 0 && memcmp(format, "mkd", 3) == 0);
    RedisModuleCallReply *key, *value;
    CHECK(RedisModule_CallReplyMapElement(at(4), 0, &key, &value) == REDISMODULE_OK);
    CHECK(memcmp(RedisModule_CallReplyStringPtr(key, &len), "k", 1) == 0 && RedisModule_CallReplyInteger(value) == 1);
    CHECK(RedisModule_CallReplyMapElement(at(4), 1, &key, &value) == REDISMODULE_ERR);
    CHECK(RedisModule_CallReplyInteger(RedisModule_CallReplySetElement(at(5), 0)) == 3);
    CHECK(RedisModule_CallReplySetElement(at(4), 0) == NULL);
    RedisModuleCallReply *attribute = RedisModule_CallReplyAttribute(at(6));
    CHECK(RedisModule_CallReplyType(attribute) == REDISMODULE_REPLY_ATTRIBUTE);
    CHECK(RedisModule_CallReplyAttributeElement(attribute, 0, &key, &value) == REDISMODULE_OK);
    CHECK(RedisModule_CallReplyInteger(value) == 9 && RedisModule_CallReplyInteger(at(6)) == 4);
    CHECK(at(7) == NULL && RedisModule_CallReplyType(NULL) == REDISMODULE_REPLY_UNKNOWN);
    /* An element isn't freed by itself. */
    RedisModule_FreeCallReply(at(0));
    CHECK(RedisModule_CallReplyDouble(at(0)) == 2.5);
    CHECK(RedisModule_ReplicateVerbatim(ctx) == REDISMODULE_OK);
    CHECK(RedisModule_Replicate(ctx, "SET", "sc", argv[1], "x") == REDISMODULE_OK);
    CHECK(RedisModule_Replicate(ctx, "SET", "s?", argv[1]) == REDISMODULE_ERR);
    DONE;
}

static int info_fields(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModuleServerInfoData *data = RedisModule_GetServerInfo(ctx, "stats");
    int status = 9;
    CHECK(RedisModule_ServerInfoGetFieldSigned(data, "rejected_connections", &status) == 0 && status == REDISMODULE_OK);
    CHECK(RedisModule_ServerInfoGetFieldUnsigned(data, "total_connections_received", &status) == 1 && status == REDISMODULE_OK);
    CHECK(RedisModule_ServerInfoGetFieldDouble(data, "total_connections_received", &status) == 1.0);
    RedisModule_ServerInfoGetFieldSigned(data, "redis_version", &status);
    CHECK(status == REDISMODULE_ERR && RedisModule_ServerInfoGetFieldC(data, "redis_version") == NULL);
    CHECK(strcmp(RedisModule_ServerInfoGetFieldC(data, "rejected_connections"), "0") == 0);
    S *field = RedisModule_ServerInfoGetField(ctx, data, "rejected_connections");
    CHECK(equals(field, "0") && RedisModule_ServerInfoGetField(ctx, data, "no_such") == NULL);
    RedisModule_FreeString(ctx, field);
    RedisModule_FreeServerInfo(ctx, data);
    DONE;
}

static void write_info(RedisModuleInfoCtx *ctx, int for_crash_report)
{
    REDISMODULE_NOT_USED(for_crash_report);
    if (RedisModule_InfoAddSection(ctx, "Figures") == REDISMODULE_OK) {
        RedisModule_InfoAddFieldLongLong(ctx, "signed", -1);
        RedisModule_InfoAddFieldULongLong(ctx, "un:signed", UINT64_MAX);
        RedisModule_InfoAddFieldDouble(ctx, "real", 0.5);
    }
    if (RedisModule_InfoAddSection(ctx, "texts") == REDISMODULE_OK) {
        S *text = RedisModule_CreateString(NULL, "a text", 6);
        RedisModule_InfoAddFieldString(ctx, "string", text);
        RedisModule_FreeString(NULL, text);
        RedisModule_InfoAddFieldCString(ctx, "cstring", "another");
        RedisModule_InfoBeginDictField(ctx, "dict");
        RedisModule_InfoAddFieldLongLong(ctx, "a", 1);
        RedisModule_InfoAddFieldLongLong(ctx, "b", 2);
        RedisModule_InfoEndDictField(ctx);
    }
}

static int kinds(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    BIND(int, ReplyWithLongDouble, RedisModuleCtx *, long double);
    RedisModule_ReplyWithArray(ctx, 7);
    ReplyWithLongDouble(ctx, 2.5L);
    RedisModule_ReplyWithBool(ctx, 1);
    RedisModule_ReplyWithBigNumber(ctx, "1234567890123456789012345", 25);
    RedisModule_ReplyWithVerbatimStringType(ctx, "hi", 2, "mkd");
    RedisModule_ReplyWithMap(ctx, 1);
    RedisModule_ReplyWithCString(ctx, "k");
    RedisModule_ReplyWithLongLong(ctx, 1);
    RedisModule_ReplyWithSet(ctx, 1);
    RedisModule_ReplyWithLongLong(ctx, 3);
    if (RedisModule_ReplyWithAttribute(ctx, REDISMODULE_POSTPONED_LEN) == REDISMODULE_OK) {
        RedisModule_ReplyWithCString(ctx, "a");
        RedisModule_ReplyWithLongLong(ctx, 9);
        RedisModule_ReplySetAttributeLength(ctx, 1);
    }
    return RedisModule_ReplyWithLongLong(ctx, 4);
}

/* corners.find count key... rest... : only the module knows where the keys end. */
static int find(RedisModuleCtx *ctx, S **argv, int argc)
{
    long long count = 0;
    if (argc > 1)
        RedisModule_StringToLongLong(argv[1], &count);
    if (RedisModule_IsKeysPositionRequest(ctx)) {
        for (int at = 0; at < count; at++) {
            if (at == 0)
                RedisModule_KeyAtPos(ctx, 2);
            else
                RedisModule_KeyAtPosWithFlags(ctx, at + 2, REDISMODULE_CMD_KEY_RO | REDISMODULE_CMD_KEY_ACCESS);
        }
        return REDISMODULE_OK;
    }
    return RedisModule_ReplyWithCString(ctx, RedisModule_GetCurrentCommandName(ctx));
}

static char fired[64];

static void fire(RedisModuleCtx *ctx, void *data)
{
    snprintf(fired + strlen(fired), sizeof(fired) - strlen(fired), "%d%s ", RedisModule_GetSelectedDb(ctx), (char *)data);
}

/* corners.timers : sets three and stops one; or, with an argument, tells which have fired. */
static int timers(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    if (argc == 2)
        return RedisModule_ReplyWithCString(ctx, fired);
    RedisModuleTimerID late = RedisModule_CreateTimer(ctx, 200, fire, "late");
    RedisModule_CreateTimer(ctx, 100, fire, "early");
    RedisModuleTimerID stopped = RedisModule_CreateTimer(ctx, 50, fire, "never");
    uint64_t left = 0;
    void *data = NULL;
    CHECK(RedisModule_GetTimerInfo(ctx, late, &left, &data) == REDISMODULE_OK && left == 200);
    CHECK(strcmp(data, "late") == 0);
    CHECK(RedisModule_StopTimer(ctx, stopped, &data) == REDISMODULE_OK && strcmp(data, "never") == 0);
    CHECK(RedisModule_StopTimer(ctx, stopped, NULL) == REDISMODULE_ERR);
    CHECK(RedisModule_GetTimerInfo(ctx, stopped, NULL, NULL) == REDISMODULE_ERR);
    DONE;
}

/* corners.assert : what doesn't hold. */
static int assertion(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    RedisModule__Assert("argc == 7", __FILE__, argc);
    return RedisModule_ReplyWithSimpleString(ctx, "not here");
}

static RedisModuleCommandArg arguments[] = {
    { .name = "key", .type = REDISMODULE_ARG_TYPE_KEY, .key_spec_index = 0 },
    { .name = "mode", .type = REDISMODULE_ARG_TYPE_ONEOF, .flags = REDISMODULE_CMD_ARG_OPTIONAL,
      .subargs = (RedisModuleCommandArg[]){ { .name = "fast", .type = REDISMODULE_ARG_TYPE_PURE_TOKEN, .token = "FAST" },
                                            { .name = "slow", .type = REDISMODULE_ARG_TYPE_PURE_TOKEN, .token = "SLOW" },
                                            { 0 } } },
    { 0 },
};

static const RedisModuleCommandInfo info = {
    .version = REDISMODULE_COMMAND_INFO_VERSION,
    .summary = "Checks keys.",
    .complexity = "O(1)",
    .since = "1.2.3",
    .history = (RedisModuleCommandHistoryEntry[]){ { "1.2.4", "Checks more." }, { 0 } },
    .tips = "nondeterministic_output request_policy:all_shards",
    .arity = -2,
    .key_specs = (RedisModuleCommandKeySpec[]){ { .flags = REDISMODULE_CMD_KEY_RW | REDISMODULE_CMD_KEY_UPDATE,
                                                  .begin_search_type = REDISMODULE_KSPEC_BS_INDEX,
                                                  .bs.index.pos = 1,
                                                  .find_keys_type = REDISMODULE_KSPEC_FK_RANGE,
                                                  .fk.range = { 0, 1, 0 } },
                                                { 0 } },
    .args = arguments,
};

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (RedisModule_Init(ctx, "corners", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    /* An SDK that initialises twice. */
    RedisModule_SetModuleAttribs(ctx, "corners", 1, REDISMODULE_APIVER_1);
    RedisModule_SetModuleOptions(ctx, REDISMODULE_OPTIONS_HANDLE_IO_ERRORS);
    if (RedisModule_CreateCommand(ctx, "corners.strings", strings, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "corners.memory", memory, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "corners.attributes", attributes, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "corners.databases", databases, "write", 1, 1, 1) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "corners.keys", keys, "write", 1, 1, 1) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "corners.calls", calls, "write", 1, 1, 1) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "corners.find", find, "readonly getkeys-api", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "corners.timers", timers, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "corners.assert", assertion, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "corners.info", info_fields, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_RegisterInfoFunc(ctx, write_info) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "corners.kinds", kinds, "", 0, 0, 0) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    RedisModuleCommand *command = RedisModule_GetCommand(ctx, "corners.keys");
    if (RedisModule_SetCommandInfo(command, &info) == REDISMODULE_ERR ||
        RedisModule_SetCommandInfo(command, &info) == REDISMODULE_OK || errno != EEXIST ||
        RedisModule_SetCommandACLCategories(command, "keyspace dangerous") == REDISMODULE_ERR ||
        RedisModule_SetCommandACLCategories(command, "no-such") == REDISMODULE_OK)
        return REDISMODULE_ERR;
    return REDISMODULE_OK;
}
