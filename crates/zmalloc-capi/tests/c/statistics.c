/* Figures: each against another source, or against what was done to change it. */

#include <unistd.h>
#include <zmalloc.h>

#include "check.h"

#define BLOCK ((size_t)64 << 20)

static size_t smaps(const char *field) {
    char name[64];
    snprintf(name, sizeof(name), "%s", field);
    return zmalloc_get_smap_bytes_by_field(name, -1);
}

static void of_the_process(void) {
    size_t rss = zmalloc_get_rss(), dirty = zmalloc_get_private_dirty(-1);
    char *block = zmalloc(BLOCK);
    memset(block, 1, BLOCK);
    CHECK(zmalloc_get_rss() >= rss + BLOCK / 2);
    CHECK(zmalloc_get_private_dirty(-1) >= dirty + BLOCK / 2);
    CHECK(zmalloc_get_private_dirty(getpid()) >= dirty + BLOCK / 2);
    CHECK(smaps("Rss:") >= BLOCK / 2 && smaps("Rss:") >= smaps("Private_Dirty:"));
    CHECK(smaps("Rss") >= BLOCK / 2);
    CHECK(smaps("No_Such_Field:") == 0);
    CHECK(zmalloc_get_private_dirty(0x7fffffff) == 0);
    size_t used = zmalloc_used_memory();
    zfree(block);
    CHECK(used >= BLOCK && zmalloc_peak_memory() >= used && zmalloc_used_memory() < BLOCK);
}

static void of_the_machine(void) {
    size_t pages = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    CHECK(zmalloc_get_memory_size() / 4 * 5 >= pages && zmalloc_get_memory_size() <= pages / 4 * 5);
}

/* proc(5): 4 is the parent's number, 20 the number of threads. */
static void of_proc(void) {
    long long value = -1;
    CHECK(get_proc_stat_ll(4, &value) == 1 && value == getppid());
    CHECK(get_proc_stat_ll(20, &value) == 1 && value == 1);
    value = -1;
    CHECK(get_proc_stat_ll(3, &value) == 0); /* A letter. */
    CHECK(get_proc_stat_ll(0, &value) == 0 && get_proc_stat_ll(-5, &value) == 0);
    CHECK(get_proc_stat_ll(1000, &value) == 0 && value == -1);
}

static void of_the_allocator(void) {
    size_t allocated = 1, active = 1, resident = 1;
    int is_told = zmalloc_get_allocator_info(&allocated, &active, &resident);
#ifdef USE_JEMALLOC
    CHECK(is_told == 1);
    size_t before = allocated;
    void *block = zmalloc(BLOCK);
    CHECK(zmalloc_get_allocator_info(&allocated, &active, &resident) == 1);
    CHECK(allocated >= before + BLOCK / 2);
    CHECK(active >= allocated && resident >= active);
    CHECK(allocated >= zmalloc_used_memory());
    zfree(block);
    CHECK(jemalloc_purge() == 0);
    CHECK(zmalloc_get_allocator_info(NULL, NULL, NULL) == 1);
#else
    CHECK(is_told == 0 && allocated == 0 && active == 0 && resident == 0);
    CHECK(jemalloc_purge() == 0);
#endif
    set_jemalloc_bg_thread(1);
    set_jemalloc_bg_thread(0);
}

int main(void) {
    CHECK(strlen(ZMALLOC_LIB) > 0);
    CHECK(zmalloc_used_memory() == 0);
    of_proc();
    of_the_process();
    of_the_machine();
    of_the_allocator();
    return 0;
}
