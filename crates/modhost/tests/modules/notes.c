/* A module that needs no header: one note, kept in a block that may be refused.
 *
 * note.put text : keeps it, in the place of the one before.
 * note.get : the note, or an empty text. */

#include <string.h>

typedef int (*command)(void *ctx, void **argv, int argc);

static void *(*try_alloc)(size_t bytes);
static void (*release)(void *block);
static const char *(*text_of)(const void *string, size_t *len);
static int (*reply_text)(void *ctx, const char *text, size_t len);
static int (*reply_error)(void *ctx, const char *error);

static char *note;
static size_t note_len;

static int put(void *ctx, void **argv, int argc)
{
    if (argc != 2)
        return reply_error(ctx, "ERR one text, please");
    size_t len;
    const char *text = text_of(argv[1], &len);
    char *copy = try_alloc(len + 1);
    if (copy == NULL)
        return reply_error(ctx, "ERR no memory for that note");
    memcpy(copy, text, len);
    release(note);
    note = copy, note_len = len;
    return reply_text(ctx, note, note_len);
}

static int get(void *ctx, void **argv, int argc)
{
    (void)argv, (void)argc;
    return reply_text(ctx, note, note_len);
}

int RedisModule_OnLoad(void *ctx, void **argv, int argc)
{
    (void)argv, (void)argc;
    int (*find)(const char *name, void *target) = *(int (**)(const char *, void *))ctx;
    void (*name_module)(void *ctx, const char *name, int version, int api);
    int (*create)(void *ctx, const char *name, command run, const char *flags, int first, int last, int step);
    find("RedisModule_TryAlloc", &try_alloc);
    find("RedisModule_Free", &release);
    find("RedisModule_StringPtrLen", &text_of);
    find("RedisModule_ReplyWithStringBuffer", &reply_text);
    find("RedisModule_ReplyWithError", &reply_error);
    find("RedisModule_SetModuleAttribs", &name_module);
    find("RedisModule_CreateCommand", &create);
    name_module(ctx, "notes", 1, 1);
    return create(ctx, "note.put", put, "write", 0, 0, 0) || create(ctx, "note.get", get, "readonly", 0, 0, 0);
}

int RedisModule_OnUnload(void *ctx)
{
    (void)ctx;
    release(note);
    return 0;
}
