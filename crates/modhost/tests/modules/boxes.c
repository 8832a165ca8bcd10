/* A type of values: texts in boxes. The version of its functions is chosen when it is compiled. */

#include "redismodule.h"

#include <string.h>

#include "check.h"

#ifndef VERSION
#define VERSION REDISMODULE_TYPE_METHOD_VERSION
#endif

struct box {
    size_t len;
    char text[];
};

static RedisModuleType *type;
static long long live, unlinked;

static struct box *make(const char *text, size_t len)
{
    struct box *box = RedisModule_Alloc(sizeof(*box) + len + 1);
    box->len = len;
    memcpy(box->text, text, len);
    box->text[len] = '\0';
    live++;
    return box;
}

/* Where a value stands, as its callbacks see it: "db:key". */
static char place[64];

static void note_place(int db, const RedisModuleString *key)
{
    snprintf(place, sizeof(place), "%d:%s", db, RedisModule_StringPtrLen(key, NULL));
}

static void *load(RedisModuleIO *io, int version)
{
    size_t len;
    BIND(long double, LoadLongDouble, RedisModuleIO *);
    note_place(RedisModule_GetDbIdFromIO(io), RedisModule_GetKeyNameFromIO(io));
    int are_right = version == 3 && RedisModule_LoadUnsigned(io) == UINT64_MAX && RedisModule_LoadSigned(io) == -7 &&
                    RedisModule_LoadFloat(io) == 0.5f && RedisModule_LoadDouble(io) == 0.1 && LoadLongDouble(io) == 0.1L;
    RedisModuleString *name = RedisModule_LoadString(io);
    char *text = RedisModule_LoadStringBuffer(io, &len);
    if (RedisModule_IsIOError(io) || !are_right || strcmp(RedisModule_StringPtrLen(name, NULL), "a name") != 0) {
        RedisModule_LogIOError(io, "warning", "version %d", version);
        if (name)
            RedisModule_FreeString(RedisModule_GetContextFromIO(io), name);
        RedisModule_Free(text);
        return NULL;
    }
    RedisModule_FreeString(RedisModule_GetContextFromIO(io), name);
    struct box *box = make(text, len);
    RedisModule_Free(text);
    return box;
}

static void save(RedisModuleIO *io, void *value)
{
    struct box *box = value;
    BIND(void, SaveLongDouble, RedisModuleIO *, long double);
    RedisModule_SaveUnsigned(io, UINT64_MAX);
    RedisModule_SaveSigned(io, -7);
    RedisModule_SaveFloat(io, 0.5f);
    RedisModule_SaveDouble(io, 0.1);
    SaveLongDouble(io, 0.1L);
    RedisModuleString *name = RedisModule_CreateString(NULL, "a name", 6);
    RedisModule_SaveString(io, name);
    RedisModule_FreeString(NULL, name);
    RedisModule_SaveStringBuffer(io, box->text, box->len);
}

static void rewrite(RedisModuleIO *io, RedisModuleString *key, void *value)
{
    struct box *box = value;
    RedisModule_EmitAOF(io, "boxes.set", "sb", key, box->text, box->len);
}

static size_t usage(const void *value)
{
    return RedisModule_MallocSize((void *)value);
}

static void digest(RedisModuleDigest *digest, void *value)
{
    struct box *box = value;
    note_place(RedisModule_GetDbIdFromDigest(digest), RedisModule_GetKeyNameFromDigest(digest));
    RedisModule_DigestAddStringBuffer(digest, box->text, box->len);
    RedisModule_DigestAddLongLong(digest, (long long)box->len);
    RedisModule_DigestEndSequence(digest);
}

static void discard(void *value)
{
    live--;
    RedisModule_Free(value);
}

static void unlink_box(RedisModuleString *key, const void *value)
{
    REDISMODULE_NOT_USED(key);
    REDISMODULE_NOT_USED(value);
    unlinked++;
}

static void *copy(RedisModuleString *from, RedisModuleString *to, const void *value)
{
    REDISMODULE_NOT_USED(from);
    const struct box *box = value;
    size_t len;
    RedisModule_StringPtrLen(to, &len);
    return len == 0 ? NULL : make(box->text, box->len);
}

static size_t usage2(RedisModuleKeyOptCtx *ctx, const void *value, size_t samples)
{
    note_place(RedisModule_GetDbIdFromOptCtx(ctx), RedisModule_GetKeyNameFromOptCtx(ctx));
    return usage(value) + samples * 1000000;
}

static size_t effort2(RedisModuleKeyOptCtx *ctx, const void *value)
{
    REDISMODULE_NOT_USED(ctx);
    REDISMODULE_NOT_USED(value);
    return 1;
}

static void unlink2(RedisModuleKeyOptCtx *ctx, const void *value)
{
    unlink_box((RedisModuleString *)RedisModule_GetKeyNameFromOptCtx(ctx), value);
}

static void *copy2(RedisModuleKeyOptCtx *ctx, const void *value)
{
    const struct box *box = value;
    note_place(RedisModule_GetToDbIdFromOptCtx(ctx), RedisModule_GetToKeyNameFromOptCtx(ctx));
    return make(box->text, box->len);
}

/* boxes.place : where a value stood when its callback last asked. */
static int last_place(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    return RedisModule_ReplyWithCString(ctx, place);
}

static int set(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    if (argc != 3)
        return RedisModule_WrongArity(ctx);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_WRITE);
    int held = RedisModule_KeyType(key);
    if (held != REDISMODULE_KEYTYPE_EMPTY && RedisModule_ModuleTypeGetType(key) != type) {
        RedisModule_CloseKey(key);
        return RedisModule_ReplyWithError(ctx, REDISMODULE_ERRORMSG_WRONGTYPE);
    }
    size_t len;
    const char *text = RedisModule_StringPtrLen(argv[2], &len);
    RedisModule_ModuleTypeSetValue(key, type, make(text, len));
    RedisModule_CloseKey(key);
    return RedisModule_ReplyWithSimpleString(ctx, "OK");
}

static int swap(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_WRITE);
    size_t len;
    const char *text = RedisModule_StringPtrLen(argv[2], &len);
    struct box *box = make(text, len), *old = NULL;
    if (RedisModule_ModuleTypeReplaceValue(key, type, box, (void **)&old) == REDISMODULE_ERR) {
        discard(box);
        RedisModule_ReplyWithNull(ctx);
    } else {
        RedisModule_ReplyWithStringBuffer(ctx, old->text, old->len);
        discard(old);
    }
    RedisModule_CloseKey(key);
    return REDISMODULE_OK;
}

static int get(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ);
    if (key == NULL)
        return RedisModule_ReplyWithNull(ctx);
    struct box *box = RedisModule_ModuleTypeGetValue(key);
    if (box == NULL)
        RedisModule_ReplyWithError(ctx, REDISMODULE_ERRORMSG_WRONGTYPE);
    else
        RedisModule_ReplyWithStringBuffer(ctx, box->text, box->len);
    RedisModule_CloseKey(key);
    return REDISMODULE_OK;
}

/* boxes.counts : live values, and keys that were unlinked. */
static int counts(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModule_ReplyWithArray(ctx, 2);
    RedisModule_ReplyWithLongLong(ctx, live);
    return RedisModule_ReplyWithLongLong(ctx, unlinked);
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (RedisModule_Init(ctx, "boxes", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    RedisModuleTypeMethods methods;
    /* What a version doesn't have isn't to be read: it would call this. */
    memset(&methods, 0xff, sizeof(methods));
    methods.version = VERSION;
    methods.rdb_load = load;
    methods.rdb_save = save;
    methods.aof_rewrite = rewrite;
    methods.mem_usage = usage;
    methods.digest = digest;
    methods.free = discard;
    if (VERSION >= 2) {
        methods.aux_load = NULL;
        methods.aux_save = NULL;
        methods.aux_save_triggers = 0;
    }
    if (VERSION >= 3) {
        methods.free_effort = NULL;
        methods.unlink = unlink_box;
        methods.copy = copy;
        methods.defrag = NULL;
    }
    if (VERSION >= 4) {
        methods.mem_usage2 = usage2;
        methods.free_effort2 = effort2;
        methods.unlink2 = unlink2;
        methods.copy2 = copy2;
    }
    if (VERSION >= 5)
        methods.aux_save2 = NULL;
    if (RedisModule_CreateDataType(ctx, "too-short", 0, &methods) == NULL ||
        RedisModule_CreateDataType(ctx, "short", 0, &methods) != NULL ||
        RedisModule_CreateDataType(ctx, "bad name!", 0, &methods) != NULL)
        return REDISMODULE_ERR;
    type = RedisModule_CreateDataType(ctx, "testboxes", 3, &methods);
    if (type == NULL || RedisModule_CreateDataType(ctx, "testboxes", 3, &methods) != NULL)
        return REDISMODULE_ERR;
    if (RedisModule_CreateCommand(ctx, "boxes.set", set, "write deny-oom", 1, 1, 1) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "boxes.swap", swap, "write deny-oom", 1, 1, 1) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "boxes.get", get, "readonly", 1, 1, 1) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "boxes.place", last_place, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "boxes.counts", counts, "", 0, 0, 0) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    return REDISMODULE_OK;
}
