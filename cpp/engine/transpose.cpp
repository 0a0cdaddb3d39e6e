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
inline void square(const T *x, ptrdiff_t xs, T *y, ptrdiff_t ys) {
    std::conditional_t<sizeof(T) == 4, Four, Two> v[side];
    for (int i = 0; i < side; ++i) std::memcpy(&v[i], x + i * xs, sizeof v[i]);
    transpose_square(v);
    for (int i = 0; i < side; ++i) std::memcpy(y + i * ys, &v[i], sizeof v[i]);
}

#if defined(__AVX512F__)
// Sixteen of these, those below one another in one register.
template <>
inline void square<16>(const uint32_t *x, ptrdiff_t xs, uint32_t *y, ptrdiff_t ys) {
    const auto four = [&](int row, int column) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i *>(x + row * xs + column));
    };
    for (int column = 0; column < 16; column += 4) {
        __m512i v[4];
        for (int i = 0; i < 4; ++i) {
            v[i] = _mm512_castsi128_si512(four(i, column));
            v[i] = _mm512_mask_broadcast_i32x4(v[i], 0x00f0, four(i + 4, column));
            v[i] = _mm512_mask_broadcast_i32x4(v[i], 0x0f00, four(i + 8, column));
            v[i] = _mm512_mask_broadcast_i32x4(v[i], 0xf000, four(i + 12, column));
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

constexpr int64_t tile = 16;  // rows whose lines stay in cache

// The last squares of a side lie over those before them.
template <int side, class T>
void in_squares(const T *x, ptrdiff_t xs, int64_t rows, int64_t columns, T *y, ptrdiff_t ys) {
    for (int64_t r0 = 0; r0 < rows; r0 += tile)
        for (int64_t c0 = 0; c0 < columns; c0 += side) {
            const int64_t c = std::min(c0, columns - side);
            for (int64_t r = r0; r < std::min(rows, r0 + tile); r += side) {
                const int64_t first = std::min(r, rows - side);
                square<side>(x + first * xs + c, xs, y + c * ys + first, ys);
            }
        }
}

// Few columns whose rows lie side by side, and the way back: the compiler finds the permutations.
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

template <class T>
void transpose(const T *x, ptrdiff_t xs, int64_t rows, int64_t columns, T *y, ptrdiff_t ys) {
    const int64_t few = ys == rows ? rows : 0, narrow = xs == columns ? columns : 0;
    if (few == 2) return merge<2>(x, xs, columns, y);
    if (few == 3) return merge<3>(x, xs, columns, y);
    if (few == 4) return merge<4>(x, xs, columns, y);
    if (narrow == 2) return split<2>(x, rows, y, ys);
    if (narrow == 3) return split<3>(x, rows, y, ys);
    if (narrow == 4) return split<4>(x, rows, y, ys);
#if defined(__AVX512F__)
    if constexpr (sizeof(T) == 4)
        if (rows >= 16 && columns >= 16) return in_squares<16>(x, xs, rows, columns, y, ys);
#endif
    if constexpr (sizeof(T) == 4 || sizeof(T) == 8) {
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
