/* A program that was compiled with declarations of its own, as Redis is with its own zmalloc.h: of
 * Redis 8, say. The linker is told by --defsym which form of the function in question it gets. */

#include <stddef.h>

#include "check.h"

void *zmalloc(size_t size);
void zfree(void *ptr);
size_t je_malloc_usable_size(void *ptr);
size_t zmalloc_used_memory(void);
int zmalloc_get_allocator_info(int refresh_stats, size_t *allocated, size_t *active, size_t *resident,
                               size_t *retained, size_t *muzzy, size_t *frag_smallbins_bytes);

int main(void) {
    size_t start = zmalloc_used_memory();
    void *block = zmalloc(10 << 20);
    CHECK(zmalloc_used_memory() - start == je_malloc_usable_size(block));
    size_t allocated = 0, active = 0, resident = 0, retained = 1, muzzy = 1, fragmentation = 1;
    CHECK(zmalloc_get_allocator_info(1, &allocated, &active, &resident, &retained, &muzzy, &fragmentation) == 1);
    CHECK(allocated >= 10 << 20 && active >= allocated && resident >= active);
    CHECK(muzzy != 1 && fragmentation != 1 && fragmentation < active);
    zfree(block);
    return 0;
}
