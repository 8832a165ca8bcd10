/* Writes one byte past a block: a memory checker has to see it. */

#include <string.h>
#include <zmalloc.h>

int main(void) {
    volatile char *block = zmalloc(40);
    memset((char *)block, 0, 40);
    block[40] = 1;
    zfree((void *)block);
    return 0;
}
