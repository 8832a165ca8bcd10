/* Users: making and changing them, asking what they may do, and having clients act for them. */

#include "redismodule.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check.h"

#define S RedisModuleString
#define MOST 16

static RedisModuleUser *users[MOST];
static int count;

/* How often a client has become another user, and which client it was last. */
static long long changes;
static uint64_t changed_client;
static int owned = 7;

static RedisModuleUser *user_at(S *number)
{
    long long at;
    if (RedisModule_StringToLongLong(number, &at) != REDISMODULE_OK || at < 0 || at >= count)
        return NULL;
    return users[at];
}

static const char *text(S *string)
{
    return RedisModule_StringPtrLen(string, NULL);
}

/* Replies whether a function of the API went well, or why it didn't. */
static int outcome(RedisModuleCtx *ctx, int status)
{
    if (status == REDISMODULE_OK)
        return RedisModule_ReplyWithSimpleString(ctx, "OK");
    char reason[64];
    snprintf(reason, sizeof(reason), "ERR %s", strerror(errno));
    return RedisModule_ReplyWithError(ctx, reason);
}

/* The same of one that doesn't say why. */
static int plain_outcome(RedisModuleCtx *ctx, int status)
{
    return RedisModule_ReplyWithSimpleString(ctx, status == REDISMODULE_OK ? "OK" : "failed");
}

/* Replies with a string, which is freed. */
static int give(RedisModuleCtx *ctx, S *string)
{
    if (string == NULL)
        return RedisModule_ReplyWithNull(ctx);
    RedisModule_ReplyWithString(ctx, string);
    RedisModule_FreeString(ctx, string);
    return REDISMODULE_OK;
}

/* users.make name : the number of a new user. */
static int make(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc == 2 && count < MOST);
    users[count] = RedisModule_CreateModuleUser(text(argv[1]));
    CHECK(users[count] != NULL);
    return RedisModule_ReplyWithLongLong(ctx, count++);
}

/* users.find name : the number of a user of ACL LIST. */
static int find(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc == 2 && count < MOST);
    users[count] = RedisModule_GetModuleUserFromUserName(argv[1]);
    if (users[count] == NULL)
        return RedisModule_ReplyWithNull(ctx);
    return RedisModule_ReplyWithLongLong(ctx, count++);
}

static int release(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc == 2);
    RedisModule_FreeModuleUser(user_at(argv[1]));
    DONE;
}

/* users.rule user rule */
static int rule(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc == 3);
    return plain_outcome(ctx, RedisModule_SetModuleUserACL(user_at(argv[1]), text(argv[2])));
}

/* users.rules user rule... : all of them in one string. */
static int rules(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc >= 2);
    S *all = RedisModule_CreateString(ctx, "", 0), *error = NULL;
    for (int at = 2; at < argc; at++) {
        size_t len;
        const char *word = RedisModule_StringPtrLen(argv[at], &len);
        RedisModule_StringAppendBuffer(ctx, all, word, len);
        RedisModule_StringAppendBuffer(ctx, all, " ", 1);
    }
    int status = RedisModule_SetModuleUserACLString(ctx, user_at(argv[1]), text(all), &error);
    RedisModule_FreeString(ctx, all);
    CHECK((status == REDISMODULE_OK) == (error == NULL));
    return status == REDISMODULE_OK ? plain_outcome(ctx, status) : give(ctx, error);
}

static int show(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc == 2);
    return give(ctx, RedisModule_GetModuleUserACLString(user_at(argv[1])));
}

static int current(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    return give(ctx, RedisModule_GetCurrentUserName(ctx));
}

/* users.can user command... */
static int can(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc >= 3);
    return outcome(ctx, RedisModule_ACLCheckCommandPermissions(user_at(argv[1]), argv + 2, argc - 2));
}

/* users.key user key flags, users.channel user channel flags */
static int key_or_channel(RedisModuleCtx *ctx, S **argv, int argc)
{
    long long flags;
    CHECK(argc == 4 && RedisModule_StringToLongLong(argv[3], &flags) == REDISMODULE_OK);
    RedisModuleUser *user = user_at(argv[1]);
    if (strcmp(text(argv[0]), "users.key") == 0)
        return outcome(ctx, RedisModule_ACLCheckKeyPermissions(user, argv[2], (int)flags));
    errno = 0;
    if (RedisModule_ACLCheckChannelPermissions(user, argv[2], (int)flags) == REDISMODULE_OK)
        DONE;
    /* Redis 7.0 doesn't say that it was denied. */
    CHECK(errno == EINVAL || errno == EACCES || errno == 0);
    return RedisModule_ReplyWithSimpleString(ctx, errno == EINVAL ? "no such flags" : "denied");
}

/* users.log user object reason */
static int log_entry(RedisModuleCtx *ctx, S **argv, int argc)
{
    long long reason;
    CHECK(argc == 4 && RedisModule_StringToLongLong(argv[3], &reason) == REDISMODULE_OK);
    RedisModule_ACLAddLogEntry(ctx, user_at(argv[1]), argv[2], (RedisModuleACLLogEntryReason)reason);
    DONE;
}

/* users.as user format command... : calls a command as a user, or as the client's where there is none. */
static int as(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc >= 4);
    RedisModule_SetContextUser(ctx, user_at(argv[1]));
    errno = 0;
    RedisModuleCallReply *reply =
        RedisModule_Call(ctx, text(argv[3]), text(argv[2]), argv + 4, (size_t)(argc - 4));
    if (reply == NULL)
        return outcome(ctx, REDISMODULE_ERR);
    RedisModule_ReplyWithCallReply(ctx, reply);
    RedisModule_FreeCallReply(reply);
    return REDISMODULE_OK;
}

static void changed(uint64_t client, void *data)
{
    if (data == &owned)
        changes++;
    changed_client = client;
}

/* users.login user, users.login.quietly user, users.login.acl name : has the client act for a user. */
static int login(RedisModuleCtx *ctx, S **argv, int argc)
{
    CHECK(argc == 2);
    uint64_t client = 0;
    const char *name = text(argv[0]);
    int status;
    if (strcmp(name, "users.login") == 0) {
        status = RedisModule_AuthenticateClientWithUser(ctx, user_at(argv[1]), changed, &owned, &client);
    } else if (strcmp(name, "users.login.quietly") == 0) {
        status = RedisModule_AuthenticateClientWithUser(ctx, user_at(argv[1]), NULL, NULL, NULL);
        client = RedisModule_GetClientId(ctx);
    } else {
        size_t len;
        const char *user = RedisModule_StringPtrLen(argv[1], &len);
        status = RedisModule_AuthenticateClientWithACLUser(ctx, user, len, changed, &owned, &client);
    }
    CHECK(client == (status == REDISMODULE_OK || strcmp(name, "users.login.quietly") == 0
                         ? RedisModule_GetClientId(ctx)
                         : 0));
    return plain_outcome(ctx, status);
}

/* users.changes client : how often clients have become other users, and whether it was this one last. */
static int tell_changes(RedisModuleCtx *ctx, S **argv, int argc)
{
    long long client;
    CHECK(argc == 2 && RedisModule_StringToLongLong(argv[1], &client) == REDISMODULE_OK);
    RedisModule_ReplyWithArray(ctx, 2);
    RedisModule_ReplyWithLongLong(ctx, changes);
    RedisModule_ReplyWithLongLong(ctx, changed_client == (uint64_t)client);
    return REDISMODULE_OK;
}

static int cut_off(RedisModuleCtx *ctx, S **argv, int argc)
{
    long long client;
    CHECK(argc == 2 && RedisModule_StringToLongLong(argv[1], &client) == REDISMODULE_OK);
    return plain_outcome(ctx, RedisModule_DeauthenticateAndCloseClient(ctx, (uint64_t)client));
}

/* users.redact position... : which of them could be hidden. */
static int redact(RedisModuleCtx *ctx, S **argv, int argc)
{
    RedisModule_ReplyWithArray(ctx, argc - 1);
    for (int at = 1; at < argc; at++) {
        long long position = 0;
        RedisModule_StringToLongLong(argv[at], &position);
        plain_outcome(ctx, RedisModule_RedactClientCommandArgument(ctx, (int)position));
    }
    return REDISMODULE_OK;
}

/* users.channels.declared kind channel : a command with a channel that only it knows of. */
static int channels(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (RedisModule_IsChannelsPositionRequest(ctx)) {
        if (argc < 3)
            return REDISMODULE_OK;
        int flags = 0;
        for (const char *letter = text(argv[1]); *letter != '\0'; letter++) {
            flags |= *letter == 'p'   ? REDISMODULE_CMD_CHANNEL_PUBLISH
                     : *letter == 's' ? REDISMODULE_CMD_CHANNEL_SUBSCRIBE
                     : *letter == 'u' ? REDISMODULE_CMD_CHANNEL_UNSUBSCRIBE
                                      : REDISMODULE_CMD_CHANNEL_PATTERN;
        }
        for (int at = 2; at < argc; at++)
            RedisModule_ChannelAtPosWithFlags(ctx, at, flags);
        RedisModule_ChannelAtPosWithFlags(ctx, 0, flags);
        RedisModule_ChannelAtPosWithFlags(ctx, -1, flags);
        return REDISMODULE_OK;
    }
    RedisModule_ChannelAtPosWithFlags(ctx, 1, REDISMODULE_CMD_CHANNEL_PUBLISH);
    DONE;
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    if (RedisModule_Init(ctx, "users", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    const struct {
        const char *name;
        RedisModuleCmdFunc function;
        const char *flags;
    } commands[] = {
        { "users.make", make, "" },
        { "users.find", find, "" },
        { "users.free", release, "" },
        { "users.rule", rule, "" },
        { "users.rules", rules, "" },
        { "users.show", show, "" },
        { "users.current", current, "" },
        { "users.can", can, "" },
        { "users.key", key_or_channel, "" },
        { "users.channel", key_or_channel, "" },
        { "users.log", log_entry, "" },
        { "users.as", as, "" },
        { "users.login", login, "no-auth" },
        { "users.login.quietly", login, "no-auth" },
        { "users.login.acl", login, "no-auth" },
        { "users.changes", tell_changes, "" },
        { "users.close", cut_off, "" },
        { "users.redact", redact, "" },
        { "users.read", current, "readonly" },
        { "users.channels", channels, "getchannels-api" },
    };
    for (size_t at = 0; at < sizeof(commands) / sizeof(*commands); at++) {
        if (RedisModule_CreateCommand(ctx, commands[at].name, commands[at].function, commands[at].flags, 0, 0,
                                      0) == REDISMODULE_ERR)
            return REDISMODULE_ERR;
    }
    /* A user that is left behind. */
    if (argc != 0)
        users[count++] = RedisModule_CreateModuleUser("left");
    return REDISMODULE_OK;
}
