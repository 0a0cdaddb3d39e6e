// Memory and threads as whole-tensor kernels use them.
#include <atomic>
#include <new>

#include "engine/threads.h"
#include "tensor/tensor.h"

namespace celeris {
namespace {

constexpr std::align_val_t kLine{64};
constexpr size_t kKept = 4 << 20;  // bytes that a thread keeps between units of work

struct Room {
    std::byte *data = nullptr;
    size_t bytes = 0;
    void resize(size_t wanted) {
        ::operator delete(data, kLine);
        data = nullptr, bytes = 0;
        data = static_cast<std::byte *>(::operator new(wanted, kLine));
        bytes = wanted;
    }
    ~Room() { ::operator delete(data, kLine); }
};

}  // namespace

std::byte *scratch(size_t bytes) {
    static thread_local Room room;
    if (room.bytes < bytes || (room.bytes > kKept && bytes <= kKept)) room.resize(bytes);
    return room.data;
}

void for_each(int64_t count, int threads, void (*body)(const void *, int64_t), const void *context) {
    std::atomic<bool> failed{false};
    parallel_for(count, threads, [&](int64_t i) {
        if (failed.load(std::memory_order_relaxed)) return;
        try {
            body(context, i);
        } catch (const std::bad_alloc &) {
            failed = true;
        }
    });
    if (failed) throw std::bad_alloc();
}

Memory::Memory(size_t bytes) : data_(static_cast<std::byte *>(::operator new(bytes + 64, kLine))) {}
Memory::~Memory() { ::operator delete(data_, kLine); }

}  // namespace celeris
