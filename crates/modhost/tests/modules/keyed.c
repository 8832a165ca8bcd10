/* Commands with keys, described in each way that there is, and a type that shows nothing of its values. */

#include "redismodule.h"

#include "check.h"

static RedisModuleType *type;

/* Tells that its second argument and every other one after it are keys; or does nothing. */
static int find(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    if (RedisModule_IsKeysPositionRequest(ctx)) {
        for (int at = 2; at < argc; at += 2)
            RedisModule_KeyAtPosWithFlags(ctx, at, REDISMODULE_CMD_KEY_RO | REDISMODULE_CMD_KEY_ACCESS);
        return REDISMODULE_OK;
    }
    DONE;
}

static int nothing(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    DONE;
}

/* KEYED.PUT key */
static int put(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc == 2);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_WRITE);
    RedisModule_ModuleTypeSetValue(key, type, RedisModule_Calloc(1, 8));
    RedisModule_CloseKey(key);
    DONE;
}

static void discard(void *value)
{
    RedisModule_Free(value);
}

/* Says that the keys of a command stand behind a word, and are only read. */
static int describe(RedisModuleCtx *ctx, const char *name)
{
    RedisModuleCommandInfo info = {
        .version = REDISMODULE_COMMAND_INFO_VERSION,
        .summary = "Keys behind a word",
        .arity = -2,
        .key_specs = (RedisModuleCommandKeySpec[]){
            { .flags = REDISMODULE_CMD_KEY_RO | REDISMODULE_CMD_KEY_ACCESS,
              .begin_search_type = REDISMODULE_KSPEC_BS_KEYWORD,
              .bs.keyword = { .keyword = "KEYS", .startfrom = 1 },
              .find_keys_type = REDISMODULE_KSPEC_FK_RANGE,
              .fk.range = { -1, 1, 0 } },
            { 0 } },
    };
    RedisModuleCommand *command = RedisModule_GetCommand(ctx, name);
    return command == NULL ? REDISMODULE_ERR : RedisModule_SetCommandInfo(command, &info);
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    static const struct {
        const char *name;
        RedisModuleCmdFunc function;
        const char *flags;
        int first, last, step;
    } commands[] = {
        { "keyed.put", put, "write deny-oom", 1, 1, 1 },
        { "keyed.read", nothing, "readonly fast", 1, 1, 1 },
        { "keyed.pairs", nothing, "readonly", 1, -1, 2 },
        { "keyed.none", nothing, "readonly allow-busy", 0, 0, 0 },
        { "keyed.find", find, "readonly getkeys-api", 0, 0, 0 },
        { "keyed.busy", find, "write getkeys-api allow-busy", 1, 1, 1 },
        { "keyed.maybe", find, "getkeys-api no-mandatory-keys", 0, 0, 0 },
        { "keyed.told", nothing, "readonly", 1, 1, 1 },
    };
    if (RedisModule_Init(ctx, "keyed", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    for (size_t at = 0; at < sizeof(commands) / sizeof(*commands); at++)
        if (RedisModule_CreateCommand(ctx, commands[at].name, commands[at].function, commands[at].flags,
                                      commands[at].first, commands[at].last, commands[at].step) == REDISMODULE_ERR)
            return REDISMODULE_ERR;
    RedisModuleTypeMethods methods = { .version = 1, .free = discard };
    type = RedisModule_CreateDataType(ctx, "testkeyed", 0, &methods);
    return type == NULL ? REDISMODULE_ERR : describe(ctx, "keyed.told");
}
