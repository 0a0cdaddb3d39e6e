// transpose's body for one instruction set: moves of few columns are permutations of its registers.
#include "engine/transpose.h"

#include <algorithm>

#include "engine/vectors.h"

namespace celeris::CELERIS_TARGET {
namespace {

// A square of a matrix that registers hold, n x n elements, transposed in place; n is 16 bytes' worth.
typedef uint32_t Four __attribute__((vector_size(16)));
typedef uint64_t Two __attribute__((vector_size(16)));

inline void transpose_square(Four (&v)[4]) {
    const Four a = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5), b = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5);
    const Four c = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7), d = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
    v[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5), v[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    v[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5), v[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

inline void transpose_square(Two (&v)[2]) {
    const Two a = __builtin_shufflevector(v[0], v[1], 0, 2), b = __builtin_shufflevector(v[0], v[1], 1, 3);
    v[0] = a, v[1] = b;
}

template <int side, class T>
inline void square(const T *x, ptrdiff_t xs, int64_t, T *y, ptrdiff_t ys) {
    std::conditional_t<sizeof(T) == 4, Four, Two> v[side];
    for (int i = 0; i < side; ++i) std::memcpy(&v[i], x + i * xs, sizeof v[i]);
    transpose_square(v);
    for (int i = 0; i < side; ++i) std::memcpy(y + i * ys, &v[i], sizeof v[i]);
}

#if defined(__AVX512F__)
// 16 rows of 4 to 16 columns: four of these below one another in one register each.
template <>
inline void square<16>(const uint32_t *x, ptrdiff_t xs, int64_t columns, uint32_t *y, ptrdiff_t ys) {
    for (int64_t next = 0; next < columns; next += 4) {
        const int64_t column = std::min(next, columns - 4);
        const auto four = [&](int row) {
            return _mm_loadu_si128(reinterpret_cast<const __m128i *>(x + row * xs + column));
        };
        __m512i v[4];
        for (int i = 0; i < 4; ++i) {
            v[i] = _mm512_castsi128_si512(four(i));
            v[i] = _mm512_mask_broadcast_i32x4(v[i], 0x00f0, four(i + 4));
            v[i] = _mm512_mask_broadcast_i32x4(v[i], 0x0f00, four(i + 8));
            v[i] = _mm512_mask_broadcast_i32x4(v[i], 0xf000, four(i + 12));
        }
        const __m512i a = _mm512_unpacklo_epi32(v[0], v[1]), b = _mm512_unpacklo_epi32(v[2], v[3]);
        const __m512i c = _mm512_unpackhi_epi32(v[0], v[1]), d = _mm512_unpackhi_epi32(v[2], v[3]);
        uint32_t *to = y + column * ys;
        _mm512_storeu_si512(to, _mm512_unpacklo_epi64(a, b)), _mm512_storeu_si512(to + ys, _mm512_unpackhi_epi64(a, b));
        to += 2 * ys;
        _mm512_storeu_si512(to, _mm512_unpacklo_epi64(c, d)), _mm512_storeu_si512(to + ys, _mm512_unpackhi_epi64(c, d));
    }
}
#endif

template <class T>
constexpr bool is_lane = sizeof(T) == 4 || sizeof(T) == 8;  // of vectors

constexpr int64_t tile = 16;  // rows whose lines stay in cache

// The last squares of a side lie over those before them.
template <int high, class T>
void in_squares(const T *x, ptrdiff_t xs, int64_t rows, int64_t columns, T *y, ptrdiff_t ys) {
    const int64_t wide = std::min<int64_t>(high, columns);
    for (int64_t r0 = 0; r0 < rows; r0 += tile)
        for (int64_t c0 = 0; c0 < columns; c0 += wide) {
            const int64_t c = std::min(c0, columns - wide);
            for (int64_t r = r0; r < std::min(rows, r0 + tile); r += high) {
                const int64_t first = std::min(r, rows - high);
                const T *from = x + first * xs + c;
                T *to = y + c * ys + first;
                square<high>(from, xs, wide, to, ys);
            }
        }
}

// Few columns whose rows lie side by side, and the way back: the compiler finds the permutations of four.
template <int columns, class T>
void split(const T *x, int64_t rows, T *y, ptrdiff_t ys) {
    lanes(rows, [&](int64_t r) {
        for (int c = 0; c < columns; ++c) y[c * ys + r] = x[r * columns + c];
    });
}

template <int columns, class T>
void merge(const T *x, ptrdiff_t xs, int64_t rows, T *y) {
    lanes(rows, [&](int64_t r) {
        for (int c = 0; c < columns; ++c) y[r * columns + c] = x[c * xs + r];
    });
}

// The x with x * of % modulus == 1.
constexpr int inverse(int of, int modulus) {
    int x = 0;
    while (x * of % modulus != 1 % modulus) ++x;
    return x;
}

// Few columns whose rows lie side by side, n of them, odd: of n vectors each lane meets each column once. Numbered by the
// column of their first lanes, lane l wants what is l vectors before. A blend for each bit of l brings it there, and each
// vector then holds one column, whose rows are permuted. An even n makes n / 2 pairs of columns, in twice as many vectors.
template <class T, int n>
struct Few {
    using V = Vector<T>;
    static constexpr int width = int(vector_lanes<T>), pair = n % 2 == 0 ? 2 : 1, odd = n / pair, across = width / pair;
    using Lanes = std::make_index_sequence<size_t(width)>;
    using Columns = std::make_index_sequence<size_t(odd)>;

    // Where the vector whose first lane has column c lies.
    static constexpr int place(int c) { return c * inverse(across % odd, odd) % odd * width; }

    template <int bit, size_t... lane>
    static V blend(V stays, V comes, std::index_sequence<lane...>) {
        return __builtin_shufflevector(stays, comes, (int(lane) / pair % odd >> bit & 1 ? width : 0) + int(lane)...);
    }

    // Lane l of each takes what is l vectors before it, or after it.
    template <bool before, int bit = 0>
    static void rotate(V (&v)[odd]) {
        if constexpr ((1 << bit) < odd && (1 << bit) < across) {
            V from[odd];
            for (int c = 0; c < odd; ++c) from[c] = v[c];
#pragma GCC unroll 8
            for (int c = 0; c < odd; ++c)
                v[c] = blend<bit>(from[c], from[(c + (before ? odd - (1 << bit) : 1 << bit)) % odd], Lanes());
            rotate<before, bit + 1>(v);
        }
    }

    // Column `half` of pair c, of rows in both groups of vectors; and the way back, to one group.
    template <size_t c, int half, size_t... row>
    static V in_order(V a, V b, std::index_sequence<row...>) {
        return __builtin_shufflevector(
            a, b, int(row) / across * width + (int(row) % across * odd + int(c)) % across * pair + half...);
    }
    template <size_t c, int group, size_t... lane>
    static V permuted(V a, V b, std::index_sequence<lane...>) {
        constexpr int apart = inverse(odd % across, across), first = (across * odd - int(c)) % across;
        return __builtin_shufflevector(
            a, b, int(lane) % pair * width + group * across + (int(lane) / pair + first) * apart % across...);
    }

    template <size_t... c>
    [[gnu::always_inline]] static void split_one(const T *x, T *y, ptrdiff_t ys, std::index_sequence<c...>) {
        V v[pair][odd];
        for (int g = 0; g < pair; ++g) {
            ((v[g][c] = load(x + g * odd * width + place(c))), ...);
            rotate<true>(v[g]);
        }
        (store(y + ptrdiff_t(c) * pair * ys, in_order<c, 0>(v[0][c], v[pair - 1][c], Lanes())), ...);
        if constexpr (pair == 2) (store(y + (ptrdiff_t(c) * 2 + 1) * ys, in_order<c, 1>(v[0][c], v[1][c], Lanes())), ...);
    }

    template <size_t... c>
    [[gnu::always_inline]] static void merge_one(const T *x, ptrdiff_t xs, T *y, std::index_sequence<c...>) {
        V v[pair][odd];
        const auto column = [&](int at) { return load(x + at * xs); };
        ((v[0][c] = permuted<c, 0>(column(c * pair), column(c * pair + pair - 1), Lanes())), ...);
        if constexpr (pair == 2) ((v[1][c] = permuted<c, 1>(column(c * 2), column(c * 2 + 1), Lanes())), ...);
        for (int g = 0; g < pair; ++g) {
            rotate<false>(v[g]);
            (store(y + g * odd * width + place(c), v[g][c]), ...);
        }
    }

    // At least `width` rows; the last vectors lie over those before them.
    static void split(const T *x, int64_t rows, T *y, ptrdiff_t ys) {
        for (int64_t at = 0; at < rows; at += width) {
            const int64_t r = std::min(at, rows - width);
            split_one(x + r * n, y + r, ys, Columns());
        }
    }
    static void merge(const T *x, ptrdiff_t xs, int64_t rows, T *y) {
        for (int64_t at = 0; at < rows; at += width) {
            const int64_t r = std::min(at, rows - width);
            merge_one(x + r, xs, y + r * n, Columns());
        }
    }
};

// Whether it was rows side by side of one of these numbers of columns, or what becomes such rows.
template <class T, int... n>
bool transpose_few(const T *x, ptrdiff_t xs, int64_t rows, int64_t columns, T *y, ptrdiff_t ys) {
    const int64_t least = is_lane<T> ? vector_lanes<T> : 1;
    const int64_t few = ys == rows && columns >= least ? rows : 0, narrow = xs == columns && rows >= least ? columns : 0;
    if constexpr (is_lane<T>)
        return ((few == n && (Few<T, n>::merge(x, xs, columns, y), true)) || ...) ||
               ((narrow == n && (Few<T, n>::split(x, rows, y, ys), true)) || ...);
    else
        return ((few == n && (merge<n>(x, xs, columns, y), true)) || ...) ||
               ((narrow == n && (split<n>(x, rows, y, ys), true)) || ...);
}

template <class T>
void transpose(const T *x, ptrdiff_t xs, int64_t rows, int64_t columns, T *y, ptrdiff_t ys) {
    if (transpose_few<T, 2, 3>(x, xs, rows, columns, y, ys)) return;
    if constexpr (is_lane<T>)
        if (transpose_few<T, 5, 6>(x, xs, rows, columns, y, ys)) return;
    if constexpr (is_lane<T> && vector_bytes > 16)  // shorter vectors are no faster than squares
        if (transpose_few<T, 7>(x, xs, rows, columns, y, ys)) return;
    if (ys == rows && rows == 4) return merge<4>(x, xs, columns, y);
    if (xs == columns && columns == 4) return split<4>(x, rows, y, ys);
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        if (rows >= 16 && columns >= 4) return in_squares<16>(x, xs, rows, columns, y, ys);
#endif
    if constexpr (is_lane<T>) {
        constexpr int64_t side = 16 / int64_t(sizeof(T));
        if (rows >= side && columns >= side) return in_squares<side>(x, xs, rows, columns, y, ys);
    }
    for (int64_t r0 = 0; r0 < rows; r0 += tile)
        for (int64_t c = 0; c < columns; ++c)
            for (int64_t r = r0; r < std::min(rows, r0 + tile); ++r) y[c * ys + r] = x[r * xs + c];
}

template <class T>
void transpose_as(const std::byte *x, ptrdiff_t xs, int64_t rows, int64_t columns, std::byte *y, ptrdiff_t ys) {
    transpose(reinterpret_cast<const T *>(x), xs, rows, columns, reinterpret_cast<T *>(y), ys);
}

}  // namespace

void transpose(size_t bytes, const std::byte *x, ptrdiff_t xs, int64_t rows, int64_t columns, std::byte *y, ptrdiff_t ys) {
    switch (bytes) {
        case 1: return transpose_as<uint8_t>(x, xs, rows, columns, y, ys);
        case 4: return transpose_as<uint32_t>(x, xs, rows, columns, y, ys);
        case 8: return transpose_as<uint64_t>(x, xs, rows, columns, y, ys);
        default: return transpose_as<Str>(x, xs, rows, columns, y, ys);
    }
}

}  // namespace celeris::CELERIS_TARGET
