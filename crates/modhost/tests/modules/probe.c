/* Calls functions with whatever a client gives them, and replies what they answer: for a comparison with redis-server. */

#include "redismodule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

static const char *text(const S *string)
{
    return RedisModule_StringPtrLen(string, NULL);
}

/* Replies with a string of the module's own, and frees it. */
static int reply_with(RedisModuleCtx *ctx, S *string)
{
    if (string == NULL)
        return RedisModule_ReplyWithNull(ctx);
    RedisModule_ReplyWithString(ctx, string);
    RedisModule_FreeString(ctx, string);
    return REDISMODULE_OK;
}

/* probe.number text : what it is as a number of each kind, to the last bit; the status where it is none. */
static int number(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc != 2)
        return RedisModule_WrongArity(ctx);
    BIND(int, StringToLongDouble, const S *, long double *);
    long long integer = 7;
    unsigned long long natural = 7;
    double real = 7;
    long double extended = 7;
    RedisModuleStreamID id = { 7, 7 };
    RedisModule_ReplyWithArray(ctx, 5);
    int status = RedisModule_StringToLongLong(argv[1], &integer);
    reply_with(ctx, RedisModule_CreateStringPrintf(ctx, "%d %lld", status, integer));
    /* Newer than the oracle. */
    status = RedisModule_StringToULongLong == NULL ? 0 : RedisModule_StringToULongLong(argv[1], &natural);
    reply_with(ctx, RedisModule_CreateStringPrintf(ctx, "%d %llu", status, natural));
    status = RedisModule_StringToDouble(argv[1], &real);
    reply_with(ctx, RedisModule_CreateStringPrintf(ctx, "%d %a", status, status == 0 ? real : 0));
    status = StringToLongDouble(argv[1], &extended);
    reply_with(ctx, RedisModule_CreateStringPrintf(ctx, "%d %La", status, status == 0 ? extended : 0));
    status = RedisModule_StringToStreamID(argv[1], &id);
    return reply_with(ctx, status == REDISMODULE_OK
                               ? RedisModule_CreateStringPrintf(ctx, "%d %llu %llu", status, (unsigned long long)id.ms,
                                                                (unsigned long long)id.seq)
                               : RedisModule_CreateStringPrintf(ctx, "%d", status));
}

/* probe.text number : the texts that numbers of each kind become. */
static int texts(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc != 2)
        return RedisModule_WrongArity(ctx);
    BIND(S *, CreateStringFromLongDouble, RedisModuleCtx *, long double, int);
    RedisModuleStreamID id = { strtoull(text(argv[1]), NULL, 10), UINT64_MAX };
    RedisModule_ReplyWithArray(ctx, 5);
    reply_with(ctx, RedisModule_CreateStringFromLongLong(ctx, strtoll(text(argv[1]), NULL, 10)));
    reply_with(ctx, RedisModule_CreateStringFromDouble(ctx, strtod(text(argv[1]), NULL)));
    reply_with(ctx, CreateStringFromLongDouble(ctx, strtold(text(argv[1]), NULL), 0));
    reply_with(ctx, CreateStringFromLongDouble(ctx, strtold(text(argv[1]), NULL), 1));
    return reply_with(ctx, RedisModule_CreateStringFromStreamID(ctx, &id));
}

/* probe.string text step... : a string that is changed, compared, retained and trimmed. */
static int string(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc < 2)
        return RedisModule_WrongArity(ctx);
    S *own = RedisModule_CreateStringFromString(ctx, argv[1]);
    RedisModule_ReplyWithArray(ctx, argc - 2 + 1);
    for (int at = 2; at < argc; at++) {
        size_t len;
        const char *more = RedisModule_StringPtrLen(argv[at], &len);
        long long status = 0;
        switch (more[0]) {
        case '+':
            status = RedisModule_StringAppendBuffer(ctx, own, more + 1, len - 1);
            break;
        case '?': {
            S *other = RedisModule_CreateString(ctx, more + 1, len - 1);
            status = RedisModule_StringCompare(own, other);
            status = (status > 0) - (status < 0);
            RedisModule_FreeString(ctx, other);
            break;
        }
        case '&':
            /* With a second reference it can't be changed. */
            RedisModule_RetainString(ctx, own);
            status = RedisModule_StringAppendBuffer(ctx, own, "!", 1);
            RedisModule_FreeString(ctx, own);
            break;
        case '-':
            RedisModule_TrimStringAllocation(own);
            break;
        }
        RedisModule_ReplyWithLongLong(ctx, status);
    }
    return reply_with(ctx, own);
}

/* probe.reply kind word : a reply of that kind. */
static int reply(RedisModuleCtx *ctx, S **argv, int argc)
{
    BIND(int, ReplyWithLongDouble, RedisModuleCtx *, long double);
    if (argc != 3)
        return RedisModule_WrongArity(ctx);
    size_t len;
    const char *word = RedisModule_StringPtrLen(argv[2], &len);
    long long count = strtoll(word, NULL, 10);
    if (equals(argv[1], "double"))
        return RedisModule_ReplyWithDouble(ctx, strtod(word, NULL));
    if (equals(argv[1], "longdouble"))
        return ReplyWithLongDouble(ctx, strtold(word, NULL));
    if (equals(argv[1], "longlong"))
        return RedisModule_ReplyWithLongLong(ctx, count);
    if (equals(argv[1], "bignumber"))
        return RedisModule_ReplyWithBigNumber(ctx, word, len);
    if (equals(argv[1], "verbatim"))
        return RedisModule_ReplyWithVerbatimString(ctx, word, len);
    if (equals(argv[1], "markdown"))
        return RedisModule_ReplyWithVerbatimStringType(ctx, word, len, "mkd");
    if (equals(argv[1], "bool"))
        return RedisModule_ReplyWithBool(ctx, (int)count);
    if (equals(argv[1], "simple"))
        return RedisModule_ReplyWithSimpleString(ctx, word);
    if (equals(argv[1], "error"))
        return RedisModule_ReplyWithError(ctx, word);
    if (equals(argv[1], "cstring"))
        return RedisModule_ReplyWithCString(ctx, word);
    if (equals(argv[1], "buffer"))
        return RedisModule_ReplyWithStringBuffer(ctx, word, len);
    if (equals(argv[1], "empty"))
        return RedisModule_ReplyWithEmptyString(ctx);
    if (equals(argv[1], "null"))
        return RedisModule_ReplyWithNull(ctx);
    if (equals(argv[1], "nullarray"))
        return RedisModule_ReplyWithNullArray(ctx);
    if (equals(argv[1], "emptyarray"))
        return RedisModule_ReplyWithEmptyArray(ctx);
    if (equals(argv[1], "array") || equals(argv[1], "set")) {
        int is_set = equals(argv[1], "set");
        if (is_set)
            RedisModule_ReplyWithSet(ctx, REDISMODULE_POSTPONED_LEN);
        else
            RedisModule_ReplyWithArray(ctx, REDISMODULE_POSTPONED_LEN);
        for (long long at = 0; at < count; at++) {
            /* Each within another: lengths that are told later come in turn. */
            RedisModule_ReplyWithArray(ctx, REDISMODULE_POSTPONED_LEN);
            RedisModule_ReplyWithLongLong(ctx, at);
            RedisModule_ReplySetArrayLength(ctx, 1);
        }
        if (is_set)
            RedisModule_ReplySetSetLength(ctx, (long)count);
        else
            RedisModule_ReplySetArrayLength(ctx, (long)count);
        return REDISMODULE_OK;
    }
    if (equals(argv[1], "map")) {
        RedisModule_ReplyWithMap(ctx, REDISMODULE_POSTPONED_LEN);
        for (long long at = 0; at < count; at++) {
            RedisModule_ReplyWithCString(ctx, word);
            RedisModule_ReplyWithMap(ctx, 1);
            RedisModule_ReplyWithLongLong(ctx, at);
            RedisModule_ReplyWithNull(ctx);
        }
        RedisModule_ReplySetMapLength(ctx, (long)count);
        return REDISMODULE_OK;
    }
    if (equals(argv[1], "attribute")) {
        /* Only RESP3 has them: elsewhere it fails, and nothing is to be written. */
        if (RedisModule_ReplyWithAttribute(ctx, 1) == REDISMODULE_OK) {
            RedisModule_ReplyWithCString(ctx, "key");
            RedisModule_ReplyWithLongLong(ctx, count);
        }
        return RedisModule_ReplyWithCString(ctx, word);
    }
    return RedisModule_ReplyWithError(ctx, "ERR no such kind");
}

/* One step with a key; what is answered is written as a reply. */
static RedisModuleKey *step(RedisModuleCtx *ctx, RedisModuleKey *key, S *name, S *word)
{
    size_t len;
    const char *how = text(word), *value = strchr(how, '=');
    value = value == NULL ? "" : value + 1;
    long long amount = strtoll(value, NULL, 10);
    mstime_t idle = -9;
    long long frequency = -9;
    if (strncmp(how, "open=", 5) == 0) {
        RedisModule_CloseKey(key);
        int mode = (strchr(value, 'r') ? REDISMODULE_READ : 0) | (strchr(value, 'w') ? REDISMODULE_WRITE : 0) |
                   (strchr(value, 'n') ? REDISMODULE_OPEN_KEY_NOTOUCH : 0);
        key = RedisModule_OpenKey(ctx, name, mode);
        RedisModule_ReplyWithLongLong(ctx, key != NULL);
    } else if (equals(word, "type")) {
        RedisModule_ReplyWithLongLong(ctx, RedisModule_KeyType(key));
    } else if (equals(word, "length")) {
        RedisModule_ReplyWithLongLong(ctx, (long long)RedisModule_ValueLength(key));
    } else if (key == NULL) {
        /* The rest takes a key. */
        RedisModule_ReplyWithNull(ctx);
    } else if (strncmp(how, "set=", 4) == 0) {
        S *string = RedisModule_CreateString(ctx, value, strlen(value));
        RedisModule_ReplyWithLongLong(ctx, RedisModule_StringSet(key, string));
        RedisModule_FreeString(ctx, string);
    } else if (strncmp(how, "truncate=", 9) == 0) {
        RedisModule_ReplyWithLongLong(ctx, RedisModule_StringTruncate(key, (size_t)amount));
    } else if (equals(word, "read")) {
        char *bytes = RedisModule_StringDMA(key, &len, REDISMODULE_READ);
        if (bytes == NULL)
            RedisModule_ReplyWithNull(ctx);
        else
            RedisModule_ReplyWithStringBuffer(ctx, bytes, len);
    } else if (strncmp(how, "fill=", 5) == 0) {
        char *bytes = RedisModule_StringDMA(key, &len, REDISMODULE_READ | REDISMODULE_WRITE);
        if (bytes != NULL)
            memset(bytes, value[0], len);
        RedisModule_ReplyWithLongLong(ctx, bytes == NULL ? -1 : (long long)len);
    } else if (equals(word, "delete")) {
        RedisModule_ReplyWithLongLong(ctx, RedisModule_DeleteKey(key));
    } else if (equals(word, "unlink")) {
        RedisModule_ReplyWithLongLong(ctx, RedisModule_UnlinkKey(key));
    } else if (strncmp(how, "expire=", 7) == 0) {
        RedisModule_ReplyWithLongLong(ctx, RedisModule_SetExpire(key, amount));
    } else if (strncmp(how, "expireat=", 9) == 0) {
        RedisModule_ReplyWithLongLong(ctx, RedisModule_SetAbsExpire(key, amount));
    } else if (equals(word, "expiry")) {
        /* In steps of a thousand seconds, as one of the clocks that are compared moves, and not of what is far away, as
           they don't agree on the year. */
        mstime_t left = RedisModule_GetExpire(key);
        RedisModule_ReplyWithLongLong(ctx, left < 0 ? left : left > 100000000 ? 1 : (left + 500000) / 1000000);
    } else if (equals(word, "expiryat")) {
        /* To the millisecond only what was set so. */
        mstime_t at = RedisModule_GetAbsExpire(key);
        RedisModule_ReplyWithLongLong(ctx, at < 0 || at > 4000000000000LL ? at : 1);
    } else if (strncmp(how, "lru=", 4) == 0) {
        RedisModule_ReplyWithLongLong(ctx, RedisModule_SetLRU(key, amount));
    } else if (equals(word, "lru")) {
        int status = RedisModule_GetLRU(key, &idle);
        reply_with(ctx, RedisModule_CreateStringPrintf(ctx, "%d %lld", status,
                                                       idle < 0 ? idle : ((long long)idle + 500000) / 1000000));
    } else if (strncmp(how, "lfu=", 4) == 0) {
        RedisModule_ReplyWithLongLong(ctx, RedisModule_SetLFU(key, amount));
    } else if (equals(word, "lfu")) {
        int status = RedisModule_GetLFU(key, &frequency);
        /* How much it grows is up to chance. */
        reply_with(ctx, RedisModule_CreateStringPrintf(ctx, "%d %d", status, frequency < 0 ? -1 : 1));
    } else if (equals(word, "name")) {
        RedisModule_ReplyWithString(ctx, (S *)RedisModule_GetKeyNameFromModuleKey(key));
    } else {
        RedisModule_ReplyWithError(ctx, "ERR no such step");
    }
    return key;
}

/* probe.key key step... : what every step answers, and then how many keys there are. */
static int key_steps(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc < 2)
        return RedisModule_WrongArity(ctx);
    RedisModuleKey *key = NULL;
    RedisModule_ReplyWithArray(ctx, argc - 1);
    for (int at = 2; at < argc; at++)
        key = step(ctx, key, argv[1], argv[at]);
    RedisModule_CloseKey(key);
    return RedisModule_ReplyWithLongLong(ctx, (long long)RedisModule_DbSize(ctx));
}

/* Writes what there is to know of a reply. */
static void describe(RedisModuleCtx *ctx, RedisModuleCallReply *reply)
{
    int type = RedisModule_CallReplyType(reply);
    size_t len = 0, count = RedisModule_CallReplyLength(reply);
    const char *bytes = NULL, *format = NULL;
    RedisModuleCallReply *first, *second;
    RedisModule_CallReplyProto(reply, &len);
    RedisModule_ReplyWithArray(ctx, REDISMODULE_POSTPONED_LEN);
    long parts = 3;
    RedisModule_ReplyWithLongLong(ctx, type);
    RedisModule_ReplyWithLongLong(ctx, (long long)len);
    RedisModule_ReplyWithLongLong(ctx, (long long)count);
    switch (type) {
    case REDISMODULE_REPLY_STRING:
    case REDISMODULE_REPLY_ERROR:
        bytes = RedisModule_CallReplyStringPtr(reply, &len);
        break;
    case REDISMODULE_REPLY_BIG_NUMBER:
        bytes = RedisModule_CallReplyBigNumber(reply, &len);
        break;
    case REDISMODULE_REPLY_VERBATIM_STRING:
        bytes = RedisModule_CallReplyVerbatim(reply, &len, &format);
        RedisModule_ReplyWithStringBuffer(ctx, format, 3);
        parts++;
        break;
    case REDISMODULE_REPLY_INTEGER:
        RedisModule_ReplyWithLongLong(ctx, RedisModule_CallReplyInteger(reply));
        parts++;
        break;
    case REDISMODULE_REPLY_BOOL:
        RedisModule_ReplyWithLongLong(ctx, RedisModule_CallReplyBool(reply));
        parts++;
        break;
    case REDISMODULE_REPLY_DOUBLE:
        reply_with(ctx, RedisModule_CreateStringPrintf(ctx, "%a", RedisModule_CallReplyDouble(reply)));
        parts++;
        break;
    case REDISMODULE_REPLY_ARRAY:
        for (size_t at = 0; at < count; at++, parts++)
            describe(ctx, RedisModule_CallReplyArrayElement(reply, at));
        break;
    case REDISMODULE_REPLY_SET:
        for (size_t at = 0; at < count; at++, parts++)
            describe(ctx, RedisModule_CallReplySetElement(reply, at));
        break;
    case REDISMODULE_REPLY_MAP:
        for (size_t at = 0; at < count; at++, parts += 2) {
            RedisModule_CallReplyMapElement(reply, at, &first, &second);
            describe(ctx, first);
            describe(ctx, second);
        }
        break;
    }
    if (bytes != NULL) {
        RedisModule_ReplyWithStringBuffer(ctx, bytes, len);
        parts++;
    }
    /* Its elements Redis 7.0 doesn't tell. */
    RedisModuleCallReply *attribute = RedisModule_CallReplyAttribute(reply);
    if (attribute != NULL) {
        RedisModule_ReplyWithLongLong(ctx, RedisModule_CallReplyType(attribute));
        RedisModule_ReplyWithLongLong(ctx, (long long)RedisModule_CallReplyLength(attribute));
        parts += 2;
    }
    /* What it isn't. */
    RedisModule_ReplyWithLongLong(ctx, type == REDISMODULE_REPLY_INTEGER ? 0 : RedisModule_CallReplyInteger(reply));
    RedisModule_ReplyWithLongLong(ctx, RedisModule_CallReplyMapElement(reply, count, NULL, NULL));
    reply_with(ctx, RedisModule_CreateStringFromCallReply(reply));
    RedisModule_ReplySetArrayLength(ctx, parts + 3);
}

/* The reply to a command, called with the flags that stand before it; NULL with an error's number. */
static RedisModuleCallReply *called(RedisModuleCtx *ctx, S **argv, int argc)
{
    char format[32];
    snprintf(format, sizeof format, "v%s", equals(argv[1], "-") ? "" : text(argv[1]));
    errno = 0;
    return RedisModule_Call(ctx, text(argv[2]), format, argv + 3, (size_t)argc - 3);
}

/* probe.call flags command word... : all there is to know of the reply, or the error's number. */
static int call(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc < 3)
        return RedisModule_WrongArity(ctx);
    RedisModuleCallReply *reply = called(ctx, argv, argc);
    if (reply == NULL)
        return RedisModule_ReplyWithLongLong(ctx, errno);
    describe(ctx, reply);
    RedisModule_FreeCallReply(reply);
    return REDISMODULE_OK;
}

/* probe.pass flags command word... : the reply as it is, or the error's number. */
static int pass(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc < 3)
        return RedisModule_WrongArity(ctx);
    RedisModuleCallReply *reply = called(ctx, argv, argc);
    if (reply == NULL)
        return RedisModule_ReplyWithLongLong(ctx, errno);
    RedisModule_ReplyWithCallReply(ctx, reply);
    RedisModule_FreeCallReply(reply);
    return REDISMODULE_OK;
}

/* probe.info section field... : what INFO says of a field, as every type. */
static int info(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc < 2)
        return RedisModule_WrongArity(ctx);
    RedisModuleServerInfoData *data = RedisModule_GetServerInfo(ctx, text(argv[1]));
    RedisModule_ReplyWithArray(ctx, argc - 2);
    for (int at = 2; at < argc; at++) {
        int statuses[3] = { 7, 7, 7 };
        long long integer = RedisModule_ServerInfoGetFieldSigned(data, text(argv[at]), &statuses[0]);
        unsigned long long natural = RedisModule_ServerInfoGetFieldUnsigned(data, text(argv[at]), &statuses[1]);
        double real = RedisModule_ServerInfoGetFieldDouble(data, text(argv[at]), &statuses[2]);
        const char *bytes = RedisModule_ServerInfoGetFieldC(data, text(argv[at]));
        S *string = RedisModule_ServerInfoGetField(ctx, data, text(argv[at]));
        reply_with(ctx, RedisModule_CreateStringPrintf(ctx, "%d %lld %d %llu %d %g %s %s", statuses[0], integer,
                                                       statuses[1], natural, statuses[2], real,
                                                       bytes == NULL ? "(none)" : bytes,
                                                       string == NULL ? "(none)" : text(string)));
        if (string != NULL)
            RedisModule_FreeString(ctx, string);
    }
    RedisModule_FreeServerInfo(ctx, data);
    return REDISMODULE_OK;
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (RedisModule_Init(ctx, "probe", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "probe.number", number, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "probe.text", texts, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "probe.string", string, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "probe.reply", reply, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "probe.key", key_steps, "write", 1, 1, 1) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "probe.call", call, "write", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "probe.pass", pass, "write", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "probe.info", info, "", 0, 0, 0) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    return REDISMODULE_OK;
}
