// The headers in C++: the standard library's containers on the functions that they declare.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include <zmalloc.h>

namespace {

void check(bool is_so, const char *what) {
    if (is_so) return;
    std::fprintf(stderr, "%s\n", what);
    std::exit(1);
}

// An allocator as the standard library wants it.
template <typename T> struct Counted {
    using value_type = T;
    Counted() = default;
    template <typename U> Counted(const Counted<U> &) {}
    T *allocate(std::size_t count) {
        if (count > SIZE_MAX / sizeof(T)) throw std::bad_alloc();
        void *block = ztrymalloc(count * sizeof(T));
        if (block == nullptr) throw std::bad_alloc();
        return static_cast<T *>(block);
    }
    void deallocate(T *block, std::size_t) { zfree(block); }
    template <typename U> bool operator==(const Counted<U> &) const { return true; }
    template <typename U> bool operator!=(const Counted<U> &) const { return false; }
};

using String = std::basic_string<char, std::char_traits<char>, Counted<char>>;
using Map = std::map<int, String, std::less<int>, Counted<std::pair<const int, String>>>;

void containers() {
    std::size_t start = zmalloc_used_memory();
    {
        std::vector<int, Counted<int>> numbers;
        Map map;
        for (int i = 0; i < 10000; i++) {
            numbers.push_back(i);
            map.emplace(i, String(static_cast<std::size_t>(i % 100), 'x'));
        }
        std::size_t used = zmalloc_used_memory() - start;
        check(used >= 10000 * (sizeof(int) + sizeof(std::pair<const int, String>)), "the containers count");
        map.erase(map.begin(), map.find(5000));
        check(zmalloc_used_memory() - start < used, "what is erased doesn't");
        check(map.size() == 5000 && map.at(7777).size() == 77 && numbers[9999] == 9999, "content");
    }
    check(zmalloc_used_memory() == start, "nothing is left");
}

void no_memory() {
    zmalloc_set_limit(zmalloc_used_memory() + 1000000);
    bool thrown = false;
    try {
        std::vector<char, Counted<char>> large(2000000);
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    zmalloc_set_limit(0);
    check(thrown, "a failure becomes an exception on this side");
}

#if defined(USE_JEMALLOC)
void of_jemalloc() {
    void *block = je_mallocx(100, MALLOCX_ALIGN(4096) | MALLOCX_TCACHE_NONE | MALLOCX_ZERO);
    check(block != nullptr && reinterpret_cast<std::uintptr_t>(block) % 4096 == 0, "je_mallocx");
    check(je_get_defrag_hint(nullptr) == 0, "je_get_defrag_hint");
    je_dallocx(block, 0);
}
#else
void of_jemalloc() {}
#endif

} // namespace

int main() {
    containers();
    no_memory();
    of_jemalloc();
}
