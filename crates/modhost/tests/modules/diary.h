/* A diary of what a module is told, a line an entry. */

#include <stdarg.h>
#include <stdio.h>

/* What was written since it was last read, and how much that is. */
static char diary[1 << 16];
static size_t written;

__attribute__((format(printf, 1, 2))) static void note(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    written += (size_t)vsnprintf(diary + written, sizeof diary - written, format, arguments);
    va_end(arguments);
    /* What there is no room for is lost. */
    if (written > sizeof diary - 2)
        written = sizeof diary - 2;
    diary[written++] = '\n';
}

/* The name of a key, which a value need not have. */
__attribute__((unused)) static const char *name(const RedisModuleString *key)
{
    return key == NULL ? "(none)" : RedisModule_StringPtrLen(key, NULL);
}

/* A command: the lines since it was called last. */
static int read_diary(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModule_ReplyWithStringBuffer(ctx, diary, written);
    written = 0;
    return REDISMODULE_OK;
}
