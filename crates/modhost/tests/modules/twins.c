/* Compiled twice, as NAME: two modules that export the same names, and names that servers have for functions of their
   own. Built with default visibility and without -Bsymbolic, so what each of them means by a name is up to the dynamic
   linker. */

#include "redismodule.h"

#include <string.h>

#ifndef NAME
#error "a module has a name"
#endif

/* Names of data. `server` is what Redis calls its own. */
struct state {
    const char *owner;
    long long calls;
} server = { NAME, 0 };
long long counter;
size_t used_memory;
char shared[64] = "shared by " NAME;

/* Names of functions: allocators', a server's, and some that stand for no more than themselves. */
void *zmalloc(size_t size)
{
    server.calls++;
    void *block = RedisModule_Alloc(size);
    used_memory += RedisModule_MallocSize(block);
    return block;
}

void zfree(void *block)
{
    server.calls++;
    used_memory -= RedisModule_MallocSize(block);
    RedisModule_Free(block);
}

size_t zmalloc_used_memory(void)
{
    return used_memory;
}

/* Whoever calls these means an allocator's. */
void *je_malloc(size_t size)
{
    return zmalloc(size);
}

void *_rjem_malloc(size_t size)
{
    return zmalloc(size);
}

void *rust_alloc(size_t size)
{
    return zmalloc(size);
}

void *__rust_alloc(size_t size)
{
    return zmalloc(size);
}

const char *lookupCommand(void)
{
    return server.owner;
}

/* The host's own names, of the file in C that it has. */
int modhost_log(void)
{
    return -1;
}

const char *whoami(void)
{
    return shared;
}

/* NAME.who : what the names stand for. */
static int who(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModule_ReplyWithArray(ctx, 3);
    RedisModule_ReplyWithCString(ctx, whoami());
    RedisModule_ReplyWithCString(ctx, lookupCommand());
    return RedisModule_ReplyWithLongLong(ctx, ++counter);
}

/* NAME.take size : takes five blocks, of which the first stays; bytes taken, and calls of the functions for it. */
static int take(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    static void *kept;
    long long size;
    if (argc != 2 || RedisModule_StringToLongLong(argv[1], &size) != REDISMODULE_OK)
        return RedisModule_WrongArity(ctx);
    if (kept != NULL)
        zfree(kept);
    kept = zmalloc((size_t)size);
    memset(kept, 1, (size_t)size);
    zfree(je_malloc((size_t)size));
    zfree(_rjem_malloc((size_t)size));
    zfree(rust_alloc((size_t)size));
    zfree(__rust_alloc((size_t)size));
    RedisModule_ReplyWithArray(ctx, 2);
    RedisModule_ReplyWithLongLong(ctx, (long long)zmalloc_used_memory());
    return RedisModule_ReplyWithLongLong(ctx, server.calls);
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (RedisModule_Init(ctx, NAME, 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    if (RedisModule_CreateCommand(ctx, NAME ".who", who, "", 0, 0, 0) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    return RedisModule_CreateCommand(ctx, NAME ".take", take, "", 0, 0, 0);
}
