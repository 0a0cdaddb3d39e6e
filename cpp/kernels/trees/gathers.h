// The steps of walks by gathers, for processors that make them at a load a lane and cycle or better.
#pragma once

#include "kernels/trees/steps.h"

#if defined(__AVX512VBMI__)
#include <immintrin.h>

namespace celeris::CELERIS_TARGET {

constexpr int kGathers = 4;  // vectors of 16 rows that walk side by side

// Where sixteen walks of each vector stand after a step: `key_at` their columns' keys lie, and the `left` of a pair.
template <int V, class KeyAt, class Left>
inline void gathered_step(const trees::NarrowNode *nodes, const int32_t *keys, const __m512i (&at)[V], __m512i (&next)[V],
                          KeyAt &&key_at, Left &&left) {
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) {
        const __m512i key = _mm512_i32gather_epi32(at[v], nodes, 8);
        const __m512i rest = _mm512_i32gather_epi32(at[v], reinterpret_cast<const char *>(nodes) + 4, 8);
        const __m512i x = _mm512_i32gather_epi32(key_at(v, _mm512_srli_epi32(rest, 16)), keys, 4);
        const __m512i to = left(v, _mm512_and_si512(rest, _mm512_set1_epi32(0xffff)));
        next[v] = _mm512_mask_add_epi32(to, _mm512_cmpgt_epu32_mask(x, key), to, _mm512_set1_epi32(1));
    }
}

// As keys_of_row of steps.h, for a row of `width` features. Planes come in the order of features as a rule: then those of
// sixteen are among sixteen numbers side by side.
inline void gathered_keys(const float *x, ptrdiff_t stride, int64_t width, const std::vector<trees::Plane> &planes, int32_t *keys) {
    using K = trees::Keys<int32_t>;
    static_assert(sizeof(trees::Plane) == 8);
    const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    const __m512i odd = _mm512_add_epi32(even, _mm512_set1_epi32(1)), greatest = _mm512_set1_epi32(K::nan_right);
    const auto first_of = [](int64_t count) { return count < 16 ? __mmask16((1u << count) - 1) : __mmask16(0xffff); };
    for (size_t p = 0; p < planes.size(); p += 16) {
        const __mmask16 known = first_of(int64_t(planes.size() - p));
        const __m512i a = _mm512_maskz_loadu_epi64(__mmask8(known), planes.data() + p);
        const __m512i b = _mm512_maskz_loadu_epi64(__mmask8(known >> 8), planes.data() + p + 8);
        const __m512i feature = _mm512_permutex2var_epi32(a, even, b), nan_left = _mm512_permutex2var_epi32(a, odd, b);
        const int32_t from = planes.data()[p].feature;
        const __m512i offset = _mm512_sub_epi32(feature, _mm512_set1_epi32(from));
        __m512 number;
        if (stride == 1 && (_mm512_cmplt_epu32_mask(offset, _mm512_set1_epi32(16)) | (~known & 0xffff)) == 0xffff) {
            number = _mm512_permutexvar_ps(offset, _mm512_maskz_loadu_ps(first_of(width - from), x + from));
        } else {
            const __m512i at = _mm512_mullo_epi32(feature, _mm512_set1_epi32(int32_t(stride)));
            number = _mm512_mask_i32gather_ps(_mm512_setzero_ps(), known, at, x, 4);
        }
        const __m512i of_nan = _mm512_mask_mov_epi32(greatest, _mm512_test_epi32_mask(nan_left, nan_left), _mm512_set1_epi32(K::never));
        const __m512i stored = _mm512_xor_si512(keys_of(number, of_nan), _mm512_set1_epi32(trees::biased(0)));
        if (known == 0xffff)  // some processors are slow to write under a mask
            _mm512_storeu_si512(keys + p, stored);
        else
            _mm512_mask_storeu_epi32(keys + p, known, stored);
    }
}

// As descend_row of steps.h.
class GatheredRow {
public:
    GatheredRow(const trees::NarrowNode *nodes, const int32_t *keys) : nodes_(nodes), keys_(keys) {}

    void operator()(const trees::Walks<trees::NarrowNode>::Tree *trees, size_t count, uint32_t *words) {
        constexpr int32_t further = 2;
        size_t usual = 0;
        for (size_t i = 0; i < count; ++i) {
            base_[i] = uint32_t(trees[i].base), at_[i] = base_[i] + trees[i].start, tree_[i] = uint32_t(i);
            usual += size_t(trees[i].usual);
        }
        const __m512i zero = _mm512_setzero_si512();  // a place, for lanes of no tree
        _mm512_storeu_si512(at_ + count, zero), _mm512_storeu_si512(base_ + count, zero), _mm512_storeu_si512(found_ + count, zero);
        moving_ = count;
        for (int32_t steps = int32_t(usual / count); moving_ > 0; steps = further) {
            const size_t moving = std::exchange(moving_, 0);
            size_t i = 0;
            for (; i + 48 < moving; i += 64) go<4>(i, moving, steps);
            if (i + 16 < moving) go<2>(i, moving, steps), i += 32;
            if (i < moving) go<1>(i, moving, steps);
        }
        for (size_t i = 0; i < count; i += 16)
            _mm512_storeu_si512(words + i, _mm512_and_si512(_mm512_i32gather_epi32(_mm512_load_si512(found_ + i), nodes_, 8),
                                                            _mm512_set1_epi32(0x7fffffff)));
    }

private:
    // Trees of the list from i on. What is listed never overtakes what is read.
    template <int V>
    void go(size_t i, size_t moving, int32_t steps) {
        __m512i at[V], base[V];
        for (int v = 0; v < V; ++v) at[v] = _mm512_loadu_si512(at_ + i + 16 * v), base[v] = _mm512_loadu_si512(base_ + i + 16 * v);
        for (int32_t s = 0; s < steps; ++s) step(base, at, at);
        __m512i next[V];
        step(base, at, next);
        for (int v = 0; v < V; ++v) {
            const size_t left = moving - std::min(moving, i + size_t(16 * v));
            const __mmask16 known = left < 16 ? __mmask16((1u << left) - 1) : __mmask16(0xffff);
            const __m512i tree = _mm512_loadu_si512(tree_ + i + 16 * v);
            const __mmask16 moves = _mm512_mask_cmpneq_epi32_mask(known, next[v], at[v]);
            _mm512_mask_i32scatter_epi32(found_, known, tree, next[v], 4);
            _mm512_storeu_si512(at_ + moving_, _mm512_maskz_compress_epi32(moves, next[v]));
            _mm512_storeu_si512(base_ + moving_, _mm512_maskz_compress_epi32(moves, base[v]));
            _mm512_storeu_si512(tree_ + moving_, _mm512_maskz_compress_epi32(moves, tree));
            moving_ += size_t(__builtin_popcount(moves));
        }
    }
    template <int V>
    void step(const __m512i (&base)[V], const __m512i (&at)[V], __m512i (&next)[V]) const {
        gathered_step<V>(nodes_, keys_, at, next, [](int, __m512i column) { return _mm512_srli_epi32(column, 4); },
                         [&](int v, __m512i pair) { return _mm512_add_epi32(base[v], _mm512_add_epi32(pair, pair)); });
    }

    const trees::NarrowNode *nodes_;
    const int32_t *keys_;
    // Of the trees that still move: where, the base of their places, their numbers; and where each came to rest.
    alignas(64) uint32_t at_[trees::kAlone + 16], base_[trees::kAlone + 16], tree_[trees::kAlone + 16],
        found_[trees::kAlone + 16];
    size_t moving_ = 0;
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
        __m512i rows[V], at[V], own[V], next[V];
        for (int v = 0; v < V; ++v) {
            rows[v] = _mm512_add_epi32(_mm512_set1_epi32(int(row) + 16 * v), lane());
            at[v] = _mm512_loadu_si512(places_ + row + 16 * v);
            own[v] = _mm512_add_epi32(_mm512_set1_epi32(int32_t(row / 16 + v) * group_), lane());
        }
        for (int32_t s = 0; s < usual; ++s) {
            next_tree(V);
            step(own, at, at);
        }
        step(own, at, next);
        for (int v = 0; v < V; ++v) {
            _mm512_storeu_si512(places_ + row + 16 * v, next[v]);
            note(_mm512_cmpneq_epi32_mask(next[v], at[v]), rows[v]);
        }
    }
    // Rows of the list from `first` on, of `count` in all.
    template <int V>
    void go_on(int64_t first, int64_t count, int32_t steps) {
        __m512i rows[V], at[V], own[V], next[V];
        __mmask16 known[V];
        for (int v = 0; v < V; ++v) {
            const int64_t n = std::clamp<int64_t>(count - first - 16 * v, 0, 16);
            known[v] = __mmask16((1u << n) - 1);
            rows[v] = _mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(list_ + first + 16 * v)));
            rows[v] = _mm512_maskz_mov_epi32(known[v], rows[v]);
            at[v] = _mm512_i32gather_epi32(rows[v], places_, 4);
            own[v] = _mm512_add_epi32(
                _mm512_mullo_epi32(_mm512_srli_epi32(rows[v], 4), _mm512_set1_epi32(group_)),
                _mm512_and_si512(rows[v], _mm512_set1_epi32(15)));
        }
        for (int32_t s = 0; s < steps; ++s) step(own, at, at);
        step(own, at, next);
        for (int v = 0; v < V; ++v) {
            _mm512_mask_i32scatter_epi32(places_, known[v], rows[v], next[v], 4);
            note(_mm512_mask_cmpneq_epi32_mask(known[v], next[v], at[v]), rows[v]);
        }
    }
    template <int V>
    void step(const __m512i (&own)[V], const __m512i (&at)[V], __m512i (&next)[V]) const {
        gathered_step<V>(nodes_, keys_, at, next, [&](int v, __m512i column) { return _mm512_add_epi32(own[v], column); },
                         [](int, __m512i pair) { return _mm512_add_epi32(pair, pair); });
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
