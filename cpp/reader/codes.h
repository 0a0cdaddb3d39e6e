// Coded: distinct strings of a list and, for each element, the number of its own. Linear: the hash is keyed at random, so a
// file cannot be written to make its strings collide.
#pragma once

#include <algorithm>
#include <array>
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

    // `tag`: of the field that a list repeats.
    int32_t code(Slice slice, uint32_t tag) {
        if (same(slice, last_)) return spelled_[0].code;
        if (same(slice, other_)) return spelled_[1].code;
        other_ = last_, spelled_[1] = spelled_[0];
        last_ = slice, spelled_[0] = Spelled(data_ + slice.offset, size_t(slice.length), tag, find(slice));
        return spelled_[0].code;
    }
    // Where the length of one of the last two strings stands, then it, then the tag: passes over all that. Which of the two it
    // is no processor guesses; the length alone says where the next begins, before the string is known to be one of them.
    bool again(const uint8_t *&at, const uint8_t *end, int32_t &code) const {
        if (end - at < int64_t(2 * sizeof(uint64_t))) return false;
        const uint64_t low = word(at, 8), high = word(at + 8, 8);
        const auto &[a, b] = spelled_;
        const int32_t first = a.is(low, high), second = -int32_t(b.is(low, high));
        if ((first | second) == 0) return false;
        at += int64_t(*at) + 2, code = a.code ^ ((a.code ^ b.code) & second);
        return true;
    }
    const std::vector<Slice> &unique() const { return unique_; }

  private:
    // A short string as a list holds it, in two words.
    struct Spelled {
        uint64_t low = 1, high = 0, low_mask = 0, high_mask = 0;  // no words are these
        int32_t code = -1;

        Spelled() = default;
        Spelled(const uint8_t *string, size_t length, uint32_t tag, int32_t number) : code(number) {
            uint8_t bytes[16] = {}, mask[16] = {};
            if (length > sizeof bytes - 2 || tag >= 0x80) return;
            bytes[0] = uint8_t(length), bytes[length + 1] = uint8_t(tag);
            std::copy_n(string, length, bytes + 1), std::fill_n(mask, length + 2, 0xff);
            low = word(bytes, 8), high = word(bytes + 8, 8), low_mask = word(mask, 8), high_mask = word(mask + 8, 8);
        }
        bool is(uint64_t a, uint64_t b) const { return (((a & low_mask) ^ low) | ((b & high_mask) ^ high)) == 0; }
    };

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
    std::array<Spelled, 2> spelled_;    // these
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
