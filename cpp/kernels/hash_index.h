// A table from keys (integers, reals, strings) to their position, by open addressing. Built once, read by kernels.
#pragma once

#include "engine/target.h"

namespace celeris {

// Inlined always: kernel bodies share these with the builder (see kernels.h). Real keys are equal as numbers are (-0 is 0), and NaN equals NaN.
[[gnu::always_inline]] inline uint64_t hash_key(uint64_t h) {  // the finalizer of MurmurHash3, by Austin Appleby
    h ^= h >> 33, h *= 0xff51afd7ed558ccdULL;
    h ^= h >> 33, h *= 0xc4ceb9fe1a85ec53ULL;
    return h ^ h >> 33;
}

struct HashIndex {
    Type type;                       // i64, f32, f64 or str
    std::vector<uint64_t> bits;      // of each key: an integer, or a double's bits; for strings their hash
    std::vector<std::string> texts;
    std::vector<Str> views;
    std::vector<int32_t> slots;      // positions; -1: empty. A power of two, at most half full.

    HashIndex() = default;
    HashIndex(const HashIndex &) = delete;
    HashIndex &operator=(const HashIndex &) = delete;

    [[gnu::always_inline]] static uint64_t bits_of(double v) {
        const double one_nan = v != v ? __builtin_nan("") : v + 0.0;
        uint64_t b;
        std::memcpy(&b, &one_nan, 8);
        return b;
    }
    [[gnu::always_inline]] static uint64_t hash_text(const char *data, int64_t size) {
        uint64_t h = 0x9e3779b97f4a7c15ULL ^ uint64_t(size);
        for (; size >= 8; data += 8, size -= 8) {
            uint64_t w;
            std::memcpy(&w, data, 8);
            h = hash_key(h ^ w);
        }
        return hash_key(h ^ rest_of(data, size));
    }

    // Fewer than 8 bytes as a number; others of that size give another. Loads of fixed sizes: no call of memcpy.
    [[gnu::always_inline]] static uint64_t rest_of(const char *data, int64_t size) {
        if (size >= 4) {
            uint32_t low, high;
            std::memcpy(&low, data, 4);
            std::memcpy(&high, data + size - 4, 4);
            return uint64_t(high) << 32 | low;
        }
        if (size <= 0) return 0;
        const auto byte = [&](int64_t at) { return uint64_t(uint8_t(data[at])); };
        return byte(0) | byte(size / 2) << 8 | byte(size - 1) << 16;
    }
    // Up to this size equal hashes of texts of one size mean equal texts: hash_key is a bijection.
    static constexpr int64_t exact_size = 8;

    // From parameter `keys`: int64, float32, float64 array or list of str, as `of` says. The first of equal keys counts.
    void build(const Params &p, Type of) {
        type = of;
        if (of == Type::str) {
            texts = p.strings("keys");
            for (const std::string &s : texts) {
                views.push_back({s.data(), int64_t(s.size())});
                bits.push_back(hash_text(s.data(), int64_t(s.size())));
            }
        } else if (of == Type::i64) {
            for (int64_t v : p.integers("keys")) bits.push_back(uint64_t(v));
        } else {
            require(of == Type::f32 || of == Type::f64, "expected keys of i64, f32, f64 or str");
            for (double v : p.doubles("keys")) bits.push_back(bits_of(v));
        }
        require(bits.size() < (size_t(1) << 30), "expected fewer than 2^30 keys");
        size_t capacity = 4;
        while (capacity < 2 * bits.size()) capacity *= 2;
        slots.assign(capacity, -1);
        for (size_t i = 0; i < bits.size(); ++i) {
            size_t at = (of == Type::str ? bits[i] : hash_key(bits[i])) & (capacity - 1);
            while (slots[at] >= 0 && !same(size_t(slots[at]), i)) at = (at + 1) & (capacity - 1);
            if (slots[at] < 0) slots[at] = int32_t(i);
        }
    }

    // Whether it is sooner to compare many numbers with each key than to look each up.
    bool few() const { return type != Type::str && bits.size() <= 16; }

private:
    bool same(size_t a, size_t b) const {
        return bits[a] == bits[b] && (type != Type::str || texts[a] == texts[b]);
    }
};

namespace CELERIS_TARGET {

// The position of a key, or -1.
template <class T>
inline int32_t find(const HashIndex &index, T key) {
    const uint64_t *bits = index.bits.data();
    const int32_t *slots = index.slots.data();
    const size_t mask = index.slots.size() - 1;
    if constexpr (sizeof(T) == sizeof(Str)) {
        const uint64_t h = HashIndex::hash_text(key.data, key.size);
        for (size_t at = h & mask; slots[at] >= 0; at = (at + 1) & mask) {
            const Str &found = index.views.data()[slots[at]];
            if (bits[slots[at]] != h || found.size != key.size) continue;
            if (key.size <= HashIndex::exact_size || std::memcmp(found.data, key.data, size_t(key.size)) == 0)
                return slots[at];
        }
        return -1;
    } else {
        uint64_t b;
        if constexpr (T(0.5) != T(0)) {
            b = HashIndex::bits_of(double(key));
        } else {
            b = uint64_t(int64_t(key));
        }
        for (size_t at = hash_key(b) & mask; slots[at] >= 0; at = (at + 1) & mask)
            if (bits[slots[at]] == b) return slots[at];
        return -1;
    }
}

constexpr int64_t kFound = 64;  // rows whose keys are looked for at a time

// The positions of n numbers, at most kFound, among few keys; of what is no key, as many as there are keys.
template <class T>
[[gnu::noinline]] void find_some(const HashIndex &index, const T *x, int64_t n, int32_t *at) {
    const int32_t none = int32_t(index.bits.size());
    lanes(n, [&](int64_t r) { at[r] = none; });
    for (int32_t i = none - 1; i >= 0; --i) {  // the first of equal keys counts
        const uint64_t bits = index.bits.data()[i];
        if constexpr (T(0.5) != T(0)) {
            const double key = as_double(int64_t(bits));
            if (key != key)
                lanes(n, [&](int64_t r) { at[r] = x[r] != x[r] ? i : at[r]; });
            else if (double(T(key)) == key)
                lanes(n, [&, like = T(key)](int64_t r) { at[r] = x[r] == like ? i : at[r]; });
        } else {
            lanes(n, [&, like = T(bits)](int64_t r) { at[r] = x[r] == like ? i : at[r]; });
        }
    }
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
