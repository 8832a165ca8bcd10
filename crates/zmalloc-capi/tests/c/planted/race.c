/* Two threads write to one block without a lock: a checker of threads has to see it. */

#include <pthread.h>
#include <zmalloc.h>

static void *writes(void *block) {
    for (int i = 0; i < 1000; i++) ((volatile int *)block)[0] += i;
    return NULL;
}

int main(void) {
    pthread_t threads[2];
    void *block = zcalloc(64);
    for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, writes, block);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    zfree(block);
    return 0;
}
