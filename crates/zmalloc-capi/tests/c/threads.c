/* Threads: blocks that one allocates and another frees, and what is left when all have ended. */

#include <pthread.h>
#include <zmalloc.h>

#include "check.h"

#define THREADS 4
#define SLOTS 256

/* Where threads leave blocks for each other. */
static struct {
    pthread_mutex_t lock;
    void *blocks[SLOTS];
} exchange = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Puts a block into a slot and takes the one out that was there. */
static void *swap(size_t slot, void *block) {
    CHECK(pthread_mutex_lock(&exchange.lock) == 0);
    void *other = exchange.blocks[slot];
    exchange.blocks[slot] = block;
    CHECK(pthread_mutex_unlock(&exchange.lock) == 0);
    return other;
}

static void *exchanges(void *seed) {
    uint64_t random = (uintptr_t)seed * 2654435761u + 1;
    for (size_t round = 0; round < rounds(100000); round++) {
        size_t size = random_size(&random);
        unsigned char *block = round % 3 == 0 ? zcalloc(size + 1) : zmalloc(size + 1);
        block[0] = (unsigned char)round;
        block[size] = (unsigned char)round;
        unsigned char *other = swap(next_random(&random) % SLOTS, block);
        if (other != NULL && round % 2 == 0) {
            unsigned char first = other[0];
            other = zrealloc(other, size + 10);
            CHECK(other[0] == first);
        }
        zfree(other);
    }
    return NULL;
}

static void *frees_all(void *unused) {
    (void)unused;
    for (size_t slot = 0; slot < SLOTS; slot++) zfree(swap(slot, NULL));
    return NULL;
}

/* Runs a function on threads of their own, to their end. */
static void run(size_t threads, void *(*function)(void *)) {
    pthread_t handles[THREADS];
    CHECK(threads <= THREADS);
    for (size_t i = 0; i < threads; i++)
        CHECK(pthread_create(&handles[i], NULL, function, (void *)(uintptr_t)(i + 1)) == 0);
    for (size_t i = 0; i < threads; i++) CHECK(pthread_join(handles[i], NULL) == 0);
}

static size_t left(void) {
    size_t sum = 0;
    for (size_t slot = 0; slot < SLOTS; slot++) sum += zmalloc_size(exchange.blocks[slot]);
    return sum;
}

static void *allocates_one(void *unused) {
    (void)unused;
    void *block = zmalloc(64);
    memset(block, 1, 64);
    zfree(swap(0, block));
    return NULL;
}

static pthread_key_t key;

/* Runs while its thread ends, before or after the library has seen that. The second round of such
 * functions is surely after. */
static void frees_late(void *block) {
    void *other = zmalloc(500);
    memset(other, 2, 500);
    zfree(other);
    unsigned char *bytes = block;
    if (bytes[0] == 0) {
        bytes[0] = 1;
        CHECK(pthread_setspecific(key, block) == 0);
    } else {
        zfree(block);
    }
}

static void *leaves_a_block(void *unused) {
    (void)unused;
    CHECK(pthread_setspecific(key, zcalloc(200)) == 0);
    return NULL;
}

#ifdef USE_JEMALLOC
/* Knows jemalloc's names alone. */
static void *by_jemalloc(void *unused) {
    (void)unused;
    void *other = swap(1, je_mallocx(5000, MALLOCX_ALIGN(256)));
    if (other != NULL) je_dallocx(other, 0);
    je_free(swap(2, je_malloc(100)));
    return NULL;
}
#endif

int main(void) {
    zfree(zmalloc(1));
    size_t start = zmalloc_used_memory();
    run(THREADS, exchanges);
    CHECK(zmalloc_used_memory() - start == left());
    /* A thread that has never allocated frees what others did. */
    run(1, frees_all);
    CHECK(zmalloc_used_memory() == start);

    for (size_t i = 0; i < rounds(5000); i++) run(1, allocates_one);
    CHECK(zmalloc_used_memory() - start == left());
    CHECK(pthread_key_create(&key, frees_late) == 0);
    for (size_t i = 0; i < rounds(500); i++) run(2, leaves_a_block);
    CHECK(zmalloc_used_memory() - start == left());
#ifdef USE_JEMALLOC
    for (size_t i = 0; i < rounds(1000); i++) run(2, by_jemalloc);
    CHECK(zmalloc_used_memory() - start == left());
#endif
    run(1, frees_all);
    CHECK(zmalloc_used_memory() == start);
    return 0;
}
