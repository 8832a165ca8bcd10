/* The forms that tell a block's usable size: it is right whatever happens to the request. */

#include <zmalloc.h>

#include "check.h"

/* What a place holds that was not written. */
#define UNWRITTEN ((size_t)-7)

/* More than half of the address space, and what the address space has no room for. */
static const size_t HOPELESS[] = {SIZE_MAX, SIZE_MAX - 8, SIZE_MAX / 2 + 1, SIZE_MAX / 2 - 4096};

static void *told(void *block, size_t size, size_t *usable) {
    CHECK(block != NULL);
    CHECK(*usable == zmalloc_size(block) && *usable >= size);
    memset(block, 0x77, *usable);
    *usable = UNWRITTEN;
    return block;
}

static void met(size_t size) {
    size_t usable = UNWRITTEN, old = UNWRITTEN;
    zfree(told(zmalloc_usable(size, &usable), size, &usable));
    zfree(told(ztrymalloc_usable(size, &usable), size, &usable));

    void *block = zcalloc_usable(size, &usable);
    CHECK(holds(block, 0, size));
    zfree(told(block, size, &usable));
    block = ztrycalloc_usable(size, &usable);
    CHECK(holds(block, 0, size));
    block = told(block, size, &usable);

    size_t before = zmalloc_size(block);
    block = told(zrealloc_usable2(block, size + 100, &usable, &old), size + 100, &usable);
    CHECK(old == before);
    before = zmalloc_size(block);
    block = told(ztryrealloc_usable2(block, size + 5000, &usable, &old), size + 5000, &usable);
    CHECK(old == before);
    block = told(zrealloc_usable(block, size + 1, &usable), size + 1, &usable);
    block = told(ztryrealloc_usable(block, size + 300, &usable), size + 300, &usable);

    before = zmalloc_size(block);
    zfree_usable(block, &usable);
    CHECK(usable == before);

    block = told(zrealloc_usable2(NULL, size, &usable, &old), size, &usable);
    CHECK(old == 0);
    zfree(block);
}

static void to_no_bytes(void) {
    size_t used = zmalloc_used_memory();
    size_t usable = UNWRITTEN, old = UNWRITTEN;
    CHECK(zrealloc_usable(zmalloc(10), 0, &usable) == NULL && usable == 0);
    usable = UNWRITTEN;
    CHECK(ztryrealloc_usable(zmalloc(10), 0, &usable) == NULL && usable == 0);
    void *block = zmalloc(1000);
    size_t before = zmalloc_size(block);
    usable = UNWRITTEN;
    CHECK(zrealloc_usable2(block, 0, &usable, &old) == NULL && usable == 0 && old == before);
    usable = old = UNWRITTEN;
    CHECK(ztryrealloc_usable2(zmalloc(1000), 0, &usable, &old) == NULL);
    CHECK(usable == 0 && old == before);
    usable = UNWRITTEN;
    zfree_usable(NULL, &usable);
    CHECK(usable == 0 && zmalloc_used_memory() == used);
}

static void not_met(size_t size) {
    size_t usable = UNWRITTEN, old = UNWRITTEN;
    CHECK(ztrymalloc_usable(size, &usable) == NULL && usable == 0);
    usable = UNWRITTEN;
    CHECK(ztrycalloc_usable(size, &usable) == NULL && usable == 0);
    usable = UNWRITTEN;
    CHECK(ztryrealloc_usable(NULL, size, &usable) == NULL && usable == 0);

    char *block = zstrdup("kept");
    size_t before = zmalloc_size(block);
    usable = UNWRITTEN;
    CHECK(ztryrealloc_usable(block, size, &usable) == NULL && usable == 0);
    usable = UNWRITTEN;
    CHECK(ztryrealloc_usable2(block, size, &usable, &old) == NULL && usable == 0 && old == before);
    CHECK(strcmp(block, "kept") == 0 && zmalloc_size(block) == before);
    zfree(block);
}

/* Whoever doesn't want to know passes NULL. */
static void not_told(void) {
    zfree(zmalloc_usable(10, NULL));
    zfree(zcalloc_usable(10, NULL));
    zfree(ztrymalloc_usable(10, NULL));
    zfree(ztrycalloc_usable(10, NULL));
    void *block = zrealloc_usable2(NULL, 10, NULL, NULL);
    block = ztryrealloc_usable2(block, 20, NULL, NULL);
    block = zrealloc_usable(block, 30, NULL);
    zfree_usable(ztryrealloc_usable(block, 40, NULL), NULL);
    zfree(zstrdup_usable("text", NULL));
    CHECK(ztrymalloc_usable(SIZE_MAX, NULL) == NULL);
}

int main(void) {
    zfree(zmalloc(1));
    size_t start = zmalloc_used_memory();
    for (size_t size = 0; size < 40000; size += 1 + size / 20) met(size);
    to_no_bytes();
    for (size_t i = 0; i < sizeof(HOPELESS) / sizeof(*HOPELESS); i++) not_met(HOPELESS[i]);
    not_told();

    size_t usable = UNWRITTEN;
    char *copy = zstrdup_usable("a string", &usable);
    CHECK(strcmp(copy, "a string") == 0);
    zfree(told(copy, 9, &usable));
    CHECK(zmalloc_used_memory() == start);
    return 0;
}
