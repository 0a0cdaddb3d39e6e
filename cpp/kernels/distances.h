// distances: of each row X [D] to constant points [P, D], squared, as lengths, or as e^(-gamma d^2) (the RBF kernel).
//
// |x - p|^2 = (|p|^2 - 2 x.p) + |x|^2 in double, which needs one multiply-add an element as a matrix product does. Where the
// result is so small that it has lost places (or where infinities met) it is summed again from the differences.
#pragma once

#include "engine/functions.h"
#include "kernels/gemm.h"

namespace celeris {

struct Distances : KernelState {
    enum Kind { sqeuclidean, euclidean, rbf } kind;
    Gemm product;                // -2 x.p + |p|^2
    std::vector<double> points;  // [P, D]
    double gamma = 0;
    static constexpr double lost = 1e-6;  // of |x|^2 + |p|^2: below, more than 6 of the 16 places are gone

    explicit Distances(const Params &p) : product(p), points(p.doubles("points")) {
        const std::string text = p.text("kind");
        require(text == "sqeuclidean" || text == "euclidean" || text == "rbf",
                "distances: expected sqeuclidean, euclidean or rbf");
        kind = text == "rbf" ? rbf : text == "euclidean" ? euclidean : sqeuclidean;
        if (kind == rbf) gamma = p.number("gamma");
        require(int64_t(points.size()) == product.k * product.m, "distances: expected points [P, D]");
        cost = product.cost + (kind == rbf ? 2.0 : 0.5) * double(product.m);
        scratch_fixed = product.scratch_fixed;
    }
};

namespace CELERIS_TARGET {

template <class From>
double direct_distance(const Distances &k, const Block &b, int64_t r, int64_t j) {
    const double *p = k.points.data() + j * k.product.k;
    double sum = 0;
    for (int64_t i = 0; i < k.product.k; ++i) {
        const double d = double(b.in[0].column<From>(i)[r]) - p[i];
        sum += d * d;
    }
    return sum;
}

// The results of one point for `count` rows from row r on, from the products d and the rows' squares; tile's length is n.
template <class From, class To, class Count>
inline void finish_distances(const Distances &k, const Block &b, int64_t r, int64_t j, int64_t count, double *d,
                             const double *square, Count n) {
    const double own = k.product.bias.data()[j];
    int64_t unsure = 0;
    for (int64_t i = 0; i < n; ++i) {
        d[i] = (d[i] + own) + square[i];
        unsure |= int64_t(!(d[i] >= Distances::lost * (square[i] + own)));
    }
    if (unsure != 0)
        for (int64_t i = 0; i < count; ++i)
            if (!(d[i] >= Distances::lost * (square[i] + own))) d[i] = direct_distance<From>(k, b, r + i, j);
    if (k.kind == Distances::euclidean)
        lanes(n, [&](int64_t i) { d[i] = std::sqrt(d[i]); });
    else if (k.kind == Distances::rbf)
        lanes(n, [&](int64_t i) { d[i] = exp_(-k.gamma * d[i]); });
    To *y = b.out[0].column<To>(j) + r;
    for (int64_t i = 0; i < count; ++i) y[i] = To(d[i]);
}

template <class From, class To, bool exact>
void distances_of_row(const Distances &k, const Block &b, int64_t r) {
    const Gemm &g = k.product;
    const From *x = b.in[0].column<From>(0) + r;
    const ptrdiff_t step = b.in[0].stride;
    double square = 0, sum[16];
    for (int64_t i = 0; i < g.k; ++i) square += double(x[i * step]) * double(x[i * step]);
    int64_t j = 0;
    for (; j + 16 <= g.m; j += 16) {
        dot_panels<From, exact>(x, step, g.weights.data() + j * g.k, g.k, sum);
        for (int64_t q = 0; q < 16; ++q) finish_distances<From, To>(k, b, r, j + q, 1, sum + q, &square, One{});
    }
    for (; j < g.m; j += 4) {
        dot_panel<From>(x, step, g.weights.data() + j * g.k, g.k, sum);
        for (int64_t q = 0; q < 4 && j + q < g.m; ++q) finish_distances<From, To>(k, b, r, j + q, 1, sum + q, &square, One{});
    }
}

template <class From, class To, bool exact>
void distances(const Distances &k, const Block &b) {
    constexpr int vectors = gemm_vectors;
    constexpr int64_t each = vector_lanes<double>, tile = vectors * each;
    const Gemm &g = k.product;
    From *packed = reinterpret_cast<From *>(b.scratch);
    int64_t r = 0;
    for (; r + tile <= b.rows; r += tile) {
        alignas(64) double square[tile] = {}, d[tile];
        for (int64_t i = 0; i < g.k; ++i) {
            const From *x = b.in[0].column<From>(i) + r;
            std::memcpy(packed + i * tile, x, tile * sizeof(From));
            for (int64_t q = 0; q < tile; ++q) square[q] += double(x[q]) * double(x[q]);
        }
        for (int64_t j = 0; j < g.m; j += 4) {
            Vector<double> s[4][vectors] = {};
            accumulate_tile<4, vectors, exact>(packed, tile, g.weights.data() + j * g.k, g.k, s);
            for (int q = 0; q < 4 && j + q < g.m; ++q) {
                for (int v = 0; v < vectors; ++v) store(d + v * each, s[q][v]);
                finish_distances<From, To>(k, b, r, j + q, tile, d, square, tile);
            }
        }
    }
    for (; r < b.rows; ++r) distances_of_row<From, To, exact>(k, b, r);
}

inline void run(const Distances &k, const Block &b) {
    for_real(k.product.from, [&](auto *from) {
        for_real(k.product.to, [&](auto *to) {
            using From = pointee<decltype(from)>;
            using To = pointee<decltype(to)>;
            if (k.product.exact)
                distances<From, To, true>(k, b);
            else
                distances<From, To, false>(k, b);
        });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
