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
    static constexpr int64_t chunk = 64;  // rows whose columns are written together
    static constexpr double lost = 1e-6;  // of |x|^2 + |p|^2: below, more than 6 of the 16 places are gone

    explicit Distances(const Params &p) : product(p), points(p.doubles("points")) {
        const std::string text = p.text("kind");
        require(text == "sqeuclidean" || text == "euclidean" || text == "rbf",
                "distances: expected sqeuclidean, euclidean or rbf");
        kind = text == "rbf" ? rbf : text == "euclidean" ? euclidean : sqeuclidean;
        if (kind == rbf) gamma = p.number("gamma");
        require(int64_t(points.size()) == product.k * product.m, "distances: expected points [P, D]");
        cost = product.cost + (kind == rbf ? 2.0 : 0.5) * double(product.m);
        scratch_fixed = size_t(product.k * chunk) * sizeof(double);
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

// The result of row r and point j, from the square of their distance, its parts' sum being `whole`.
template <class From>
inline double sure_square(const Distances &k, const Block &b, int64_t r, int64_t j, double d, double whole) {
    return d >= Distances::lost * whole ? d : direct_distance<From>(k, b, r, j);
}

inline double finished(const Distances &k, double d) {
    return k.kind == Distances::euclidean ? std::sqrt(d) : k.kind == Distances::rbf ? exp_(-k.gamma * d) : d;
}

// The results of a tile of rows from row r on and point j, from their products and the rows' squares.
template <class From, class To, int vectors>
inline void finish_tile(const Distances &k, const Block &b, int64_t r, int64_t j, Vector<double> (&d)[vectors],
                        const Vector<double> (&square)[vectors]) {
    constexpr int64_t each = vector_lanes<double>, tile = each * vectors;
    const double own = k.product.bias.data()[j];
    auto sure = d[0] == d[0];
    for (int v = 0; v < vectors; ++v) {
        d[v] = (d[v] + own) + square[v];
        sure &= d[v] >= Distances::lost * (square[v] + own);
    }
    To *y = b.out[0].column<To>(j) + r;
    const bool all_sure = all_true(sure);
    if (all_sure && k.kind == Distances::sqeuclidean) {
        for (int v = 0; v < vectors; ++v) store_as(y + v * each, d[v]);
        return;
    }
    alignas(64) double one[tile];
    for (int v = 0; v < vectors; ++v) store(one + v * each, d[v]);
    if (!all_sure)
        for (int64_t i = 0; i < tile; ++i) one[i] = sure_square<From>(k, b, r + i, j, one[i], square[i / each][i % each] + own);
    if (k.kind == Distances::euclidean)
        lanes(tile, [&](int64_t i) { one[i] = std::sqrt(one[i]); });
    else if (k.kind == Distances::rbf)
        lanes(tile, [&](int64_t i) { one[i] = exp_(-k.gamma * one[i]); });
    for (int v = 0; v < vectors; ++v) store_as(y + v * each, load(one + v * each));
}

template <class From, class To, bool exact>
void distances_of_row(const Distances &k, const Block &b, int64_t r) {
    const Gemm &g = k.product;
    const From *x = b.in[0].column<From>(0) + r;
    const ptrdiff_t step = b.in[0].stride;
    double square = 0, sum[16];
    for (int64_t i = 0; i < g.k; ++i) square += double(x[i * step]) * double(x[i * step]);
    const auto finish = [&](int64_t j, double product) {
        const double own = g.bias.data()[j];
        const double d = sure_square<From>(k, b, r, j, (product + own) + square, square + own);
        b.out[0].column<To>(j)[r] = To(finished(k, d));
    };
    int64_t j = 0;
    for (; j + 16 <= g.m; j += 16) {
        dot_panels<From, exact>(x, step, g.weights.data() + j * g.k, g.k, sum);
        for (int64_t q = 0; q < 16; ++q) finish(j + q, sum[q]);
    }
    for (; j < g.m; j += 4) {
        dot_panel<From>(x, step, g.weights.data() + j * g.k, g.k, sum);
        for (int64_t q = 0; q < 4 && j + q < g.m; ++q) finish(j + q, sum[q]);
    }
}

template <class From, class To, bool exact>
void distances(const Distances &k, const Block &b) {
    constexpr int vectors = gemm_vectors;
    constexpr int64_t each = vector_lanes<double>, tile = vectors * each;
    constexpr int64_t most = Distances::chunk / tile;  // tiles that meet a point one after the other
    const Gemm &g = k.product;
    From *packed = reinterpret_cast<From *>(b.scratch);
    int64_t first = 0;
    while (first + tile <= b.rows) {
        const int64_t left = (b.rows - first) / tile, tiles = left < most ? left : most;
        Vector<double> square[most][vectors];
        for (int64_t t = 0; t < tiles; ++t) {
            for (int v = 0; v < vectors; ++v) square[t][v] = Vector<double>{};
            for (int64_t i = 0; i < g.k; ++i) {
                const From *x = b.in[0].column<From>(i) + first + t * tile;
                std::memcpy(packed + (t * g.k + i) * tile, x, tile * sizeof(From));
                for (int v = 0; v < vectors; ++v) {
                    const Vector<double> some = load_double(x + v * each);
                    square[t][v] += some * some;
                }
            }
        }
        for (int64_t j = 0; j < g.m; j += 4)
            for (int64_t t = 0; t < tiles; ++t) {
                Vector<double> s[4][vectors] = {};
                accumulate_tile<4, vectors, exact>(packed + t * g.k * tile, tile, g.weights.data() + j * g.k, g.k, s);
                for (int q = 0; q < 4 && j + q < g.m; ++q)
                    finish_tile<From, To, vectors>(k, b, first + t * tile, j + q, s[q], square[t]);
            }
        first += tiles * tile;
    }
    for (; first < b.rows; ++first) distances_of_row<From, To, exact>(k, b, first);
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
