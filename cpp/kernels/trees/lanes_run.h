// The body of Lanes: a row's ranks, and tree by tree the bits of its nodes and its leaf.
#pragma once

#include "kernels/trees/bits_run.h"

#if defined(__AVX512VBMI__)
namespace celeris::CELERIS_TARGET {

inline const int32_t *keys_of(const trees::Lanes &lanes, int32_t) { return lanes.keys32.data(); }
inline const int64_t *keys_of(const trees::Lanes &lanes, int64_t) { return lanes.keys64.data(); }

// How many of 16 ascending keys lie below.
inline int keys_below(const int32_t *keys, int32_t key) {
    return __builtin_popcount(_mm512_cmplt_epi32_mask(_mm512_loadu_si512(keys), _mm512_set1_epi32(key)));
}
inline int keys_below(const int64_t *keys, int64_t key) {
    const __m512i own = _mm512_set1_epi64(key);
    return __builtin_popcount(_mm512_cmplt_epi64_mask(_mm512_loadu_si512(keys), own)) +
           __builtin_popcount(_mm512_cmplt_epi64_mask(_mm512_loadu_si512(keys + 8), own));
}

// The leaf of a tree, from the bits of its lanes.
inline uint64_t leaf_of(const trees::Lanes &lanes, const trees::Lanes::Tree &tree, uint64_t bits) {
    if (tree.registers == 0) {
        uint64_t turns = 1;
        const auto turn = [&] { turns = 2 * turns + (bits >> turns & 1); };
        switch (tree.depth) {
            case 6: turn(); [[fallthrough]];
            case 5: turn(); [[fallthrough]];
            case 4: turn(); [[fallthrough]];
            case 3: turn(); [[fallthrough]];
            case 2: turn(); [[fallthrough]];
            case 1: turn(); [[fallthrough]];
            default: return turns - (uint64_t(1) << tree.depth);
        }
    }
    const uint32_t *kills = lanes.kills.data() + tree.kills;
    __m512i open = _mm512_set1_epi32(-1);
    if (tree.wide) {
        for (int i = 0; i < tree.registers; ++i, bits >>= 8, kills += 16)
            open = _mm512_mask_and_epi64(open, __mmask8(bits), open, _mm512_loadu_si512(kills));
        return uint64_t(__builtin_ctzll(uint64_t(_mm512_reduce_and_epi64(open))));
    }
    for (int i = 0; i < tree.registers; ++i, bits >>= 16, kills += 16)
        open = _mm512_mask_and_epi32(open, __mmask16(bits), open, _mm512_loadu_si512(kills));
    return uint64_t(__builtin_ctz(uint32_t(_mm512_reduce_and_epi32(open))));
}

// Adds the trees to the sums of one row, which stands at x, its features `stride` apart. Eight columns a register.
template <int Registers, class Key, class From>
void add_lanes(const trees::Bits &bits, const trees::Plane *planes, const From *x, ptrdiff_t stride, double *sums) {
    const trees::Lanes &lanes = *bits.lanes;
    const uint8_t *plane = lanes.planes.data(), *rank = lanes.ranks.data();
    const trees::Lanes::Tree *tree = lanes.trees.data();
    const int64_t columns = bits.columns;
    const __mmask8 low = __mmask8((1u << (columns < 8 ? columns : 8)) - 1);
    const __mmask8 high = __mmask8(Registers > 1 ? (1u << (columns - 8)) - 1 : 0);
    const __mmask8 masks[2] = {low, high};
    const size_t *end = lanes.ends.data();
    for (const trees::Bits::Chunk *c = bits.chunks.data(), *last = c + bits.chunks.size(); c != last; ++c, ++end) {
        alignas(64) uint8_t row[trees::kLanePlanes];
        for (size_t p = c->ranked; p < c->ranked_end; ++p) {
            const trees::Bits::Ranked &ranked = bits.ranked.data()[p];
            const trees::Plane &of = planes[ranked.plane];
            Key key;
            keys_of<Key>(x + of.feature * stride, One{}, of.nan_left, &key);
            const Key *keys = keys_of(lanes, Key()) + lanes.keys.data()[p];
            const int block = keys_below(keys, key);
            row[p - c->ranked] = uint8_t(16 * block + keys_below(keys + 16 + 16 * block, key));
        }
        const __m512i a = _mm512_load_si512(row), b = _mm512_load_si512(row + 64);
        uint64_t outcome = 0;
        int32_t target = tree->target;
        __m512d total[Registers];
        const auto begin = [&] {
            for (int i = 0; i < Registers; ++i) total[i] = _mm512_maskz_loadu_pd(masks[i], sums + target + 8 * i);
        };
        const auto finish = [&] {
            for (int i = 0; i < Registers; ++i) _mm512_mask_storeu_pd(sums + target + 8 * i, masks[i], total[i]);
        };
        begin();
        for (const trees::Lanes::Tree *stop = lanes.trees.data() + *end; tree != stop; ++tree) {
            if (tree->fresh) {
                const __m512i own = _mm512_permutex2var_epi8(a, _mm512_loadu_si512(plane), b);
                outcome = _mm512_cmpgt_epu8_mask(own, _mm512_loadu_si512(rank));
                plane += 64, rank += 64;
            }
            if (tree->target != target) {
                finish();
                target = tree->target;
                begin();
            }
            const float *values = lanes.values.data() + tree->values;
            values += int64_t(leaf_of(lanes, *tree, outcome >> tree->shift)) * columns;
            for (int i = 0; i < Registers; ++i) {
                const __m256 value = _mm256_maskz_loadu_ps(masks[i], values + 8 * i);
                total[i] = _mm512_add_pd(total[i], _mm512_cvtps_pd(value));
            }
        }
        finish();
    }
}

}  // namespace celeris::CELERIS_TARGET
#endif
