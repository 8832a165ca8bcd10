/* The forms that return NULL: nothing has changed then. */

#include <zmalloc.h>

#include "check.h"

static void too_large(size_t size) {
    size_t used = zmalloc_used_memory();
    char *block = zstrdup("kept");
    size_t with_block = zmalloc_used_memory();
    CHECK(ztrymalloc(size) == NULL);
    CHECK(ztrycalloc(size) == NULL);
    CHECK(ztryrealloc(NULL, size) == NULL);
    CHECK(ztryrealloc(block, size) == NULL);
    CHECK(zmalloc_used_memory() == with_block);
    CHECK(strcmp(block, "kept") == 0);
    zfree(block);
    CHECK(zmalloc_used_memory() == used);
}

/* A limit refuses as a lack of memory does, and lets through again what was freed. */
static void limited(void) {
    size_t before = zmalloc_used_memory();
    zmalloc_set_limit(before + (8 << 20));
    void *blocks[64];
    size_t count = 0;
    while (count < 64 && (blocks[count] = ztrymalloc(1 << 20)) != NULL) count++;
    CHECK(count >= 4 && count <= 8);
    CHECK(zmalloc_used_memory() <= before + (8 << 20));
    size_t used = zmalloc_used_memory();
    CHECK(ztrycalloc(2 << 20) == NULL);
    CHECK(ztryrealloc(blocks[0], 16 << 20) == NULL);
    CHECK(zmalloc_used_memory() == used);

    zfree(blocks[--count]);
    CHECK((blocks[count] = ztrymalloc(1 << 20)) != NULL);
    count++;
    zmalloc_set_limit(0);
    void *more = ztrymalloc(16 << 20);
    CHECK(more != NULL);
    zfree(more);
    while (count > 0) zfree(blocks[--count]);
    CHECK(zmalloc_used_memory() == before);
    CHECK(zmalloc_peak_memory() >= used);
}

int main(void) {
    zfree(zmalloc(1));
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 7, SIZE_MAX / 2 + 1, SIZE_MAX / 2 - 4095, SIZE_MAX / 4};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) too_large(sizes[i]);

    void *block = ztrymalloc(100);
    CHECK(block != NULL);
    block = ztryrealloc(block, 200);
    CHECK(block != NULL);
    zfree(block);
    block = ztrycalloc(300);
    CHECK(block != NULL && holds(block, 0, 300));
    zfree(block);
    limited();
    return 0;
}
