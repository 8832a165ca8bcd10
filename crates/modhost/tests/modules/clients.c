/* Clients by their numbers, keys of commands, and small questions. */

#include "redismodule.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

#define S RedisModuleString

/* Replies why a function of the API has failed. */
static int fail(RedisModuleCtx *ctx)
{
    char reason[64];
    snprintf(reason, sizeof(reason), "ERR %d", errno);
    return RedisModule_ReplyWithError(ctx, reason);
}

static int give(RedisModuleCtx *ctx, S *string)
{
    if (string == NULL)
        return fail(ctx);
    RedisModule_ReplyWithString(ctx, string);
    RedisModule_FreeString(ctx, string);
    return REDISMODULE_OK;
}

/* The client of that number; 0 is the one that asks. */
static uint64_t client_of(RedisModuleCtx *ctx, S *number)
{
    long long client = 0;
    RedisModule_StringToLongLong(number, &client);
    return client == 0 ? RedisModule_GetClientId(ctx) : (uint64_t)client;
}

static int user(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc == 2);
    errno = 0;
    return give(ctx, RedisModule_GetClientUserNameById(ctx, client_of(ctx, argv[1])));
}

/* clients.name client [name] */
static int name(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc >= 2);
    errno = 0;
    uint64_t client = client_of(ctx, argv[1]);
    if (argc == 2) {
        S *found = RedisModule_GetClientNameById(ctx, client);
        return found == NULL && errno == 0 ? RedisModule_ReplyWithNull(ctx) : give(ctx, found);
    }
    if (RedisModule_SetClientNameById(client, argv[2]) == REDISMODULE_ERR)
        return give(ctx, NULL);
    DONE;
}

/* clients.info client version : the flags but that of a unix socket, which some come through, the database, and whether
   all the rest is right. */
static int info(RedisModuleCtx *ctx, S **argv, int argc)
{
    long long version;
    CHECK(argc == 3 && RedisModule_StringToLongLong(argv[2], &version) == REDISMODULE_OK);
    uint64_t client = client_of(ctx, argv[1]);
    RedisModuleClientInfo info;
    memset(&info, 0x5a, sizeof(info));
    info.version = (uint64_t)version;
    int exists = RedisModule_GetClientInfoById(NULL, client) == REDISMODULE_OK;
    if (RedisModule_GetClientInfoById(&info, client) == REDISMODULE_ERR) {
        CHECK(info.version == (uint64_t)version && info.id != client);
        return RedisModule_ReplyWithSimpleString(ctx, exists ? "another version" : "nobody");
    }
    CHECK(exists && info.version == 1 && info.id == client && strlen(info.addr) < sizeof(info.addr));
    RedisModule_ReplyWithArray(ctx, 2);
    RedisModule_ReplyWithLongLong(ctx, (long long)(info.flags & ~(uint64_t)REDISMODULE_CLIENTINFO_FLAG_UNIXSOCKET));
    RedisModule_ReplyWithLongLong(ctx, info.db);
    return REDISMODULE_OK;
}

static int certificate(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc == 2);
    CHECK(RedisModule_GetClientCertificate(ctx, client_of(ctx, argv[1])) == NULL);
    DONE;
}

/* clients.keys command..., clients.flags command... : the positions of a command's keys, or what it does with them. */
static int keys(RedisModuleCtx *ctx, S **argv, int argc)
{
    int count = -1, again = -1, *flags = NULL;
    errno = 0;
    int *positions = RedisModule_GetCommandKeys(ctx, argv + 1, argc - 1, &count);
    if (positions == NULL)
        return fail(ctx);
    int *same = RedisModule_GetCommandKeysWithFlags(ctx, argv + 1, argc - 1, &again, &flags);
    CHECK(same != NULL && flags != NULL && again == count);
    CHECK(memcmp(same, positions, sizeof(*same) * (size_t)count) == 0);
    int tells_flags = strcmp(RedisModule_StringPtrLen(argv[0], NULL), "clients.flags") == 0;
    RedisModule_ReplyWithArray(ctx, count);
    for (int at = 0; at < count; at++)
        RedisModule_ReplyWithLongLong(ctx, tells_flags ? flags[at] : positions[at]);
    RedisModule_Free(positions);
    RedisModule_Free(same);
    RedisModule_Free(flags);
    return REDISMODULE_OK;
}

/* clients.latency event milliseconds */
static int latency(RedisModuleCtx *ctx, S **argv, int argc)
{
    long long ms;
    CHECK(argc == 3 && RedisModule_StringToLongLong(argv[2], &ms) == REDISMODULE_OK);
    RedisModule_LatencyAddSample(RedisModule_StringPtrLen(argv[1], NULL), ms);
    DONE;
}

/* What can be told of sizes and flags without knowing them. */
static int sizes(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    int flags = RedisModule_GetContextFlagsAll();
    CHECK((RedisModule_GetContextFlags(ctx) & ~flags) == 0 && (flags & REDISMODULE_CTX_FLAGS_MULTI) != 0);
    /* Redis 7.0 has no such function. */
    if (RedisModule_GetModuleOptionsAll != NULL) {
        int known = REDISMODULE_OPTIONS_HANDLE_IO_ERRORS | REDISMODULE_OPTION_NO_IMPLICIT_SIGNAL_MODIFIED;
        CHECK((RedisModule_GetModuleOptionsAll() & known) == known);
    }
    S *short_text = RedisModule_CreateString(ctx, "x", 1);
    size_t small = RedisModule_MallocSizeString(short_text);
    RedisModule_FreeString(ctx, short_text);
    char many[1000];
    memset(many, 'x', sizeof(many));
    S *long_text = RedisModule_CreateString(ctx, many, sizeof(many));
    size_t large = RedisModule_MallocSizeString(long_text);
    RedisModule_FreeString(ctx, long_text);
    CHECK(small > 1 && large >= sizeof(many) && large > small);
    RedisModuleDict *dict = RedisModule_CreateDict(ctx);
    size_t empty = RedisModule_MallocSizeDict(dict);
    CHECK(empty > 0);
    for (int at = 0; at < 100; at++)
        RedisModule_DictSetC(dict, many, (size_t)at, NULL);
    CHECK(RedisModule_MallocSizeDict(dict) >= empty + 100 * sizeof(void *));
    RedisModule_FreeDict(ctx, dict);
    DONE;
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (RedisModule_Init(ctx, "clients", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    const struct {
        const char *name;
        RedisModuleCmdFunc function;
    } commands[] = { { "clients.user", user },       { "clients.name", name },
                     { "clients.info", info },       { "clients.certificate", certificate },
                     { "clients.keys", keys },       { "clients.flags", keys },
                     { "clients.latency", latency }, { "clients.sizes", sizes } };
    for (size_t at = 0; at < sizeof(commands) / sizeof(*commands); at++) {
        if (RedisModule_CreateCommand(ctx, commands[at].name, commands[at].function, "", 0, 0, 0) ==
            REDISMODULE_ERR)
            return REDISMODULE_ERR;
    }
    return REDISMODULE_OK;
}
