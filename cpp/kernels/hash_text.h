// hash_text: MurmurHash3 of strings' bytes, 32 bits, as a signed number. A. Appleby, MurmurHash3_x86_32, 2011.
#pragma once

#include "engine/target.h"

namespace celeris {

struct HashText : KernelState {
    int64_t width;
    uint32_t seed;

    explicit HashText(const Params &p) : seed(uint32_t(p.integer("seed"))) {
        p.arity(1, 1);
        width = p.in[0].width;
        require(p.in[0].type == Type::str && p.out[0].type == Type::i32 && p.out[0].width == width,
                "hash_text: expected strings to as many i32");
        cost = 10 * double(width);
    }
};

namespace CELERIS_TARGET {

inline uint32_t rotated(uint32_t x, int bits) { return x << bits | x >> (32 - bits); }

inline uint32_t murmur(const Str &text, uint32_t seed) {
    const auto mixed = [](uint32_t word) { return rotated(word * 0xcc9e2d51u, 15) * 0x1b873593u; };
    uint32_t h = seed;
    int64_t at = 0;
    for (; at + 4 <= text.size; at += 4) {
        uint32_t word;
        std::memcpy(&word, text.data + at, 4);
        h = rotated(h ^ mixed(word), 13) * 5 + 0xe6546b64u;
    }
    uint32_t last = 0;
    for (int64_t i = text.size - 1; i >= at; --i) last = last << 8 | uint8_t(text.data[i]);
    if (at < text.size) h ^= mixed(last);
    h ^= uint32_t(text.size);
    h = (h ^ h >> 16) * 0x85ebca6bu;
    h = (h ^ h >> 13) * 0xc2b2ae35u;
    return h ^ h >> 16;
}

inline void run(const HashText &k, const Block &b) {
    for (int64_t c = 0; c < k.width; ++c) {
        const Str *x = b.in[0].column<Str>(c);
        int32_t *y = b.out[0].column<int32_t>(c);
        for (int64_t r = 0; r < b.rows; ++r) y[r] = int32_t(murmur(x[r], k.seed));
    }
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
