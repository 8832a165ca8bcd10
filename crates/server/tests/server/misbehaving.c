/* A module without a header that takes the server down, in each of the ways that C has. */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef int (*command)(void *ctx, void **argv, int argc);

static void *(*allocate)(size_t bytes);
static volatile int never;

static int aborts(void *ctx, void **argv, int argc)
{
    (void)ctx, (void)argv, (void)argc;
    abort();
}

static int faults(void *ctx, void **argv, int argc)
{
    (void)ctx, (void)argv;
    *(volatile int *)(size_t)argc = 0;
    return 0;
}

/* Nothing that the server does ends it. */
static int loops(void *ctx, void **argv, int argc)
{
    (void)ctx, (void)argv, (void)argc;
    while (!never)
        ;
    return 0;
}

/* Writes past the end of a block of its own, and on until there is no memory to write to. */
static int overruns(void *ctx, void **argv, int argc)
{
    (void)ctx, (void)argv, (void)argc;
    volatile char *block = allocate(1 << 20);
    for (size_t at = 0;; at++)
        block[at] = 0x55;
    return 0;
}

/* A directive whose value can't be told once it is set to 1. */
static long long value;

static long long tell(const char *name, void *data)
{
    (void)name, (void)data;
    if (value == 1)
        abort();
    return value;
}

static int set(const char *name, long long number, void *data, void **error)
{
    (void)name, (void)data, (void)error;
    value = number;
    return 0;
}

static int arms(void *ctx, void **argv, int argc)
{
    (void)argv, (void)argc;
    int (*reply)(void *ctx, long long number);
    (*(int (**)(const char *, void *))ctx)("RedisModule_ReplyWithLongLong", &reply);
    value = 1;
    return reply(ctx, 1);
}

int RedisModule_OnLoad(void *ctx, void **argv, int argc);
int RedisModule_OnLoad(void *ctx, void **argv, int argc)
{
    (void)argv, (void)argc;
    int (*find)(const char *name, void *target) = *(int (**)(const char *, void *))ctx;
    void (*name_module)(void *ctx, const char *name, int version, int api);
    int (*create)(void *ctx, const char *name, command run, const char *flags, int first, int last, int step);
    int (*register_number)(void *ctx, const char *name, long long start, unsigned flags, long long least,
                           long long most, long long (*tell)(const char *, void *),
                           int (*set)(const char *, long long, void *, void **), int (*apply)(void *, void *, void **),
                           void *data);
    int (*load_configs)(void *ctx);
    find("RedisModule_Alloc", &allocate);
    find("RedisModule_SetModuleAttribs", &name_module);
    find("RedisModule_CreateCommand", &create);
    find("RedisModule_RegisterNumericConfig", &register_number);
    find("RedisModule_LoadConfigs", &load_configs);
    name_module(ctx, "misbehaving", 1, 1);
    return create(ctx, "misbehaving.aborts", aborts, "", 0, 0, 0) ||
           create(ctx, "misbehaving.faults", faults, "", 0, 0, 0) ||
           create(ctx, "misbehaving.loops", loops, "", 0, 0, 0) ||
           create(ctx, "misbehaving.overruns", overruns, "", 0, 0, 0) ||
           create(ctx, "misbehaving.arms", arms, "", 0, 0, 0) ||
           register_number(ctx, "number", 0, 0, 0, 9, tell, set, NULL, NULL) || load_configs(ctx);
}
