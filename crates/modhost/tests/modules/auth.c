/* Two callbacks that decide who may log in, the second of which is asked first, and an ACL category. */

#include "redismodule.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

#define S RedisModuleString

/* Who was asked, and what was freed. */
static char trace[256];
static RedisModuleBlockedClient *waiting;
static RedisModuleUser *own;

static void note(const char *word)
{
    strncat(trace, word, sizeof(trace) - strlen(trace) - 1);
}

static int is(S *string, const char *expected)
{
    size_t len;
    const char *bytes = RedisModule_StringPtrLen(string, &len);
    return len == strlen(expected) && memcmp(bytes, expected, len) == 0;
}

static void changed(uint64_t client, void *data)
{
    REDISMODULE_NOT_USED(client);
    note(data);
}

/* What a password asks for. */
static int decide(RedisModuleCtx *ctx, S *user, const char *password, S **error)
{
    if (strcmp(password, "accept") == 0) {
        size_t len;
        const char *name = RedisModule_StringPtrLen(user, &len);
        RedisModule_AuthenticateClientWithACLUser(ctx, name, len, changed, "<acl>", NULL);
        return REDISMODULE_AUTH_HANDLED;
    }
    if (strcmp(password, "own") == 0) {
        RedisModule_AuthenticateClientWithUser(ctx, own, changed, "<own>", NULL);
        return REDISMODULE_AUTH_HANDLED;
    }
    if (strcmp(password, "deny") == 0)
        return REDISMODULE_AUTH_HANDLED;
    if (strcmp(password, "reason") == 0 || strcmp(password, "code") == 0 || strcmp(password, "auto") == 0) {
        if (password[0] == 'a')
            RedisModule_AutoMemory(ctx);
        const char *text = password[0] == 'c' ? "-CUSTOM told so" : "told\r\nso";
        *error = RedisModule_CreateString(ctx, text, strlen(text));
        RedisModule_ACLAddLogEntryByUserName(ctx, user, *error, REDISMODULE_ACL_LOG_AUTH);
        return REDISMODULE_AUTH_HANDLED;
    }
    if (strcmp(password, "reply") == 0) {
        RedisModule_ReplyWithSimpleString(ctx, "the module's");
        return REDISMODULE_AUTH_HANDLED;
    }
    return REDISMODULE_AUTH_NOT_HANDLED;
}

static int when_released(RedisModuleCtx *ctx, S *user, S *password, S **error)
{
    REDISMODULE_NOT_USED(password);
    const char *verdict = RedisModule_GetBlockedClientPrivateData(ctx);
    note("(released)");
    return decide(ctx, user, verdict, error);
}

static void free_verdict(RedisModuleCtx *ctx, void *verdict)
{
    REDISMODULE_NOT_USED(ctx);
    note("(freed)");
    RedisModule_Free(verdict);
}

static void *release_from_thread(void *verdict)
{
    RedisModule_UnblockClient(waiting, verdict);
    return NULL;
}

static int asked(RedisModuleCtx *ctx, S *user, S *password, S **error, const char *number)
{
    note(number);
    const char *text = RedisModule_StringPtrLen(password, NULL);
    if (strncmp(text, "wait", 4) == 0 || strncmp(text, "thread", 6) == 0) {
        waiting = RedisModule_BlockClientOnAuth(ctx, when_released, free_verdict);
        if (text[0] == 't') {
            pthread_t thread;
            pthread_create(&thread, NULL, release_from_thread, RedisModule_Strdup(text + 6));
            pthread_detach(thread);
        }
        return REDISMODULE_AUTH_HANDLED;
    }
    return decide(ctx, user, text, error);
}

/* Asked last: of users whose name doesn't begin with `2`. */
static int first(RedisModuleCtx *ctx, S *user, S *password, S **error)
{
    if (RedisModule_StringPtrLen(user, NULL)[0] == '2') {
        note("1");
        return REDISMODULE_AUTH_NOT_HANDLED;
    }
    return asked(ctx, user, password, error, "1");
}

/* Asked first: of users whose name begins with `2`, and of those who are to wait for both. */
static int second(RedisModuleCtx *ctx, S *user, S *password, S **error)
{
    if (RedisModule_StringPtrLen(user, NULL)[0] != '2' && !is(password, "waitboth")) {
        note("2");
        return REDISMODULE_AUTH_NOT_HANDLED;
    }
    return asked(ctx, user, password, error, "2");
}

/* auth.release verdict */
static int release(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc == 2 && waiting != NULL);
    if (is(argv[1], "abort"))
        RedisModule_AbortBlock(waiting);
    else
        RedisModule_UnblockClient(waiting, RedisModule_Strdup(RedisModule_StringPtrLen(argv[1], NULL)));
    waiting = NULL;
    DONE;
}

static int tell(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModule_ReplyWithCString(ctx, trace);
    trace[0] = '\0';
    return REDISMODULE_OK;
}

/* auth.misuse : what only a callback may do. */
static int misuse(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    CHECK(RedisModule_BlockClientOnAuth(ctx, when_released, free_verdict) == NULL);
    CHECK(RedisModule_AddACLCategory(ctx, "toolate") == REDISMODULE_ERR);
    return REDISMODULE_OK;
}

/* auth.call user password : the module itself calls AUTH. */
static int call(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc == 3);
    RedisModuleCallReply *reply = RedisModule_Call(ctx, "AUTH", "ss", argv[1], argv[2]);
    RedisModule_ReplyWithCallReply(ctx, reply);
    RedisModule_FreeCallReply(reply);
    return REDISMODULE_OK;
}

/* Adds categories, as many as an argument says, and tries what can't be one. */
static int add_categories(RedisModuleCtx *ctx, long long wanted)
{
    for (long long number = 0; number < wanted; number++) {
        char name[32];
        snprintf(name, sizeof(name), "auth_%lld", number);
        errno = 0;
        if (RedisModule_AddACLCategory(ctx, name) == REDISMODULE_ERR)
            return errno == ENOMEM ? REDISMODULE_ERR : 2;
    }
    const struct {
        const char *name;
        int reason;
    } wrong[] = { { "with space", EINVAL }, { "", EINVAL }, { "semi;colon", EINVAL },
                  { "read", EBUSY },        { "auth_0", EBUSY } };
    for (size_t at = 0; at < sizeof(wrong) / sizeof(*wrong); at++) {
        errno = 0;
        if (RedisModule_AddACLCategory(ctx, wrong[at].name) == REDISMODULE_OK || errno != wrong[at].reason)
            return 2;
    }
    return REDISMODULE_OK;
}

/* Loaded with the number of categories, and `fail` if loading is to fail then. */
int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (RedisModule_Init(ctx, "auth", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    long long wanted = 1;
    if (argc > 0)
        RedisModule_StringToLongLong(argv[0], &wanted);
    if (add_categories(ctx, wanted) != REDISMODULE_OK)
        return REDISMODULE_ERR;
    const struct {
        const char *name;
        RedisModuleCmdFunc function;
    } commands[] = { { "auth.release", release }, { "auth.trace", tell }, { "auth.misuse", misuse },
                     { "auth.call", call } };
    for (size_t at = 0; at < sizeof(commands) / sizeof(*commands); at++) {
        if (RedisModule_CreateCommand(ctx, commands[at].name, commands[at].function, "", 0, 0, 0) ==
            REDISMODULE_ERR)
            return REDISMODULE_ERR;
    }
    RedisModuleCommand *command = RedisModule_GetCommand(ctx, "auth.trace");
    if (RedisModule_SetCommandACLCategories(command, "auth_0 read") == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    own = RedisModule_CreateModuleUser("owned");
    RedisModule_SetModuleUserACL(own, "on");
    RedisModule_SetModuleUserACL(own, "+@all");
    RedisModule_RegisterAuthCallback(ctx, first);
    RedisModule_RegisterAuthCallback(ctx, second);
    return argc > 1 ? REDISMODULE_ERR : REDISMODULE_OK;
}
