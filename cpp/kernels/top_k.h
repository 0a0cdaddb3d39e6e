// top_k: the k greatest or least columns of a row, in order, and where they stand. Of equals the first comes first.
#pragma once

#include "engine/target.h"

namespace celeris {

struct TopColumns : KernelState {
    Type type;
    int64_t width, k;
    bool largest;

    explicit TopColumns(const Params &p) : largest(p.integer("largest") != 0) {
        p.arity(1, 2);
        type = p.in[0].type, width = p.in[0].width, k = p.out[0].width;
        require(type != Type::str && type != Type::u8 && p.out[0].type == type && p.out[1].type == Type::i64,
                "top_k: expected numbers to the same numbers and i64");
        require(k > 0 && k <= width && p.out[1].width == k, "top_k: expected k of the columns");
        cost = 0.6 * double(width) + 4 * double(k);
    }
};

namespace CELERIS_TARGET {

// Whether a comes before b; as in a sort, NaN is greater than all numbers.
template <bool largest, class T>
inline bool before(T a, T b) {
    return largest ? (a > b) | ((a != a) & (b == b)) : (a < b) | ((b != b) & (a == a));
}

// The row's element of column c put among the `count` best so far.
template <bool largest, class T>
inline void place(const Block &b, int64_t r, int64_t c, T x, int64_t count) {
    T *values = b.out[0].column<T>(0) + r;
    int64_t *places = b.out[1].column<int64_t>(0) + r;
    const ptrdiff_t sv = b.out[0].stride, sp = b.out[1].stride;
    int64_t at = count;
    for (; at > 0 && before<largest>(x, values[(at - 1) * sv]); --at)
        values[at * sv] = values[(at - 1) * sv], places[at * sp] = places[(at - 1) * sp];
    values[at * sv] = x, places[at * sp] = c;
}

template <bool largest, class T>
void top_k(const TopColumns &k, const Block &b) {
    constexpr int64_t chunk = 64, word = 8;  // rows looked at together: seldom does one of them beat its worst
    for (int64_t c = 0; c < k.k; ++c)
        for (int64_t r = 0; r < b.rows; ++r) place<largest>(b, r, c, b.in[0].column<T>(c)[r], c);
    for (int64_t first = 0; first < b.rows; first += chunk) {
        const int64_t n = b.rows - first < chunk ? b.rows - first : chunk;
        const T *worst = b.out[0].column<T>(k.k - 1) + first;
        uint8_t beats[chunk] = {};
        for (int64_t c = k.k; c < k.width; ++c) {
            const T *x = b.in[0].column<T>(c) + first;
            for (int64_t r = 0; r < n; ++r) beats[r] = uint8_t(before<largest>(x[r], worst[r]));
            for (int64_t at = 0; at < n; at += word) {
                uint64_t some;
                std::memcpy(&some, beats + at, word);
                for (; some != 0; some &= some - 1) {
                    const int64_t r = at + __builtin_ctzll(some) / 8;
                    place<largest>(b, first + r, c, x[r], k.k - 1);
                }
            }
        }
    }
}

inline void run(const TopColumns &k, const Block &b) {
    for_number(k.type, [&](auto *t) {
        if (k.largest)
            top_k<true, pointee<decltype(t)>>(k, b);
        else
            top_k<false, pointee<decltype(t)>>(k, b);
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
