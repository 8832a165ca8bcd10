/* Uses what another module shares. */

#include "redismodule.h"

int RedisModule_OnLoad(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (RedisModule_Init(ctx, "user", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    int (*function)(void) = RedisModule_GetSharedAPI(ctx, "telling.shared");
    return function != NULL && function() == 42 ? REDISMODULE_OK : REDISMODULE_ERR;
}
