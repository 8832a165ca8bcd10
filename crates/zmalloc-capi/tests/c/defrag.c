/* The question that Redis's defragmentation asks of jemalloc, asked as Redis does: of one block after
 * the other, each moved past the thread's cache where the answer is yes. */

#include <pthread.h>
#include <unistd.h>

#define ZMALLOC_API_REDIS 80000
#include <zmalloc.h>

#include "check.h"

#if !defined(JEMALLOC_FRAG_HINT) || !defined(HAVE_DEFRAG)
#error "Redis would refuse to defragment"
#endif

#define COUNT 200000

static unsigned char *blocks[COUNT];

static size_t size_of(size_t number) {
    return 24 + number % 16 * 24;
}

static size_t active(void) {
    size_t active;
    CHECK(zmalloc_get_allocator_info(1, NULL, &active, NULL, NULL, NULL, NULL) == 1);
    return active;
}

static void fill(size_t number) {
    blocks[number] = zmalloc(size_of(number));
    memset(blocks[number], (int)(number % 251), size_of(number));
}

/* Leaves one block in ten, at random, so that hardly a page falls free. */
static void thin_out(void) {
    uint64_t random = 88172645463325252u;
    for (size_t i = 0; i < COUNT; i++) {
        if (next_random(&random) % 10 == 0) continue;
        zfree(blocks[i]);
        blocks[i] = NULL;
    }
}

/* One pass over the blocks. Returns how many have moved. */
static size_t pass(void) {
    size_t moved = 0;
    for (size_t i = 0; i < COUNT; i++) {
        if (blocks[i] == NULL) continue;
        int hint = je_get_defrag_hint(blocks[i]);
        CHECK(hint == 0 || hint == 1);
        if (!hint) continue;
        size_t size = zmalloc_size(blocks[i]);
        void *other = zmalloc_no_tcache(size);
        memcpy(other, blocks[i], size);
        zfree_no_tcache(blocks[i]);
        blocks[i] = other;
        moved++;
    }
    return moved;
}

static size_t count_left(void) {
    size_t left = 0;
    for (size_t i = 0; i < COUNT; i++) {
        if (blocks[i] == NULL) continue;
        left++;
        CHECK(holds(blocks[i], (unsigned char)(i % 251), size_of(i)));
    }
    return left;
}

/* Long enough for any survey to have grown old. */
static void wait_for_a_new_survey(void) {
    CHECK(usleep(150000) == 0);
}

static void what_is_sparse_moves_together_and_then_stays(void) {
    for (size_t i = 0; i < COUNT; i++) fill(i);
    size_t full = active();
    CHECK(pass() < COUNT / 100);
    thin_out();
    size_t left = count_left(), used = zmalloc_used_memory(), moved = 0, passes = 0;
    CHECK(active() > full / 2);
    while (active() > full / 5) {
        wait_for_a_new_survey();
        moved += pass();
        CHECK(++passes < 10);
    }
    CHECK(moved > left / 2);
    CHECK(count_left() == left && zmalloc_used_memory() == used);
    /* It comes to an end: what is together stays. */
    do {
        wait_for_a_new_survey();
        CHECK(++passes < 20);
    } while (pass() > left / 100);
}

/* A survey that is as wrong as can be: taken of one heap, asked about another within its time. */
static void an_old_survey_answers(void) {
    je_get_defrag_hint(blocks[0]);
    for (size_t round = 0; round < 20; round++) {
        for (size_t i = 0; i < COUNT; i++)
            if (blocks[i] == NULL) fill(i);
        pass();
        thin_out();
        pass();
    }
    count_left();
}

static void odd_addresses_answer(void) {
    CHECK(je_get_defrag_hint(NULL) == 0);
    /* No moving would save a page. */
    void *large = zmalloc(1 << 20);
    CHECK(je_get_defrag_hint(large) == 0);
    zfree(large);
    /* They mean nothing, but do no harm. */
    int local = je_get_defrag_hint(large);
    CHECK((local | 1) == 1 && (je_get_defrag_hint(&local) | 1) == 1);
    CHECK((je_get_defrag_hint((void *)8) | 1) == 1);
}

/* A part of the blocks, which this thread alone looks at. */
static void *asks(void *argument) {
    size_t part = (uintptr_t)argument;
    for (size_t round = 0; round < 10; round++) {
        for (size_t i = part; i < COUNT; i += 4) {
            if (blocks[i] == NULL && round % 2 == 0) fill(i);
            if (blocks[i] == NULL) continue;
            if (je_get_defrag_hint(blocks[i]) || (i / 4 + round) % 3 == 0) {
                zfree_no_tcache(blocks[i]);
                blocks[i] = NULL;
            }
        }
    }
    return NULL;
}

static void threads_ask_by_themselves(void) {
    pthread_t threads[4];
    for (uintptr_t i = 0; i < 4; i++) CHECK(pthread_create(&threads[i], NULL, asks, (void *)i) == 0);
    for (size_t i = 0; i < 4; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    count_left();
}

int main(void) {
    size_t start = zmalloc_used_memory();
    what_is_sparse_moves_together_and_then_stays();
    an_old_survey_answers();
    odd_addresses_answer();
    threads_ask_by_themselves();
    for (size_t i = 0; i < COUNT; i++) zfree(blocks[i]);
    CHECK(zmalloc_used_memory() == start);
    return 0;
}
