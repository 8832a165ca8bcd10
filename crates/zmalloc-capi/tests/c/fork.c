/* fork: the child counts on from the parent's figures, whatever other threads were doing. */

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmalloc.h>

#include "check.h"

static volatile int stop;

static void *allocates(void *seed) {
    uint64_t random = (uintptr_t)seed;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        char *block = zmalloc(random_size(&random) + 1);
        block[0] = 1;
        zfree(block);
    }
    return NULL;
}

/* What a child finds: its own blocks are counted exactly. */
static void child(void *inherited, size_t before, int is_exact) {
    size_t used = zmalloc_used_memory();
    if (is_exact) CHECK(used == before);
    void *block = zmalloc(1000);
    CHECK(zmalloc_used_memory() == used + zmalloc_size(block));
    size_t size = zmalloc_size(inherited);
    zfree(inherited);
    CHECK(zmalloc_used_memory() == used + zmalloc_size(block) - size);
    zfree(block);
    CHECK(zmalloc_used_memory() == used - size);
    _exit(0);
}

static void fork_once(int is_exact) {
    void *block = zmalloc(300);
    size_t before = zmalloc_used_memory();
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) child(block, before, is_exact);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (is_exact) CHECK(zmalloc_used_memory() == before);
    zfree(block);
}

int main(void) {
    zfree(zmalloc(1));
    size_t start = zmalloc_used_memory();
    for (int i = 0; i < 5; i++) fork_once(1);

    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        CHECK(pthread_create(&threads[i], NULL, allocates, (void *)(uintptr_t)(i + 1)) == 0);
    for (size_t i = 0; i < rounds(100); i++) fork_once(0);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) CHECK(pthread_join(threads[i], NULL) == 0);
    CHECK(zmalloc_used_memory() == start);
    fork_once(1);
    return 0;
}
