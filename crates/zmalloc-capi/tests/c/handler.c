/* The handler: each of the forms that can't report a failure calls it with the size, and ends. */

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmalloc.h>

#include "check.h"

#define HUGE_SIZE (SIZE_MAX - 12345)

/* What the child has to tell. */
static int report[2];

static void tell(size_t size) {
    CHECK(write(report[1], &size, sizeof(size)) == sizeof(size));
}

static void tell_and_exit(size_t size) {
    tell(size);
    _exit(7);
}

static void tell_and_return(size_t size) {
    tell(size);
}

static void by_zmalloc(void) { zmalloc(HUGE_SIZE); }
static void by_zcalloc(void) { zcalloc(HUGE_SIZE); }
static void by_zcalloc_num(void) { zcalloc_num(SIZE_MAX / 4, 5); }
static void by_zrealloc(void) { zrealloc(zmalloc(10), HUGE_SIZE); }
static void by_zmalloc_usable(void) { size_t usable; zmalloc_usable(HUGE_SIZE, &usable); }
static void by_zcalloc_usable(void) { size_t usable; zcalloc_usable(HUGE_SIZE, &usable); }
static void by_zrealloc_usable(void) { size_t usable; zrealloc_usable(NULL, HUGE_SIZE, &usable); }
static void by_zmalloc_no_tcache(void) { zmalloc_no_tcache(HUGE_SIZE); }
static void by_zmalloc_cache_aligned(void) { zmalloc_cache_aligned(HUGE_SIZE); }
static void by_the_limit(void) { zmalloc_set_limit(1 << 20); zmalloc(3 << 20); }
#ifdef USE_JEMALLOC
static void by_zmalloc_with_flags(void) { zmalloc_with_flags(HUGE_SIZE, MALLOCX_TCACHE_NONE); }
static void by_zrealloc_with_flags(void) {
    zrealloc_with_flags(zmalloc(10), HUGE_SIZE, MALLOCX_TCACHE_NONE);
}
#endif

/* Runs a request with a handler in a child. Returns how the child ended. */
static int end_of(void (*request)(void), void (*handler)(size_t)) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        setrlimit(RLIMIT_CORE, &no_core);
        zmalloc_set_oom_handler(handler);
        request();
        _exit(99);
    }
    int status;
    CHECK(waitpid(child, &status, 0) == child);
    return status;
}

static size_t told(void) {
    size_t size;
    CHECK(read(report[0], &size, sizeof(size)) == sizeof(size));
    return size;
}

static int is_abort(int status) {
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void is_called(void (*request)(void), size_t size) {
    int status = end_of(request, tell_and_exit);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    CHECK(told() == size);
    /* A handler that returns doesn't make the function return. */
    CHECK(is_abort(end_of(request, tell_and_return)));
    CHECK(told() == size);
}

/* By default the size and the bytes in use are written to standard error. */
static void writes_a_line(void) {
    int error[2], kept = dup(STDERR_FILENO);
    CHECK(kept >= 0 && pipe(error) == 0 && dup2(error[1], STDERR_FILENO) >= 0);
    int status = end_of(by_zmalloc, NULL);
    CHECK(dup2(kept, STDERR_FILENO) >= 0);
    close(error[1]);
    char line[4096];
    ssize_t length = 0, count;
    while ((count = read(error[0], line + length, sizeof(line) - 1 - length)) > 0) length += count;
    line[length] = '\0';
    char size[32];
    snprintf(size, sizeof(size), "%zu", (size_t)HUGE_SIZE);
    CHECK(is_abort(status));
    CHECK(strstr(line, "out of memory") != NULL && strstr(line, size) != NULL);
}

int main(void) {
    CHECK(pipe(report) == 0);
    is_called(by_zmalloc, HUGE_SIZE);
    is_called(by_zcalloc, HUGE_SIZE);
    is_called(by_zcalloc_num, SIZE_MAX);
    is_called(by_zrealloc, HUGE_SIZE);
    is_called(by_zmalloc_usable, HUGE_SIZE);
    is_called(by_zcalloc_usable, HUGE_SIZE);
    is_called(by_zrealloc_usable, HUGE_SIZE);
    is_called(by_zmalloc_no_tcache, HUGE_SIZE);
    is_called(by_zmalloc_cache_aligned, HUGE_SIZE);
    is_called(by_the_limit, 3 << 20);
#ifdef USE_JEMALLOC
    is_called(by_zmalloc_with_flags, HUGE_SIZE);
    is_called(by_zrealloc_with_flags, HUGE_SIZE);
#endif
    writes_a_line();

    /* A handler that was taken off again isn't called: the default is, in the child. */
    zmalloc_set_oom_handler(tell_and_exit);
    writes_a_line();
    return 0;
}
