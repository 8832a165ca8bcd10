/* What Redis and Valkey use of jemalloc's interface, by the names of their own build of it, as far
 * as libzmalloc has it: jemalloc's manual says what each function does. Those that allocate and
 * free are counted by zmalloc_used_memory() and kept under zmalloc_set_limit(), too.
 *
 * For a library over jemalloc, which is the default on Linux. */

#ifndef ZMALLOC_JEMALLOC_H
#define ZMALLOC_JEMALLOC_H

#include <stddef.h>
#include <strings.h>

/* The jemalloc in the library. A test compares this with what it says itself. */
#define JEMALLOC_VERSION_MAJOR 5
#define JEMALLOC_VERSION_MINOR 3
#define JEMALLOC_VERSION_BUGFIX 1

/* Flags. */
#define MALLOCX_LG_ALIGN(la) ((int)(la))
#define MALLOCX_ALIGN(a) ((int)(ffsl((long)(a)) - 1))
#define MALLOCX_ZERO ((int)0x40)
#define MALLOCX_TCACHE(tc) ((int)(((tc) + 2) << 8))
#define MALLOCX_TCACHE_NONE MALLOCX_TCACHE(-1)
#define MALLOCX_ARENA(a) ((int)(((a) + 1) << 20))

/* That there is je_get_defrag_hint(), which a jemalloc of its own has only with Redis's patch. */
#define JEMALLOC_FRAG_HINT

/* In names of the control tree, for the index of an arena: all of them. */
#define MALLCTL_ARENAS_ALL 4096

#ifdef __cplusplus
extern "C" {
#endif

void *je_malloc(size_t size);
void *je_calloc(size_t num, size_t size);
void *je_realloc(void *ptr, size_t size);
void je_free(void *ptr);
void *je_aligned_alloc(size_t alignment, size_t size);
int je_posix_memalign(void **memptr, size_t alignment, size_t size);
size_t je_malloc_usable_size(void *ptr);

void *je_mallocx(size_t size, int flags);
void *je_rallocx(void *ptr, size_t size, int flags);
size_t je_xallocx(void *ptr, size_t size, size_t extra, int flags);
size_t je_sallocx(const void *ptr, int flags);
size_t je_nallocx(size_t size, int flags);
void je_dallocx(void *ptr, int flags);
void je_sdallocx(void *ptr, size_t size, int flags);

int je_mallctl(const char *name, void *oldp, size_t *oldlenp, void *newp, size_t newlen);
int je_mallctlnametomib(const char *name, size_t *mibp, size_t *miblenp);
int je_mallctlbymib(const size_t *mib, size_t miblen, void *oldp, size_t *oldlenp, void *newp,
                    size_t newlen);
void je_malloc_stats_print(void (*write_cb)(void *, const char *), void *cbopaque, const char *opts);

/* 1 if pages would fall free sooner if what is in the block lay in a new one, allocated by
 * zmalloc_no_tcache(); else 0. It goes by a survey of jemalloc's pages, which each thread that asks
 * keeps, and retakes as it grows old. */
int je_get_defrag_hint(void *ptr);

#ifdef __cplusplus
}
#endif

#endif
