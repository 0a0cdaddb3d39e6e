// The body of Lanes: a row's ranks, and tree by tree the bits of its nodes and its leaf.
#pragma once

#include "kernels/trees/bits_run.h"

#if defined(__AVX2__)
namespace celeris::CELERIS_TARGET {

inline const int32_t *keys_of(const trees::Lanes &lanes, int32_t) { return lanes.keys32.data(); }
inline const int64_t *keys_of(const trees::Lanes &lanes, int64_t) { return lanes.keys64.data(); }

#if defined(__AVX512VBMI__)
// How many of 16 ascending keys lie below.
inline int keys_below(const int32_t *keys, int32_t key) {
    return __builtin_popcount(_mm512_cmplt_epi32_mask(_mm512_loadu_si512(keys), _mm512_set1_epi32(key)));
}
inline int keys_below(const int64_t *keys, int64_t key) {
    const __m512i own = _mm512_set1_epi64(key);
    return __builtin_popcount(_mm512_cmplt_epi64_mask(_mm512_loadu_si512(keys), own)) +
           __builtin_popcount(_mm512_cmplt_epi64_mask(_mm512_loadu_si512(keys + 8), own));
}

// The bits of 64 lanes: whether the rank of a lane's plane is above the lane's own.
inline uint64_t outcome_of(const uint8_t *row, size_t, const uint8_t *plane, const uint8_t *rank) {
    const __m512i a = _mm512_load_si512(row), b = _mm512_load_si512(row + 64);
    return _mm512_cmpgt_epu8_mask(_mm512_permutex2var_epi8(a, _mm512_loadu_si512(plane), b), _mm512_loadu_si512(rank));
}

// The sums of a target's columns while trees add to them, eight a register.
template <int Registers>
struct LaneSums {
    __mmask8 masks[Registers];
    __m512d total[Registers];
    explicit LaneSums(int64_t columns) {
        for (int i = 0; i < Registers; ++i) masks[i] = __mmask8((1u << (columns - 8 * i < 8 ? columns - 8 * i : 8)) - 1);
    }
    void begin(const double *sums) {
        for (int i = 0; i < Registers; ++i) total[i] = _mm512_maskz_loadu_pd(masks[i], sums + 8 * i);
    }
    void add(const float *values) {
        for (int i = 0; i < Registers; ++i)
            total[i] = _mm512_add_pd(total[i], _mm512_cvtps_pd(_mm256_maskz_loadu_ps(masks[i], values + 8 * i)));
    }
    void finish(double *sums) const {
        for (int i = 0; i < Registers; ++i) _mm512_mask_storeu_pd(sums + 8 * i, masks[i], total[i]);
    }
};
#else
inline int keys_below(const int32_t *keys, int32_t key) {
    const __m256i own = _mm256_set1_epi32(key), *at = reinterpret_cast<const __m256i *>(keys);
    const __m256i words = _mm256_packs_epi32(_mm256_cmpgt_epi32(own, _mm256_loadu_si256(at)),
                                             _mm256_cmpgt_epi32(own, _mm256_loadu_si256(at + 1)));
    return __builtin_popcount(uint32_t(_mm256_movemask_epi8(words))) / 2;
}
inline int keys_below(const int64_t *keys, int64_t key) {
    const __m256i own = _mm256_set1_epi64x(key);
    __m256i below = _mm256_setzero_si256();
    for (int i = 0; i < 4; ++i)
        below = _mm256_sub_epi64(
            below, _mm256_cmpgt_epi64(own, _mm256_loadu_si256(reinterpret_cast<const __m256i *>(keys) + i)));
    return int(below[0] + below[1] + below[2] + below[3]);
}

template <int Bits>
inline uint64_t outcome_by(const uint8_t *row, const uint8_t *plane, const uint8_t *rank) {
    uint64_t bits = 0;
    for (int h = 0; h < 2; ++h) {
        const __m256i at = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(plane) + h);
        const __m256i than = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(rank) + h);
        const __m256i own = look_up_bytes<Bits>(row, at, _mm256_and_si256(at, _mm256_set1_epi8(15)));
        const __m256i not_above = _mm256_cmpeq_epi8(_mm256_subs_epu8(own, than), _mm256_setzero_si256());
        bits |= uint64_t(~uint32_t(_mm256_movemask_epi8(not_above))) << (32 * h);
    }
    return bits;
}
inline uint64_t outcome_of(const uint8_t *row, size_t planes, const uint8_t *plane, const uint8_t *rank) {
    if (planes <= 16) return outcome_by<4>(row, plane, rank);
    if (planes <= 32) return outcome_by<5>(row, plane, rank);
    if (planes <= 64) return outcome_by<6>(row, plane, rank);
    return outcome_by<7>(row, plane, rank);
}

template <int Registers>
struct LaneSums {
    __m128i masks[2 * Registers];
    __m256d total[2 * Registers];
    explicit LaneSums(int64_t columns) {
        for (int i = 0; i < 2 * Registers; ++i)
            masks[i] = _mm_cmpgt_epi32(_mm_set1_epi32(int(columns) - 4 * i), _mm_setr_epi32(0, 1, 2, 3));
    }
    __m256i wide(int i) const { return _mm256_cvtepi32_epi64(masks[i]); }
    void begin(const double *sums) {
        for (int i = 0; i < 2 * Registers; ++i) total[i] = _mm256_maskload_pd(sums + 4 * i, wide(i));
    }
    void add(const float *values) {
        for (int i = 0; i < 2 * Registers; ++i)
            total[i] = _mm256_add_pd(total[i], _mm256_cvtps_pd(_mm_maskload_ps(values + 4 * i, masks[i])));
    }
    void finish(double *sums) const {
        for (int i = 0; i < 2 * Registers; ++i) _mm256_maskstore_pd(sums + 4 * i, wide(i), total[i]);
    }
};
#endif
// One column.
template <>
struct LaneSums<0> {
    double total;
    explicit LaneSums(int64_t) {}
    void begin(const double *sums) { total = *sums; }
    void add(const float *values) { total += double(*values); }
    void finish(double *sums) const { *sums = total; }
};

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
#if defined(__AVX512VBMI__)
    __m512i open = _mm512_set1_epi32(-1);
    if (tree.wide) {
        for (int i = 0; i < tree.registers; ++i, bits >>= 8, kills += 16)
            open = _mm512_mask_and_epi64(open, __mmask8(bits), open, _mm512_loadu_si512(kills));
        return uint64_t(__builtin_ctzll(uint64_t(_mm512_reduce_and_epi64(open))));
    }
    for (int i = 0; i < tree.registers; ++i, bits >>= 16, kills += 16)
        open = _mm512_mask_and_epi32(open, __mmask16(bits), open, _mm512_loadu_si512(kills));
    return uint64_t(__builtin_ctz(uint32_t(_mm512_reduce_and_epi32(open))));
#else
    const __m256i all = _mm256_set1_epi32(int(uint32_t(bits)));
    __m256i lane = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128), open = _mm256_set1_epi32(-1);
    for (int i = 0; i < 2 * tree.registers; ++i, kills += 8) {
        const __m256i out = _mm256_cmpeq_epi32(_mm256_and_si256(all, lane), _mm256_setzero_si256());
        open = _mm256_and_si256(open, _mm256_or_si256(out, _mm256_loadu_si256(reinterpret_cast<const __m256i *>(kills))));
        lane = _mm256_slli_epi32(lane, 8);
    }
    const __m128i four = _mm_and_si128(_mm256_castsi256_si128(open), _mm256_extracti128_si256(open, 1));
    const __m128i two = _mm_and_si128(four, _mm_shuffle_epi32(four, 0x4e));
    return uint64_t(__builtin_ctz(uint32_t(_mm_cvtsi128_si32(_mm_and_si128(two, _mm_shuffle_epi32(two, 0xb1))))));
#endif
}

// Adds the trees to the sums of one row, which stands at x, its features `stride` apart. Eight columns a register, none for
// a single column. `members` has room for a word a vector of a chunk with sets.
template <int Registers, class Key, class From>
void add_lanes(const trees::Bits &bits, const trees::Plane *planes, const From *x, ptrdiff_t stride, double *sums,
               uint64_t *members) {
    const trees::Lanes &lanes = *bits.lanes;
    const uint8_t *plane = lanes.planes.data(), *rank = lanes.ranks.data();
    const trees::Lanes::Tree *tree = lanes.trees.data();
    const int64_t columns = bits.columns;
    LaneSums<Registers> total(columns);
    const trees::Lanes::Chunk *own = lanes.chunks.data();
    const trees::Lanes::Members *member = lanes.members.data();
    for (const trees::Bits::Chunk *c = bits.chunks.data(), *last = c + bits.chunks.size(); c != last; ++c, ++own) {
        alignas(64) uint8_t row[trees::kLanePlanes];
        for (size_t p = c->ranked; p < c->ranked_end; ++p) {
            const trees::Bits::Ranked &ranked = bits.ranked.data()[p];
            const trees::Plane &of = planes[ranked.plane];
            const Key key = key_of<Key>(x[of.feature * stride], of.nan_left);
            const Key *keys = keys_of(lanes, Key()) + lanes.keys.data()[p];
            const int block = keys_below(keys, key);
            row[p - c->ranked] = uint8_t(16 * block + keys_below(keys + 16 + 16 * block, key));
        }
        const trees::Lanes::Members *members_end = lanes.members.data() + own->members_end;
        const uint64_t *answers = nullptr;  // of sets, a word a vector
        for (; member != members_end; ++member) {
            const uint64_t *found = lanes.member_bits.data() + member->bits + row[member->plane] * own->vectors;
            if (answers == nullptr) {
                answers = found;
                continue;
            }
            const uint64_t *before = answers;
            for (size_t v = 0; v < own->vectors; ++v) members[v] = before[v] ^ found[v];
            answers = members;
        }
        const size_t count = c->ranked_end - c->ranked;
        uint64_t outcome = 0;
        int32_t target = tree->target;
        total.begin(sums + target);
        for (const trees::Lanes::Tree *stop = lanes.trees.data() + own->trees_end; tree != stop; ++tree) {
            if (tree->fresh) {
                outcome = outcome_of(row, count, plane, rank);
                plane += 64, rank += 64;
                if (answers != nullptr) outcome ^= *answers++;
            }
            if (tree->target != target) {
                total.finish(sums + target);
                target = tree->target;
                total.begin(sums + target);
            }
            const float *values = lanes.values.data() + tree->values;
            total.add(values + int64_t(leaf_of(lanes, *tree, outcome >> tree->shift)) * columns);
        }
        total.finish(sums + target);
    }
}

}  // namespace celeris::CELERIS_TARGET
#endif
