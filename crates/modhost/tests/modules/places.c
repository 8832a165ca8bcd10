/* A type whose callbacks note what they are called for, and where the value stands. */

#include "redismodule.h"

#include <string.h>

#include "check.h"

#define S RedisModuleString

static RedisModuleType *type;
static char notes[4096];

static void note(const char *what, int db, const S *key)
{
    size_t used = strlen(notes);
    snprintf(notes + used, sizeof(notes) - used, "%s %d:%s ", what, db, key ? RedisModule_StringPtrLen(key, NULL) : "?");
}

static void note_by(const char *what, RedisModuleKeyOptCtx *ctx)
{
    note(what, RedisModule_GetDbIdFromOptCtx(ctx), RedisModule_GetKeyNameFromOptCtx(ctx));
}

static void *load(RedisModuleIO *io, int version)
{
    REDISMODULE_NOT_USED(version);
    note("load", RedisModule_GetDbIdFromIO(io), RedisModule_GetKeyNameFromIO(io));
    const long long number = RedisModule_LoadSigned(io);
    if (RedisModule_IsIOError(io)) {
        note("broken", RedisModule_GetDbIdFromIO(io), RedisModule_GetKeyNameFromIO(io));
        return NULL;
    }
    long long *value = RedisModule_Alloc(sizeof(*value));
    *value = number;
    return value;
}

static void save(RedisModuleIO *io, void *value)
{
    RedisModule_SaveSigned(io, *(long long *)value);
}

static void digest(RedisModuleDigest *digest, void *value)
{
    note("digest", RedisModule_GetDbIdFromDigest(digest), RedisModule_GetKeyNameFromDigest(digest));
    RedisModule_DigestAddLongLong(digest, *(long long *)value);
}

static void discard(void *value)
{
    RedisModule_Free(value);
}

static size_t usage(RedisModuleKeyOptCtx *ctx, const void *value, size_t samples)
{
    REDISMODULE_NOT_USED(value);
    REDISMODULE_NOT_USED(samples);
    note_by("usage", ctx);
    return 8;
}

/* As many allocations as the value is. */
static size_t effort(RedisModuleKeyOptCtx *ctx, const void *value)
{
    note_by("effort", ctx);
    return *(const long long *)value;
}

static void unlink_value(RedisModuleKeyOptCtx *ctx, const void *value)
{
    REDISMODULE_NOT_USED(value);
    note_by("unlink", ctx);
}

static void *copy(RedisModuleKeyOptCtx *ctx, const void *value)
{
    note_by("copy", ctx);
    note("to", RedisModule_GetToDbIdFromOptCtx(ctx), RedisModule_GetToKeyNameFromOptCtx(ctx));
    long long *copied = RedisModule_Alloc(sizeof(*copied));
    *copied = *(const long long *)value;
    return copied;
}

/* PLACES.SET key number */
static int set(RedisModuleCtx *ctx, S **argv, int argc)
{
    long long number;
    CHECK(argc == 3 && RedisModule_StringToLongLong(argv[2], &number) == REDISMODULE_OK);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_WRITE);
    long long *value = RedisModule_Alloc(sizeof(*value));
    *value = number;
    RedisModule_ModuleTypeSetValue(key, type, value);
    RedisModule_CloseKey(key);
    DONE;
}

/* PLACES.DROP key how: removes a key as modules do. */
static int drop(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc == 3);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_WRITE);
    const char *how = RedisModule_StringPtrLen(argv[2], NULL);
    const int status = strcmp(how, "unlink") == 0   ? RedisModule_UnlinkKey(key)
                       : strcmp(how, "string") == 0 ? RedisModule_StringSet(key, argv[2])
                                                    : RedisModule_DeleteKey(key);
    RedisModule_CloseKey(key);
    CHECK(status == REDISMODULE_OK);
    DONE;
}

/* PLACES.NOTES: what was called since this was last asked. */
static int notes_command(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModule_ReplyWithCString(ctx, notes);
    notes[0] = '\0';
    return REDISMODULE_OK;
}

static int is_content(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, RedisModule_GetBlockedClientReadyKey(ctx), REDISMODULE_READ);
    const int is_there = RedisModule_ModuleTypeGetType(key) == type;
    RedisModule_CloseKey(key);
    return RedisModule_ReplyWithCString(ctx, is_there ? "there" : "gone");
}

/* PLACES.AWAIT key [removal]: waits for a value, or for its removal too. */
static int await(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc >= 2);
    BIND(RedisModuleBlockedClient *, BlockClientOnKeysWithFlags, RedisModuleCtx *, RedisModuleCmdFunc,
         RedisModuleCmdFunc, void (*)(RedisModuleCtx *, void *), long long, S **, int, void *, int);
    if (argc == 3)
        BlockClientOnKeysWithFlags(ctx, is_content, NULL, NULL, 0, argv + 1, 1, NULL,
                                   REDISMODULE_BLOCK_UNBLOCK_DELETED);
    else
        RedisModule_BlockClientOnKeys(ctx, is_content, NULL, NULL, 0, argv + 1, 1, NULL);
    return REDISMODULE_OK;
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    if (RedisModule_Init(ctx, "places", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    RedisModuleTypeMethods methods = { .version = 4,
                                       .rdb_load = load,
                                       .rdb_save = save,
                                       .digest = digest,
                                       .free = discard,
                                       .mem_usage2 = usage,
                                       .free_effort2 = effort,
                                       .unlink2 = unlink_value,
                                       .copy2 = copy };
    /* Any argument says that the module looks for errors itself, which it does in any case. */
    if (argc != 0)
        RedisModule_SetModuleOptions(ctx, REDISMODULE_OPTIONS_HANDLE_IO_ERRORS);
    type = RedisModule_CreateDataType(ctx, "testplace", 0, &methods);
    if (type == NULL)
        return REDISMODULE_ERR;
    if (RedisModule_CreateCommand(ctx, "places.set", set, "write deny-oom", 1, 1, 1) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "places.drop", drop, "write", 1, 1, 1) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "places.await", await, "", 1, 1, 1) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "places.notes", notes_command, "", 0, 0, 0) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    return REDISMODULE_OK;
}
