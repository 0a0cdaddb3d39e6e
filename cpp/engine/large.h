// Memory of many pages, on pages of 2 MiB where the system has them for whoever asks (Linux: transparent huge pages):
// what is written once and read at random costs a tenth of the page faults. std::free frees it.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>
#include <vector>
#ifdef __linux__
#include <sys/mman.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace celeris {

constexpr size_t large_page = size_t(1) << 21;

inline void *allocate_large(size_t bytes) {
    void *memory = nullptr;
#ifdef MADV_HUGEPAGE
    // As many of them as come nearest: a last one of which little is used would be memory for nothing.
    const size_t large = (bytes + large_page / 2) / large_page * large_page;
    if (large > 0 && posix_memalign(&memory, large_page, bytes < large ? large : bytes) == 0)
        madvise(memory, large, MADV_HUGEPAGE);
    else
        memory = nullptr;
#endif
    if (memory == nullptr) memory = std::malloc(bytes);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

// Gives free memory back to the system, where the C library keeps it for later.
inline void trim_memory() {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

// For vectors that may be large. What they are resized to is left as it is.
template <class T>
struct LargePages {
    using value_type = T;
    LargePages() = default;
    template <class U>
    LargePages(const LargePages<U> &) {}
    T *allocate(size_t count) { return static_cast<T *>(allocate_large(count * sizeof(T))); }
    void deallocate(T *memory, size_t) { std::free(memory); }
    template <class U>
    void construct(U *at) { ::new (static_cast<void *>(at)) U; }
    template <class U, class... Args>
    void construct(U *at, Args &&...args) { ::new (static_cast<void *>(at)) U(std::forward<Args>(args)...); }
    bool operator==(const LargePages &) const { return true; }
};
template <class T>
using LargeVector = std::vector<T, LargePages<T>>;

}  // namespace celeris
