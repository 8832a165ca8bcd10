// Counts words, in C++ with a heap of its own: every global operator new and delete takes from the server and keeps a
// count. NAME is the module's name, and what its commands begin with.

#include "redismodule.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

#ifndef NAME
#error "a module has a name"
#endif

namespace {

// What is held of the server's memory, as the module counts it.
struct Held {
    long long bytes = 0;
    long long blocks = 0;
};

Held held;

// Statics are made before OnLoad, when the server's functions aren't there: until then blocks are cut from here, and
// never given back.
alignas(std::max_align_t) unsigned char early[1 << 16];
std::size_t early_used;

bool is_early(const void *block)
{
    const auto *at = static_cast<const unsigned char *>(block);
    return at >= early && at < early + sizeof early;
}

void *take_early(std::size_t size)
{
    std::size_t begin = early_used;
    early_used = (begin + size + alignof(std::max_align_t) - 1) & ~(alignof(std::max_align_t) - 1);
    return early_used <= sizeof early ? early + begin : nullptr;
}

void *take(std::size_t size)
{
    if (RedisModule_TryAlloc == nullptr)
        return take_early(size);
    void *block = RedisModule_TryAlloc(size == 0 ? 1 : size);
    if (block != nullptr) {
        held.bytes += static_cast<long long>(RedisModule_MallocUsableSize(block));
        held.blocks++;
    }
    return block;
}

void give(void *block)
{
    if (block == nullptr || is_early(block))
        return;
    held.bytes -= static_cast<long long>(RedisModule_MallocUsableSize(block));
    held.blocks--;
    RedisModule_Free(block);
}

// What is aligned stands within a larger block, whose address is in front of it.
void *take_aligned(std::size_t size, std::align_val_t alignment)
{
    auto align = static_cast<std::size_t>(alignment);
    if (size > SIZE_MAX - align - sizeof(void *))
        return nullptr;
    void *block = take(size + align + sizeof(void *));
    if (block == nullptr)
        return nullptr;
    auto address = reinterpret_cast<std::uintptr_t>(block) + sizeof(void *);
    address = (address + align - 1) / align * align;
    reinterpret_cast<void **>(address)[-1] = block;
    return reinterpret_cast<void *>(address);
}

void give_aligned(void *aligned)
{
    if (aligned != nullptr)
        give(static_cast<void **>(aligned)[-1]);
}

void *or_throw(void *block)
{
    if (block == nullptr)
        throw std::bad_alloc();
    return block;
}

} // namespace

void *operator new(std::size_t size) { return or_throw(take(size)); }
void *operator new[](std::size_t size) { return or_throw(take(size)); }
void *operator new(std::size_t size, const std::nothrow_t &) noexcept { return take(size); }
void *operator new[](std::size_t size, const std::nothrow_t &) noexcept { return take(size); }
void *operator new(std::size_t size, std::align_val_t align) { return or_throw(take_aligned(size, align)); }
void *operator new[](std::size_t size, std::align_val_t align) { return or_throw(take_aligned(size, align)); }
void *operator new(std::size_t size, std::align_val_t align, const std::nothrow_t &) noexcept
{
    return take_aligned(size, align);
}
void *operator new[](std::size_t size, std::align_val_t align, const std::nothrow_t &) noexcept
{
    return take_aligned(size, align);
}
void operator delete(void *block) noexcept { give(block); }
void operator delete[](void *block) noexcept { give(block); }
void operator delete(void *block, std::size_t) noexcept { give(block); }
void operator delete[](void *block, std::size_t) noexcept { give(block); }
void operator delete(void *block, const std::nothrow_t &) noexcept { give(block); }
void operator delete[](void *block, const std::nothrow_t &) noexcept { give(block); }
void operator delete(void *block, std::align_val_t) noexcept { give_aligned(block); }
void operator delete[](void *block, std::align_val_t) noexcept { give_aligned(block); }
void operator delete(void *block, std::size_t, std::align_val_t) noexcept { give_aligned(block); }
void operator delete[](void *block, std::size_t, std::align_val_t) noexcept { give_aligned(block); }
void operator delete(void *block, std::align_val_t, const std::nothrow_t &) noexcept { give_aligned(block); }
void operator delete[](void *block, std::align_val_t, const std::nothrow_t &) noexcept { give_aligned(block); }

// With default visibility, as is everything below: both modules have these names.
using Table = std::map<std::string, std::vector<std::string>>;

const std::string banner = "made before the server was there: " NAME;
Table table = { { "a key that is too long to stand within the string itself", { banner } } };

struct alignas(64) Line {
    unsigned char bytes[64];
};

struct alignas(4096) Page {
    unsigned char bytes[4096];
};

// An exception with a text of its own.
class Refused : public std::runtime_error {
public:
    Refused(const std::string &what, std::string detail) : std::runtime_error(what), detail_(std::move(detail)) {}
    const std::string &detail() const { return detail_; }

private:
    std::string detail_;
};

std::string text(const RedisModuleString *string)
{
    std::size_t len;
    const char *bytes = RedisModule_StringPtrLen(string, &len);
    return std::string(bytes, len);
}

int reply(RedisModuleCtx *ctx, const std::string &text)
{
    return RedisModule_ReplyWithStringBuffer(ctx, text.data(), text.size());
}

// NAME.add key word... : how many words the key has.
int add(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    if (argc < 3)
        return RedisModule_WrongArity(ctx);
    std::vector<std::string> &words = table[text(argv[1])];
    for (int at = 2; at < argc; at++)
        words.push_back(text(argv[at]));
    return RedisModule_ReplyWithLongLong(ctx, static_cast<long long>(words.size()));
}

// NAME.join key : its words in one.
int join(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    if (argc != 2)
        return RedisModule_WrongArity(ctx);
    try {
        std::string joined;
        for (const std::string &word : table.at(text(argv[1])))
            joined += (joined.empty() ? "" : "+") + word;
        return reply(ctx, joined);
    } catch (const std::out_of_range &) {
        return RedisModule_ReplyWithError(ctx, "ERR no such key");
    }
}

// NAME.drop key : whether it was there.
int drop(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    if (argc != 2)
        return RedisModule_WrongArity(ctx);
    return RedisModule_ReplyWithLongLong(ctx, static_cast<long long>(table.erase(text(argv[1]))));
}

void refuse(const std::string &word, int depth)
{
    // Unwound on the way.
    std::vector<std::string> local(static_cast<std::size_t>(depth) + 1, word + word);
    if (depth == 0)
        throw Refused("refused: " + word, "at the bottom, where " + word + " was found");
    refuse(word, depth - 1);
}

// NAME.refuse word : what an exception says that came a long way.
int refuse_word(RedisModuleCtx *ctx, RedisModuleString **argv, int argc)
{
    if (argc != 2)
        return RedisModule_WrongArity(ctx);
    try {
        try {
            refuse(text(argv[1]), 20);
        } catch (const std::runtime_error &) {
            throw;
        }
    } catch (const Refused &refused) {
        RedisModule_ReplyWithArray(ctx, 2);
        reply(ctx, refused.what());
        return reply(ctx, refused.detail());
    } catch (...) {
    }
    return RedisModule_ReplyWithError(ctx, "ERR not what was thrown");
}

template <typename Value> bool is_aligned(const Value *value)
{
    return reinterpret_cast<std::uintptr_t>(value) % alignof(Value) == 0;
}

template <typename Value> bool every_form()
{
    std::unique_ptr<Value> one(new Value), quiet(new (std::nothrow) Value);
    std::unique_ptr<Value[]> some(new Value[3]), quiet_some(new (std::nothrow) Value[3]);
    std::vector<Value> grown(5);
    grown.resize(50);
    auto shared = std::make_shared<Value>();
    bool right = is_aligned(one.get()) && is_aligned(quiet.get()) && is_aligned(some.get()) &&
                 is_aligned(quiet_some.get()) && is_aligned(grown.data()) && is_aligned(shared.get());
    // The forms of delete that a compiler calls only where a constructor throws, or the size isn't known.
    auto align = std::align_val_t(alignof(Value));
    if (alignof(Value) > __STDCPP_DEFAULT_NEW_ALIGNMENT__) {
        ::operator delete(::operator new(100, align, std::nothrow), align, std::nothrow);
        ::operator delete[](::operator new[](100, align, std::nothrow), align, std::nothrow);
        ::operator delete(::operator new(100, align), align);
        ::operator delete[](::operator new[](100, align), align);
        ::operator delete[](::operator new[](100, align), 100, align);
    } else {
        ::operator delete(::operator new(100, std::nothrow), std::nothrow);
        ::operator delete[](::operator new[](100, std::nothrow), std::nothrow);
        ::operator delete(::operator new(0));
        ::operator delete[](::operator new[](100));
        ::operator delete[](::operator new[](100), 100);
    }
    return right;
}

// NAME.forms : whether every form of new gives what is asked for; nothing is held after it.
int forms(RedisModuleCtx *ctx, RedisModuleString **, int)
{
    Held before = held;
    bool right = every_form<char>() && every_form<long double>() && every_form<Line>() && every_form<Page>();
    right = right && held.bytes == before.bytes && held.blocks == before.blocks;
    return RedisModule_ReplyWithLongLong(ctx, right);
}

// NAME.toomuch : what becomes of requests that nobody can grant.
int too_much(RedisModuleCtx *ctx, RedisModuleString **, int)
{
    // Not a constant, of which the compiler would know.
    volatile std::size_t size = SIZE_MAX / 4;
    long long refused = 0;
    refused += ::operator new(size, std::nothrow) == nullptr;
    refused += ::operator new(size, std::align_val_t(64), std::nothrow) == nullptr;
    try {
        std::vector<char> large(size);
    } catch (const std::bad_alloc &) {
        refused++;
    }
    try {
        std::string(1, 'x').resize(size);
    } catch (const std::bad_alloc &) {
        refused++;
    }
    return RedisModule_ReplyWithLongLong(ctx, refused);
}

// NAME.held : bytes and blocks, as the module counts them.
int tell_held(RedisModuleCtx *ctx, RedisModuleString **, int)
{
    RedisModule_ReplyWithArray(ctx, 2);
    RedisModule_ReplyWithLongLong(ctx, held.bytes);
    return RedisModule_ReplyWithLongLong(ctx, held.blocks);
}

// NAME.banner : what was made before OnLoad.
int tell_banner(RedisModuleCtx *ctx, RedisModuleString **, int)
{
    return reply(ctx, banner);
}

extern "C" int RedisModule_OnLoad(RedisModuleCtx *ctx, RedisModuleString **, int)
{
    if (RedisModule_Init(ctx, NAME, 1, REDISMODULE_APIVER_1) == REDISMODULE_ERR)
        return REDISMODULE_ERR;
    const struct {
        const char *name;
        RedisModuleCmdFunc function;
    } commands[] = {
        { NAME ".add", add },     { NAME ".join", join },         { NAME ".drop", drop },
        { NAME ".forms", forms }, { NAME ".refuse", refuse_word }, { NAME ".toomuch", too_much },
        { NAME ".held", tell_held }, { NAME ".banner", tell_banner },
    };
    for (const auto &command : commands)
        if (RedisModule_CreateCommand(ctx, command.name, command.function, "", 0, 0, 0) == REDISMODULE_ERR)
            return REDISMODULE_ERR;
    return REDISMODULE_OK;
}

extern "C" int RedisModule_OnUnload(RedisModuleCtx *)
{
    table.clear();
    return REDISMODULE_OK;
}
