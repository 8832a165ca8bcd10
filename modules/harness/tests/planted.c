/* A module with one bug: while it is loaded it reads a block of the server's that it has freed. */

#include <stddef.h>

typedef int (*get_api)(const char *name, void *place);

volatile char seen;

int RedisModule_OnLoad(void *context, void **arguments, int count) {
    (void)arguments;
    (void)count;
    get_api get = *(get_api *)context;
    void (*name_it)(void *, const char *, int, int);
    void *(*allocate)(size_t);
    void (*release)(void *);
    if (get("RedisModule_SetModuleAttribs", &name_it) || get("RedisModule_Alloc", &allocate) ||
        get("RedisModule_Free", &release)) {
        return 1;
    }
    name_it(context, "planted", 1, 1);
    volatile char *block = allocate(40);
    release((void *)block);
    seen = block[8];
    return 0;
}
