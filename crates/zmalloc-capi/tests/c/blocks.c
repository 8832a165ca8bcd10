/* Blocks: what each function promises of one, and that bytes in use are the sum of their sizes. */

#include <zmalloc.h>

#include "check.h"

#define SLOTS 300

struct held {
    void *block;
    size_t size;
    unsigned char fill;
};

static size_t start;

static size_t in_use(void) {
    return zmalloc_used_memory() - start;
}

static void check_counted(void *block, size_t size, size_t before) {
    CHECK(block != NULL);
    CHECK((uintptr_t)block % sizeof(void *) == 0);
    CHECK(zmalloc_size(block) >= size);
    CHECK(zmalloc_usable_size(block) == zmalloc_size(block));
    CHECK(in_use() == before + zmalloc_size(block));
}

static void each_size(void) {
    for (size_t size = 0; size < 3000; size += 1 + size / 50) {
        void *block = zmalloc(size);
        check_counted(block, size, 0);
        memset(block, 0x5a, size);
        zfree(block);
        CHECK(in_use() == 0);

        block = zcalloc(size);
        check_counted(block, size, 0);
        CHECK(holds(block, 0, size));
        zfree_with_size(block, zmalloc_size(block));
        CHECK(in_use() == 0);

        block = zcalloc_num(size, 7);
        check_counted(block, 7 * size, 0);
        CHECK(holds(block, 0, 7 * size));
        zfree_no_tcache(block);
        CHECK(in_use() == 0);

        block = zmalloc_no_tcache(size);
        check_counted(block, size, 0);
        zfree(block);

        block = zmalloc_cache_aligned(size);
        check_counted(block, size, 0);
        CHECK((uintptr_t)block % 64 == 0);
        zfree(block);
        CHECK(in_use() == 0);
    }
}

static void no_block_and_no_bytes(void) {
    zfree(NULL);
    zfree_with_size(NULL, 0);
    zfree_no_tcache(NULL);
    CHECK(zmalloc_size(NULL) == 0 && in_use() == 0);

    void *block = zrealloc(NULL, 0);
    check_counted(block, 0, 0);
    CHECK(zrealloc(block, 0) == NULL);
    CHECK(in_use() == 0);
    block = ztryrealloc(NULL, 100);
    check_counted(block, 100, 0);
    CHECK(ztryrealloc(block, 0) == NULL);
    CHECK(in_use() == 0);
}

static void resized(void) {
    char *block = zmalloc(10);
    memcpy(block, "0123456789", 10);
    for (size_t size = 10; size < 1000000; size = size * 3 / 2) {
        block = zrealloc(block, size);
        check_counted(block, size, 0);
        CHECK(memcmp(block, "0123456789", 10) == 0);
    }
    block = zrealloc(block, 5);
    check_counted(block, 5, 0);
    CHECK(memcmp(block, "01234", 5) == 0);
    CHECK(extend_to_usable(block, zmalloc_usable_size(block)) == block);
    zfree(block);
    CHECK(in_use() == 0);
}

static void strings(void) {
    for (size_t length = 0; length < 100; length++) {
        char text[100];
        memset(text, 'x', length);
        text[length] = '\0';
        char *copy = zstrdup(text);
        check_counted(copy, length + 1, 0);
        CHECK(copy != text && strcmp(copy, text) == 0);
        zfree(copy);
    }
}

/* A block that is too large for the thread's cache, whose pages the system takes. */
static void given_up(void) {
    size_t size = 1 << 20;
    unsigned char *block = zmalloc(size);
    memset(block, 1, size);
    zmadvise_dontneed(block);
    memset(block, 2, size);
    CHECK(holds(block, 2, size));
    check_counted(block, size, 0);
    zfree(block);
    zmadvise_dontneed(NULL);

    /* Less than a page: nothing is given up. */
    block = zmalloc(100);
    memset(block, 3, 100);
    zmadvise_dontneed(block);
    CHECK(holds(block, 3, 100));
    zfree(block);
    CHECK(in_use() == 0);
}

/* The library's own memory is not counted and goes back to it. */
static void of_the_c_library(void) {
    void *block = malloc(1000);
    CHECK(block != NULL && in_use() == 0);
    zlibc_free(block);
    zlibc_free(NULL);
    zlibc_trim();
}

/* Many blocks at once, each filled with a byte of its own. */
static void random_program(void) {
    static struct held slots[SLOTS];
    uint64_t random = 88172645463325252u;
    size_t sum = 0;
    for (size_t round = 0; round < rounds(200000); round++) {
        struct held *held = &slots[next_random(&random) % SLOTS];
        CHECK(holds(held->block, held->fill, held->size));
        sum -= zmalloc_size(held->block);
        size_t size = random_size(&random);
        switch (next_random(&random) % 5) {
        case 0:
            zfree(held->block);
            held->block = NULL;
            size = 0;
            break;
        case 1: {
            size_t kept = size < held->size ? size : held->size;
            held->block = zrealloc(held->block, size);
            CHECK((held->block == NULL) <= (size == 0));
            if (held->block != NULL) CHECK(holds(held->block, held->fill, kept));
            break;
        }
        case 2:
            zfree(held->block);
            held->block = zcalloc(size);
            CHECK(holds(held->block, 0, size));
            break;
        default:
            zfree(held->block);
            held->block = zmalloc(size);
            break;
        }
        held->size = size;
        held->fill = (unsigned char)round;
        if (held->block != NULL) memset(held->block, held->fill, held->size);
        sum += zmalloc_size(held->block);
        CHECK(in_use() == sum);
    }
    for (size_t i = 0; i < SLOTS; i++) zfree(slots[i].block);
    CHECK(in_use() == 0);
}

int main(void) {
    zfree(zmalloc(1));
    start = zmalloc_used_memory();
    each_size();
    no_block_and_no_bytes();
    resized();
    strings();
    given_up();
    of_the_c_library();
    random_program();
    return 0;
}
