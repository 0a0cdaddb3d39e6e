// What the tables of Bits hold at the rows' indices: added to sums, or as it is.
#pragma once

#include "kernels/trees/bits_tests.h"

namespace celeris::CELERIS_TARGET {

// sums[column][r] += what the trees' tables hold at the rows' indices, one tree after the other.
#if defined(__AVX512VBMI__)
// Bytes of four vectors made one of 32 bits each. Of each 16, four come in a register's quarter: the first four in to[0].
inline void weave_bytes(__m512i a, __m512i b, __m512i c, __m512i d, __m512i (&to)[4]) {
    const __m512i low = _mm512_unpacklo_epi8(a, b), high = _mm512_unpackhi_epi8(a, b);
    const __m512i low_end = _mm512_unpacklo_epi8(c, d), high_end = _mm512_unpackhi_epi8(c, d);
    to[0] = _mm512_unpacklo_epi16(low, low_end), to[1] = _mm512_unpackhi_epi16(low, low_end);
    to[2] = _mm512_unpacklo_epi16(high, high_end), to[3] = _mm512_unpackhi_epi16(high, high_end);
}

inline __m512d low_doubles(__m512i v) { return _mm512_cvtepi32_pd(_mm512_castsi512_si256(v)); }
inline __m512d high_doubles(__m512i v) { return _mm512_cvtepi32_pd(_mm512_extracti32x8_epi32(v, 1)); }

// The codes of 64 rows, and what tables hold there: entries in the order of weave_bytes.
template <int Levels>
class LookUp {
public:
    explicit LookUp(const uint8_t *codes) {
        const __m512i all = _mm512_load_si512(codes), zero = _mm512_setzero_si512();
        if constexpr (Levels <= 5)
            weave_bytes(all, zero, zero, zero, codes_);
        else
            codes_[0] = all;
    }
    void operator()(const uint32_t *table, __m512i (&found)[4]) const {
        if constexpr (Levels <= 5) {
            const __m512i first = _mm512_loadu_si512(table);
            for (int j = 0; j < 4; ++j) {
                if constexpr (Levels == 4) found[j] = _mm512_permutexvar_epi32(codes_[j], first);
                if constexpr (Levels == 5) found[j] = _mm512_permutex2var_epi32(first, codes_[j], _mm512_loadu_si512(table + 16));
            }
        } else {
            __m512i bytes[4];  // the first of each entry, the second, ...
            for (int k = 0; k < 4; ++k) {
                const uint8_t *own = reinterpret_cast<const uint8_t *>(table) + (k << Levels);
                const auto part = [own](int i) { return _mm512_loadu_si512(own + 64 * i); };
                if constexpr (Levels == 6) bytes[k] = _mm512_permutexvar_epi8(codes_[0], part(0));
                if constexpr (Levels > 6) bytes[k] = _mm512_permutex2var_epi8(part(0), codes_[0], part(1));
                if constexpr (Levels > 7)
                    bytes[k] = _mm512_mask_mov_epi8(bytes[k], _mm512_movepi8_mask(codes_[0]),
                                                    _mm512_permutex2var_epi8(part(2), codes_[0], part(3)));
            }
            weave_bytes(bytes[0], bytes[1], bytes[2], bytes[3], found);
        }
    }

private:
    __m512i codes_[Levels <= 5 ? 4 : 1];
};

// To the sums of so many words of 64 rows, what so many trees' tables hold.
template <int Levels, bool Exact>
void add_looked_up(int words, int count, const uint32_t *table, const double *scales, int64_t columns, const uint8_t *indices,
                   double *sums) {
    constexpr int together = 4;  // trees whose codes registers hold
    for (int at = 0; at < words * count; at += together) {
        const int w = at / count, first = at % count;
        const uint8_t *own = indices + first * trees::kBitRows + 64 * w;
        const LookUp<Levels> trees[together] = {LookUp<Levels>(own), LookUp<Levels>(own + trees::kBitRows),
                                                LookUp<Levels>(own + 2 * trees::kBitRows), LookUp<Levels>(own + 3 * trees::kBitRows)};
        for (int64_t c = 0; c < columns; ++c) {
            const uint32_t *entries = table + ((trees::kTogether * c + first) << Levels);
            double *s = sums + c * trees::kBitRows + 64 * w;
            __m512d sum[8];
            for (int i = 0; i < 8; ++i) sum[i] = _mm512_load_pd(s + 8 * i);
            __m512i total[4] = {};
            for (const LookUp<Levels> &tree : trees) {
                __m512i found[4];
                tree(entries, found);
                entries += 1 << Levels;
                for (int j = 0; j < 4; ++j) {
                    if constexpr (Exact) {
                        total[j] = _mm512_add_epi32(total[j], found[j]);
                    } else {
                        const __m512 value = _mm512_castsi512_ps(found[j]);
                        sum[2 * j] = _mm512_add_pd(sum[2 * j], _mm512_cvtps_pd(_mm512_castps512_ps256(value)));
                        sum[2 * j + 1] = _mm512_add_pd(sum[2 * j + 1], _mm512_cvtps_pd(_mm512_extractf32x8_ps(value, 1)));
                    }
                }
            }
            for (int j = 0; Exact && j < 4; ++j) {  // nor is the product rounded, which is a multiple of a power of two
                const __m512d scale = _mm512_set1_pd(scales[c]);
                sum[2 * j] = _mm512_fmadd_pd(low_doubles(total[j]), scale, sum[2 * j]);
                sum[2 * j + 1] = _mm512_fmadd_pd(high_doubles(total[j]), scale, sum[2 * j + 1]);
            }
            for (int i = 0; i < 8; ++i) _mm512_store_pd(s + 8 * i, sum[i]);
        }
    }
}

// Has it in a register, now: GCC would look all up before it adds any, and run out of them.
inline void keep(__m512i &v) { asm("" : "+v"(v)); }

// The same by digits: those of all trees are added before they are made one number, and that a double.
template <int Levels>
void add_digits(int digits, int words, int count, const uint32_t *table, const double *scales, int64_t columns,
                const uint8_t *indices, double *sums) {
    static_assert(Levels == 5 || Levels == 6);
    constexpr int side = trees::kSideBySide, size = Levels - 4;  // vectors of a table
    const __m512i zero = _mm512_setzero_si512(), ones = _mm512_set1_epi32(1 | 1 << (trees::kDigitBits + 16));
    const __m512d second = _mm512_set1_pd(double(1 << (2 * trees::kDigitBits)));
    for (int w = 0; w < words; ++w) {
        for (int64_t c = 0; c < columns; ++c) {
            __m512i low[4] = {}, high[4] = {};  // the first two digits and the others, in the order of weave_bytes
            for (int first = 0; first < count; first += side) {
                __m512i code[side][2];  // in words: of each 16 bytes, the first eight and the others
                for (int t = 0; t < side; ++t) {
                    const __m512i all = _mm512_load_si512(indices + (first + t) * trees::kBitRows + 64 * w);
                    code[t][0] = _mm512_unpacklo_epi8(all, zero), code[t][1] = _mm512_unpackhi_epi8(all, zero);
                }
                const auto *entries = reinterpret_cast<const __m512i *>(table) + (c * digits * trees::kTogether + first) * size;
                const auto sums_of_digit = [&](__m512i (&total)[2]) __attribute__((always_inline)) {
                    total[0] = total[1] = zero;
#pragma GCC unroll 8
                    for (int t = 0; t < side; ++t) {
                        __m512i own[size];
                        for (int i = 0; i < size; ++i) keep(own[i] = entries[t * size + i]);
                        for (int half = 0; half < 2; ++half) {
                            if constexpr (Levels == 5)
                                total[half] = _mm512_add_epi16(total[half], _mm512_permutexvar_epi16(code[t][half], own[0]));
                            else
                                total[half] = _mm512_add_epi16(total[half], _mm512_permutex2var_epi16(own[0], code[t][half], own[1]));
                            keep(total[half]);
                        }
                    }
                    entries += trees::kTogether * size;
                };
                const auto add_two = [&](__m512i (&to)[4], bool both) __attribute__((always_inline)) {
                    __m512i a[2], b[2] = {zero, zero};
                    sums_of_digit(a);
                    if (both) sums_of_digit(b);
                    for (int j = 0; j < 4; ++j) {
                        const __m512i two = j % 2 == 0 ? _mm512_unpacklo_epi16(a[j / 2], b[j / 2]) : _mm512_unpackhi_epi16(a[j / 2], b[j / 2]);
                        to[j] = _mm512_add_epi32(to[j], _mm512_madd_epi16(two, ones));
                    }
                };
                add_two(low, true);
                if (digits > 2) add_two(high, digits > 3);
            }
            const __m512d scale = _mm512_set1_pd(scales[c]);
            double *s = sums + c * trees::kBitRows + 64 * w;
            for (int j = 0; j < 4; ++j, s += 16) {
                __m512d a = low_doubles(low[j]), b = high_doubles(low[j]);
                if (digits > 2)
                    a = _mm512_fmadd_pd(low_doubles(high[j]), second, a), b = _mm512_fmadd_pd(high_doubles(high[j]), second, b);
                _mm512_store_pd(s, _mm512_fmadd_pd(a, scale, _mm512_load_pd(s)));
                _mm512_store_pd(s + 8, _mm512_fmadd_pd(b, scale, _mm512_load_pd(s + 8)));
            }
        }
    }
}

// Where in a block stand the four rows that look-ups bring in that place, from codes that were woven or not.
template <int W>
constexpr int woven_rows(int at) {
    const int w = at / 16, j = at / 4 % 4, quarter = at % 4;
#if defined(__GFNI__)
    if (W == 8) return 4 * (32 * quarter + 4 * w + j);
#endif
    return 4 * (16 * w + 4 * quarter + j);
}

// A block's sums in the order of its rows.
template <int W>
void order_sums(int64_t columns, double *sums) {
    alignas(64) double woven[64 * W];
    for (int64_t c = 0; c < columns; ++c, sums += trees::kBitRows) {
        std::memcpy(woven, sums, sizeof woven);
        for (int at = 0; at < 16 * W; ++at) std::memcpy(sums + woven_rows<W>(at), woven + 4 * at, 4 * sizeof(double));
    }
}
#else
typedef double FourDoubles __attribute__((vector_size(32), aligned(32), may_alias));

template <class Four>
inline FourDoubles four_doubles(Four v) {
#if defined(__AVX2__)
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(v[0])>, float>)
        return FourDoubles(_mm256_cvtps_pd(__m128(v)));
    else
        return FourDoubles(_mm256_cvtepi32_pd(__m128i(v)));
#else
    return __builtin_convertvector(v, FourDoubles);
#endif
}

// What trees' tables hold, added as a total of integers, or one after the other.
template <bool Exact, class Entries, class Scale>
inline void add_found(const Entries (&found)[trees::kTogetherInMemory], const Scale &scale, FourDoubles &sum) {
    if constexpr (Exact)
        sum += four_doubles(found[0] + found[1] + found[2] + found[3]) * scale;
    else
        for (const Entries &each : found) sum += four_doubles(each);
}

#if defined(__AVX2__)
// Of tables of bytes, 32 rows at once.
template <int Levels, bool Exact>
void add_looked_up(int words, const uint32_t *table, const double *scales, int64_t columns, const uint8_t *indices, double *sums) {
    constexpr int together = trees::kTogetherInMemory;
    const auto low = [](__m256i v) { return _mm256_castsi256_si128(v); };
    const auto high = [](__m256i v) { return _mm256_extracti128_si256(v, 1); };
    for (int64_t r = 0; r < 64 * words; r += 32) {
        const auto *bytes = reinterpret_cast<const uint8_t *>(table);
        for (int64_t c = 0; c < columns; ++c) {
            double *s = sums + c * trees::kBitRows + r;
            __m256i total[4] = {};
            for (int t = 0; t < together; ++t, bytes += 4 << Levels) {
                const BytePlaces<Levels> places(_mm256_load_si256(reinterpret_cast<const __m256i *>(indices + t * trees::kBitRows + r)));
                __m256i found[4], own[4];
                for (int k = 0; k < 4; ++k) found[k] = places.look_up(bytes + (k << Levels));
                weave_numbers(found, own);
                for (int j = 0; j < 4; ++j) {
                    if constexpr (Exact) {
                        total[j] = _mm256_add_epi32(total[j], own[j]);
                    } else {
                        *reinterpret_cast<FourDoubles *>(s + 4 * j) += _mm256_cvtps_pd(_mm_castsi128_ps(low(own[j])));
                        *reinterpret_cast<FourDoubles *>(s + 16 + 4 * j) += _mm256_cvtps_pd(_mm_castsi128_ps(high(own[j])));
                    }
                }
            }
            for (int j = 0; Exact && j < 4; ++j) {
                *reinterpret_cast<FourDoubles *>(s + 4 * j) += FourDoubles(_mm256_cvtepi32_pd(low(total[j]))) * scales[c];
                *reinterpret_cast<FourDoubles *>(s + 16 + 4 * j) += FourDoubles(_mm256_cvtepi32_pd(high(total[j]))) * scales[c];
            }
        }
    }
}
#endif

template <bool Exact>
void add_looked_up(int words, const uint32_t *table, int levels, const double *scales, int64_t columns, const uint8_t *indices,
                   double *sums) {
    constexpr int64_t n = trees::kBitRows;
    constexpr int together = trees::kTogetherInMemory;
    using Entry = std::conditional_t<Exact, int32_t, float>;
    typedef Entry Entries __attribute__((vector_size(16)));
    for (int64_t c = 0; c < columns; ++c, sums += n) {
        const Entry *entries = reinterpret_cast<const Entry *>(table) + (size_t(c) * together << levels);
        for (int64_t r = 0; r < 64 * words; r += 4) {
            Entries found[together];
#pragma GCC unroll 4
            for (int t = 0; t < together; ++t) {
                const Entry *own = entries + (size_t(t) << levels);
                const uint8_t *at = indices + t * n + r;
                found[t] = Entries{own[at[0]], own[at[1]], own[at[2]], own[at[3]]};
            }
            add_found<Exact>(found, scales[c], *reinterpret_cast<FourDoubles *>(sums + r));
        }
    }
}
#endif

// The same where entries hold a row's values side by side: sums[r * across + column], four columns at once.
#if !defined(__AVX512VBMI__)
template <bool Exact, int Fours>
void add_rows(int words, const uint32_t *table, int levels, const double *scales, int64_t fours, const uint8_t *indices,
              double *sums) {
    constexpr int together = trees::kTogetherInMemory;
    using Entry = std::conditional_t<Exact, int32_t, float>;
    typedef Entry Entries __attribute__((vector_size(16), aligned(4), may_alias));
    typedef double Scales __attribute__((vector_size(32), aligned(8), may_alias));
    if constexpr (Fours > 0) fours = Fours;
    for (int64_t r = 0; r < 64 * words; ++r) {
        const uint32_t *own[together];
#pragma GCC unroll 4
        for (int t = 0; t < together; ++t)
            own[t] = table + ((size_t(t) << levels) + indices[t * trees::kBitRows + r]) * size_t(4 * fours);
        for (int64_t c = 0; c < fours; ++c, sums += 4) {
            Entries found[together];
#pragma GCC unroll 4
            for (int t = 0; t < together; ++t) found[t] = *reinterpret_cast<const Entries *>(own[t] + 4 * c);
            add_found<Exact>(found, *reinterpret_cast<const Scales *>(scales + 4 * c), *reinterpret_cast<FourDoubles *>(sums));
        }
    }
}
#endif

[[gnu::noinline]] inline void add_tables(int words, const trees::Bits &bits, const trees::Bits::Group &group, [[maybe_unused]] int count,
                                        const uint8_t *indices, double *sums) {
    const uint32_t *table = bits.table(group);
    const double *scales = bits.scales.data() + group.scales;
    sums += group.target * trees::kBitRows;
#if defined(__AVX512VBMI__)
    const auto add = [&](auto *kernel) { kernel(words, count, table, scales, bits.columns, indices, sums); };
    const bool exact = group.digits > 0;
    if (group.digits > 1)
        return (group.levels <= 5 ? add_digits<5> : add_digits<6>)(group.digits, words, count, table, scales, bits.columns, indices, sums);
    switch (group.levels) {
        case 4: return add(add_looked_up<4, false>);
        case 5: return add(add_looked_up<5, false>);
        case 6: return add(add_looked_up<6, false>);
        case 7: return add(exact ? add_looked_up<7, true> : add_looked_up<7, false>);
        default: return add(exact ? add_looked_up<8, true> : add_looked_up<8, false>);
    }
#else
    const auto add = [&]<bool Exact>() {
#if defined(__AVX2__)
        if (group.by_bytes) {
            switch (group.levels) {
                case 4: return add_looked_up<4, Exact>(words, table, scales, bits.columns, indices, sums);
                case 5: return add_looked_up<5, Exact>(words, table, scales, bits.columns, indices, sums);
                default: return add_looked_up<6, Exact>(words, table, scales, bits.columns, indices, sums);
            }
        }
#endif
        switch (bits.across) {
            case 0: return add_looked_up<Exact>(words, table, group.levels, scales, bits.columns, indices, sums);
            case 4: return add_rows<Exact, 1>(words, table, group.levels, scales, 1, indices, sums);
            case 8: return add_rows<Exact, 2>(words, table, group.levels, scales, 2, indices, sums);
            case 12: return add_rows<Exact, 3>(words, table, group.levels, scales, 3, indices, sums);
            default: return add_rows<Exact, 0>(words, table, group.levels, scales, bits.across / 4, indices, sums);
        }
    };
    group.digits > 0 ? add.template operator()<true>() : add.template operator()<false>();
#endif
}

// What a tree's table holds at the rows' indices.
#if defined(__AVX512VBMI__)
template <int W, int Levels>
void table_entries(const uint32_t *table, const uint8_t *indices, uint32_t *entries) {
    for (int w = 0; w < W; ++w) {
        __m512i found[4];
        LookUp<Levels> (indices + 64 * w)(table, found);
        for (int j = 0; j < 4; ++j) {
            uint32_t four[4][4];
            std::memcpy(four, &found[j], sizeof four);
            for (int quarter = 0; quarter < 4; ++quarter)
                std::memcpy(entries + woven_rows<W>(16 * w + 4 * j + quarter), four[quarter], sizeof four[quarter]);
        }
    }
}
#endif
template <int W>
void table_entries(const uint32_t *table, int levels, const uint8_t *indices, uint32_t *entries) {
#if defined(__AVX512VBMI__)
    switch (levels) {
        case 4: return table_entries<W, 4>(table, indices, entries);
        case 5: return table_entries<W, 5>(table, indices, entries);
        case 6: return table_entries<W, 6>(table, indices, entries);
        case 7: return table_entries<W, 7>(table, indices, entries);
        default: return table_entries<W, 8>(table, indices, entries);
    }
#else
    (void)levels;
    for (int r = 0; r < 64 * W; ++r) entries[r] = table[indices[r]];
#endif
}

}  // namespace celeris::CELERIS_TARGET
