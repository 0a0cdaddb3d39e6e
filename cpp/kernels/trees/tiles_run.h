// The bodies of tiles: rows, or trees, take their steps side by side.
#pragma once

#include "kernels/trees/steps.h"

#if defined(__AVX512VBMI__)

namespace celeris::CELERIS_TARGET {

// The keys of a row of `width` features, by sixteen. Planes come in the order of features as a rule: then those of
// sixteen are among sixteen numbers side by side.
inline void tile_keys(const float *x, ptrdiff_t stride, int64_t width, const std::vector<trees::Plane> &planes, int32_t *keys) {
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
            alignas(64) float numbers[16] = {};  // fetched one by one, as no instruction does that faster
            for (size_t i = p; i < std::min(p + 16, planes.size()); ++i) numbers[i - p] = x[planes.data()[i].feature * stride];
            number = _mm512_load_ps(numbers);
        }
        const __m512i of_nan = _mm512_mask_mov_epi32(greatest, _mm512_test_epi32_mask(nan_left, nan_left), _mm512_set1_epi32(K::never));
        _mm512_storeu_si512(keys + p, keys_of(number, of_nan));
    }
}

// A row's keys: in 1, 2 or 4 registers, or (0) gathered where they lie.
template <int registers>
class TileKeys {
public:
    explicit TileKeys(const int32_t *keys) : keys_(keys) {
        for (int i = 0; i < registers; ++i) own_[i] = _mm512_loadu_si512(keys + 16 * i);
    }
    __m256i operator()(__m256i planes) const {
        if constexpr (registers == 0) return _mm256_i32gather_epi32(keys_, planes, 4);
        const __m512i at = _mm512_castsi256_si512(planes);
        const auto among = [&](int i) { return _mm512_castsi512_si256(_mm512_permutex2var_epi32(own_[i], at, own_[i + 1])); };
        if constexpr (registers == 1) return _mm512_castsi512_si256(_mm512_permutexvar_epi32(at, own_[0]));
        if constexpr (registers == 2) return among(0);
        if constexpr (registers == 4) return _mm256_mask_mov_epi32(among(0), _mm256_test_epi32_mask(planes, _mm256_set1_epi32(32)), among(2));
    }

private:
    const int32_t *keys_;
    __m512i own_[registers == 0 ? 1 : registers];
};

// The way by which a row leaves a tile.
template <int registers>
inline uint32_t way_out(const trees::Tile &tile, const TileKeys<registers> &keys, const uint8_t *ways) {
    const __m256i planes = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(tile.planes)));
    const __m256i own = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(tile.keys));
    return ways[tile.ways ^ uint32_t(_mm256_cmpgt_epi32_mask(keys(planes), own))];
}

// Rows that go down a tree.
template <int registers>
struct TileRows {
    const trees::Tile *all;
    uint32_t first_leaf;
    const int32_t *keys_of_rows;
    int64_t width;
    Fetch *next;

    void step() const { (*next)(); }
    const trees::Tile *tiles(int64_t) const { return all; }
    uint32_t leaf(int64_t) const { return first_leaf; }
    TileKeys<registers> keys(int64_t row) const {
        return TileKeys<registers>(keys_of_rows + row * (registers > 0 ? 16 * registers : width));
    }
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
template <class Walks>
[[gnu::noinline]] void descend_tiles(const Walks walks, int64_t count, int32_t usual, uint32_t *places, uint16_t *list, uint32_t *words) {
    const uint8_t *const ways = trees::TileShapes::all().ways();
    int64_t moving = 0;
    const auto last_step = [&](int64_t i) __attribute__((always_inline)) {  // of a round: lists what moves
        const uint32_t at = places[i];
        const trees::Tile &tile = walks.tiles(i)[at];
        const uint32_t way = way_out(tile, walks.keys(i), ways), next = tile.exits[way];
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
                const uint32_t next = tile.exits[way_out(tile, walks.keys(i), ways)];
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
