/* Directives of all four kinds. Any argument leaves LoadConfigs out. */

#include "redismodule.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

static long long number = -7, bytes, plain;
static int flag, color, bits, immutable, other, applied, secret;
static S *text;

static long long get_number(const char *name, void *data)
{
    REDISMODULE_NOT_USED(name);
    return *(long long *)data;
}

static int set_number(const char *name, long long value, void *data, S **error)
{
    if (value == 13) {
        char reason[64];
        snprintf(reason, sizeof reason, "%s is unlucky", name);
        *error = RedisModule_CreateString(NULL, reason, strlen(reason));
        return REDISMODULE_ERR;
    }
    if (value == 14)
        return REDISMODULE_ERR;
    *(long long *)data = value;
    return REDISMODULE_OK;
}

static int get_int(const char *name, void *data)
{
    REDISMODULE_NOT_USED(name);
    return *(int *)data;
}

static int set_int(const char *name, int value, void *data, S **error)
{
    REDISMODULE_NOT_USED(name);
    REDISMODULE_NOT_USED(error);
    *(int *)data = value;
    return REDISMODULE_OK;
}

static S *get_text(const char *name, void *data)
{
    REDISMODULE_NOT_USED(name);
    return *(S **)data;
}

static int set_text(const char *name, S *value, void *data, S **error)
{
    REDISMODULE_NOT_USED(name);
    REDISMODULE_NOT_USED(error);
    S **place = data;
    if (*place != NULL)
        RedisModule_FreeString(NULL, *place);
    RedisModule_RetainString(NULL, value);
    *place = value;
    return REDISMODULE_OK;
}

static int apply(RedisModuleCtx *ctx, void *data, S **error)
{
    REDISMODULE_NOT_USED(ctx);
    REDISMODULE_NOT_USED(data);
    applied++;
    if (number == 99) {
        *error = RedisModule_CreateString(NULL, "it does not apply", 17);
        return REDISMODULE_ERR;
    }
    return REDISMODULE_OK;
}

/* configs.show : what the module sees. */
static int show(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModule_ReplyWithArray(ctx, 7);
    RedisModule_ReplyWithLongLong(ctx, number);
    RedisModule_ReplyWithLongLong(ctx, bytes);
    RedisModule_ReplyWithLongLong(ctx, flag);
    RedisModule_ReplyWithLongLong(ctx, color);
    RedisModule_ReplyWithLongLong(ctx, bits);
    RedisModule_ReplyWithString(ctx, text);
    return RedisModule_ReplyWithLongLong(ctx, applied);
}

static int late(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    CHECK(RedisModule_RegisterBoolConfig(ctx, "late", 0, 0, get_int, set_int, NULL, &flag) == REDISMODULE_ERR);
    CHECK(errno == EBUSY);
    CHECK(RedisModule_LoadConfigs(ctx) == REDISMODULE_ERR);
    DONE;
}

#define TRY(call)                  \
    if ((call) == REDISMODULE_ERR) \
    return REDISMODULE_ERR
#define REFUSED(call, number)                         \
    errno = 0;                                        \
    if ((call) == REDISMODULE_OK || errno != (number)) \
    return REDISMODULE_ERR

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    TRY(RedisModule_Init(ctx, "configs", 1, REDISMODULE_APIVER_1));
    RedisModule_CreateCommand(ctx, "configs.show", show, "", 0, 0, 0);
    RedisModule_CreateCommand(ctx, "configs.late", late, "", 0, 0, 0);
    const char *colors[] = { "red", "green", "blue" };
    const int values[] = { 1, 2, 4 };
    TRY(RedisModule_RegisterNumericConfig(ctx, "number", 5, 0, -10, 100, get_number, set_number, apply, &number));
    TRY(RedisModule_RegisterNumericConfig(ctx, "bytes", 1024, REDISMODULE_CONFIG_MEMORY, 0, 1 << 30, get_number, set_number, NULL, &bytes));
    TRY(RedisModule_RegisterBoolConfig(ctx, "flag", 1, REDISMODULE_CONFIG_DEFAULT, get_int, set_int, NULL, &flag));
    TRY(RedisModule_RegisterBoolConfig(ctx, "immutable", 0, REDISMODULE_CONFIG_IMMUTABLE, get_int, set_int, NULL, &immutable));
    TRY(RedisModule_RegisterBoolConfig(ctx, "protected", 0, REDISMODULE_CONFIG_PROTECTED, get_int, set_int, NULL, &other));
    TRY(RedisModule_RegisterBoolConfig(ctx, "hidden", 0, REDISMODULE_CONFIG_HIDDEN, get_int, set_int, NULL, &other));
    TRY(RedisModule_RegisterBoolConfig(ctx, "secret", 0, REDISMODULE_CONFIG_SENSITIVE, get_int, set_int, NULL, &secret));
    TRY(RedisModule_RegisterEnumConfig(ctx, "color", 2, 0, colors, values, 3, get_int, set_int, NULL, &color));
    TRY(RedisModule_RegisterEnumConfig(ctx, "bits", 5, REDISMODULE_CONFIG_BITFLAGS, colors, values, 3, get_int, set_int, NULL, &bits));
    TRY(RedisModule_RegisterNumericConfig(ctx, "plain-number", 1, REDISMODULE_CONFIG_UNPREFIXED, 0, 100, get_number, set_number, NULL, &plain));
    TRY(RedisModule_RegisterStringConfig(ctx, "text", "a text", 0, get_text, set_text, NULL, &text));
    REFUSED(RedisModule_RegisterBoolConfig(ctx, "FLAG", 1, 0, get_int, set_int, NULL, &flag), EALREADY);
    REFUSED(RedisModule_RegisterBoolConfig(ctx, "a b", 1, 0, get_int, set_int, NULL, &flag), EINVAL);
    REFUSED(RedisModule_RegisterBoolConfig(ctx, "m", 1, REDISMODULE_CONFIG_MEMORY, get_int, set_int, NULL, &flag), EINVAL);
    REFUSED(RedisModule_RegisterBoolConfig(ctx, "timeout", 1, REDISMODULE_CONFIG_UNPREFIXED, get_int, set_int, NULL, &flag), EALREADY);
    REFUSED(RedisModule_RegisterBoolConfig(ctx, "plain-number", 1, REDISMODULE_CONFIG_UNPREFIXED, get_int, set_int, NULL, &flag), EALREADY);
    if (argc != 0)
        return REDISMODULE_OK;
    return RedisModule_LoadConfigs(ctx);
}

int RedisModule_OnUnload(RedisModuleCtx *ctx)
{
    REDISMODULE_NOT_USED(ctx);
    if (text != NULL)
        RedisModule_FreeString(NULL, text);
    text = NULL;
    return REDISMODULE_OK;
}
