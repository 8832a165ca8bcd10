/* Reads a block that was freed: a memory checker has to see it. */

#include <zmalloc.h>

int main(void) {
    volatile int *block = zcalloc(40);
    int before = block[3];
    zfree((void *)block);
    return block[3] - before;
}
