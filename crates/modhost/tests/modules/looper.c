/* The event loop: descriptors, functions that are called once; and Yield. */

#include "redismodule.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

static int ends[2];
static long long readable, writable, shots;
static char taken[64];

static void on_readable(int fd, void *data, int mask)
{
    readable += fd == ends[0] && data == taken && mask & REDISMODULE_EVENTLOOP_READABLE;
    /* One byte at a time: whoever watches has to say again that there is more. */
    char byte[2] = { 0 };
    if (read(fd, byte, 1) != 1) {
        byte[0] = mask & REDISMODULE_EVENTLOOP_WRITABLE ? '!' : '.';
        RedisModule_EventLoopDel(fd, REDISMODULE_EVENTLOOP_READABLE);
    }
    strncat(taken, byte, sizeof(taken) - strlen(taken) - 1);
}

static void on_writable(int fd, void *data, int mask)
{
    writable += fd == ends[1] && data == &writable && mask & REDISMODULE_EVENTLOOP_WRITABLE;
    RedisModule_EventLoopDel(fd, REDISMODULE_EVENTLOOP_WRITABLE);
}

static void on_shot(void *data)
{
    shots += *(int *)data;
}

/* LOOPER.WATCH: watches both ends of a new pipe. */
static int watch(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    CHECK(pipe(ends) == 0);
    const int both = REDISMODULE_EVENTLOOP_READABLE | REDISMODULE_EVENTLOOP_WRITABLE;
    CHECK(RedisModule_EventLoopAdd(-1, both, on_readable, NULL) == REDISMODULE_ERR && errno == ERANGE);
    CHECK(RedisModule_EventLoopAdd(ends[0], both + 1, on_readable, NULL) == REDISMODULE_ERR && errno == EINVAL);
    CHECK(RedisModule_EventLoopAdd(ends[0], both, NULL, NULL) == REDISMODULE_ERR && errno == EINVAL);
    CHECK(RedisModule_EventLoopDel(-1, both) == REDISMODULE_ERR && errno == ERANGE);
    CHECK(RedisModule_EventLoopDel(ends[0], both + 1) == REDISMODULE_ERR && errno == EINVAL);
    CHECK(RedisModule_EventLoopDel(ends[0], both) == REDISMODULE_OK);
    CHECK(RedisModule_EventLoopAdd(ends[0], REDISMODULE_EVENTLOOP_READABLE, on_readable, taken) == REDISMODULE_OK);
    CHECK(RedisModule_EventLoopAdd(ends[1], REDISMODULE_EVENTLOOP_WRITABLE, on_writable, &writable) ==
          REDISMODULE_OK);
    DONE;
}

/* LOOPER.WRITE text: writes to the pipe; without a text closes that end. */
static int write_pipe(RedisModuleCtx *ctx, S **argv, int argc)
{
    size_t len = 0;
    const char *text = argc == 2 ? RedisModule_StringPtrLen(argv[1], &len) : NULL;
    CHECK(text == NULL ? close(ends[1]) == 0 : write(ends[1], text, len) == (ssize_t)len);
    DONE;
}

static void *shoot(void *data)
{
    RedisModule_EventLoopAddOneShot(on_shot, data);
    return NULL;
}

/* LOOPER.SHOOT: asks for a call here and on another thread. */
static int shots_of_two(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    static int one = 1, ten = 10;
    CHECK(RedisModule_EventLoopAddOneShot(NULL, NULL) == REDISMODULE_ERR && errno == EINVAL);
    CHECK(RedisModule_EventLoopAddOneShot(on_shot, &one) == REDISMODULE_OK);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, shoot, &ten) == 0);
    pthread_join(thread, NULL);
    return RedisModule_ReplyWithLongLong(ctx, shots);
}

static int counts(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModule_ReplyWithArray(ctx, 4);
    RedisModule_ReplyWithLongLong(ctx, readable);
    RedisModule_ReplyWithCString(ctx, taken);
    RedisModule_ReplyWithLongLong(ctx, writable);
    return RedisModule_ReplyWithLongLong(ctx, shots);
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (RedisModule_Init(ctx, "looper", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    if (RedisModule_CreateCommand(ctx, "looper.watch", watch, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "looper.write", write_pipe, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "looper.shoot", shots_of_two, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "looper.counts", counts, "", 0, 0, 0) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    return REDISMODULE_OK;
}
