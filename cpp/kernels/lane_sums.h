// Sums of at least 8 products in double, in 8 lanes, so that a row can be read as it lies: lane l adds the products of
// k = l, l + 8, ..., ascending; then ((l0 + l4) + (l2 + l6)) + ((l1 + l5) + (l3 + l7)). The same bits for rows and for
// columns, on every instruction set. (No lane is ever -0, so that zeros beyond K change nothing.)
#pragma once

#include <utility>

#include "engine/vectors.h"

namespace celeris {

constexpr int64_t sum_lanes = 8;

inline int64_t whole_lanes(int64_t k) { return (k + sum_lanes - 1) / sum_lanes * sum_lanes; }

namespace CELERIS_TARGET {

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

// How many rows are summed side by side, as far as registers go.
template <int outputs>
constexpr int lane_tile_rows = outputs == 1 ? int(vector_lanes<double>)
                               : vector_lanes<double> == 2 ? 1
                                                           : int(vector_lanes<double>) / (outputs == 2 || vector_lanes<double> == 8 ? 2 : 4);

// Their sums, and what fills a vector.
template <int rows, int outputs>
constexpr int lane_sums = (rows * outputs + int(vector_lanes<double>) - 1) / int(vector_lanes<double>) * int(vector_lanes<double>);

// sum[q * rows + i] = row i, `step` elements after the row before, by the weights w[q * whole_lanes(k) ...]; in vectors V.
template <class V, int rows, int outputs, bool exact, class From>
[[gnu::always_inline]] inline void sum_rows(const From *x, ptrdiff_t step, const double *w, int64_t k, double (&sum)[lane_sums<rows, outputs>]) {
    static_assert(rows <= 8);
    constexpr int each = int(sizeof(V) / sizeof(double));
    constexpr int parts = int(sum_lanes) / each;
    const int64_t length = whole_lanes(k);
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
                const V v = read(at + p * each, p * each);
                for (int q = 0; q < outputs; ++q) s[r][q][p] = multiply_add<exact>(v, weight[q], s[r][q][p]);
            }
        }
    };
    for (int64_t i = 0; i < k / sum_lanes; ++i, at0 += sum_lanes, at3 += sum_lanes, at6 += sum_lanes, w += sum_lanes) {
        if constexpr (rows > 2) asm("" : "+r"(at0), "+r"(at3), "+r"(at6));  // else GCC keeps as many pointers as there are rows
        add(sum_lanes, [](const From *from, int) { return load_double<V>(from); });
    }
    if (const int64_t left = k % sum_lanes; left > 0)
        add(left, [&](const From *from, int first) { return load_double<V>(from, left - first); });
#pragma GCC unroll 4
    for (int group = 0; group < lane_sums<rows, outputs>; group += each) {
        V v[each];
#pragma GCC unroll 8
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

// s += vectors of rows of one column by the first `outputs` of w.
template <int outputs, int vectors, bool exact, class From>
inline void accumulate_column(const From *x, const double *w, Vector<double> (&s)[outputs][vectors]) {
    Vector<double> row[vectors];
    for (int v = 0; v < vectors; ++v) row[v] = load_double(x + v * vector_lanes<double>);
    for (int q = 0; q < outputs; ++q) {
        const Vector<double> weight = splat(w[q]);
        for (int v = 0; v < vectors; ++v) s[q][v] = multiply_add<exact>(row[v], weight, s[q][v]);
    }
}

// The sums of vectors of rows, whose columns lie `step` apart, by weights w[K, 4].
template <int outputs, int vectors, bool exact, class From>
inline void sum_columns(const From *x, ptrdiff_t step, const double *w, int64_t k, Vector<double> (&sum)[outputs][vectors]) {
    using Sums = Vector<double>[outputs][vectors];
    const auto add = [](Sums &to, const Sums &more) {
        for (int q = 0; q < outputs; ++q)
            for (int v = 0; v < vectors; ++v) to[q][v] += more[q][v];
    };
    const auto copy = [](Sums &to, const Sums &from) {
        for (int q = 0; q < outputs; ++q)
            for (int v = 0; v < vectors; ++v) to[q][v] = from[q][v];
    };
    for (int64_t odd = 0; odd < 2; ++odd) {
        Sums half = {};
        for (int64_t lane = odd; lane < 4; lane += 2) {
            Sums low = {}, high = {};
            for (int64_t i = lane; i < k; i += sum_lanes) accumulate_column<outputs, vectors, exact>(x + i * step, w + i * 4, low);
            for (int64_t i = lane + 4; i < k; i += sum_lanes)
                accumulate_column<outputs, vectors, exact>(x + i * step, w + i * 4, high);
            add(low, high), add(half, low);
        }
        odd == 0 ? copy(sum, half) : add(sum, half);
    }
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
