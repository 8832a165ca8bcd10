/* zmalloc: malloc that counts the bytes in use, exactly.
 *
 * The names, types and meanings are those of zmalloc.h in Redis 6.2 to 8 and in Valkey, so that
 * this header and libzmalloc.a (or .so) stand in for zmalloc.h and zmalloc.c there. README.md
 * beside this directory tells how.
 *
 * What holds for all functions that allocate:
 *
 * - A block is aligned to 8 bytes, and counted at its usable size: zmalloc_used_memory() rises by
 *   zmalloc_size(block) and falls by as much when the block is freed, by whichever thread.
 * - A request for no bytes is met with a small block. Resizing to no bytes frees the block and
 *   returns NULL; resizing NULL allocates.
 * - A request of more than half of the address space fails without being tried. Before any other
 *   fails, unused pages were given back to the system and it was tried again.
 * - Functions with "try" in their names return NULL when they fail, and nothing has changed. The
 *   others call the handler (zmalloc_set_oom_handler), and the process ends.
 * - A place for a size may be NULL. Otherwise it is always written: 0 where NULL is returned. */

/* The guard is that of Redis's and Valkey's own header, as one of the two is enough. */
#ifndef __ZMALLOC_H
#define __ZMALLOC_H

#include <stddef.h>

/* Whose zmalloc.h this is to be. One function has other parameters in other versions, and Valkey
 * has other names for some. Define one of these, as major * 10000 + minor * 100; with neither this
 * is Redis 7.2's, whose parameters 6.2 and 7.0 have as well. */
#if defined(ZMALLOC_API_REDIS) && defined(ZMALLOC_API_VALKEY)
#error "define either ZMALLOC_API_REDIS or ZMALLOC_API_VALKEY"
#endif
#if !defined(ZMALLOC_API_REDIS) && !defined(ZMALLOC_API_VALKEY)
#define ZMALLOC_API_REDIS 70200
#endif

#if defined(ZMALLOC_API_REDIS)
#if ZMALLOC_API_REDIS >= 80000
#define ZMALLOC_INFO_PARAMETERS 7
#elif ZMALLOC_API_REDIS >= 70400
#define ZMALLOC_INFO_PARAMETERS 5
#else
#define ZMALLOC_INFO_PARAMETERS 3
#endif
#elif ZMALLOC_API_VALKEY >= 80100
#define ZMALLOC_INFO_PARAMETERS 5
#else
#define ZMALLOC_INFO_PARAMETERS 6
#endif

/* Valkey's names since 8.1, and since 9.1. */
#if defined(ZMALLOC_API_VALKEY) && ZMALLOC_API_VALKEY >= 80100
#define zmalloc valkey_malloc
#define zcalloc valkey_calloc
#define zrealloc valkey_realloc
#define zfree valkey_free
#if ZMALLOC_API_VALKEY >= 90100
#define zmalloc_cache_aligned valkey_malloc_cache_aligned
#endif
#endif

/* The name and version of the allocator that the library was built with, such as jemalloc-5.3.1.
 * Unlike in Redis it is no constant: the library knows, the header can't. */
#define ZMALLOC_LIB (zmalloc_backend())

/* zmalloc_size() is always there, and all that it counts may be used. */
#define HAVE_MALLOC_SIZE 1

/* With USE_JEMALLOC the library has to be one over jemalloc, which is the default on Linux. */
#if defined(USE_JEMALLOC)
#include <jemalloc/jemalloc.h>
/* Redis, and Valkey before 8.1, can move their data together. Valkey decides by itself since. */
#if defined(ZMALLOC_API_REDIS) || ZMALLOC_API_VALKEY < 80100
#define HAVE_DEFRAG
#endif
#endif

/* What compilers may assume of the results. The functions are not to be inlined into code that
 * would then be told their sizes twice. */
#if defined(__GNUC__)
#define ZMALLOC_ATTRIBUTE(...) __attribute__((__VA_ARGS__))
#else
#define ZMALLOC_ATTRIBUTE(...)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* --- Blocks ---------------------------------------------------------------------------------- */

/* Undefined content, or zeroed, or num elements of size bytes each, zeroed. */
ZMALLOC_ATTRIBUTE(malloc, alloc_size(1), noinline) void *zmalloc(size_t size);
ZMALLOC_ATTRIBUTE(malloc, alloc_size(1), noinline) void *zcalloc(size_t size);
ZMALLOC_ATTRIBUTE(malloc, alloc_size(1, 2), noinline) void *zcalloc_num(size_t num, size_t size);
ZMALLOC_ATTRIBUTE(malloc, alloc_size(1), noinline) void *ztrymalloc(size_t size);
ZMALLOC_ATTRIBUTE(malloc, alloc_size(1), noinline) void *ztrycalloc(size_t size);

/* The block with another size, its content kept; it may have moved. */
ZMALLOC_ATTRIBUTE(alloc_size(2), noinline) void *zrealloc(void *ptr, size_t size);
ZMALLOC_ATTRIBUTE(alloc_size(2), noinline) void *ztryrealloc(void *ptr, size_t size);

/* Frees. NULL is allowed. Over jemalloc no size is looked up. */
void zfree(void *ptr);
/* For a caller that knows what zmalloc_size() says of the block. */
void zfree_with_size(void *ptr, size_t size);

/* The same with the block's usable size, which the compiler doesn't hold against the caller. The
 * forms with a 2 also tell the size of the block that was resized. */
void *zmalloc_usable(size_t size, size_t *usable);
void *zcalloc_usable(size_t size, size_t *usable);
void *zrealloc_usable(void *ptr, size_t size, size_t *usable);
void *zrealloc_usable2(void *ptr, size_t size, size_t *usable, size_t *old_usable);
void *ztrymalloc_usable(size_t size, size_t *usable);
void *ztrycalloc_usable(size_t size, size_t *usable);
void *ztryrealloc_usable(void *ptr, size_t size, size_t *usable);
void *ztryrealloc_usable2(void *ptr, size_t size, size_t *usable, size_t *old_usable);
void zfree_usable(void *ptr, size_t *usable);

/* A string's copy. */
ZMALLOC_ATTRIBUTE(malloc) char *zstrdup(const char *s);
ZMALLOC_ATTRIBUTE(malloc) char *zstrdup_usable(const char *s, size_t *usable);

/* At the beginning of a cache line (64 bytes). To be freed as any other, not to be resized. */
ZMALLOC_ATTRIBUTE(malloc, alloc_size(1), noinline) void *zmalloc_cache_aligned(size_t size);

/* Past the thread's cache, where the allocator has one that can be passed: for defragmentation. */
ZMALLOC_ATTRIBUTE(malloc) void *zmalloc_no_tcache(size_t size);
void zfree_no_tcache(void *ptr);

#if defined(USE_JEMALLOC)
/* With the flags of je_mallocx(). */
void *zmalloc_with_flags(size_t size, int flags);
void *zrealloc_with_flags(void *ptr, size_t size, int flags);
void zfree_with_flags(void *ptr, int flags);
#endif

/* Bytes that a block occupies, 0 for NULL. All of them may be used, by a caller that has told the
 * compiler so: through extend_to_usable(), which returns the block as it is. */
size_t zmalloc_size(void *ptr);
size_t zmalloc_usable_size(void *ptr);
ZMALLOC_ATTRIBUTE(alloc_size(2), noinline) void *extend_to_usable(void *ptr, size_t size);

/* --- No memory ------------------------------------------------------------------------------- */

/* What is called with the size of a request that failed; NULL for the default, which writes the
 * size and the bytes in use to standard error. If it returns, the process is aborted. */
void zmalloc_set_oom_handler(void (*oom_handler)(size_t));

/* Sets the most bytes that may be in use, 0 for no limit: a request that would pass it fails as if
 * there were no memory. No race between threads passes it. */
void zmalloc_set_limit(size_t bytes);

/* --- Figures, in bytes ------------------------------------------------------------------------ */

/* In live blocks: exact while no other thread is allocating or freeing. */
size_t zmalloc_used_memory(void);
/* The highest that the bytes in use were seen to be, this moment included. */
size_t zmalloc_peak_memory(void);
/* The allocator's name and version. */
const char *zmalloc_backend(void);

/* The allocator's own figures. 1, or 0 with zeros where it keeps none, as all but jemalloc.
 * allocated: in blocks, those in the caches of threads included. active: in pages with such blocks.
 * resident: in pages that are physically there. retained: of addresses without memory. muzzy: in
 * pages offered to the system. frag_smallbins_bytes: in active pages of small blocks, unoccupied.
 * With 0 for refresh_stats they are those of the last time that they were refreshed. */
#if ZMALLOC_INFO_PARAMETERS == 3
int zmalloc_get_allocator_info(size_t *allocated, size_t *active, size_t *resident);
#elif ZMALLOC_INFO_PARAMETERS == 5
#define zmalloc_get_allocator_info zmalloc_get_allocator_info_5
int zmalloc_get_allocator_info(size_t *allocated, size_t *active, size_t *resident, size_t *retained,
                               size_t *muzzy);
#elif ZMALLOC_INFO_PARAMETERS == 6
#define zmalloc_get_allocator_info zmalloc_get_allocator_info_6
int zmalloc_get_allocator_info(size_t *allocated, size_t *active, size_t *resident, size_t *retained,
                               size_t *muzzy, size_t *frag_smallbins_bytes);
#else
#define zmalloc_get_allocator_info zmalloc_get_allocator_info_7
int zmalloc_get_allocator_info(int refresh_stats, size_t *allocated, size_t *active, size_t *resident,
                               size_t *retained, size_t *muzzy, size_t *frag_smallbins_bytes);
#endif
/* Of one arena; allocated is in its small blocks. */
int zmalloc_get_allocator_info_by_arena(unsigned int arena, int refresh_stats, size_t *allocated,
                                        size_t *active, size_t *resident, size_t *frag_smallbins_bytes);

/* Of this process in physical memory. Where the system doesn't tell, zmalloc_used_memory(). */
size_t zmalloc_get_rss(void);
/* Of the machine's physical memory; 0 if unknown. */
size_t zmalloc_get_memory_size(void);
/* In pages of a process (-1: this one) that it has written and shares with no other. */
size_t zmalloc_get_private_dirty(long pid);
/* The sum of the lines of /proc/PID/smaps (-1: this process's) that begin with the field, such as
 * "Rss:". 0 if there are none. */
size_t zmalloc_get_smap_bytes_by_field(char *field, long pid);
/* A number in /proc/self/stat, by its place, counted from 1. 1 if it was read, else 0. */
int get_proc_stat_ll(int i, long long *res);

/* --- Memory given back ------------------------------------------------------------------------ */

/* Gives unused pages back to the system: 0, or -1 if the allocator can't be told to. */
int jemalloc_purge(void);
/* Lets the allocator do so by threads of its own, or stops them. */
void set_jemalloc_bg_thread(int enable);
/* Lets the system take the whole pages within a block. Their content is lost. In Valkey since 8.1 with
 * the size that the block was asked for, or 0: nothing is looked up if that is half a page at most. */
#if defined(ZMALLOC_API_VALKEY) && ZMALLOC_API_VALKEY >= 80100
#define zmadvise_dontneed zmadvise_dontneed_2
void zmadvise_dontneed(void *ptr, size_t size_hint);
#else
void zmadvise_dontneed(void *ptr);
#endif
/* free() of the C library, for what it has allocated itself, and its malloc_trim(). */
void zlibc_free(void *ptr);
void zlibc_trim(void);

#ifdef __cplusplus
}
#endif

#endif
