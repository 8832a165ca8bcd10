/* A module without a header, whose functions have names that it shares with many others: all that it needs of the
 * server it finds through the first word of its context. */

typedef int (*get_api)(const char *name, void *target);

/* Names that a module built without hidden visibility exports. Were the server's own among the symbols that it offers,
 * they would take the place of these. */
int RedisModule_marker = 7;

int modhost_call(void);
int modhost_call(void)
{
    return RedisModule_marker;
}

static int (*reply_with_long_long)(void *ctx, long long number);

static int answer(void *ctx, void **argv, int argc)
{
    (void)argv;
    return reply_with_long_long(ctx, modhost_call() * 10 + argc);
}

int RedisModule_OnLoad(void *ctx, void **argv, int argc);
int RedisModule_OnLoad(void *ctx, void **argv, int argc)
{
    (void)argv;
    get_api find = *(get_api *)ctx;
    void (*set_attributes)(void *, const char *, int, int);
    int (*create_command)(void *, const char *, int (*)(void *, void **, int), const char *, int, int, int);
    find("RedisModule_SetModuleAttribs", &set_attributes);
    find("RedisModule_CreateCommand", &create_command);
    find("RedisModule_ReplyWithLongLong", &reply_with_long_long);
    set_attributes(ctx, "bare", 1, 1);
    /* With two arguments it refuses to be loaded. */
    return argc == 2 ? 1 : create_command(ctx, "bare.answer", answer, "readonly", 0, 0, 0);
}
