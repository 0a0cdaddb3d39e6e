// Coded: distinct strings of a list and, for each element, the number of its own. Linear: the hash is keyed at random, so a
// file cannot be written to make its strings collide.
#pragma once

#include <cstring>
#include <random>
#include <vector>
#ifdef _MSC_VER
#include <intrin.h>
#endif

#include "reader/integers.h"
#include "reader/slice.h"

namespace celeris::wire {

class Coder {
  public:
    explicit Coder(const uint8_t *data) : data_(data), table_(64, -1) {}

    int32_t code(Slice slice) {
        if (same(slice, last_)) return last_code_;
        if (!same(slice, other_)) {
            other_ = last_, other_code_ = last_code_;
            last_ = slice, last_code_ = find(slice);
            return last_code_;
        }
        return other_code_;
    }
    const std::vector<Slice> &unique() const { return unique_; }

  private:
    bool same(Slice a, Slice b) const {
        if (a.length != b.length) return false;
        const uint8_t *p = data_ + a.offset, *q = data_ + b.offset;
        const size_t n = size_t(a.length);
        if (n >= 8 && n <= 16) return word(p, 8) == word(q, 8) && word(p + n - 8, 8) == word(q + n - 8, 8);
        if (n >= 4 && n < 8) return word(p, 4) == word(q, 4) && word(p + n - 4, 4) == word(q + n - 4, 4);
        return std::memcmp(p, q, n) == 0;
    }
    int32_t find(Slice slice) {
        uint64_t h = hash(data_ + slice.offset, size_t(slice.length));
        size_t mask = table_.size() - 1;
        size_t at = h & mask;
        for (; table_[at] >= 0; at = (at + 1) & mask)
            if (hashes_[size_t(table_[at])] == h && same(unique_[size_t(table_[at])], slice)) return table_[at];
        if (unique_.size() > size_t(INT32_MAX)) throw Error("expected fewer distinct strings");
        int32_t code = int32_t(unique_.size());
        table_[at] = code;
        unique_.push_back(slice);
        hashes_.push_back(h);
        if (unique_.size() * 2 > table_.size()) grow();
        return code;
    }
    void grow() {
        table_.assign(table_.size() * 2, -1);
        size_t mask = table_.size() - 1;
        for (size_t code = 0; code < unique_.size(); ++code) {
            size_t at = hashes_[code] & mask;
            while (table_[at] >= 0) at = (at + 1) & mask;
            table_[at] = int32_t(code);
        }
    }
    // Both halves of the product: with the low half alone, some differences cancel whatever the key.
    static uint64_t mix(uint64_t a, uint64_t b) {
#ifdef _MSC_VER
        uint64_t high, low = _umul128(a, b, &high);
        return low ^ high;
#else
        __extension__ using Wide = unsigned __int128;
        Wide product = Wide(a) * b;
        return uint64_t(product) ^ uint64_t(product >> 64);
#endif
    }
    static uint64_t hash(const uint8_t *p, size_t size) {
        static const Keys keys;
        uint64_t h = mix(keys.a ^ size, keys.b);
        for (; size >= 8; p += 8, size -= 8) h = mix(h ^ word(p, 8), keys.a);
        return mix(h ^ word(p, size), keys.b);
    }
    static uint64_t word(const uint8_t *p, size_t size) {
        uint64_t value = 0;
        if (size) std::memcpy(&value, p, size);
        return value;
    }
    struct Keys {
        uint64_t a, b;
        Keys() {
            std::random_device device;
            a = (uint64_t(device()) << 32 | device()) | 1;
            b = (uint64_t(device()) << 32 | device()) | 1;
        }
    };

    const uint8_t *data_;
    Slice last_{0, -1}, other_{0, -1};  // most lists are of very few strings
    int32_t last_code_ = -1, other_code_ = -1;
    std::vector<int32_t> table_;
    std::vector<Slice> unique_;
    std::vector<uint64_t> hashes_;
};

struct Coded {
    explicit Coded(const uint8_t *data) : strings(data) {}
    Coder strings;
    Integers codes;
};

}  // namespace celeris::wire
