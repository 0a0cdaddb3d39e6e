// Tiles of products of whole numbers of 16 bits, exact in 32: as tiles.h, with two numbers of the depth side by side:
// rows in panels [K / 2][8][2], columns in panels [K / 2][48][2]. Processors multiply such pairs and add both at once.
#pragma once

#include "tensor/tiles.h"

namespace celeris::CELERIS_TARGET {

// sum + a pair by a pair, in each lane of 32 bits.
inline Ints add_pairs(Ints sum, Ints a, Ints b) {
#if defined(__AVX512VNNI__)
    return Ints(_mm512_dpwssd_epi32(__m512i(sum), __m512i(a), __m512i(b)));
#elif defined(__AVX2__)
    return sum + Ints(_mm256_madd_epi16(__m256i(a), __m256i(b)));
#else
    const Ints low = (a << 16 >> 16) * (b << 16 >> 16);
    return sum + low + (a >> 16) * (b >> 16);
#endif
}

// (Not inlined: see multiply_registers.)
template <int rows, int vectors>
[[gnu::noinline]] void multiply_pair_registers(const int32_t *a, const int32_t *b, int64_t k, int32_t *c, bool add) {
    Ints s[rows][vectors];
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) s[r][v] = add ? load(c + r * kTileColumns + v * kLanes) : Ints{};
    for (int64_t i = 0; i < k; ++i, a += kTileRows, b += kTileColumns) {
        Ints x[vectors];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) x[v] = load(b + v * kLanes);
#pragma GCC unroll 8
        for (int r = 0; r < rows; ++r) {
            const Ints w = splat(a[r]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v) s[r][v] = add_pairs(s[r][v], w, x[v]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) store(c + r * kTileColumns + v * kLanes, s[r][v]);
}

// A tile [8][48] of `rows` rows by whole vectors of `columns` columns, added to what is there or not; k is half of the
// depth.
inline void multiply_pair_tile(const int32_t *a, int64_t rows, const int32_t *b, int64_t columns, int64_t k, int32_t *c,
                               bool add) {
    for (; rows > 0; rows -= kRowsAtOnce, a += kRowsAtOnce, c += kRowsAtOnce * kTileColumns) {
        int64_t vectors = (columns + kLanes - 1) / kLanes;
        const int32_t *x = b;
        int32_t *to = c;
        for (; vectors > 0; vectors -= 3, x += 3 * kLanes, to += 3 * kLanes) {
            if (rows == 1)
                multiply_pair_registers<1, 3>(a, x, k, to, add);
            else if (vectors == 1)
                multiply_pair_registers<kRowsAtOnce, 1>(a, x, k, to, add);
            else
                multiply_pair_registers<kRowsAtOnce, 3>(a, x, k, to, add);
        }
    }
}

}  // namespace celeris::CELERIS_TARGET
