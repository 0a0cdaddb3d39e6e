// Tiles of matrix products in float32: 8 rows by 48 columns, the left matrix in panels [K][8], the right one in panels
// [K][48], whatever the instruction set; each takes as many of a tile's columns and rows at once as its registers hold.
// (The scheme of K. Goto and R. van de Geijn, Anatomy of high-performance matrix multiplication, 2008.)
#pragma once

#include "tensor/functions.h"

namespace celeris::CELERIS_TARGET {

constexpr int64_t kTileRows = 8, kTileColumns = 48, kTile = kTileRows * kTileColumns;

typedef float FourFloats __attribute__((vector_size(16)));

// Four rows of four numbers, `step` apart, turned: each column as four numbers side by side, kTileRows apart.
inline void turn_four(const float *from, int64_t step, float *to) {
    FourFloats v[4];
    for (int i = 0; i < 4; ++i) std::memcpy(&v[i], from + i * step, sizeof v[i]);
    const FourFloats a = __builtin_shufflevector(v[0], v[1], 0, 4, 1, 5), b = __builtin_shufflevector(v[2], v[3], 0, 4, 1, 5);
    const FourFloats c = __builtin_shufflevector(v[0], v[1], 2, 6, 3, 7), d = __builtin_shufflevector(v[2], v[3], 2, 6, 3, 7);
    v[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5), v[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
    v[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5), v[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
    for (int i = 0; i < 4; ++i) std::memcpy(to + i * kTileRows, &v[i], sizeof v[i]);
}

// Rows of a matrix [rows, K] as panels [K][8], zeros beyond the last row.
inline void pack_rows(const float *from, int64_t row_step, int64_t step, int64_t rows, int64_t k, float *to) {
    for (int64_t first = 0; first < rows; first += kTileRows, to += k * kTileRows) {
        const float *panel = from + first * row_step;
        int64_t turned = 0;
        if (step == 1 && first + kTileRows <= rows)
            for (; turned + 4 <= k; turned += 4)
                for (int64_t r = 0; r < kTileRows; r += 4)
                    turn_four(panel + r * row_step + turned, row_step, to + turned * kTileRows + r);
        for (int64_t r = 0; r < kTileRows; ++r)
            for (int64_t i = turned; i < k; ++i)
                to[i * kTileRows + r] = first + r < rows ? panel[r * row_step + i * step] : 0;
    }
}

// Columns [first, first + columns) of a matrix [K, N] as one panel [K][48], zeros beyond the last column.
inline void pack_columns(const float *from, int64_t row_step, int64_t step, int64_t columns, int64_t k, float *to) {
    if (step == 1 || columns == 1) {
        for (int64_t i = 0; i < k; ++i, to += kTileColumns) {
            copy(from + i * row_step, to, columns);
            for (int64_t j = columns; j < kTileColumns; ++j) to[j] = 0;
        }
        return;
    }
    for (int64_t j = 0; j < kTileColumns; ++j)
        for (int64_t i = 0; i < k; ++i) to[i * kTileColumns + j] = j < columns ? from[i * row_step + j * step] : 0;
}

inline int64_t panels_of(int64_t n, int64_t panel) { return (n + panel - 1) / panel; }

// Rows of a tile whose sums fit the registers beside three vectors of columns.
constexpr int kRowsAtOnce = vector_bytes == 64 ? 8 : 4;

// How a tile of sums begins and ends.
struct TileEnds {
    bool add = false;               // to what is there
    const float *limits = nullptr;  // two, between which sums are brought, or null
    int64_t step = kTileColumns;    // elements from one row of the tile to the next
};

// The columns of a tile: of a panel [K][48], or of anything whose row i begins at rows[i], with a vector (or where columns
// are few, one of them) at each place.
struct PanelColumns {
    const float *at;
    Floats vector(int64_t i, int v) const { return load(at + i * kTileColumns + v * kLanes); }
    float one(int64_t i, int column) const { return at[i * kTileColumns + column]; }
    PanelColumns from_row(int64_t i) const { return {at + i * kTileColumns}; }
    PanelColumns from_vector(int v) const { return {at + v * kLanes}; }
};
struct PlacedColumns {
    const float *const *rows;
    const int64_t *places;
    Floats vector(int64_t i, int v) const { return load(rows[i] + places[v]); }
    float one(int64_t i, int column) const { return rows[i][places[column]]; }
    PlacedColumns from_row(int64_t i) const { return {rows + i, places}; }
    PlacedColumns from_vector(int v) const { return {rows, places + v}; }
};

// Sums begin with `bias`, one a row, where they are not added to anything; null: with nothing.
// A function by itself, all unrolled: else GCC keeps half of the sums in memory.
template <int rows, int vectors, class Columns>
[[gnu::noinline]] void multiply_registers(const float *a, const Columns b, int64_t k, float *c, const float *bias, const TileEnds &ends) {
    Floats s[rows][vectors];
    const int64_t step = ends.step;
    if (ends.add) {
#pragma GCC unroll 8
        for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v) s[r][v] = load(c + r * step + v * kLanes);
    } else {
#pragma GCC unroll 8
        for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v) s[r][v] = bias == nullptr ? Floats{} : splat(bias[r]);
    }
    for (int64_t i = 0; i < k; ++i, a += kTileRows) {
        Floats x[vectors];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) x[v] = b.vector(i, v);
#pragma GCC unroll 8
        for (int r = 0; r < rows; ++r) {
            const Floats w = splat(a[r]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v) s[r][v] = multiply_add(w, x[v], s[r][v]);
        }
    }
    if (ends.limits != nullptr) {
        const Floats low = splat(ends.limits[0]), high = splat(ends.limits[1]);
#pragma GCC unroll 8
        for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v) s[r][v] = at_most(at_least(s[r][v], low), high);
    }
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) store(c + r * step + v * kLanes, s[r][v]);
}

template <int rows, class Columns>
inline void multiply_rows(const float *a, Columns b, int64_t columns, int64_t k, float *c, const float *bias, const TileEnds &ends) {
    int64_t vectors = (columns + kLanes - 1) / kLanes;
    for (; vectors >= 3; vectors -= 3, b = b.from_vector(3), c += 3 * kLanes) multiply_registers<rows, 3>(a, b, k, c, bias, ends);
    if (vectors == 2) multiply_registers<rows, 2>(a, b, k, c, bias, ends);
    if (vectors == 1) multiply_registers<rows, 1>(a, b, k, c, bias, ends);
}

// The other way around: of rows that begin at rows[i] a few places are multiplied by `vectors` of weights that lie together,
// [K][vectors]. c[place * step + weight]. Where places are few, sums of every second or fourth row do not wait for one another.
template <int places, int vectors>
[[gnu::noinline]] void multiply_places(const float *const *rows, const int64_t *place, const float *w, int64_t k, float *c,
                                       int64_t step, const float *bias, const TileEnds &ends) {
    constexpr int sets = places == 1 ? 4 : places == 2 ? 2 : 1;
    Floats s[sets][places][vectors] = {};
    const auto each = [&](auto &&f) __attribute__((always_inline)) {
#pragma GCC unroll 8
        for (int p = 0; p < places; ++p)
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v) f(s[0][p][v], p, v);
    };
    if (ends.add)
        each([&](Floats &sum, int p, int v) __attribute__((always_inline)) { sum = load(c + p * step + v * kLanes); });
    else if (bias != nullptr)
        each([&](Floats &sum, int, int v) __attribute__((always_inline)) { sum = load(bias + v * kLanes); });
    int64_t at[places];
    for (int p = 0; p < places; ++p) at[p] = place[p];
    const auto multiply = [&](const float *row, Floats (&to)[places][vectors]) __attribute__((always_inline)) {
        Floats x[vectors];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; ++v) x[v] = load(w + v * kLanes);
#pragma GCC unroll 8
        for (int p = 0; p < places; ++p) {
            const Floats one = splat(row[at[p]]);
#pragma GCC unroll 4
            for (int v = 0; v < vectors; ++v) to[p][v] = multiply_add(one, x[v], to[p][v]);
        }
        w += vectors * kLanes;
    };
    int64_t i = 0;
    for (; i + sets <= k; i += sets)
#pragma GCC unroll 4
        for (int set = 0; set < sets; ++set) multiply(rows[i + set], s[set]);
    for (; i < k; ++i) multiply(rows[i], s[0]);
    for (int set = 1; set < sets; ++set)
        each([&](Floats &sum, int p, int v) __attribute__((always_inline)) { sum += s[set][p][v]; });
    if (ends.limits != nullptr) {
        const Floats low = splat(ends.limits[0]), high = splat(ends.limits[1]);
        each([&](Floats &sum, int, int) __attribute__((always_inline)) { sum = at_most(at_least(sum, low), high); });
    }
    each([&](Floats &sum, int p, int v) __attribute__((always_inline)) { store(c + p * step + v * kLanes, sum); });
}

constexpr int64_t kThin = 7;  // columns that are few

typedef float Eight __attribute__((vector_size(kTileRows * sizeof(float))));
inline Eight multiply_add(Eight a, float b, Eight c) {
#if defined(__FMA__)
    return Eight(_mm256_fmadd_ps(__m256(a), _mm256_set1_ps(b), __m256(c)));
#else
    return a * b + c;
#endif
}

// A few columns only: the eight rows are the vector then. Sums of even and of odd rows of the columns, which do not wait
// for one another.
template <int columns, class Columns>
[[gnu::noinline]] void multiply_thin(const float *a, const Columns b, int64_t k, float *c) {
    Eight s[columns] = {}, t[columns] = {}, w;
    const auto add = [&](int64_t i, Eight (&to)[columns]) {
        std::memcpy(&w, a + i * kTileRows, sizeof w);
#pragma GCC unroll 8
        for (int j = 0; j < columns; ++j) to[j] = multiply_add(w, b.one(i, j), to[j]);
    };
    int64_t i = 0;
    for (; i + 2 <= k; i += 2) add(i, s), add(i + 1, t);
    if (i < k) add(i, s);
    for (int j = 0; j < columns; ++j)
        for (int r = 0; r < kTileRows; ++r) c[r * kTileColumns + j] = s[j][r] + t[j][r];
}

// A tile [8][48] of the product of a panel of rows and columns, which are more than kThin; what lies beyond `rows` and
// `columns` is undefined.
template <class Columns>
inline void multiply_wide_tile(const float *a, int64_t rows, const Columns b, int64_t columns, int64_t k, float *c,
                               const float *bias, const TileEnds &ends) {
    for (; rows > 0; rows -= kRowsAtOnce, a += kRowsAtOnce, c += kRowsAtOnce * ends.step) {
        if (rows == 1)
            multiply_rows<1>(a, b, columns, k, c, bias, ends);
        else if (rows == 2)
            multiply_rows<2>(a, b, columns, k, c, bias, ends);
        else if (rows <= 4)
            multiply_rows<4>(a, b, columns, k, c, bias, ends);
        else
            multiply_rows<kRowsAtOnce>(a, b, columns, k, c, bias, ends);
        if (bias != nullptr) bias += kRowsAtOnce;
    }
}

template <class Columns>
inline void multiply_few(const float *a, const Columns b, int64_t columns, int64_t k, float *c) {
    switch (columns) {
        case 1: return multiply_thin<1>(a, b, k, c);
        case 2: return multiply_thin<2>(a, b, k, c);
        case 3: return multiply_thin<3>(a, b, k, c);
        case 4: return multiply_thin<4>(a, b, k, c);
        case 5: return multiply_thin<5>(a, b, k, c);
        case 6: return multiply_thin<6>(a, b, k, c);
        default: return multiply_thin<7>(a, b, k, c);
    }
}

// The same for any number of columns of a panel, added to what is there or not.
inline void multiply_float_tile(const float *a, int64_t rows, const float *b, int64_t columns, int64_t k, float *c,
                                bool add = false) {
    if (rows > 2 && columns <= kThin) return multiply_few(a, PanelColumns{b}, columns, k, c);
    multiply_wide_tile(a, rows, PanelColumns{b}, columns, k, c, nullptr, {add});
}

constexpr int64_t kTogether = 8;  // tiles that stay in the cache while the depth goes on

// In how many pieces a depth is taken: 128 rows of a panel of columns are 24 KB.
inline int64_t pieces_of(int64_t k) { return greater(1, (k + 64) / 128); }

// Tiles of `rows` rows (in panels) by one panel of columns, each given to end(tile, its number) when it is complete. A long
// depth is taken in pieces whose columns stay in the first cache; sums go on in the same order. T: float, or int32_t for
// pairs; multiply(a, rows, b, columns, k, c, add) makes a piece of a tile; `tiles` is room for kTogether of them.
template <class T, class Multiply, class End>
inline void multiply_panels(const T *a, int64_t rows, const T *b, int64_t columns, int64_t k, T *tiles,
                            const Multiply &multiply, const End &end) {
    const int64_t pieces = columns <= kThin ? 1 : pieces_of(k), panels = panels_of(rows, kTileRows);
    for (int64_t first = 0; first < panels; first += kTogether) {
        const int64_t last = smaller(panels, first + kTogether);
        for (int64_t i = 0; i < pieces; ++i) {
            const int64_t start = k * i / pieces, depth = k * (i + 1) / pieces - start;
            for (int64_t p = first; p < last; ++p) {
                T *const tile = tiles + (p - first) * kTile;
                multiply(a + (p * k + start) * kTileRows, smaller(rows - p * kTileRows, kTileRows), b + start * kTileColumns,
                         columns, depth, tile, i > 0);
                if (i + 1 == pieces) end(tile, p);
            }
        }
    }
}

}  // namespace celeris::CELERIS_TARGET
