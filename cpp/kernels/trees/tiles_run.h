// The bodies of tiles: rows, or trees, take their steps side by side.
#pragma once

#include "kernels/trees/steps.h"

#if defined(__AVX512VBMI__)

namespace celeris::CELERIS_TARGET {

// The keys of a row of `width` numbers, by sixteen; NaN's is the greatest. Returns whether there is one. Features ascend as a rule: then
// sixteen of them are among sixteen numbers side by side.
inline bool tile_keys(const float *x, ptrdiff_t stride, int64_t width, const std::vector<int32_t> &features, int32_t *keys) {
    const __m512i greatest = _mm512_set1_epi32(trees::Keys<int32_t>::nan_right);
    const auto first_of = [](int64_t count) { return count < 16 ? __mmask16((1u << count) - 1) : __mmask16(0xffff); };
    __mmask16 nan = 0;
    for (size_t f = 0; f < features.size(); f += 16) {
        const __mmask16 known = first_of(int64_t(features.size() - f));
        const int32_t from = features.data()[f];
        const __m512i offset = _mm512_sub_epi32(_mm512_maskz_loadu_epi32(known, features.data() + f), _mm512_set1_epi32(from));
        __m512 number;
        if (stride == 1 && (_mm512_cmplt_epu32_mask(offset, _mm512_set1_epi32(16)) | (~known & 0xffff)) == 0xffff) {
            number = _mm512_permutexvar_ps(offset, _mm512_maskz_loadu_ps(first_of(width - from), x + from));
        } else {
            alignas(64) float numbers[16] = {};  // fetched one by one, as no instruction does that faster
            for (size_t i = f; i < std::min(f + 16, features.size()); ++i) numbers[i - f] = x[features.data()[i] * stride];
            number = _mm512_load_ps(numbers);
        }
        nan |= _mm512_mask_cmp_ps_mask(known, number, number, _CMP_UNORD_Q);
        _mm512_storeu_si512(keys + f, keys_of(number, greatest));
    }
    return nan != 0;
}

// A row's keys in registers: 1, 2, 4 or 8 of them.
template <int registers>
class TileKeys {
public:
    explicit TileKeys(const int32_t *keys) {
        for (int i = 0; i < registers; ++i) own_[i] = _mm512_loadu_si512(keys + 16 * i);
    }
    // Of features whose numbers are the low bits.
    __m256i operator()(__m256i features) const { return among<0, registers>(features); }

private:
    template <int first, int count>
    __m256i among(__m256i features) const {
        const __m512i at = _mm512_castsi256_si512(features);
        if constexpr (count == 1) {
            return _mm512_castsi512_si256(_mm512_permutexvar_epi32(at, own_[first]));
        } else if constexpr (count == 2) {
            return _mm512_castsi512_si256(_mm512_permutex2var_epi32(own_[first], at, own_[first + 1]));
        } else {
            const __mmask8 upper = _mm256_test_epi32_mask(features, _mm256_set1_epi32(8 * count));
            return _mm256_mask_mov_epi32(among<first, count / 2>(features), upper, among<first + count / 2, count / 2>(features));
        }
    }

    __m512i own_[registers];
};

// The way by which a row leaves a tile; `nan`: whether one of its numbers may be NaN.
template <bool nan, int registers>
inline uint32_t way_out(const trees::Tile &tile, const TileKeys<registers> &keys, const uint8_t *ways) {
    const __m256i features = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(tile.features)));
    const __m256i x = keys(features), own = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(tile.keys));
    uint32_t turns = _mm256_cmpgt_epi32_mask(x, own);
    if constexpr (nan) {
        const __mmask8 is_nan = _mm256_cmpeq_epi32_mask(x, _mm256_set1_epi32(trees::Keys<int32_t>::nan_right));
        turns &= ~uint32_t(_mm256_mask_test_epi32_mask(is_nan, features, _mm256_set1_epi32(trees::Tile::kNanLeft)));
    }
    return ways[tile.ways ^ turns];
}

// Rows that go down a tree.
template <int registers>
struct TileRows {
    const trees::Tile *all;
    uint32_t first_leaf;
    const int32_t *keys_of_rows;
    Fetch *next;

    void step() const { (*next)(); }
    const trees::Tile *tiles(int64_t) const { return all; }
    uint32_t leaf(int64_t) const { return first_leaf; }
    TileKeys<registers> keys(int64_t row) const { return TileKeys<registers>(keys_of_rows + row * (16 * registers)); }
};

// Trees that a row goes down.
template <int registers>
struct TileTrees {
    const trees::Tile *all;
    const trees::Tiles::Tree *trees;
    TileKeys<registers> row;

    void step() const {}
    const trees::Tile *tiles(int64_t tree) const { return all + trees[tree].first; }
    uint32_t leaf(int64_t tree) const { return trees[tree].leaf; }
    const TileKeys<registers> &keys(int64_t) const { return row; }
};

// Takes `count` walks from their places to words[i], the numbers of their leaves. Some take side by side so many steps as
// nearly all need, at least one; those that still move then are listed, and take one after the other until none is left.
template <bool nan, class Walks>
[[gnu::noinline]] void descend_tiles(const Walks walks, int64_t count, int32_t usual, uint32_t *places, uint16_t *list, uint32_t *words) {
    const uint8_t *const ways = trees::TileShapes::all().ways();
    int64_t moving = 0;
    const auto last_step = [&](int64_t i) __attribute__((always_inline)) {  // of a round: lists what moves
        const uint32_t at = places[i];
        const trees::Tile &tile = walks.tiles(i)[at];
        const uint32_t way = way_out<nan>(tile, walks.keys(i), ways), next = tile.exits[way];
        words[i] = walks.leaf(i) + tile.leaf(way);
        places[i] = next, list[moving] = uint16_t(i);
        moving += next != at;
    };
    for (int64_t first = 0; first < count; first += trees::kTileSide) {
        const int64_t end = std::min(first + trees::kTileSide, count);
        for (int32_t s = 1; s < usual; ++s) {
            walks.step();
#pragma GCC unroll 4
            for (int64_t i = first; i < end; ++i) {
                const trees::Tile *const tiles = walks.tiles(i), &tile = tiles[places[i]];
                const uint32_t next = tile.exits[way_out<nan>(tile, walks.keys(i), ways)];
                places[i] = next;
                __builtin_prefetch(tiles + next);
            }
        }
        for (int64_t i = first; i < end; ++i) last_step(i);
    }
    while (moving > 0) {
        const int64_t left = std::exchange(moving, 0);
        for (int64_t k = 0; k < left; ++k) last_step(list[k]);
    }
}

}  // namespace celeris::CELERIS_TARGET
#endif
