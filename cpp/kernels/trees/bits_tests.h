// The masks of a chunk's tests and sets, for W words of 64 rows each.
//
// A plane of few keys is compared with each. Else rows are ranked among its keys, down a search tree whose comparisons are
// the bits of the rank, the highest first; and the mask of a test, rank > i, is chosen among the comparisons with the upper
// bits of i by one with its lower bits: one choice a test, for all rows.
#pragma once

#if defined(__SSE2__)  // any x86-64
#include <immintrin.h>
#endif
#if defined(__GNUC__) && !defined(__clang__)  // GCC bug 105593: it warns of its own _mm512_undefined_epi32
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#include "engine/vectors.h"
#include "kernels/trees/bits.h"
#include "kernels/trees/steps.h"

namespace celeris::CELERIS_TARGET {

// A bit for each of W * 64 rows.
template <int W>
struct BitRows {
    typedef uint64_t type __attribute__((vector_size(8 * W), aligned(8 * W), may_alias));
};

// Words of as much of a vector as a register holds.
template <int W>
constexpr int part_words = 8 * W < vector_bytes ? W : int(vector_bytes / 8);

// where ? yes : no, bit by bit.
template <class V>
inline void choose_bits(V &result, const V &where, const V &yes, const V &no) {
#if defined(__AVX512F__)
    if constexpr (sizeof(V) == 64) {
        result = (V)_mm512_ternarylogic_epi64((__m512i)where, (__m512i)yes, (__m512i)no, 0xca);
        return;
    }
#endif
    result = (where & yes) | (no & ~where);
}

inline const int32_t *search_of(const trees::Bits &bits, int32_t) { return bits.search32.data(); }
inline const int64_t *search_of(const trees::Bits &bits, int64_t) { return bits.search64.data(); }
inline const float *limits_of(const trees::Bits &bits, float) { return bits.limits32.data(); }
inline const double *limits_of(const trees::Bits &bits, double) { return bits.limits64.data(); }

// ranks[r] = the turns of each row's key down the search tree of a plane's keys, a bit a level, the highest lowest; eight
// rows at once. `rows` is a multiple of 64.
template <class Key>
void rank_rows(const Key *search, int levels, const Key *keys, int64_t rows, uint8_t *ranks) {
    for (int64_t r = 0; r < rows; r += 8) {
        const Key *key = keys + r;
        uint32_t at[8] = {};
        for (int level = 0; level < levels; ++level) {
            const Key *own = search + trees::Bits::level_start(level);
#pragma GCC unroll 8
            for (int i = 0; i < 8; ++i) at[i] |= uint32_t(key[i] > own[at[i]]) << level;
        }
        for (int i = 0; i < 8; ++i) ranks[r + i] = uint8_t(at[i]);
    }
}

#if defined(__AVX512VBMI__)
// Of a level of at least 16 keys, the one at each place; `turns` are the bits of the places.
template <int Level>
inline __m512i keys_at(const __m512i *table, __m512i at, const __mmask16 *turns) {
    if constexpr (Level == 4) return _mm512_permutexvar_epi32(at, table[0]);
    if constexpr (Level == 5) return _mm512_permutex2var_epi32(table[0], at, table[1]);
    if constexpr (Level > 5)
        return _mm512_mask_blend_epi32(turns[Level - 1], keys_at<Level - 1>(table, at, turns),
                                       keys_at<Level - 1>(table + (1 << (Level - 5)), at, turns));
}

template <int Levels, class From>
inline void rank_rows_of(const int32_t *search, const From *x, bool nan_left, int64_t rows, uint8_t *ranks) {
    constexpr int registers = Levels <= 4 ? 1 : 1 << (Levels - 4);
    __m512i table[registers];  // each level's from its number of keys / 16 on
    for (int i = 1; i < registers; ++i) table[i] = _mm512_loadu_si512(search + 16 * i);
    int64_t two;
    std::memcpy(&two, search + 1, sizeof two);
    const __m512i first[4] = {  // the levels of 1 to 8 keys, again and again
        _mm512_set1_epi32(search[0]), _mm512_set1_epi64(two),
        _mm512_broadcast_i32x4(_mm_loadu_si128(reinterpret_cast<const __m128i *>(search + 3))),
        _mm512_broadcast_i32x8(_mm256_loadu_si256(reinterpret_cast<const __m256i *>(search + 7)))};
    using K = trees::Keys<int32_t>;
    const __m512i of_nan = _mm512_set1_epi32(nan_left ? K::never : K::nan_right);
    constexpr int side = 4;  // vectors whose turns are taken side by side
    for (int64_t r = 0; r < rows; r += 16 * side) {
        __m512i key[side], at[side];
        __mmask16 turns[side][Levels];
        for (int i = 0; i < side; ++i) {
            if constexpr (std::is_same_v<From, float>)
                key[i] = keys_of(_mm512_loadu_ps(x + r + 16 * i), of_nan);
            else
                key[i] = _mm512_loadu_si512(x + r + 16 * i);
            at[i] = _mm512_setzero_si512();
        }
        const auto turn = [&]<int Level>(std::integral_constant<int, Level>) {
            for (int i = 0; i < side; ++i) {
                __m512i than;
                if constexpr (Level == 0)
                    than = first[0];
                else if constexpr (Level < 4)
                    than = _mm512_permutexvar_epi32(at[i], first[Level]);
                else
                    than = keys_at<Level>(table + (1 << (Level - 4)), at[i], turns[i]);
                turns[i][Level] = _mm512_cmpgt_epi32_mask(key[i], than);
            }
            for (int i = 0; i < side; ++i)
                at[i] = _mm512_mask_or_epi32(at[i], turns[i][Level], at[i], _mm512_set1_epi32(1 << Level));
        };
        [&]<int... Level>(std::integer_sequence<int, Level...>) {
            (turn(std::integral_constant<int, Level>()), ...);
        }(std::make_integer_sequence<int, Levels>());
        for (int i = 0; i < side; ++i)
            _mm_store_si128(reinterpret_cast<__m128i *>(ranks + r + 16 * i), _mm512_cvtepi32_epi8(at[i]));
    }
}

// Of numbers, or of keys.
template <class From>
void rank_rows(const int32_t *search, int levels, const From *x, bool nan_left, int64_t rows, uint8_t *ranks) {
    switch (levels) {
        case 1: return rank_rows_of<1>(search, x, nan_left, rows, ranks);
        case 2: return rank_rows_of<2>(search, x, nan_left, rows, ranks);
        case 3: return rank_rows_of<3>(search, x, nan_left, rows, ranks);
        case 4: return rank_rows_of<4>(search, x, nan_left, rows, ranks);
        case 5: return rank_rows_of<5>(search, x, nan_left, rows, ranks);
        case 6: return rank_rows_of<6>(search, x, nan_left, rows, ranks);
        case 7: return rank_rows_of<7>(search, x, nan_left, rows, ranks);
        default: return rank_rows_of<8>(search, x, nan_left, rows, ranks);
    }
}
inline void rank_rows(const int32_t *search, int levels, const int32_t *keys, int64_t rows, uint8_t *ranks) {
    rank_rows(search, levels, keys, false, rows, ranks);
}

#elif defined(__AVX2__)
// Bytes of several tables of 2^Bits at the same places. A shuffle looks up 16 and gives 0 where the highest bit is set: so
// places are made, once, for each 16 of a table, with that bit where another 16 hold the byte.
template <int Bits>
class BytePlaces {
public:
    explicit BytePlaces(__m256i at) {
        for (int i = 0; i < parts; ++i)
            at_[i] = _mm256_adds_epu8(i == 0 ? at : _mm256_xor_si256(at, _mm256_set1_epi8(char(16 * i))), _mm256_set1_epi8(0x70));
    }
    __m256i look_up(const uint8_t *table) const {
        __m256i found = _mm256_setzero_si256();
        for (int i = 0; i < parts; ++i) {
            const __m256i own = _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i *>(table + 16 * i)));
            found = _mm256_or_si256(found, _mm256_shuffle_epi8(own, at_[i]));
        }
        return found;
    }

private:
    static constexpr int parts = 1 << (Bits - 4);
    __m256i at_[parts];
};

// Numbers of 32 bits by their four bytes. Of each half of the registers four come in one: the first in to[0].
inline void weave_numbers(const __m256i (&bytes)[4], __m256i (&to)[4]) {
    const __m256i a = _mm256_unpacklo_epi8(bytes[0], bytes[1]), b = _mm256_unpackhi_epi8(bytes[0], bytes[1]);
    const __m256i c = _mm256_unpacklo_epi8(bytes[2], bytes[3]), d = _mm256_unpackhi_epi8(bytes[2], bytes[3]);
    to[0] = _mm256_unpacklo_epi16(a, c), to[1] = _mm256_unpackhi_epi16(a, c);
    to[2] = _mm256_unpacklo_epi16(b, d), to[3] = _mm256_unpackhi_epi16(b, d);
}

// The first bytes of so many numbers, a multiple of 16, at to[0], the second ones at to[most_keys], ...
constexpr int most_keys = 1 << trees::kMostLevels;
inline void part_bytes(const int32_t *from, int count, uint8_t *to) {
    const __m128i by_place = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    for (int i = 0; i < count; i += 16) {
        __m128i v[4];
        for (int j = 0; j < 4; ++j)
            v[j] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i *>(from + i + 4 * j)), by_place);
        const __m128i a = _mm_unpacklo_epi32(v[0], v[1]), b = _mm_unpackhi_epi32(v[0], v[1]);
        const __m128i c = _mm_unpacklo_epi32(v[2], v[3]), d = _mm_unpackhi_epi32(v[2], v[3]);
        const __m128i bytes[4] = {_mm_unpacklo_epi64(a, c), _mm_unpackhi_epi64(a, c), _mm_unpacklo_epi64(b, d),
                                  _mm_unpackhi_epi64(b, d)};
        for (int k = 0; k < 4; ++k) _mm_store_si128(reinterpret_cast<__m128i *>(to + k * most_keys + i), bytes[k]);
    }
}

// The way back.
inline __m256i pack_bytes(const __m256i (&v)[4]) {
    return _mm256_packs_epi16(_mm256_packs_epi32(v[0], v[1]), _mm256_packs_epi32(v[2], v[3]));
}

// Levels of up to 8 keys are looked up by words, those of more by bytes, which takes half as long.
template <int Levels>
void rank_rows_of(const int32_t *search, const int32_t *keys, int64_t rows, uint8_t *ranks) {
    constexpr int by_words = Levels < 4 ? Levels : 4;
    alignas(32) uint8_t bytes[4 * most_keys];
    if constexpr (Levels > by_words) part_bytes(search + trees::Bits::level_start(by_words), (1 << Levels) - (1 << by_words), bytes);
    for (int64_t r = 0; r < rows; r += 32) {
        __m256i key[4], at[4];
        for (int i = 0; i < 4; ++i)
            key[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(keys + r + 8 * i)), at[i] = _mm256_setzero_si256();
        const auto word_level = [&]<int Level>(std::integral_constant<int, Level>) {
            const __m256i level = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(search + trees::Bits::level_start(Level)));
            for (int i = 0; i < 4; ++i) {
                const __m256i right = _mm256_cmpgt_epi32(key[i], _mm256_permutevar8x32_epi32(level, at[i]));
                at[i] = _mm256_or_si256(at[i], _mm256_and_si256(right, _mm256_set1_epi32(1 << Level)));
            }
        };
        [&]<int... Level>(std::integer_sequence<int, Level...>) {
            (word_level(std::integral_constant<int, Level>()), ...);
        }(std::make_integer_sequence<int, by_words>());
        __m256i rank = pack_bytes(at);
        const auto byte_level = [&]<int Level>(std::integral_constant<int, Level>) {
            const uint8_t *own = bytes + (1 << Level) - (1 << by_words);
            const BytePlaces<Level> places(rank);
            __m256i found[4], than[4], right[4];
            for (int k = 0; k < 4; ++k) found[k] = places.look_up(own + k * most_keys);
            weave_numbers(found, than);
            for (int i = 0; i < 4; ++i) right[i] = _mm256_cmpgt_epi32(key[i], than[i]);
            rank = _mm256_or_si256(rank, _mm256_and_si256(pack_bytes(right), _mm256_set1_epi8(char(1 << Level))));
        };
        [&]<int... Level>(std::integer_sequence<int, Level...>) {
            (byte_level(std::integral_constant<int, by_words + Level>()), ...);
        }(std::make_integer_sequence<int, Levels - by_words>());
        _mm256_store_si256(reinterpret_cast<__m256i *>(ranks + r),
                           _mm256_permutevar8x32_epi32(rank, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
    }
}
inline void rank_rows(const int32_t *search, int levels, const int32_t *keys, int64_t rows, uint8_t *ranks) {
    switch (levels) {
        case 1: return rank_rows_of<1>(search, keys, rows, ranks);
        case 2: return rank_rows_of<2>(search, keys, rows, ranks);
        case 3: return rank_rows_of<3>(search, keys, rows, ranks);
        case 4: return rank_rows_of<4>(search, keys, rows, ranks);
        case 5: return rank_rows_of<5>(search, keys, rows, ranks);
        case 6: return rank_rows_of<6>(search, keys, rows, ranks);
        case 7: return rank_rows_of<7>(search, keys, rows, ranks);
        default: return rank_rows_of<8>(search, keys, rows, ranks);
    }
}
#endif

#if defined(__GFNI__)
// bits[i] = bit i of the ranks of 512 rows: matrices of 8x8 bits transposed, then of bytes, then of words.
inline void bits_of_ranks(const uint8_t *ranks, BitRows<8>::type *bits) {
    alignas(64) uint8_t reversed[64], across[64];
    for (int i = 0; i < 64; ++i) reversed[i] = uint8_t(i ^ 7), across[i] = uint8_t(i % 8 * 8 + i / 8);
    const __m512i last_first = _mm512_load_si512(reversed), by_bit = _mm512_load_si512(across);
    const __m512i columns = _mm512_set1_epi64(int64_t(0x8040201008040201));
    __m512i a[8], b[8];
    for (int w = 0; w < 8; ++w) {
        const __m512i rows = _mm512_permutexvar_epi8(last_first, _mm512_load_si512(ranks + 64 * w));
        a[w] = _mm512_permutexvar_epi8(by_bit, _mm512_gf2p8affine_epi64_epi8(columns, rows, 0));
    }
    for (int i = 0; i < 8; i += 2) b[i] = _mm512_unpacklo_epi64(a[i], a[i + 1]), b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 1]);
    for (int odd = 0; odd < 2; ++odd) {
        for (int i = 0; i < 8; i += 4) {
            a[i] = _mm512_shuffle_i64x2(b[i + odd], b[i + 2 + odd], 0x88);
            a[i + 1] = _mm512_shuffle_i64x2(b[i + odd], b[i + 2 + odd], 0xdd);
        }
        for (int i = 0; i < 2; ++i) {
            bits[odd + 2 * i] = (BitRows<8>::type)_mm512_shuffle_i64x2(a[i], a[4 + i], 0x88);
            bits[odd + 2 * i + 4] = (BitRows<8>::type)_mm512_shuffle_i64x2(a[i], a[4 + i], 0xdd);
        }
    }
}
#endif

// bits[i] = bit i of so many of the ranks.
template <int W, class V>
inline void bits_of_ranks(const uint8_t *ranks, int levels, V *bits) {
#if defined(__GFNI__)
    if constexpr (W == 8) return bits_of_ranks(ranks, bits);
#endif
    for (int level = 0; level < levels; ++level) {
        uint64_t *to = reinterpret_cast<uint64_t *>(bits + level);
#if defined(__AVX512BW__)
        for (int w = 0; w < W; ++w)
            to[w] = _mm512_test_epi8_mask(_mm512_load_si512(ranks + 64 * w), _mm512_set1_epi8(char(1 << level)));
#elif defined(__AVX2__)
        for (int h = 0; h < 2 * W; ++h) {
            const __m256i rank = _mm256_load_si256(reinterpret_cast<const __m256i *>(ranks) + h);
            const int word = _mm256_movemask_epi8(_mm256_slli_epi16(rank, 7 - level));
            std::memcpy(reinterpret_cast<std::byte *>(to) + 4 * h, &word, 4);
        }
#elif defined(__SSE2__)
        for (int q = 0; q < 4 * W; ++q) {
            const __m128i rank = _mm_load_si128(reinterpret_cast<const __m128i *>(ranks) + q);
            const int word = _mm_movemask_epi8(_mm_slli_epi16(rank, 7 - level));
            std::memcpy(reinterpret_cast<std::byte *>(to) + 2 * q, &word, 2);
        }
#else
        for (int w = 0; w < W; ++w) {
            to[w] = 0;
            for (int j = 0; j < 64; ++j) to[w] |= uint64_t(ranks[64 * w + j] >> level & 1) << j;
        }
#endif
    }
}

// reached[i], for i to 2^levels: where the number of so many bits, the highest first, is at least i.
template <class P>
inline void steps_of(const P *bits, int levels, P *reached) {
    reached[0] = ~P{}, reached[1] = P{};
    for (int level = levels, n = 1; level-- > 0; n *= 2) {
        const P bit = bits[level];
        for (int i = n; i > 0; --i) reached[n + i] = bit & reached[i];
        for (int i = 0; i < n; ++i) reached[i] |= bit;
        reached[n] = bit;
    }
}

// A mask for each test: rank > 0, rank > 1, ... A rank is its lower four bits and those above.
template <int W, class V>
void test_ranks(const uint8_t *ranks, int levels, uint32_t count, V *masks) {
    V bits[trees::kMostLevels];
    bits_of_ranks<W>(ranks, levels, bits);
    constexpr int part = part_words<W>;
    using P = typename BitRows<part>::type;
    const int above = levels > 4 ? levels - 4 : 0;
    for (int at = 0; at < W; at += part) {
        P own[trees::kMostLevels], low[17], high[17];
        for (int i = 0; i < levels; ++i) own[i] = *reinterpret_cast<const P *>(reinterpret_cast<const uint64_t *>(bits + i) + at);
        steps_of(own, above, high), steps_of(own + above, levels - above, low);
        std::byte *to = reinterpret_cast<std::byte *>(masks) + 8 * at;
        const auto put = [&](const P *h, int l) {
            choose_bits(*reinterpret_cast<P *>(to), low[l], h[0], h[1]);
            to += sizeof(V);
        };
        const P *h = high;
        uint32_t left = count;
        for (; left >= 16; left -= 16, ++h)
#pragma GCC unroll 16
            for (int l = 1; l <= 16; ++l) put(h, l);
        for (int l = 1; l <= int(left); ++l) put(h, l);
    }
}

// To `bits`, as many as the vector has lanes: whether its numbers go right, being above the limit or NaN. (Left to itself, GCC
// puts whole words together in general registers, which takes 1.4 times as long.)
#if defined(__AVX512F__)
template <bool NanLeft>
inline void put_right_of(__m512 x, __m512 limit, std::byte *bits) {
    const __mmask16 right = _mm512_cmp_ps_mask(x, limit, NanLeft ? _CMP_GT_OQ : _CMP_NLE_UQ);
    asm("kmovw %1, %0" : "=m"(*reinterpret_cast<uint16_t *>(bits)) : "k"(right));
}
template <bool NanLeft>
inline void put_right_of(__m512d x, __m512d limit, std::byte *bits) {
    const __mmask8 right = _mm512_cmp_pd_mask(x, limit, NanLeft ? _CMP_GT_OQ : _CMP_NLE_UQ);
    asm("kmovb %1, %0" : "=m"(*reinterpret_cast<uint8_t *>(bits)) : "k"(right));
}
#else
template <bool NanLeft, class Real>
inline uint32_t right_of(Vector<Real> x, Real limit) {
    constexpr uint32_t all = (1u << vector_lanes<Real>) - 1;
    return NanLeft ? lane_bits(x > splat(limit)) : lane_bits(x <= splat(limit)) ^ all;
}
#endif

// The same masks from the numbers themselves: by the first limit, the second, ...
template <int W, bool NanLeft, class Real>
void test_numbers(const Real *limits, uint32_t count, const Real *x, uint64_t *masks) {
    constexpr int n = int(vector_lanes<Real>), parts = 64 / n;
    for (int w = 0; w < W; ++w, x += 64, ++masks) {
        Vector<Real> v[parts];
        for (int j = 0; j < parts; ++j) v[j] = load(x + j * n);
        for (uint32_t i = 0; i < count; ++i) {
#if defined(__AVX512F__)
            const auto limit = splat(limits[i]);
#pragma GCC unroll 8
            for (int j = 0; j < parts; ++j)
                put_right_of<NanLeft>(v[j], limit, reinterpret_cast<std::byte *>(masks + i * W) + j * n / 8);
#else
            uint64_t word = 0;
#pragma GCC unroll 32
            for (int j = 0; j < parts; ++j) word |= uint64_t(right_of<NanLeft, Real>(v[j], limits[i])) << (j * n);
            masks[i * W] = word;
#endif
        }
    }
}

// Where a block's scratch lies. All parts begin at multiples of 64 bytes.
struct BitScratch {
    std::byte *at;
    template <class T>
    T *take(size_t count) {
        T *mine = reinterpret_cast<T *>(at);
        at += (count * sizeof(T) + 63) / 64 * 64;
        return mine;
    }
};

// The masks of a chunk: masks[i] of test i, those of the sets after them. Of tests they are what `rows` makes.
template <int W, class Rows>
void make_masks(const trees::Bits &bits, const trees::Bits::Chunk &chunk, Rows &rows, typename BitRows<W>::type *masks) {
    auto *mask = masks;
    for (size_t p = chunk.ranked; p < chunk.ranked_end; ++p) {
        const trees::Bits::Ranked &ranked = bits.ranked.data()[p];
        rows.test(ranked, mask);
        mask += ranked.count;
    }
    constexpr int part = part_words<W>;
    using Part = typename BitRows<part>::type;
    for (size_t s = chunk.sets; s < chunk.sets_end; ++s, ++mask) {
        const trees::Bits::Set &set = bits.sets.data()[s];
        for (int at = 0; at < W; at += part) {
            const auto own = [at](auto *of) { return reinterpret_cast<Part *>(reinterpret_cast<uint64_t *>(of) + at); };
            Part odd{};
#pragma GCC unroll 4
            for (uint32_t t = set.first; t < set.last; ++t) odd ^= *own(masks + bits.set_tests.data()[t]);
            *own(mask) = odd;
        }
    }
}

// Calls body<W>() for as many words as so many rows need, at most kBitRows.
template <class Body>
inline void in_words(int64_t rows, Body &&body) {
    if (rows <= 64)
        body.template operator()<1>();
    else if (rows <= 128)
        body.template operator()<2>();
    else if (rows <= 256)
        body.template operator()<4>();
    else
        body.template operator()<8>();
}

}  // namespace celeris::CELERIS_TARGET
