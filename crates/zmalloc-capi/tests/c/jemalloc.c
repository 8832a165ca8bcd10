/* What Redis calls of jemalloc directly, and the functions that only it has with jemalloc. */

#include <errno.h>

#define ZMALLOC_API_REDIS 80000
#include <zmalloc.h>

#include "check.h"

static size_t start;

static void check_counted(void *block, size_t size) {
    CHECK(block != NULL && je_malloc_usable_size(block) >= size);
    CHECK(je_sallocx(block, 0) == je_malloc_usable_size(block));
    CHECK(zmalloc_size(block) == je_malloc_usable_size(block));
    CHECK(zmalloc_used_memory() - start == zmalloc_size(block));
}

static void of_the_standard(void) {
    char *block = je_malloc(100);
    check_counted(block, 100);
    memcpy(block, "content", 8);
    block = je_realloc(block, 5000);
    check_counted(block, 5000);
    CHECK(strcmp(block, "content") == 0);
    je_free(block);
    block = je_calloc(30, 50);
    check_counted(block, 1500);
    CHECK(holds(block, 0, 1500));
    CHECK(je_realloc(block, 0) == NULL);
    je_free(NULL);
    CHECK(je_calloc(SIZE_MAX / 2, 3) == NULL && je_malloc(SIZE_MAX) == NULL);
    CHECK(zmalloc_used_memory() == start);
}

static void aligned(void) {
    for (size_t alignment = 8; alignment <= 1 << 20; alignment *= 2) {
        void *block = je_aligned_alloc(alignment, 100);
        check_counted(block, 100);
        CHECK((uintptr_t)block % alignment == 0);
        je_sdallocx(block, 100, MALLOCX_ALIGN(alignment));
        CHECK(je_posix_memalign(&block, alignment, 3000) == 0);
        check_counted(block, 3000);
        CHECK((uintptr_t)block % alignment == 0);
        zfree(block);
    }
    void *block = NULL;
    CHECK(je_posix_memalign(&block, 24, 100) == EINVAL && je_posix_memalign(&block, 4, 100) == EINVAL);
    CHECK(je_posix_memalign(&block, 64, SIZE_MAX / 2) == ENOMEM);
    CHECK(block == NULL && je_aligned_alloc(3, 3) == NULL);
}

static void with_flags(void) {
    for (size_t size = 1; size < 100000; size = size * 5 / 4 + 1) {
        unsigned char *block = je_mallocx(size, MALLOCX_ZERO | MALLOCX_TCACHE_NONE);
        check_counted(block, size);
        CHECK(holds(block, 0, size));
        CHECK(je_nallocx(size, 0) == zmalloc_size(block));
        memset(block, 9, size);
        block = je_rallocx(block, size + 50, MALLOCX_ALIGN(64));
        check_counted(block, size + 50);
        CHECK(holds(block, 9, size) && (uintptr_t)block % 64 == 0);
        size_t now = je_xallocx(block, size + 50, 100000, 0);
        check_counted(block, size + 50);
        CHECK(now == zmalloc_size(block));
        CHECK(je_xallocx(block, 1, 0, 0) == zmalloc_size(block));
        check_counted(block, 1);
        je_dallocx(block, MALLOCX_TCACHE_NONE);
        CHECK(zmalloc_used_memory() == start);
    }
}

/* An arena and a thread cache of the program's own, as Redis 8 has them for scripts. */
static void in_an_arena(void) {
    unsigned arena, cache;
    size_t length = sizeof(arena);
    CHECK(je_mallctl("arenas.create", &arena, &length, NULL, 0) == 0);
    length = sizeof(cache);
    CHECK(je_mallctl("tcache.create", &cache, &length, NULL, 0) == 0);
    int flags = MALLOCX_ARENA(arena) | MALLOCX_TCACHE(cache);

    size_t small = 0, active = 0, resident = 0, fragmentation = 0;
    void *block = zmalloc_with_flags(0, flags);
    check_counted(block, 1);
    block = zrealloc_with_flags(block, 3000, flags);
    check_counted(block, 3000);
    CHECK(zmalloc_get_allocator_info_by_arena(arena, 1, &small, &active, &resident, &fragmentation) == 1);
    CHECK(small >= 3000 && active >= small && resident >= active && fragmentation > 0);
    zfree_with_flags(block, flags);
    block = zrealloc_with_flags(NULL, 500, flags);
    check_counted(block, 500);
    CHECK(zrealloc_with_flags(block, 0, flags) == NULL);
    zfree_with_flags(NULL, flags);
    CHECK(zmalloc_used_memory() == start);
    CHECK(je_mallctl("tcache.destroy", NULL, NULL, &cache, sizeof(cache)) == 0);
}

static void figures(void) {
    size_t allocated, active, resident, retained, muzzy, fragmentation, again;
    CHECK(zmalloc_get_allocator_info(1, &allocated, &active, &resident, &retained, &muzzy, &fragmentation));
    CHECK(allocated <= active && active <= resident && fragmentation < active);
    void *block = zmalloc(32 << 20);
    /* Not refreshed: as before. */
    CHECK(zmalloc_get_allocator_info(0, &again, &active, &resident, &retained, &muzzy, &fragmentation));
    CHECK(again == allocated);
    CHECK(zmalloc_get_allocator_info(1, &again, &active, &resident, &retained, &muzzy, &fragmentation));
    /* Caches of threads that were emptied meanwhile lower it a little. */
    CHECK(again >= allocated + (31 << 20));
    zfree(block);
    CHECK(zmalloc_get_allocator_info_by_arena(4000, 1, &allocated, &active, &resident, &fragmentation) == 0);
    CHECK(allocated == 0 && active == 0 && resident == 0 && fragmentation == 0);
}

static void collect(void *length, const char *piece) {
    *(size_t *)length += strlen(piece);
}

static void control(void) {
    const char *version;
    size_t length = sizeof(version);
    CHECK(je_mallctl("version", &version, &length, NULL, 0) == 0);
    char expected[32];
    snprintf(expected, sizeof(expected), "%d.%d.%d-", JEMALLOC_VERSION_MAJOR, JEMALLOC_VERSION_MINOR,
             JEMALLOC_VERSION_BUGFIX);
    CHECK(strncmp(version, expected, strlen(expected)) == 0);
    CHECK(je_mallctl("no.such.node", NULL, NULL, NULL, 0) == ENOENT);

    size_t mib[4], parts = 4, size;
    CHECK(je_mallctlnametomib("arenas.bin.0.size", mib, &parts) == 0 && parts == 4);
    length = sizeof(size);
    CHECK(je_mallctlbymib(mib, parts, &size, &length, NULL, 0) == 0 && size == 8);

    size_t report = 0;
    je_malloc_stats_print(collect, &report, NULL);
    CHECK(report > 1000);
}

/* Under a limit jemalloc's calls are refused like others. */
static void limited(void) {
    zmalloc_set_limit(zmalloc_used_memory() + (4 << 20));
    CHECK(je_malloc(8 << 20) == NULL && je_mallocx(8 << 20, 0) == NULL);
    CHECK(je_aligned_alloc(4096, 8 << 20) == NULL && je_calloc(8, 1 << 20) == NULL);
    void *block = je_mallocx(1 << 20, 0);
    check_counted(block, 1 << 20);
    CHECK(je_rallocx(block, 8 << 20, 0) == NULL);
    CHECK(je_xallocx(block, 8 << 20, 0, 0) == zmalloc_size(block));
    check_counted(block, 1 << 20);
    CHECK(je_xallocx(block, 1 << 19, 0, 0) == zmalloc_size(block));
    check_counted(block, 1 << 19);
    je_dallocx(block, 0);
    zmalloc_set_limit(0);
    block = je_mallocx(8 << 20, 0);
    check_counted(block, 8 << 20);
    je_free(block);
    CHECK(zmalloc_used_memory() == start);
}

int main(void) {
    zfree(zmalloc(1));
    start = zmalloc_used_memory();
    of_the_standard();
    aligned();
    with_flags();
    in_an_arena();
    figures();
    control();
    limited();
    return 0;
}
