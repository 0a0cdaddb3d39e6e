// A growing array whose memory is handed on as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "engine/large.h"

namespace celeris::wire {

template <typename T> class Array {
  public:
    Array() = default;
    Array(Array &&other) noexcept { swap(other); }
    Array &operator=(Array &&other) noexcept {
        swap(other);
        return *this;
    }
    ~Array() { std::free(data_); }

    void push(T value) {
        if (size_ == capacity_) reserve(capacity_ < 4 ? 4 : capacity_ * 2);
        data_[size_++] = value;
    }
    // Room for `count` more elements, uninitialised; returns the first.
    T *extend(size_t count) {
        if (size_ + count > capacity_) reserve(size_ + count);
        T *first = data_ + size_;
        size_ += count;
        return first;
    }
    // Where the next elements go and where the room for them ends, for loops that keep both in registers; `commit`
    // tells how far they came. At most `more` elements will follow: room for all of them, once the array is large.
    std::pair<T *, T *> room(size_t more) {
        if (size_ == capacity_) {
            if (size_ < 32768) reserve(capacity_ < 64 ? 64 : capacity_ * 2);
            else reserve(size_ + more);
        }
        return {data_ + size_, data_ + capacity_};
    }
    void commit(const T *next) { size_ = size_t(next - data_); }
    // Gives back room that is not needed any more.
    void fit() {
        if ((capacity_ - size_) * sizeof(T) >= large_page) shrink();
    }
    size_t size() const { return size_; }
    const T *data() const { return data_; }
    // The memory, no larger than it must be, to be freed with std::free. Never null.
    T *release() {
        if (data_ == nullptr) reserve(1);
        if (size_ && capacity_ > size_) shrink();
        capacity_ = size_ = 0;
        return std::exchange(data_, nullptr);
    }

  private:
    void swap(Array &other) {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(capacity_, other.capacity_);
    }
    void reserve(size_t capacity) {
        T *moved = static_cast<T *>(allocate_large(capacity * sizeof(T)));
        if (size_) std::memcpy(moved, data_, size_ * sizeof(T));
        std::free(data_);
        data_ = moved, capacity_ = capacity;
    }
    void shrink() {
        void *kept = std::realloc(data_, size_ * sizeof(T));
        if (kept != nullptr) data_ = static_cast<T *>(kept), capacity_ = size_;
    }
    T *data_ = nullptr;
    size_t size_ = 0, capacity_ = 0;
};

}  // namespace celeris::wire
