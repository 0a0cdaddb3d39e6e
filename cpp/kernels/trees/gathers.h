// The steps of walks by gathers, for processors that make them at a load a lane and cycle or better.
#pragma once

#include "kernels/trees/steps.h"

#if defined(__AVX512VBMI__)
#include <immintrin.h>

namespace celeris::CELERIS_TARGET {

constexpr int kGathers = 4;  // vectors of 16 rows that walk side by side

// Some of the rows of a block: their keys, from the block's first, and where they stand.
template <int V>
struct Walkers {
    __m512i at[V], own[V];

    void step(const trees::NarrowNode *nodes, const int32_t *keys, __m512i (&next)[V]) const {
        const __m512i low = _mm512_set1_epi32(0xffff);
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
            const __m512i key = _mm512_i32gather_epi32(at[v], nodes, 8);
            const __m512i rest = _mm512_i32gather_epi32(at[v], reinterpret_cast<const char *>(nodes) + 4, 8);
            const __m512i x = _mm512_i32gather_epi32(_mm512_add_epi32(own[v], _mm512_srli_epi32(rest, 16)), keys, 4);
            const __m512i pair = _mm512_and_si512(rest, low), left = _mm512_add_epi32(pair, pair);
            next[v] = _mm512_mask_add_epi32(left, _mm512_cmpgt_epi32_mask(x, key), left, _mm512_set1_epi32(1));
        }
    }
};

// As descend_all of steps.h.
class GatheredDescent {
public:
    GatheredDescent(const trees::NarrowNode *nodes, const int32_t *keys, ptrdiff_t group, uint32_t *places, uint16_t *list)
        : nodes_(nodes), keys_(keys), group_(int32_t(group)), places_(places), list_(list) {}

    void operator()(int64_t rows, int32_t usual, Fetch &next) {
        constexpr int32_t further = 3;
        const auto first = [&]<int V>(int64_t row) { start<V>(row, usual, next); };
        in_vectors(rows, first);
        while (left_ > 0) {
            const int64_t count = std::exchange(left_, 0);
            in_vectors(count, [&]<int V>(int64_t at) { go_on<V>(at, count, further); });
        }
    }

private:
    template <class Body>
    static void in_vectors(int64_t rows, Body &&body) {
        int64_t row = 0;
        for (; row + 16 * (kGathers - 1) < rows; row += 16 * kGathers) body.template operator()<kGathers>(row);
        if (row + 16 < rows) body.template operator()<2>(row), row += 32;
        if (row < rows) body.template operator()<1>(row);
    }
    static __m512i lane() { return _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15); }

    template <int V>
    void start(int64_t row, int32_t usual, Fetch &next_tree) {
        Walkers<V> w;
        __m512i rows[V];
        for (int v = 0; v < V; ++v) {
            rows[v] = _mm512_add_epi32(_mm512_set1_epi32(int(row) + 16 * v), lane());
            w.at[v] = _mm512_loadu_si512(places_ + row + 16 * v);
            w.own[v] = _mm512_add_epi32(_mm512_set1_epi32(int32_t(row / 16 + v) * group_), lane());
        }
        for (int32_t s = 0; s < usual; ++s) {
            next_tree(V);
            w.step(nodes_, keys_, w.at);
        }
        __m512i next[V];
        w.step(nodes_, keys_, next);
        for (int v = 0; v < V; ++v) {
            _mm512_storeu_si512(places_ + row + 16 * v, next[v]);
            note(_mm512_cmpneq_epi32_mask(next[v], w.at[v]), rows[v]);
        }
    }
    // Rows of the list from `at` on, of `count` in all.
    template <int V>
    void go_on(int64_t at, int64_t count, int32_t steps) {
        Walkers<V> w;
        __m512i rows[V];
        __mmask16 known[V];
        for (int v = 0; v < V; ++v) {
            const int64_t n = std::clamp<int64_t>(count - at - 16 * v, 0, 16);
            known[v] = __mmask16((1u << n) - 1);
            rows[v] = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(list_ + at + 16 * v)));
            rows[v] = _mm512_maskz_mov_epi32(known[v], rows[v]);
            w.at[v] = _mm512_i32gather_epi32(rows[v], places_, 4);
            w.own[v] = _mm512_add_epi32(
                _mm512_mullo_epi32(_mm512_srli_epi32(rows[v], 4), _mm512_set1_epi32(group_)),
                _mm512_and_si512(rows[v], _mm512_set1_epi32(15)));
        }
        for (int32_t s = 0; s < steps; ++s) w.step(nodes_, keys_, w.at);
        __m512i next[V];
        w.step(nodes_, keys_, next);
        for (int v = 0; v < V; ++v) {
            _mm512_mask_i32scatter_epi32(places_, known[v], rows[v], next[v], 4);
            note(_mm512_mask_cmpneq_epi32_mask(known[v], next[v], w.at[v]), rows[v]);
        }
    }
    // Lists those that still move. What is listed never overtakes what is read.
    void note(__mmask16 moving, __m512i rows) {
        const __m256i found = _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(moving, rows));
        _mm256_storeu_si256(reinterpret_cast<__m256i *>(list_ + left_), found);
        left_ += __builtin_popcount(moving);
    }

    const trees::NarrowNode *nodes_;
    const int32_t *keys_;
    const int32_t group_;
    uint32_t *places_;
    uint16_t *list_;
    int64_t left_ = 0;
};

}  // namespace celeris::CELERIS_TARGET
#endif
