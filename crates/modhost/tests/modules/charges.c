/* Holds one thing of each kind that modules are charged for, gives it back, and shares some with other modules.
 * Loaded with an argument it takes that for its name, and does nothing else. */

#include "redismodule.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "check.h"

#define S RedisModuleString

#ifdef SECOND
#define NAME "second"
#else
#define NAME "first"
#endif

/* What is held, across commands. */
static RedisModuleCtx *context;
static void *blocks[4];
static S *created, *kept;
static RedisModuleKey *key;
static RedisModuleCallReply *reply;
static RedisModuleDict *dict;
static RedisModuleDictIter *iterator;
static RedisModuleScanCursor *cursor;
static RedisModuleServerInfoData *info;

static int is(S *word, const char *text)
{
    return strcmp(RedisModule_StringPtrLen(word, NULL), text) == 0;
}

/* NAME.take what */
static int take(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    S *what = argv[1];
    if (is(what, "raw")) {
        for (int at = 0; at < 3; at++)
            blocks[at] = RedisModule_Alloc(48);
        blocks[3] = RedisModule_Calloc(101, 999);
    } else if (is(what, "strings")) {
        created = RedisModule_CreateString(NULL, "a string without a context", 26);
        RedisModule_StringAppendBuffer(NULL, created, "more than the string has room for where it was made", 50);
        RedisModule_RetainString(ctx, what);
        kept = what;
    } else if (is(what, "contexts")) {
        context = RedisModule_GetThreadSafeContext(NULL);
    } else if (is(what, "keys")) {
        S *name = RedisModule_CreateString(NULL, "k", 1);
        key = RedisModule_OpenKey(context, name, REDISMODULE_READ);
        RedisModule_FreeString(NULL, name);
    } else if (is(what, "replies")) {
        reply = RedisModule_Call(context, "COMMAND", "cccc", "INFO", "get", "set", "no-such-command");
    } else if (is(what, "dictionaries")) {
        dict = RedisModule_CreateDict(NULL);
        for (unsigned at = 0; at < 1000; at++) {
            unsigned scattered = at * 2654435761u;
            RedisModule_DictSetC(dict, &scattered, sizeof(scattered), &blocks[at % 4]);
        }
        for (unsigned at = 0; at < 1000; at += 2) {
            unsigned scattered = at * 2654435761u;
            RedisModule_DictDelC(dict, &scattered, sizeof(scattered), NULL);
        }
    } else if (is(what, "pool")) {
        RedisModule_PoolAlloc(context, 24);
        RedisModule_PoolAlloc(context, 100000);
    } else if (is(what, "others")) {
        iterator = RedisModule_DictIteratorStartC(dict, "^", NULL, 0);
        RedisModule_DictNextC(iterator, NULL, NULL);
        cursor = RedisModule_ScanCursorCreate();
        info = RedisModule_GetServerInfo(NULL, "server");
    } else {
        return RedisModule_ReplyWithError(ctx, "ERR of what?");
    }
    DONE;
}

/* NAME.give what */
static int give(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    S *what = argv[1];
    if (is(what, "raw")) {
        for (int at = 0; at < 4; at++)
            RedisModule_Free(blocks[at]);
    } else if (is(what, "strings")) {
        RedisModule_FreeString(NULL, created);
        RedisModule_FreeString(NULL, kept);
    } else if (is(what, "contexts")) {
        RedisModule_FreeThreadSafeContext(context);
    } else if (is(what, "keys")) {
        RedisModule_CloseKey(key);
    } else if (is(what, "replies")) {
        RedisModule_FreeCallReply(reply);
    } else if (is(what, "dictionaries")) {
        RedisModule_FreeDict(NULL, dict);
    } else if (is(what, "others")) {
        RedisModule_DictIteratorStop(iterator);
        RedisModule_ScanCursorDestroy(cursor);
        RedisModule_FreeServerInfo(NULL, info);
    }
    DONE;
}

/* NAME.automatic : leaves things to its context. */
static int automatic(RedisModuleCtx *ctx, S **argv, int argc)
{
    RedisModule_AutoMemory(ctx);
    RedisModule_CreateString(ctx, "text", 4);
    RedisModule_RetainString(ctx, argv[argc - 1]);
    RedisModule_OpenKey(ctx, argv[0], REDISMODULE_READ | REDISMODULE_WRITE);
    RedisModule_Call(ctx, "PING", "");
    RedisModule_DictSetC(RedisModule_CreateDict(ctx), "key", 3, NULL);
    RedisModule_PoolAlloc(ctx, 10);
    RedisModule_FreeString(ctx, argv[argc - 1]);
    DONE;
}

#define THREADS 8
#define ROUNDS 20000

/* Leaves one block of 64 bytes of each thread, and frees one of another's. */
static void *work(void *other)
{
    for (int at = 0; at < ROUNDS; at++) {
        void *block = RedisModule_Alloc(24 + at % 5000);
        S *string = RedisModule_CreateString(NULL, "text", 4);
        block = RedisModule_Realloc(block, 24 + at % 777);
        RedisModule_FreeString(NULL, string);
        RedisModule_Free(block);
    }
    RedisModule_Free(other);
    return RedisModule_Alloc(64);
}

/* NAME.threads : allocate and free at once, this thread too. */
static int threads(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    pthread_t started[THREADS];
    for (int at = 0; at < THREADS; at++)
        CHECK(pthread_create(&started[at], NULL, work, RedisModule_Alloc(100)) == 0);
    void *last = work(NULL);
    for (int at = 0; at < THREADS; at++) {
        void *left;
        pthread_join(started[at], &left);
        RedisModule_Free(left);
    }
    RedisModule_Free(last);
    DONE;
}

static int is_aligned(void *block, size_t alignment)
{
    return block != NULL && (uintptr_t)block % alignment == 0;
}

/* NAME.align : blocks of sizes that are multiples of an alignment have it. */
static int align(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    for (size_t alignment = 1; alignment <= 4096; alignment *= 2) {
        void *held[64] = { NULL };
        for (size_t at = 0; at < 64; at++) {
            size_t bytes = alignment * (at + 1);
            held[at] = RedisModule_Alloc(bytes);
            CHECK(is_aligned(held[at], alignment));
            memset(held[at], 7, bytes);
            void *zeroed = RedisModule_Calloc(at + 1, alignment);
            CHECK(is_aligned(zeroed, alignment) && ((char *)zeroed)[bytes - 1] == 0);
            void *tried = RedisModule_TryAlloc(bytes);
            CHECK(is_aligned(tried, alignment));
            /* From a block without the alignment to one with it, and back. */
            void *grown = RedisModule_Realloc(RedisModule_Realloc(NULL, 5), bytes);
            CHECK(is_aligned(grown, alignment));
            memset(grown, 9, bytes);
            grown = RedisModule_TryRealloc(grown, bytes + 7);
            CHECK(grown != NULL && ((char *)grown)[0] == 9 && ((char *)grown)[bytes - 1] == 9);
            grown = RedisModule_Realloc(grown, bytes * 2);
            CHECK(is_aligned(grown, alignment * 2 < 4096 ? alignment * 2 : 4096));
            RedisModule_Free(zeroed);
            RedisModule_Free(tried);
            RedisModule_Free(grown);
        }
        for (size_t at = 0; at < 64; at++) {
            CHECK(((char *)held[at])[alignment * (at + 1) - 1] == 7);
            RedisModule_Free(held[at]);
        }
    }
    CHECK(RedisModule_TryCalloc(SIZE_MAX / 2, 3) == NULL && RedisModule_TryAlloc(SIZE_MAX - 4095) == NULL);
    RedisModule_Free(RedisModule_Alloc(0));
    CHECK(RedisModule_Realloc(RedisModule_Alloc(1), 0) == NULL);
    DONE;
}

#ifndef SECOND
static void *shared_block(void)
{
    return blocks[0] = RedisModule_Alloc(40);
}

static S *shared_string(void)
{
    return created = RedisModule_CreateString(NULL, "shared", 6);
}
#else
static S *borrowed;

/* second.block : frees a block of the first module's. */
static int block(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    void *(*function)(void) = RedisModule_GetSharedAPI(ctx, "first.block");
    CHECK(function != NULL);
    RedisModule_Free(function());
    DONE;
}

/* second.string : holds a string of the first module's, which makes it. second.string free : gives it up. */
static int string(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    if (argc == 2) {
        RedisModule_FreeString(NULL, borrowed);
        DONE;
    }
    S *(*function)(void) = RedisModule_GetSharedAPI(ctx, "first.string");
    CHECK(function != NULL);
    borrowed = RedisModule_HoldString(NULL, function());
    DONE;
}
#endif

/* NAME.string-free : gives up the string that was made last. */
static int string_free(RedisModuleCtx *ctx, S **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModule_FreeString(NULL, created);
    DONE;
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, S **argv, int argc)
{
    const char *name = NAME;
    int (*get_api)(const char *, void *) = (void *)((void **)ctx)[0];
    const char *(*text)(const S *, size_t *) = NULL;
    get_api("RedisModule_StringPtrLen", &text);
    if (argc != 0)
        name = text(argv[0], NULL);
    if (RedisModule_Init(ctx, name, 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    if (argc != 0)
        return REDISMODULE_OK;
    const struct {
        const char *name;
        RedisModuleCmdFunc function;
    } commands[] = {
        { NAME ".take", take },       { NAME ".give", give },   { NAME ".automatic", automatic },
        { NAME ".threads", threads }, { NAME ".align", align }, { NAME ".string-free", string_free },
#ifdef SECOND
        { "second.block", block },    { "second.string", string },
#endif
    };
    for (size_t at = 0; at < sizeof(commands) / sizeof(*commands); at++)
        if (RedisModule_CreateCommand(ctx, commands[at].name, commands[at].function, "", 0, 0, 0) == REDISMODULE_ERR)
            return REDISMODULE_ERR;
#ifndef SECOND
    RedisModule_ExportSharedAPI(ctx, "first.block", shared_block);
    RedisModule_ExportSharedAPI(ctx, "first.string", shared_string);
#endif
    return REDISMODULE_OK;
}
