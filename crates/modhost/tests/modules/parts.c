/* A type of values with every kind of part, whose callbacks keep a diary. The version of its functions is chosen when it
   is compiled. */

#include "redismodule.h"

#include <string.h>

#include "check.h"
#include "diary.h"

#ifndef VERSION
#define VERSION REDISMODULE_TYPE_METHOD_VERSION
#endif

struct parts {
    long long number;
    double real;
    float single;
    long double wide;
    RedisModuleString *text;
    unsigned long count;
    char **cells;
};

static RedisModuleType *type;

static struct parts *make(long long number, RedisModuleString *text, unsigned long count)
{
    struct parts *parts = RedisModule_Alloc(sizeof(*parts));
    parts->number = number;
    parts->real = (double)number / 3;
    parts->single = (float)number / 7;
    parts->wide = (long double)number / 9;
    parts->text = text;
    parts->count = count;
    parts->cells = RedisModule_Alloc(sizeof(char *) * (count + 1));
    for (unsigned long at = 0; at < count; at++) {
        parts->cells[at] = RedisModule_Alloc(40);
        memset(parts->cells[at], (int)(at % 251), 40);
    }
    return parts;
}

static void discard(void *value)
{
    struct parts *parts = value;
    for (unsigned long at = 0; at < parts->count; at++)
        RedisModule_Free(parts->cells[at]);
    RedisModule_Free(parts->cells);
    RedisModule_FreeString(NULL, parts->text);
    RedisModule_Free(parts);
}

static void *load(RedisModuleIO *io, int version)
{
    BIND(long double, LoadLongDouble, RedisModuleIO *);
    long long number = RedisModule_LoadSigned(io);
    unsigned long count = RedisModule_LoadUnsigned(io);
    double real = RedisModule_LoadDouble(io);
    float single = RedisModule_LoadFloat(io);
    long double wide = LoadLongDouble(io);
    RedisModuleString *text = RedisModule_LoadString(io);
    if (RedisModule_IsIOError(io) || count > 100000) {
        if (text != NULL)
            RedisModule_FreeString(NULL, text);
        return NULL;
    }
    struct parts *parts = make(number, text, count);
    parts->real = real;
    parts->single = single;
    parts->wide = wide;
    const RedisModuleString *key = RedisModule_GetKeyNameFromIO(io);
    note("load %s db %d version %d", name(key), RedisModule_GetDbIdFromIO(io), version);
    return parts;
}

static void save(RedisModuleIO *io, void *value)
{
    BIND(void, SaveLongDouble, RedisModuleIO *, long double);
    struct parts *parts = value;
    RedisModule_SaveSigned(io, parts->number);
    RedisModule_SaveUnsigned(io, parts->count);
    RedisModule_SaveDouble(io, parts->real);
    RedisModule_SaveFloat(io, parts->single);
    SaveLongDouble(io, parts->wide);
    RedisModule_SaveString(io, parts->text);
    note("save %s db %d", name(RedisModule_GetKeyNameFromIO(io)), RedisModule_GetDbIdFromIO(io));
}

static void rewrite(RedisModuleIO *io, RedisModuleString *key, void *value)
{
    struct parts *parts = value;
    RedisModule_EmitAOF(io, "parts.set", "slsl", key, parts->number, parts->text, (long long)parts->count);
}

static size_t usage(const void *value)
{
    const struct parts *parts = value;
    note("usage");
    return 1000000 + parts->count;
}

static size_t usage2(RedisModuleKeyOptCtx *keys, const void *value, size_t samples)
{
    const struct parts *parts = value;
    note("usage2 %s db %d samples %zu", name(RedisModule_GetKeyNameFromOptCtx(keys)),
         RedisModule_GetDbIdFromOptCtx(keys), samples);
    return 2000000 + parts->count;
}

static void digest(RedisModuleDigest *digest, void *value)
{
    struct parts *parts = value;
    size_t len;
    const char *text = RedisModule_StringPtrLen(parts->text, &len);
    RedisModule_DigestAddLongLong(digest, parts->number);
    RedisModule_DigestAddStringBuffer(digest, text, len);
    RedisModule_DigestEndSequence(digest);
    RedisModule_DigestAddLongLong(digest, (long long)parts->count);
    RedisModule_DigestEndSequence(digest);
    note("digest %s db %d", name(RedisModule_GetKeyNameFromDigest(digest)),
         RedisModule_GetDbIdFromDigest(digest));
}

static size_t effort(RedisModuleString *key, const void *value)
{
    REDISMODULE_NOT_USED(value);
    note("effort %s", name(key));
    return 2;
}

static size_t effort2(RedisModuleKeyOptCtx *keys, const void *value)
{
    REDISMODULE_NOT_USED(value);
    note("effort2 %s db %d", name(RedisModule_GetKeyNameFromOptCtx(keys)),
         RedisModule_GetDbIdFromOptCtx(keys));
    return 2;
}

static void unlink_parts(RedisModuleString *key, const void *value)
{
    REDISMODULE_NOT_USED(value);
    note("unlink %s", name(key));
}

static void unlink2(RedisModuleKeyOptCtx *keys, const void *value)
{
    REDISMODULE_NOT_USED(value);
    note("unlink2 %s db %d", name(RedisModule_GetKeyNameFromOptCtx(keys)),
         RedisModule_GetDbIdFromOptCtx(keys));
}

static struct parts *duplicate(const struct parts *parts)
{
    RedisModule_RetainString(NULL, parts->text);
    return make(parts->number, parts->text, parts->count);
}

static void *copy(RedisModuleString *from, RedisModuleString *to, const void *value)
{
    note("copy %s to %s", name(from), name(to));
    return duplicate(value);
}

static void *copy2(RedisModuleKeyOptCtx *keys, const void *value)
{
    note("copy2 %s db %d to %s db %d", name(RedisModule_GetKeyNameFromOptCtx(keys)),
         RedisModule_GetDbIdFromOptCtx(keys), name(RedisModule_GetToKeyNameFromOptCtx(keys)),
         RedisModule_GetToDbIdFromOptCtx(keys));
    return duplicate(value);
}

/* Defragmentation: what was moved, how often a value was put off, and how often the module's own string was looked at. */
static long long moved, put_off, visits, begun, ended, wrong;
static RedisModuleString *own;

static int defrag(RedisModuleDefragCtx *ctx, RedisModuleString *key, void **value)
{
    struct parts *parts = *value;
    unsigned long at = 0;
    wrong += RedisModule_DefragCursorGet(ctx, &at) != REDISMODULE_OK;
    wrong += RedisModule_GetDbIdFromDefragCtx(ctx) != 3;
    wrong += RedisModule_StringCompare((RedisModuleString *)RedisModule_GetKeyNameFromDefragCtx(ctx), key) != 0;
    if (at == 0) {
        struct parts *new = RedisModule_DefragAlloc(ctx, parts);
        if (new != NULL) {
            *value = parts = new;
            moved++;
        }
        RedisModuleString *text = RedisModule_DefragRedisModuleString(ctx, parts->text);
        if (text != NULL) {
            parts->text = text;
            moved++;
        }
        char **cells = RedisModule_DefragAlloc(ctx, parts->cells);
        if (cells != NULL) {
            parts->cells = cells;
            moved++;
        }
    }
    for (; at < parts->count; at++) {
        char *cell = RedisModule_DefragAlloc(ctx, parts->cells[at]);
        if (cell != NULL) {
            parts->cells[at] = cell;
            moved++;
        }
        if (at + 1 < parts->count && RedisModule_DefragShouldStop(ctx)) {
            wrong += RedisModule_DefragCursorSet(ctx, at + 1) != REDISMODULE_OK;
            put_off++;
            return 1;
        }
    }
    return 0;
}

static void defrag_own(RedisModuleDefragCtx *ctx)
{
    unsigned long cursor = 0;
    wrong += RedisModule_DefragCursorGet(ctx, &cursor) != REDISMODULE_ERR;
    wrong += RedisModule_DefragCursorSet(ctx, 1) != REDISMODULE_ERR;
    wrong += RedisModule_DefragShouldStop(ctx) != 0;
    wrong += RedisModule_GetDbIdFromDefragCtx(ctx) != -1 || RedisModule_GetKeyNameFromDefragCtx(ctx) != NULL;
    wrong += RedisModule_DefragAlloc(ctx, NULL) != NULL;
    RedisModuleString *new = RedisModule_DefragRedisModuleString(ctx, own);
    if (new != NULL)
        own = new;
    wrong += strcmp(name(own), "own") != 0;
    visits++;
}

static void begin(RedisModuleDefragCtx *ctx)
{
    BIND(void *, DefragAllocRaw, RedisModuleDefragCtx *, size_t);
    BIND(void, DefragFreeRaw, RedisModuleDefragCtx *, void *);
    void *block = DefragAllocRaw(ctx, 100);
    wrong += RedisModule_MallocSize(block) < 100;
    memset(block, 1, 100);
    DefragFreeRaw(ctx, block);
    begun++;
}

static void end(RedisModuleDefragCtx *ctx)
{
    REDISMODULE_NOT_USED(ctx);
    ended++;
}

static struct parts *find(RedisModuleCtx *ctx, RedisModuleString *key_name)
{
    RedisModuleKey *key = RedisModule_OpenKey(ctx, key_name, REDISMODULE_READ);
    struct parts *parts = RedisModule_ModuleTypeGetValue(key);
    RedisModule_CloseKey(key);
    return parts;
}

static int put(RedisModuleCtx *ctx, RedisModuleString *key_name, struct parts *parts)
{
    RedisModuleKey *key = RedisModule_OpenKey(ctx, key_name, REDISMODULE_WRITE);
    RedisModule_ModuleTypeSetValue(key, type, parts);
    RedisModule_CloseKey(key);
    return RedisModule_ReplyWithSimpleString(ctx, "OK");
}

/* parts.set key number text count */
static int set(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    long long number, count;
    if (argc != 5 || RedisModule_StringToLongLong(argv[2], &number) != REDISMODULE_OK ||
        RedisModule_StringToLongLong(argv[4], &count) != REDISMODULE_OK)
        return RedisModule_WrongArity(ctx);
    RedisModuleString *text = RedisModule_CreateStringFromString(NULL, argv[3]);
    return put(ctx, argv[1], make(number, text, (unsigned long)count));
}

static int get(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    struct parts *parts = find(ctx, argv[1]);
    if (parts == NULL)
        return RedisModule_ReplyWithNull(ctx);
    RedisModule_ReplyWithArray(ctx, 5);
    RedisModule_ReplyWithLongLong(ctx, parts->number);
    /* Redis writes doubles with other digits from version to version. */
    RedisModuleString *exact = RedisModule_CreateStringPrintf(ctx, "%a %a", parts->real, (double)parts->single);
    RedisModule_ReplyWithString(ctx, exact);
    RedisModule_FreeString(ctx, exact);
    BIND(int, ReplyWithLongDouble, RedisModuleCtx *, long double);
    ReplyWithLongDouble(ctx, parts->wide);
    RedisModule_ReplyWithString(ctx, parts->text);
    long long whole = 0;
    for (unsigned long at = 0; at < parts->count; at++)
        whole += parts->cells[at][0] == (char)(at % 251) && parts->cells[at][39] == (char)(at % 251);
    return RedisModule_ReplyWithLongLong(ctx, whole);
}

/* parts.pack key : the value as a string. */
static int pack(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    RedisModuleString *packed = RedisModule_SaveDataTypeToString(ctx, find(ctx, argv[1]), type);
    RedisModule_ReplyWithString(ctx, packed);
    RedisModule_FreeString(ctx, packed);
    return REDISMODULE_OK;
}

/* parts.unpack key string [version] */
static int unpack(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    long long version = 0;
    if (argc == 4)
        RedisModule_StringToLongLong(argv[3], &version);
    struct parts *parts = argc == 4 ? RedisModule_LoadDataTypeFromStringEncver(argv[2], type, (int)version)
                                    : RedisModule_LoadDataTypeFromString(argv[2], type);
    if (parts == NULL)
        return RedisModule_ReplyWithError(ctx, "ERR not loaded");
    return put(ctx, argv[1], parts);
}

/* parts.moves : what defragmentation has done. */
static int moves(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModule_ReplyWithArray(ctx, 6);
    RedisModule_ReplyWithLongLong(ctx, moved);
    RedisModule_ReplyWithLongLong(ctx, put_off);
    RedisModule_ReplyWithLongLong(ctx, visits);
    RedisModule_ReplyWithLongLong(ctx, begun);
    RedisModule_ReplyWithLongLong(ctx, ended);
    return RedisModule_ReplyWithLongLong(ctx, wrong);
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (RedisModule_Init(ctx, "parts", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    RedisModule_SetModuleOptions(ctx, REDISMODULE_OPTIONS_HANDLE_IO_ERRORS);
    RedisModuleTypeMethods methods = { .version = VERSION };
    methods.rdb_load = load;
    methods.rdb_save = save;
    methods.aof_rewrite = rewrite;
    methods.mem_usage = usage;
    methods.digest = digest;
    methods.free = discard;
    methods.free_effort = effort;
    methods.unlink = unlink_parts;
    methods.copy = copy;
    methods.defrag = defrag;
    methods.mem_usage2 = usage2;
    methods.free_effort2 = effort2;
    methods.unlink2 = unlink2;
    methods.copy2 = copy2;
    type = RedisModule_CreateDataType(ctx, "testparts", 5, &methods);
    own = RedisModule_CreateString(NULL, "own", 3);
    if (type == NULL || RedisModule_RegisterDefragFunc(ctx, defrag_own) != REDISMODULE_OK)
        return REDISMODULE_ERR;
    /* Newer than the oracle. */
    if (RMAPI_FUNC_SUPPORTED(RedisModule_RegisterDefragCallbacks))
        RedisModule_RegisterDefragCallbacks(ctx, begin, end);
    if (RedisModule_CreateCommand(ctx, "parts.set", set, "write deny-oom", 1, 1, 1) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "parts.get", get, "readonly", 1, 1, 1) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "parts.pack", pack, "readonly", 1, 1, 1) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "parts.unpack", unpack, "write", 1, 1, 1) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "parts.diary", read_diary, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "parts.moves", moves, "", 0, 0, 0) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    return REDISMODULE_OK;
}
