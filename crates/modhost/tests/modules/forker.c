/* Child processes. */

#include "redismodule.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"

#define S RedisModuleString

static char events[4096];
static int child;
/* The end of a pipe by which the child is let go on. */
static int go;

static void note(const char *text)
{
    strncat(events, text, sizeof(events) - strlen(events) - 1);
}

static void on_fork_child(RedisModuleCtx *ctx, RedisModuleEvent event, uint64_t subevent, void *data)
{
    REDISMODULE_NOT_USED(ctx);
    REDISMODULE_NOT_USED(data);
    if (event.id == REDISMODULE_EVENT_FORK_CHILD)
        note(subevent == REDISMODULE_SUBEVENT_FORK_CHILD_BORN ? "born " : "died ");
}

static void on_done(int code, int signal, void *data)
{
    char line[64];
    const int again = RedisModule_Fork(on_done, data);
    snprintf(line, sizeof(line), "done(%d,%d,%s,%d) ", code, signal, (const char *)data, again);
    note(line);
}

/* Waits until the other end of a pipe is closed, so that its parent does things before. */
static void wait_for_parent(const int ends[2])
{
    char byte;
    close(ends[1]);
    while (read(ends[0], &byte, 1) > 0)
        ;
}

/* What the child can do: memory, keys, commands, the log; gives the status to end with if it can't. */
static int works(RedisModuleCtx *ctx)
{
    char *block = RedisModule_Alloc(1 << 20);
    memset(block, 7, 1 << 20);
    RedisModule_Free(block);
    RedisModuleCallReply *reply = RedisModule_Call(ctx, "GET", "c", "k");
    size_t len;
    const char *text = reply == NULL ? NULL : RedisModule_CallReplyStringPtr(reply, &len);
    if (text == NULL || len != 6 || memcmp(text, "before", 6) != 0)
        return 90;
    reply = RedisModule_Call(ctx, "SET", "cc", "k", "in the child");
    if (reply == NULL || RedisModule_CallReplyType(reply) != REDISMODULE_REPLY_STRING)
        return 91;
    const int flags = RedisModule_GetContextFlags(ctx);
    if (!(flags & REDISMODULE_CTX_FLAGS_IS_CHILD) || flags & REDISMODULE_CTX_FLAGS_ACTIVE_CHILD)
        return 92;
    RedisModule_Log(ctx, "notice", "the child is at work");
    reply = RedisModule_Call(ctx, "forker.inner", "");
    return reply != NULL && RedisModule_CallReplyInteger(reply) == 42 ? 0 : 93;
}

/* FORKER.INNER: a command that the child calls. */
static int inner(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    return RedisModule_ReplyWithLongLong(ctx, 42);
}

/* FORKER.FORK how status: has a child do something, and exit or be killed or return. */
static int fork_child(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc == 3);
    const char *how = RedisModule_StringPtrLen(argv[1], NULL);
    long long status;
    CHECK(RedisModule_StringToLongLong(argv[2], &status) == REDISMODULE_OK);
    int ends[2];
    CHECK(pipe(ends) == 0);
    const int pid = RedisModule_Fork(on_done, "data");
    if (pid == 0) {
        if (strcmp(how, "return") == 0)
            return RedisModule_ReplyWithSimpleString(ctx, "NEVER");
        RedisModule_SendChildHeartbeat(0.25);
        wait_for_parent(ends);
        const int outcome = works(ctx);
        if (strcmp(how, "kill") == 0)
            kill(getpid(), (int)status);
        RedisModule_ExitFromChild(outcome != 0 ? outcome : (int)status);
    }
    const int number = errno;
    close(ends[0]);
    if (pid == -1) {
        close(ends[1]);
        return RedisModule_ReplyWithLongLong(ctx, -number);
    }
    child = pid;
    go = ends[1];
    const int flags = RedisModule_GetContextFlags(ctx);
    CHECK(flags & REDISMODULE_CTX_FLAGS_ACTIVE_CHILD);
    CHECK(!(flags & REDISMODULE_CTX_FLAGS_IS_CHILD));
    return RedisModule_ReplyWithLongLong(ctx, pid > 0);
}

/* FORKER.GO: lets the child go on. */
static int let_go(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    close(go);
    DONE;
}

/* FORKER.KILL: ends the child, once. */
static int kill_child(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    CHECK(RedisModule_KillForkChild(child + 1) == REDISMODULE_ERR);
    CHECK(RedisModule_KillForkChild(child) == REDISMODULE_OK);
    CHECK(RedisModule_KillForkChild(child) == REDISMODULE_ERR);
    CHECK(kill(child, 0) == -1 && errno == ESRCH);
    close(go);
    DONE;
}

/* FORKER.STATE: what was told so far, and whether there is a child. */
static int state(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    const int flags = RedisModule_GetContextFlags(ctx);
    RedisModule_ReplyWithArray(ctx, 2);
    RedisModule_ReplyWithCString(ctx, events);
    return RedisModule_ReplyWithLongLong(ctx, (flags & REDISMODULE_CTX_FLAGS_ACTIVE_CHILD) != 0);
}

/* FORKER.DIRTY bytes: a child that writes to so many. */
static int dirty(RedisModuleCtx *ctx, S **argv, int argc)
{
    long long bytes;
    CHECK(argc == 2 && RedisModule_StringToLongLong(argv[1], &bytes) == REDISMODULE_OK);
    char *block = RedisModule_Alloc(bytes);
    memset(block, 1, bytes);
    const int pid = RedisModule_Fork(NULL, NULL);
    if (pid == 0) {
        memset(block, 2, bytes);
        RedisModule_ExitFromChild(0);
    }
    RedisModule_Free(block);
    CHECK(pid > 0);
    DONE;
}

/* FORKER.PID: the child's number. */
static int pid_of_child(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    return RedisModule_ReplyWithLongLong(ctx, child);
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (RedisModule_Init(ctx, "forker", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    if (RedisModule_CreateCommand(ctx, "forker.inner", inner, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "forker.fork", fork_child, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "forker.go", let_go, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "forker.kill", kill_child, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "forker.state", state, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "forker.dirty", dirty, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "forker.pid", pid_of_child, "", 0, 0, 0) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    return RedisModule_SubscribeToServerEvent(ctx, RedisModuleEvent_ForkChild, on_fork_child);
}
