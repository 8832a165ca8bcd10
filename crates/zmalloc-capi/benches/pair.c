/* What counting costs a program in C: hot pairs of an allocation and a free, through zmalloc, through
 * je_malloc, which is counted as well, and through jemalloc's own functions in the same library,
 * which are not.
 *
 *     cc -O2 -Iinclude benches/pair.c LIBRARY -lpthread -ldl -lm -o pair
 *     pair [BYTES [PAIRS [ROUNDS]]]
 *
 * The three take turns, ROUNDS times (default 101), with PAIRS pairs each (default 200,000) of
 * blocks of BYTES bytes (default 64). A line for each: its name, the size, and the median of the
 * processor time for a pair, in nanoseconds. With `pair BYTES PAIRS NAME` only that one runs, once, and prints nothing:
 * for a counter of instructions, as the difference of two runs.
 *
 * With -DSHARED jemalloc's own functions are left out: the shared library keeps them for itself. */

#define USE_JEMALLOC
#include <zmalloc.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef SHARED
/* jemalloc's own names in the static library. */
void *_rjem_malloc(size_t size);
void _rjem_free(void *ptr);
#endif

/* The compiler may neither leave a pair out nor foresee the block. */
#define PAIRS_OF(allocate, release)                                                                \
    for (size_t i = 0; i < pairs; i++) {                                                           \
        void *block = allocate(size);                                                              \
        __asm__ volatile("" : "+r"(block) : : "memory");                                           \
        release(block);                                                                            \
    }

static void by_zmalloc(size_t size, size_t pairs) {
    PAIRS_OF(zmalloc, zfree)
}

static void by_je_malloc(size_t size, size_t pairs) {
    PAIRS_OF(je_malloc, je_free)
}

#ifndef SHARED
static void by_jemalloc(size_t size, size_t pairs) {
    PAIRS_OF(_rjem_malloc, _rjem_free)
}
#endif

static const struct contender {
    const char *name;
    void (*run)(size_t size, size_t pairs);
} CONTENDERS[] = {
#ifndef SHARED
    {"jemalloc", by_jemalloc},
#endif
    {"je_malloc", by_je_malloc},
    {"zmalloc", by_zmalloc},
};

#define COUNT (sizeof(CONTENDERS) / sizeof(*CONTENDERS))
#define MOST_ROUNDS 1001

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int ascending(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Runs one of them. Returns whether there is one of that name. */
static int run_one(const char *name, size_t size, size_t pairs) {
    for (size_t i = 0; i < COUNT; i++) {
        if (strcmp(CONTENDERS[i].name, name) == 0) {
            CONTENDERS[i].run(size, pairs);
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    static double times[COUNT][MOST_ROUNDS];
    size_t size = argc > 1 ? strtoull(argv[1], NULL, 10) : 64;
    size_t pairs = argc > 2 ? strtoull(argv[2], NULL, 10) : 200000;
    if (argc > 3 && run_one(argv[3], size, pairs)) return 0;
    size_t rounds = argc > 3 ? strtoull(argv[3], NULL, 10) : 101;
    if (pairs == 0 || rounds == 0 || rounds > MOST_ROUNDS) {
        fprintf(stderr, "usage: pair [BYTES [PAIRS [ROUNDS | NAME]]]\n");
        return 2;
    }
    for (size_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < COUNT; i++) {
            double begin = seconds();
            CONTENDERS[i].run(size, pairs);
            times[i][round] = (seconds() - begin) / (double)pairs * 1e9;
        }
    }
    for (size_t i = 0; i < COUNT; i++) {
        qsort(times[i], rounds, sizeof(double), ascending);
        printf("%s %zu %.3f\n", CONTENDERS[i].name, size, times[i][rounds / 2]);
    }
    return 0;
}
