/* Valkey's names and forms: those that its own header gives the functions by macros. */

#define ZMALLOC_API_VALKEY 90100
#include <zmalloc.h>

#include "check.h"

/* What Valkey's objects refer to, since its header has these macros; declared as they are there. */
extern void *(valkey_malloc)(size_t size);
extern void *(valkey_calloc)(size_t size);
extern void *(valkey_realloc)(void *ptr, size_t size);
extern void(valkey_free)(void *ptr);
extern void *(valkey_malloc_cache_aligned)(size_t size);

static void the_names_are_the_same_functions(void) {
    CHECK(zmalloc == valkey_malloc && zcalloc == valkey_calloc && zrealloc == valkey_realloc);
    CHECK(zfree == valkey_free && zmalloc_cache_aligned == valkey_malloc_cache_aligned);
    size_t start = zmalloc_used_memory();
    unsigned char *block = valkey_malloc(100);
    memset(block, 5, 100);
    block = valkey_realloc(block, 10000);
    CHECK(holds(block, 5, 100) && zmalloc_used_memory() - start == zmalloc_size(block));
    zfree_with_size(block, zmalloc_size(block));
    CHECK(zmalloc_used_memory() == start);
    block = valkey_calloc(3000);
    CHECK(holds(block, 0, 3000));
    valkey_free(block);
    for (size_t size = 0; size < 5000; size += 7) {
        block = valkey_malloc_cache_aligned(size);
        CHECK((uintptr_t)block % 64 == 0 && zmalloc_size(block) >= size);
        memset(block, 1, size);
        valkey_free(block);
    }
    CHECK(zmalloc_used_memory() == start);
}

/* A size that is said decides whether the block is looked at; a large one's pages are gone. */
static void given_up_by_size(void) {
    const size_t size = 1 << 20;
    unsigned char *block = zmalloc(size);
    memset(block, 1, size);
    zmadvise_dontneed(block, 100);
    CHECK(holds(block, 1, size));
    zmadvise_dontneed(block, size);
    CHECK(holds(block + (1 << 19), 0, 4096));
    memset(block, 1, size);
    zmadvise_dontneed(block, 0);
    CHECK(holds(block + (1 << 19), 0, 4096));
    zfree(block);
    zmadvise_dontneed(NULL, 0);
}

static void figures(void) {
    size_t allocated = 1, active = 1, resident = 1, retained = 1, muzzy = 1;
    int known = zmalloc_get_allocator_info(&allocated, &active, &resident, &retained, &muzzy);
    CHECK(known ? allocated <= active : allocated + active + resident + retained + muzzy == 0);
}

int main(void) {
    the_names_are_the_same_functions();
    given_up_by_size();
    figures();
    return 0;
}
