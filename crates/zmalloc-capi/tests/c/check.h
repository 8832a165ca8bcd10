/* What the test programs have in common: checks that end the program, and random numbers. */

#ifndef CHECK_H
#define CHECK_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the program with the expression, unless it is true. */
#define CHECK(expression)                                                                          \
    do {                                                                                           \
        if (!(expression)) {                                                                       \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #expression);                       \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/* How much work to do: less under a checker, which is some fifty times slower. */
static inline size_t rounds(size_t usually) {
    return getenv("FEW_ROUNDS") != NULL ? usually / 50 : usually;
}

/* Marsaglia's xorshift. The state is not 0. */
static inline uint64_t next_random(uint64_t *state) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Mostly small sizes, some of them large. */
static inline size_t random_size(uint64_t *state) {
    uint64_t number = next_random(state);
    return (number >> 8) % ((size_t)16 << (number % 14));
}

static inline int holds(const void *block, unsigned char byte, size_t length) {
    const unsigned char *bytes = block;
    for (size_t i = 0; i < length; i++)
        if (bytes[i] != byte) return 0;
    return 1;
}

#endif
