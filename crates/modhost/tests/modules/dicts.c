/* Dictionaries and scans: commands whose replies tell what the functions answered. */

#include "redismodule.h"

#include <errno.h>
#include <string.h>

#include "check.h"

static RedisModuleDict *dict;

static void *pointer(long long number)
{
    return (void *)(size_t)number;
}

/* dicts.change how key [number] : how is set, replace, get or del, and the same with C for keys as bytes. */
static int change(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    const char *how = RedisModule_StringPtrLen(argv[1], NULL);
    size_t len;
    char *key = (char *)RedisModule_StringPtrLen(argv[2], &len);
    long long number = 0;
    if (argc > 3)
        RedisModule_StringToLongLong(argv[3], &number);
    void *old = pointer(-5);
    int none = -5, status = -5;
    if (strcmp(how, "set") == 0)
        status = RedisModule_DictSet(dict, argv[2], pointer(number));
    else if (strcmp(how, "setC") == 0)
        status = RedisModule_DictSetC(dict, key, len, pointer(number));
    else if (strcmp(how, "replace") == 0)
        status = RedisModule_DictReplace(dict, argv[2], pointer(number));
    else if (strcmp(how, "replaceC") == 0)
        status = RedisModule_DictReplaceC(dict, key, len, pointer(number));
    else if (strcmp(how, "get") == 0)
        old = RedisModule_DictGet(dict, argv[2], &none);
    else if (strcmp(how, "getC") == 0)
        old = RedisModule_DictGetC(dict, key, len, &none);
    else if (strcmp(how, "del") == 0)
        status = RedisModule_DictDel(dict, argv[2], &old);
    else if (strcmp(how, "delC") == 0)
        status = RedisModule_DictDelC(dict, key, len, NULL);
    RedisModule_ReplyWithArray(ctx, 4);
    RedisModule_ReplyWithLongLong(ctx, status);
    RedisModule_ReplyWithLongLong(ctx, none);
    RedisModule_ReplyWithLongLong(ctx, (long long)(size_t)old);
    return RedisModule_ReplyWithLongLong(ctx, (long long)RedisModule_DictSize(dict));
}

/* dicts.walk operator key step... : a step is n or p (a string), N or P (bytes), or an operator and a key to seek again,
   each with C before for bytes, or = with an operator and a key to compare. */
static int walk(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    size_t len;
    char *key = (char *)RedisModule_StringPtrLen(argv[2], &len);
    const char *operator= RedisModule_StringPtrLen(argv[1], NULL);
    RedisModuleDictIter *iterator = RedisModule_DictIteratorStart(dict, operator, argv[2]);
    RedisModule_DictIteratorStop(iterator);
    iterator = RedisModule_DictIteratorStartC(dict, operator, key, len);
    RedisModule_ReplyWithArray(ctx, REDISMODULE_POSTPONED_LEN);
    long replies = 0;
    for (int at = 3; at < argc; at++) {
        const char *step = RedisModule_StringPtrLen(argv[at], NULL);
        void *data = pointer(-5);
        RedisModuleString *name = NULL;
        char *bytes = NULL;
        switch (step[0]) {
        case 'n':
        case 'p':
            name = step[0] == 'n' ? RedisModule_DictNext(ctx, iterator, &data)
                                  : RedisModule_DictPrev(ctx, iterator, &data);
            if (name == NULL) {
                RedisModule_ReplyWithNull(ctx);
            } else {
                RedisModule_ReplyWithString(ctx, name);
                RedisModule_FreeString(ctx, name);
            }
            break;
        case 'N':
        case 'P':
            bytes = step[0] == 'N' ? RedisModule_DictNextC(iterator, &len, &data)
                                   : RedisModule_DictPrevC(iterator, &len, &data);
            if (bytes == NULL)
                RedisModule_ReplyWithNull(ctx);
            else
                RedisModule_ReplyWithStringBuffer(ctx, bytes, len);
            break;
        case '=':
            key = (char *)RedisModule_StringPtrLen(argv[at + 2], &len);
            operator= RedisModule_StringPtrLen(argv[at + 1], NULL);
            RedisModule_ReplyWithLongLong(ctx, RedisModule_DictCompare(iterator, operator, argv[at + 2]));
            data = pointer(RedisModule_DictCompareC(iterator, operator, key, len));
            at += 2;
            break;
        case 's':
            key = (char *)RedisModule_StringPtrLen(argv[at + 2], &len);
            operator= RedisModule_StringPtrLen(argv[at + 1], NULL);
            RedisModule_ReplyWithLongLong(ctx, RedisModule_DictIteratorReseek(iterator, operator, argv[at + 2]));
            data = pointer(RedisModule_DictIteratorReseekC(iterator, operator, key, len));
            at += 2;
            break;
        }
        RedisModule_ReplyWithLongLong(ctx, (long long)(size_t)data);
        replies += 2;
    }
    RedisModule_ReplySetArrayLength(ctx, replies);
    RedisModule_DictIteratorStop(iterator);
    return REDISMODULE_OK;
}

/* dicts.automatic : a dictionary that the context frees, and one that is freed before. */
static int automatic(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    RedisModule_AutoMemory(ctx);
    RedisModuleDict *kept = RedisModule_CreateDict(ctx), *freed = RedisModule_CreateDict(ctx);
    CHECK(RedisModule_DictSetC(kept, "k", 1, NULL) == REDISMODULE_OK);
    int none = 1;
    CHECK(RedisModule_DictGetC(kept, "k", 1, &none) == NULL && none == 0);
    RedisModule_FreeDict(ctx, freed);
    DONE;
}

struct seen {
    RedisModuleDict *keys;
    int removes;
    long long calls, open;
};

static void see(RedisModuleCtx *ctx, RedisModuleString *name, RedisModuleKey *key, void *data)
{
    struct seen *seen = data;
    seen->calls++;
    RedisModule_DictReplace(seen->keys, name, (void *)(size_t)(key == NULL ? 0 : RedisModule_KeyType(key)));
    seen->open += key != NULL;
    if (seen->removes) {
        RedisModuleKey *opened = RedisModule_OpenKey(ctx, name, REDISMODULE_WRITE);
        RedisModule_DeleteKey(opened);
        RedisModule_CloseKey(opened);
    }
}

/* dicts.scan remove : all keys in order, each with its type, found twice over unless they are removed. */
static int scan(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    long long removes = 0;
    RedisModule_StringToLongLong(argv[1], &removes);
    struct seen seen = { RedisModule_CreateDict(NULL), (int)removes, 0, 0 };
    RedisModuleScanCursor *cursor = RedisModule_ScanCursorCreate();
    while (RedisModule_Scan(ctx, cursor, see, &seen))
        CHECK(errno == 0);
    errno = 0;
    CHECK(RedisModule_Scan(ctx, cursor, see, &seen) == 0 && errno == ENOENT);
    long long first = seen.calls;
    RedisModule_ScanCursorRestart(cursor);
    while (RedisModule_Scan(ctx, cursor, see, &seen)) {
    }
    CHECK(seen.calls == (removes ? first : 2 * first) && seen.open == seen.calls);
    RedisModule_ScanCursorDestroy(cursor);
    RedisModule_ReplyWithArray(ctx, 2 * (long)RedisModule_DictSize(seen.keys));
    RedisModuleDictIter *iterator = RedisModule_DictIteratorStartC(seen.keys, "^", NULL, 0);
    void *type;
    for (RedisModuleString *key; (key = RedisModule_DictNext(ctx, iterator, &type)) != NULL;) {
        RedisModule_ReplyWithString(ctx, key);
        RedisModule_ReplyWithLongLong(ctx, (long long)(size_t)type);
        RedisModule_FreeString(ctx, key);
    }
    RedisModule_DictIteratorStop(iterator);
    RedisModule_FreeDict(NULL, seen.keys);
    return REDISMODULE_OK;
}

static void see_element(RedisModuleKey *key, RedisModuleString *field, RedisModuleString *value, void *data)
{
    REDISMODULE_NOT_USED(key);
    REDISMODULE_NOT_USED(field);
    REDISMODULE_NOT_USED(value);
    ++*(long long *)data;
}

/* dicts.elements key : what ScanKey answers, errno, and how many elements it has shown. */
static int elements(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argc);
    long long shown = 0;
    RedisModuleScanCursor *cursor = RedisModule_ScanCursorCreate();
    RedisModuleKey *key = RedisModule_OpenKey(ctx, argv[1], REDISMODULE_READ);
    errno = 0;
    int more = RedisModule_ScanKey(key, cursor, see_element, &shown);
    int number = errno;
    RedisModule_CloseKey(key);
    RedisModule_ScanCursorDestroy(cursor);
    RedisModule_ReplyWithArray(ctx, 3);
    RedisModule_ReplyWithLongLong(ctx, more);
    RedisModule_ReplyWithLongLong(ctx, number == EINVAL);
    return RedisModule_ReplyWithLongLong(ctx, shown);
}

int RedisModule_OnLoad(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    REDISMODULE_NOT_USED(argv);
    REDISMODULE_NOT_USED(argc);
    if (RedisModule_Init(ctx, "dicts", 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    dict = RedisModule_CreateDict(NULL);
    if (RedisModule_CreateCommand(ctx, "dicts.change", change, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "dicts.walk", walk, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "dicts.automatic", automatic, "", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "dicts.scan", scan, "write", 0, 0, 0) == REDISMODULE_ERR ||
        RedisModule_CreateCommand(ctx, "dicts.elements", elements, "readonly", 1, 1, 1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    return REDISMODULE_OK;
}
