// Sums of many products in 8 lanes of double or 16 of float, so that a row can be read as it lies: lane l adds the products of
// k = l, l + lanes, ..., ascending; then halves of the lanes are added until one is left: in double ((l0 + l4) + (l2 + l6)) +
// ((l1 + l5) + (l3 + l7)). The same bits for rows and for columns, on every instruction set. (No lane is ever -0, so that
// zeros beyond K change nothing.)
#pragma once

#include <utility>

#include "engine/vectors.h"

namespace celeris {

template <class Sum>
constexpr int64_t sum_lanes = 64 / int64_t(sizeof(Sum));

template <class Sum>
inline int64_t whole_lanes(int64_t k) {
    return (k + sum_lanes<Sum> - 1) / sum_lanes<Sum> * sum_lanes<Sum>;
}

namespace CELERIS_TARGET {

template <class V>
using NumberOf = std::remove_cvref_t<decltype(V{}[0])>;

// a b + c, rounded once if `fused`: of doubles the caller then knows that the product is exact.
template <bool fused, class V>
[[gnu::always_inline]] inline V add_product(V a, V b, V c) {
    if constexpr (sizeof(NumberOf<V>) == sizeof(float))
        return multiply_add_once(a, b, c);
    else
        return multiply_add<fused>(a, b, c);
}

// Keeps what was read in a register: read again for each product, it may lie across two lines of the cache each time.
template <class V>
[[gnu::always_inline]] inline void read_once([[maybe_unused]] V &v) {
#if defined(__AVX512F__)
    asm("" : "+v"(v));
#elif defined(__SSE2__)
    asm("" : "+x"(v));
#endif
}

// The upper half of each `2 half` lanes of a and b added to the lower.
template <int half, class V, size_t... lane>
[[gnu::always_inline]] inline V add_halves(V a, V b, std::index_sequence<lane...>) {
    return __builtin_shufflevector(a, b, int(lane) / half * half * 2 + int(lane) % half...) +
           __builtin_shufflevector(a, b, int(lane) / half * half * 2 + int(lane) % half + half...);
}

// The sum of each of as many vectors as they have lanes, by adding halves until one lane is left.
template <int half = 1, class V, size_t... lane>
[[gnu::always_inline]] inline V fold(const V *v, std::index_sequence<lane...> all) {
    constexpr int count = int(sizeof...(lane)) / half;
    if constexpr (count == 2)
        return add_halves<half>(v[0], v[1], all);
    else
        return add_halves<half>(fold<2 * half>(v, all), fold<2 * half>(v + count / 2, all), all);
}

// How many rows, and outputs, are summed side by side, as far as registers go.
template <int outputs>
constexpr int lane_tile_rows = [] {
    constexpr int parts = int(64 / vector_bytes);  // vectors that hold the lanes of a sum
    if (parts == 4) return 1;
    if (parts == 2) return outputs == 1 ? 4 : 2;
    return outputs == 1 ? 8 : 4;
}();
constexpr int lane_tile_outputs = vector_bytes == 64 ? 4 : 2;

// Their sums, and what fills a vector.
template <class Sum, int rows, int outputs>
constexpr int lane_sums = int((rows * outputs + vector_lanes<Sum> - 1) / vector_lanes<Sum> * vector_lanes<Sum>);

// sum[q * rows + i] = row i, `step` elements after the row before, by the weights w[q * whole_lanes(k) ...]; in vectors V.
template <class V, int rows, int outputs, bool exact, class From, class Sum>
[[gnu::always_inline]] inline void sum_rows(const From *x, ptrdiff_t step, const Sum *w, int64_t k, Sum (&sum)[lane_sums<Sum, rows, outputs>]) {
    static_assert(rows <= 8);
    constexpr int64_t lanes = sum_lanes<Sum>;
    constexpr int each = int(sizeof(V) / sizeof(Sum));
    constexpr int parts = int(lanes) / each;
    const int64_t length = whole_lanes<Sum>(k);
    V s[rows][outputs][parts] = {};
    // Rows 0, 3 and 6: the others lie 1, 2 or 4 steps after one of these, which addresses of x86 express.
    const From *at0 = x, *at3 = x + 3 * step, *at6 = x + 6 * step;
    const auto add = [&](int64_t count, auto &&read) __attribute__((always_inline)) {
#pragma GCC unroll 4
        for (int p = 0; p < parts && p * each < count; ++p) {
            V weight[outputs];
            for (int q = 0; q < outputs; ++q) std::memcpy(&weight[q], w + q * length + p * each, sizeof(V));
#pragma GCC unroll 8
            for (int r = 0; r < rows; ++r) {
                const From *const at = r == 6 ? at6 : r == 3 || r == 5 || r == 7 ? at3 + (r - 3) * step : at0 + r * step;
                V v = read(at + p * each, p * each);
                if constexpr (outputs > 1) read_once(v);
                for (int q = 0; q < outputs; ++q) s[r][q][p] = add_product<exact>(v, weight[q], s[r][q][p]);
            }
        }
    };
    for (int64_t i = 0; i < k / lanes; ++i, at0 += lanes, at3 += lanes, at6 += lanes, w += lanes) {
        if constexpr (rows == 8) {  // the rows of the tile after the next, as many lines as this turn reads
            const From *const ahead = x + 2 * rows * step + i * rows * lanes;
            for (int line = 0; line < rows * lanes * int64_t(sizeof(From)) / 64; ++line) __builtin_prefetch(ahead + line * 64 / sizeof(From));
        }
        if constexpr (rows > 2) asm("" : "+r"(at0), "+r"(at3), "+r"(at6));  // else GCC keeps as many pointers as there are rows
        add(lanes, [](const From *from, int) { return load_as<V>(from); });
    }
    if (const int64_t left = k % lanes; left > 0)
        add(left, [&](const From *from, int first) { return load_as<V>(from, left - first); });
#pragma GCC unroll 4
    for (int group = 0; group < lane_sums<Sum, rows, outputs>; group += each) {
        V v[each];
#pragma GCC unroll 16
        for (int lane = 0; lane < each; ++lane) {
            const int at = group + lane;
            const auto &part = s[at < rows * outputs ? at % rows : 0][at < rows * outputs ? at / rows : 0];  // beyond: any
            if constexpr (parts == 4)
                v[lane] = (part[0] + part[2]) + (part[1] + part[3]);
            else if constexpr (parts == 2)
                v[lane] = part[0] + part[1];
            else
                v[lane] = part[0];
        }
        const V sums = fold(v, std::make_index_sequence<size_t(each)>());
        std::memcpy(sum + group, &sums, sizeof sums);
    }
}

// s += vectors of rows of one column by the first `outputs` of w, which lie `apart`.
template <bool exact, int outputs, int vectors, class From, class Sum>
inline void accumulate_column(const From *x, const Sum *w, ptrdiff_t apart, Vector<Sum> (&s)[outputs][vectors]) {
    Vector<Sum> row[vectors];
    for (int v = 0; v < vectors; ++v) row[v] = load_as<Vector<Sum>>(x + v * vector_lanes<Sum>);
    for (int q = 0; q < outputs; ++q) {
        const Vector<Sum> weight = splat(w[q * apart]);
        for (int v = 0; v < vectors; ++v) s[q][v] = add_product<exact>(row[v], weight, s[q][v]);
    }
}

// Weights w[q * apart + i * step] of outputs q and columns i.
template <class Sum>
struct Weights {
    const Sum *w;
    ptrdiff_t apart, step;
};

// The sums of vectors of rows, whose columns lie `step` apart.
template <bool exact, int outputs, int vectors, class From, class Sum>
inline void sum_columns(const From *x, ptrdiff_t step, const Weights<Sum> &weights, int64_t k, Vector<Sum> (&sum)[outputs][vectors]) {
    constexpr int64_t lanes = sum_lanes<Sum>;
    constexpr int levels = lanes == 8 ? 3 : 4;
    Vector<Sum> waiting[levels + 1][outputs][vectors];  // sums of 1, 2, 4, ... lanes, for those beside them
    for (int64_t i = 0; i < lanes; ++i) {
        int64_t lane = 0;  // 0, 4, 2, 6, 1, 5, 3, 7: those that are added first follow one another
        for (int bit = 0; bit < levels; ++bit) lane |= (i >> bit & 1) << (levels - 1 - bit);
        Vector<Sum> s[outputs][vectors] = {};
        for (int64_t c = lane; c < k; c += lanes)
            accumulate_column<exact>(x + c * step, weights.w + c * weights.step, weights.apart, s);
        int level = 0;
        for (; i >> level & 1; ++level)
            for (int q = 0; q < outputs; ++q)
                for (int v = 0; v < vectors; ++v) s[q][v] = waiting[level][q][v] + s[q][v];
        for (int q = 0; q < outputs; ++q)
            for (int v = 0; v < vectors; ++v) waiting[level][q][v] = s[q][v];
    }
    for (int q = 0; q < outputs; ++q)
        for (int v = 0; v < vectors; ++v) sum[q][v] = waiting[levels][q][v];
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
