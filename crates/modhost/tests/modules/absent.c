/* What the server doesn't have: each function says so in its own way. */

#include "redismodule.h"

#include <errno.h>
#include <string.h>

#include "check.h"

/* A call that fails with a value, and says why. */
#define REFUSED(call, failure)                     \
    do {                                           \
        errno = 0;                                 \
        CHECK((call) == (failure) && errno == ENOTSUP); \
    } while (0)

static int lists(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE);
    RedisModuleString *text = argv[1];
    RedisModule_AutoMemory(ctx);
    REFUSED(RedisModule_ListPush(key, REDISMODULE_LIST_TAIL, text), REDISMODULE_ERR);
    REFUSED(RedisModule_ListPop(key, REDISMODULE_LIST_HEAD), NULL);
    REFUSED(RedisModule_ListGet(key, 0), NULL);
    REFUSED(RedisModule_ListSet(key, 0, text), REDISMODULE_ERR);
    REFUSED(RedisModule_ListInsert(key, 0, text), REDISMODULE_ERR);
    REFUSED(RedisModule_ListDelete(key, 0), REDISMODULE_ERR);
    RedisModule_CloseKey(key);
    DONE;
}

static int zsets(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE);
    RedisModuleString *text = argv[1];
    int flags = 0;
    double score = 0;
    REFUSED(RedisModule_ZsetAdd(key, 1, text, &flags), REDISMODULE_ERR);
    REFUSED(RedisModule_ZsetIncrby(key, 1, text, &flags, &score), REDISMODULE_ERR);
    REFUSED(RedisModule_ZsetScore(key, text, &score), REDISMODULE_ERR);
    REFUSED(RedisModule_ZsetRem(key, text, &flags), REDISMODULE_ERR);
    REFUSED(RedisModule_ZsetFirstInScoreRange(key, 0, 1, 0, 0), REDISMODULE_ERR);
    REFUSED(RedisModule_ZsetLastInScoreRange(key, 0, 1, 0, 0), REDISMODULE_ERR);
    REFUSED(RedisModule_ZsetFirstInLexRange(key, text, text), REDISMODULE_ERR);
    REFUSED(RedisModule_ZsetLastInLexRange(key, text, text), REDISMODULE_ERR);
    REFUSED(RedisModule_ZsetRangeCurrentElement(key, &score), NULL);
    REFUSED(RedisModule_ZsetRangeNext(key), 0);
    REFUSED(RedisModule_ZsetRangePrev(key), 0);
    REFUSED(RedisModule_ZsetRangeEndReached(key), 1);
    RedisModule_ZsetRangeStop(key);
    RedisModule_CloseKey(key);
    DONE;
}

static int hashes(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE);
    RedisModuleString *value = NULL;
    REFUSED(RedisModule_HashSet(key, REDISMODULE_HASH_CFIELDS, "field", argv[1], NULL), 0);
    REFUSED(RedisModule_HashGet(key, REDISMODULE_HASH_CFIELDS, "field", &value, NULL), REDISMODULE_ERR);
    CHECK(value == NULL);
    RedisModule_CloseKey(key);
    DONE;
}

static int streams(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE);
    RedisModuleStreamID id = { 1, 1 };
    RedisModuleString *field, *value;
    long count;
    REFUSED(RedisModule_StreamAdd(key, REDISMODULE_STREAM_ADD_AUTOID, &id, argv, 1), REDISMODULE_ERR);
    REFUSED(RedisModule_StreamDelete(key, &id), REDISMODULE_ERR);
    REFUSED(RedisModule_StreamIteratorStart(key, 0, &id, &id), REDISMODULE_ERR);
    REFUSED(RedisModule_StreamIteratorNextID(key, &id, &count), REDISMODULE_ERR);
    REFUSED(RedisModule_StreamIteratorNextField(key, &field, &value), REDISMODULE_ERR);
    REFUSED(RedisModule_StreamIteratorDelete(key), REDISMODULE_ERR);
    REFUSED(RedisModule_StreamIteratorStop(key), REDISMODULE_ERR);
    REFUSED(RedisModule_StreamTrimByLength(key, 0, 1), -1);
    REFUSED(RedisModule_StreamTrimByID(key, 0, &id), -1);
    RedisModule_CloseKey(key);
    DONE;
}

static int files(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    BIND(void *, RdbStreamCreateFromFile, const char *);
    BIND(void, RdbStreamFree, void *);
    BIND(int, RdbLoad, RedisModuleCtx *, void *, int);
    BIND(int, RdbSave, RedisModuleCtx *, void *, int);
    void *stream = RdbStreamCreateFromFile("dump.rdb");
    CHECK(stream != NULL);
    REFUSED(RdbLoad(ctx, stream, 0), REDISMODULE_ERR);
    REFUSED(RdbSave(ctx, stream, 0), REDISMODULE_ERR);
    CHECK(RdbLoad(ctx, NULL, 0) == REDISMODULE_ERR && errno == EINVAL);
    CHECK(RdbSave(ctx, stream, 1) == REDISMODULE_ERR && errno == EINVAL);
    RdbStreamFree(stream);
    DONE;
}

static void receive(RedisModuleCtx *ctx, const char *sender, uint8_t kind, const unsigned char *payload, uint32_t len)
{
    REDISMODULE_NOT_USED(ctx);
    REDISMODULE_NOT_USED(sender);
    REDISMODULE_NOT_USED(kind);
    REDISMODULE_NOT_USED(payload);
    REDISMODULE_NOT_USED(len);
}

static int cluster(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    BIND(unsigned int, ClusterKeySlot, RedisModuleString *);
    BIND(const char *, ClusterCanonicalKeyNameInSlot, unsigned int);
    RedisModule_RegisterClusterMessageReceiver(ctx, 1, receive);
    RedisModule_SetClusterFlags(ctx, REDISMODULE_CLUSTER_FLAG_NO_FAILOVER);
    char node[] = "0123456789012345678901234567890123456789";
    char ip[64], primary[64];
    int port, flags;
    size_t count = 0;
    CHECK(RedisModule_SendClusterMessage(ctx, node, 1, "text", 4) == REDISMODULE_ERR);
    CHECK(RedisModule_SendClusterMessage(ctx, NULL, 1, "text", 4) == REDISMODULE_ERR);
    CHECK(RedisModule_GetClusterNodeInfo(ctx, node, ip, primary, &port, &flags) == REDISMODULE_ERR);
    CHECK(RedisModule_GetClusterNodesList(ctx, &count) == NULL);
    RedisModule_FreeClusterNodesList(NULL);
    CHECK(RedisModule_GetMyClusterID() == NULL && RedisModule_GetClusterSize() == 0);
    unsigned int slot = ClusterKeySlot(argv[1]);
    CHECK(slot < 16384 && ClusterCanonicalKeyNameInSlot(16384) == NULL);
    RedisModuleString *name = RedisModule_CreateStringPrintf(ctx, "%s", ClusterCanonicalKeyNameInSlot(slot));
    CHECK(ClusterKeySlot(name) == slot);
    RedisModule_FreeString(ctx, name);
    return RedisModule_ReplyWithLongLong(ctx, slot);
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (RedisModule_Init(ctx, "absent", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    const struct {
        const char *name;
        RedisModuleCmdFunc function;
    } commands[] = { { "absent.lists", lists },     { "absent.zsets", zsets }, { "absent.hashes", hashes },
                     { "absent.streams", streams }, { "absent.files", files }, { "absent.cluster", cluster } };
    for (size_t at = 0; at < sizeof(commands) / sizeof(*commands); at++) {
        if (RedisModule_CreateCommand(ctx, commands[at].name, commands[at].function, "write", 1, 1, 1) ==
            REDISMODULE_ERR)
            return REDISMODULE_ERR;
    }
    return REDISMODULE_OK;
}
