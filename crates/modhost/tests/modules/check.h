/* Checks within a command: the first that fails is the reply. */

#define CHECK(condition)                                                                          \
    do {                                                                                          \
        if (!(condition))                                                                         \
            return RedisModule_ReplyWithErrorFormat(ctx, "ERR line %d: %s", __LINE__, #condition); \
    } while (0)

#define DONE return RedisModule_ReplyWithSimpleString(ctx, "OK")

/* Functions that the header leaves out. */
#define BIND(result, name, ...)          \
    result (*name)(__VA_ARGS__) = NULL;  \
    RedisModule_GetApi("RedisModule_" #name, &name)
