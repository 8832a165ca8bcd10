/* A type whose every allocation may be refused: a row of texts. A command that is refused memory changes nothing.
 *
 * rows.push key text... : appends them, all or none; the new length.
 * rows.pop key : takes the last one away.
 * rows.all key : all of them. */

#include "redismodule.h"

#include <string.h>

#define S RedisModuleString

struct text {
    size_t len;
    char bytes[];
};

struct row {
    size_t len, room;
    struct text **texts;
};

static RedisModuleType *row_type;
static void *(*try_alloc)(size_t bytes);
static void *(*try_calloc)(size_t count, size_t size);
static void *(*try_realloc)(void *block, size_t bytes);

static const char *const no_memory = "OOM the module was refused memory";

static void release(struct row *row)
{
    for (size_t at = 0; at < row->len; at++)
        RedisModule_Free(row->texts[at]);
    RedisModule_Free(row->texts);
    RedisModule_Free(row);
}

static void free_row(void *value)
{
    release(value);
}

/* Makes room for as many more; -1 if there is none. */
static int reserve(struct row *row, size_t more)
{
    if (row->room - row->len >= more)
        return 0;
    struct text **texts = try_realloc(row->texts, (row->len + more) * sizeof(*texts));
    if (texts == NULL)
        return -1;
    row->texts = texts;
    row->room = row->len + more;
    return 0;
}

/* Appends the texts; -1, and all as it was, if there is no memory for one. */
static int append(struct row *row, S **argv, size_t count)
{
    size_t before = row->len;
    if (reserve(row, count) != 0)
        return -1;
    for (size_t at = 0; at < count; at++) {
        size_t len;
        const char *bytes = RedisModule_StringPtrLen(argv[at], &len);
        struct text *text = try_alloc(sizeof(*text) + len);
        if (text == NULL) {
            while (row->len > before)
                RedisModule_Free(row->texts[--row->len]);
            return -1;
        }
        text->len = len;
        memcpy(text->bytes, bytes, len);
        row->texts[row->len++] = text;
    }
    return 0;
}

/* The row of a key that is open; NULL where there is none, or another type's value. */
static struct row *row_of(RedisModuleKey *key)
{
    return RedisModule_ModuleTypeGetType(key) == row_type ? RedisModule_ModuleTypeGetValue(key) : NULL;
}

static int push(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc < 3)
        return RedisModule_WrongArity(ctx);
    RedisModule_AutoMemory(ctx);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE);
    struct row *row = row_of(key);
    int is_new = row == NULL;
    if (is_new && RedisModule_KeyType(key) != REDISMODULE_KEYTYPE_EMPTY)
        return RedisModule_ReplyWithError(ctx, REDISMODULE_ERRORMSG_WRONGTYPE);
    if (is_new && (row = try_calloc(1, sizeof(*row))) == NULL)
        return RedisModule_ReplyWithError(ctx, no_memory);
    if (append(row, argv + 2, (size_t)argc - 2) != 0) {
        if (is_new)
            release(row);
        return RedisModule_ReplyWithError(ctx, no_memory);
    }
    if (is_new)
        RedisModule_ModuleTypeSetValue(key, row_type, row);
    return RedisModule_ReplyWithLongLong(ctx, (long long)row->len);
}

static int pop(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc != 2)
        return RedisModule_WrongArity(ctx);
    RedisModule_AutoMemory(ctx);
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ | REDISMODULE_WRITE);
    struct row *row = row_of(key);
    if (row == NULL)
        return RedisModule_ReplyWithNull(ctx);
    struct text *last = row->texts[--row->len];
    RedisModule_ReplyWithStringBuffer(ctx, last->bytes, last->len);
    RedisModule_Free(last);
    if (row->len == 0)
        RedisModule_DeleteKey(key);
    return REDISMODULE_OK;
}

static int all(RedisModuleCtx *ctx, S **argv, int argc)
{
    if (argc != 2)
        return RedisModule_WrongArity(ctx);
    RedisModule_AutoMemory(ctx);
    struct row *row = row_of(RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ));
    RedisModule_ReplyWithArray(ctx, row ? (long)row->len : 0);
    for (size_t at = 0; row && at < row->len; at++)
        RedisModule_ReplyWithStringBuffer(ctx, row->texts[at]->bytes, row->texts[at]->len);
    return REDISMODULE_OK;
}

/* A block that is taken when the module is loaded, so that this may fail too. */
static void *first;

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (RedisModule_Init(ctx, "rows", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    RedisModule_GetApi("RedisModule_TryAlloc", &try_alloc);
    RedisModule_GetApi("RedisModule_TryCalloc", &try_calloc);
    RedisModule_GetApi("RedisModule_TryRealloc", &try_realloc);
    void *block = try_alloc(100);
    void *larger = block ? try_realloc(block, 1000) : NULL;
    if (larger == NULL) {
        RedisModule_Free(block);
        RedisModule_Log(ctx, "warning", "there is no memory to begin with");
        return REDISMODULE_ERR;
    }
    first = larger;
    RedisModuleTypeMethods methods = { .version = REDISMODULE_TYPE_METHOD_VERSION, .free = free_row };
    row_type = RedisModule_CreateDataType(ctx, "text-rows", 0, &methods);
    const struct {
        const char *name;
        RedisModuleCmdFunc function;
        const char *flags;
    } commands[] = {
        { "rows.push", push, "write deny-oom" },
        { "rows.pop", pop, "write" },
        { "rows.all", all, "readonly" },
    };
    for (size_t at = 0; at < sizeof(commands) / sizeof(*commands); at++)
        if (RedisModule_CreateCommand(ctx, commands[at].name, commands[at].function, commands[at].flags, 1, 1, 1) ==
            REDISMODULE_ERR)
            return REDISMODULE_ERR;
    return row_type == NULL ? REDISMODULE_ERR : REDISMODULE_OK;
}
