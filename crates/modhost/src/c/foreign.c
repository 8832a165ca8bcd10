/* The functions of the Module API that Rust can't define: nine take arguments of any number, five take or give a long
 * double. Each only turns what it was given into what a function in Rust takes, in src/foreign.rs. */

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Opaque here. */
typedef struct Ctx Ctx;
typedef struct Str Str;
typedef struct Key Key;
typedef struct Io Io;
typedef struct Reply Reply;

/* One argument of Call, Replicate or EmitAOF: what follows a letter of the format. */
struct argument {
    int letter;
    const void *pointer;
    size_t count;
    long long number;
};

Reply *modhost_call(Ctx *, const char *name, const char *format, const struct argument *, size_t count);
int modhost_replicate(Ctx *, const char *name, const char *format, const struct argument *, size_t count);
void modhost_emit_aof(Io *, const char *name, const char *format, const struct argument *, size_t count);
int modhost_hash_set(Key *, int flags, const void *const *pairs, size_t count);
int modhost_hash_get(Key *, int flags, void *const *pairs, size_t count);
void modhost_log(Ctx *, const char *level, const char *text, size_t len);
void modhost_log_io_error(Io *, const char *level, const char *text, size_t len);
Str *modhost_create_string(Ctx *, const char *text, size_t len);
int modhost_reply_with_error(Ctx *, const char *text, size_t len);
int modhost_reply_with_number(Ctx *, const char *text, size_t len);
const char *modhost_text(const Str *, size_t *len);
void modhost_save_text(Io *, const char *text, size_t len);
char *modhost_load_text(Io *, size_t *len);
void modhost_free_text(char *);

/* As many arguments as a format can have: its letters, none of which takes more than one. */
static size_t collect(const char *format, va_list list, struct argument *arguments)
{
    size_t count = 0;
    for (const char *at = format; *at != '\0'; at++) {
        struct argument *argument = &arguments[count];
        *argument = (struct argument){ .letter = *at };
        switch (*at) {
        case 'c':
        case 's':
            argument->pointer = va_arg(list, const void *);
            break;
        case 'b':
        case 'v':
            argument->pointer = va_arg(list, const void *);
            argument->count = va_arg(list, size_t);
            break;
        case 'l':
            argument->number = va_arg(list, long long);
            break;
        default:
            /* A flag, or a letter that is unknown: that one is found in Rust, and what follows it isn't looked at. */
            continue;
        }
        count++;
    }
    return count;
}

#define WITH_ARGUMENTS(format)                                  \
    struct argument arguments[strlen(format) + 1];              \
    va_list list;                                               \
    va_start(list, format);                                     \
    size_t count = collect(format, list, arguments);            \
    va_end(list)

Reply *modhost_Call(Ctx *ctx, const char *name, const char *format, ...)
{
    WITH_ARGUMENTS(format);
    return modhost_call(ctx, name, format, arguments, count);
}

int modhost_Replicate(Ctx *ctx, const char *name, const char *format, ...)
{
    WITH_ARGUMENTS(format);
    return modhost_replicate(ctx, name, format, arguments, count);
}

void modhost_EmitAOF(Io *io, const char *name, const char *format, ...)
{
    WITH_ARGUMENTS(format);
    modhost_emit_aof(io, name, format, arguments, count);
}

/* The pointers up to a NULL where a pair would begin; a pair's second may be NULL. */
static size_t count_pairs(va_list list)
{
    size_t count = 0;
    while (va_arg(list, void *) != NULL) {
        (void)va_arg(list, void *);
        count += 2;
    }
    return count;
}

#define WITH_PAIRS(last)                                        \
    va_list list, counted;                                      \
    va_start(list, last);                                       \
    va_copy(counted, list);                                     \
    size_t count = count_pairs(counted);                        \
    va_end(counted);                                            \
    void *pairs[count + 1];                                     \
    for (size_t at = 0; at < count; at++)                       \
        pairs[at] = va_arg(list, void *);                       \
    va_end(list)

int modhost_HashSet(Key *key, int flags, ...)
{
    WITH_PAIRS(flags);
    return modhost_hash_set(key, flags, (const void *const *)pairs, count);
}

int modhost_HashGet(Key *key, int flags, ...)
{
    WITH_PAIRS(flags);
    return modhost_hash_get(key, flags, pairs, count);
}

/* A text as printf makes it, in `room` if it fits there; what is too long for it is allocated. */
static char *print(char *room, size_t size, size_t *len, const char *format, va_list list)
{
    va_list again;
    va_copy(again, list);
    int needed = vsnprintf(room, size, format, list);
    char *text = room;
    *len = needed < 0 ? 0 : (size_t)needed;
    if (*len >= size) {
        text = malloc(*len + 1);
        if (text == NULL) {
            text = room;
            *len = size - 1;
        } else {
            vsnprintf(text, *len + 1, format, again);
        }
    }
    va_end(again);
    return text;
}

#define WITH_TEXT(format)                                       \
    char room[1024];                                            \
    size_t len;                                                 \
    va_list list;                                               \
    va_start(list, format);                                     \
    char *text = print(room, sizeof(room), &len, format, list); \
    va_end(list)

static void forget(char *text, const char *room)
{
    if (text != room)
        free(text);
}

void modhost_Log(Ctx *ctx, const char *level, const char *format, ...)
{
    WITH_TEXT(format);
    modhost_log(ctx, level, text, len);
    forget(text, room);
}

void modhost_LogIOError(Io *io, const char *level, const char *format, ...)
{
    WITH_TEXT(format);
    modhost_log_io_error(io, level, text, len);
    forget(text, room);
}

Str *modhost_CreateStringPrintf(Ctx *ctx, const char *format, ...)
{
    WITH_TEXT(format);
    Str *string = modhost_create_string(ctx, text, len);
    forget(text, room);
    return string;
}

int modhost_ReplyWithErrorFormat(Ctx *ctx, const char *format, ...)
{
    WITH_TEXT(format);
    int status = modhost_reply_with_error(ctx, text, len);
    forget(text, room);
    return status;
}

/* A number as INCRBYFLOAT writes one (for people: 17 digits behind the point at most, and no zeros at the end), or with
 * 17 significant digits. The longest long double has 4,933 digits before its point. */
#define NUMBER 5120

static size_t format_number(char text[NUMBER], long double number, int for_people)
{
    if (isinf(number))
        return (size_t)snprintf(text, NUMBER, number > 0 ? "inf" : "-inf");
    if (!for_people)
        return (size_t)snprintf(text, NUMBER, "%.17Lg", number);
    size_t len = (size_t)snprintf(text, NUMBER, "%.17Lf", number);
    if (strchr(text, '.') != NULL) {
        while (text[len - 1] == '0')
            len--;
        if (text[len - 1] == '.')
            len--;
    }
    if (len == 2 && text[0] == '-' && text[1] == '0') {
        text[0] = '0';
        len = 1;
    }
    return len;
}

Str *modhost_CreateStringFromLongDouble(Ctx *ctx, long double number, int for_people)
{
    char text[NUMBER];
    return modhost_create_string(ctx, text, format_number(text, number, for_people));
}

int modhost_ReplyWithLongDouble(Ctx *ctx, long double number)
{
    char text[NUMBER];
    return modhost_reply_with_number(ctx, text, format_number(text, number, 1));
}

int modhost_StringToLongDouble(const Str *string, long double *number)
{
    size_t len;
    const char *text = modhost_text(string, &len);
    char *end;
    if (text == NULL || len == 0 || strchr(" \t\n\v\f\r", text[0]) != NULL)
        return 1;
    errno = 0;
    long double value = strtold(text, &end);
    int is_out_of_range = errno == ERANGE && (isinf(value) || value == 0.0L);
    if ((size_t)(end - text) != len || is_out_of_range || isnan(value))
        return 1;
    *number = value;
    return 0;
}

/* Saved as a text, in hexadecimal so that no bit is lost. */
void modhost_SaveLongDouble(Io *io, long double number)
{
    char text[NUMBER];
    modhost_save_text(io, text, (size_t)snprintf(text, sizeof(text), "%La", number));
}

long double modhost_LoadLongDouble(Io *io)
{
    size_t len;
    char *text = modhost_load_text(io, &len);
    if (text == NULL)
        return 0;
    long double number = strtold(text, NULL);
    modhost_free_text(text);
    return number;
}
