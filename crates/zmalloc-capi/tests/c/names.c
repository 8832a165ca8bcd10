/* How often names of jemalloc's control tree are looked up: linked so that the calls that do it come
 * here first. Each name that figures are read by is looked up once, however often they are read. */

#include <unistd.h>

#define ZMALLOC_API_REDIS 80000
#include <zmalloc.h>

#include "check.h"

int __real__rjem_mallctlnametomib(const char *name, size_t *mibp, size_t *miblenp);
int __real__rjem_mallctl(const char *name, void *oldp, size_t *oldlenp, void *newp, size_t newlen);
int __wrap__rjem_mallctlnametomib(const char *name, size_t *mibp, size_t *miblenp);
int __wrap__rjem_mallctl(const char *name, void *oldp, size_t *oldlenp, void *newp, size_t newlen);

static struct {
    const char *name;
    size_t count;
} resolved[200];

static size_t lookups, by_name;

int __wrap__rjem_mallctlnametomib(const char *name, size_t *mibp, size_t *miblenp) {
    size_t i = 0;
    while (resolved[i].name != NULL && strcmp(resolved[i].name, name) != 0) CHECK(++i < 200);
    resolved[i].name = name;
    resolved[i].count++;
    lookups++;
    return __real__rjem_mallctlnametomib(name, mibp, miblenp);
}

int __wrap__rjem_mallctl(const char *name, void *oldp, size_t *oldlenp, void *newp, size_t newlen) {
    by_name++;
    return __real__rjem_mallctl(name, oldp, oldlenp, newp, newlen);
}

/* All figures, refreshed and not, and the survey behind je_get_defrag_hint(). */
static void read_all(void *block) {
    size_t figures[6];
    size_t *a = &figures[0], *b = &figures[1], *c = &figures[2];
    size_t *d = &figures[3], *e = &figures[4], *f = &figures[5];
    for (int refresh = 0; refresh < 2; refresh++) {
        CHECK(zmalloc_get_allocator_info(refresh, a, b, c, d, e, f) == 1);
        CHECK(zmalloc_get_allocator_info_by_arena(0, refresh, a, b, c, d) == 1);
    }
    CHECK(usleep(2000) == 0);
    for (int i = 0; i < 64; i++) CHECK(je_get_defrag_hint(block) == 0);
}

int main(void) {
    void *block = zmalloc(100);
    read_all(block);
    size_t lookups_first = lookups, by_name_first = by_name;
    CHECK(lookups_first > 40);
    for (int i = 0; i < 100; i++) read_all(block);
    CHECK(lookups == lookups_first && by_name == by_name_first);
    /* Once by whoever reads it: the figures here and the survey have nodes in common. */
    for (size_t i = 0; resolved[i].name != NULL; i++) CHECK(resolved[i].count <= 2);
    zfree(block);
    return 0;
}
