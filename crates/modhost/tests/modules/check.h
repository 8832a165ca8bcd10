/* What the test modules have in common. Comes after redismodule.h. */

#include <string.h>

#define S RedisModuleString

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

/* Whether a string is this text, and ends with NUL as it does. */
__attribute__((unused)) static int equals(const RedisModuleString *string, const char *text)
{
    size_t len;
    const char *bytes = RedisModule_StringPtrLen(string, &len);
    return len == strlen(text) && memcmp(bytes, text, len + 1) == 0;
}
