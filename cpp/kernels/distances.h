// distances: of each row X [D] to constant points [P, D], squared, as lengths, as e^(-gamma d^2) (the RBF kernel), or as what
// Mul by a number, Neg and Exp make of the squares (`decay`; joins.py).
//
// |x - p|^2 = (|p|^2 - 2 x.p) + |x|^2 in double, which needs one multiply-add an element as a matrix product does. Where the
// result is so small that it has lost places (or where infinities met) it is summed again from the differences.
#pragma once

#include "engine/functions.h"
#include "kernels/gemm.h"

namespace celeris {

struct Distances : KernelState {
    enum Kind { sqeuclidean, euclidean, rbf, decay } kind;
    Gemm product;                // -2 x.p + |p|^2
    std::vector<double> points;  // [P, D]
    double gamma = 0;            // of decay: a number of the results' type
    static constexpr int64_t chunk = 64;  // rows whose columns are written together
    static constexpr double lost = 1e-6;  // of |x|^2 + |p|^2: below, more than 6 of the 16 places are gone

    explicit Distances(const Params &p) : product(p), points(p.doubles("points")) {
        const std::string text = p.text("kind");
        require(text == "sqeuclidean" || text == "euclidean" || text == "rbf" || text == "decay",
                "distances: expected sqeuclidean, euclidean, rbf or decay");
        kind = text == "rbf" ? rbf : text == "decay" ? decay : text == "euclidean" ? euclidean : sqeuclidean;
        if (kind == rbf || kind == decay) gamma = p.number("gamma");
        require(int64_t(points.size()) == product.k * product.m, "distances: expected points [P, D]");
        cost = product.cost + (gamma != 0 ? 1.0 : 0.3) * double(product.m);
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

// The results of n squares, in their place.
template <class To>
inline void finish_squares(const Distances &k, double *d, int64_t n) {
    switch (k.kind) {
        case Distances::sqeuclidean: return;
        case Distances::euclidean: return lanes(n, [&](int64_t i) { d[i] = std::sqrt(d[i]); });
        // What is summed of these ends as float32: hence exp_to<float>.
        case Distances::rbf: return lanes(n, [&](int64_t i) { d[i] = exp_to<float>(-k.gamma * d[i]); });
        case Distances::decay:
            return lanes(n, [&](int64_t i) { d[i] = exp_to<To>(-double(To(d[i]) * To(k.gamma))); });
    }
}

// Tiles of rows whose numbers are packed [tiles][D][tile], by all points.
template <class From, class To, bool exact, int vectors>
inline void measure_tiles(const Distances &k, const Block &b, int64_t first, int64_t tiles, double *packed) {
    constexpr int64_t each = vector_lanes<double>, tile = vectors * each, most = Distances::chunk / tile;
    const Gemm &g = k.product;
    Vector<double> square[most][vectors];
    for (int64_t t = 0; t < tiles; ++t) {
        for (int v = 0; v < vectors; ++v) square[t][v] = Vector<double>{};
        for (int64_t i = 0; i < g.k; ++i)
            for (int v = 0; v < vectors; ++v) {
                const Vector<double> some = load_double(b.in[0].column<From>(i) + first + t * tile + v * each);
                store(packed + (t * g.k + i) * tile + v * each, some);
                square[t][v] += some * some;
            }
    }
    for (int64_t j = 0; j < g.m; j += 4)
        for (int64_t t = 0; t < tiles; ++t) {
            const int64_t r = first + t * tile, points = g.m - j < 4 ? g.m - j : 4;
            Vector<double> d[4][vectors] = {};
            accumulate_tile<4, vectors, exact>(packed + t * g.k * tile, tile, g.weights.data() + j * g.k, g.k, d);
            alignas(64) double one[4 * tile];
            auto sure = d[0][0] == d[0][0];
            for (int64_t q = 0; q < 4; ++q) {
                const double own = g.bias.data()[j + q];
                for (int v = 0; v < vectors; ++v) {
                    d[q][v] = (d[q][v] + own) + square[t][v];
                    sure &= d[q][v] >= Distances::lost * (square[t][v] + own);
                    store(one + q * tile + v * each, d[q][v]);
                }
            }
            if (!all_true(sure))
                for (int64_t q = 0; q < points; ++q)
                    for (int64_t i = 0; i < tile; ++i)
                        one[q * tile + i] = sure_square<From>(k, b, r + i, j + q, one[q * tile + i],
                                                              square[t][i / each][i % each] + g.bias.data()[j + q]);
            finish_squares<To>(k, one, 4 * tile);
            for (int64_t q = 0; q < points; ++q)
                for (int v = 0; v < vectors; ++v)
                    store_as(b.out[0].column<To>(j + q) + r + v * each, load(one + q * tile + v * each));
        }
}

template <class From, class To, bool exact>
void distances_of_row(const Distances &k, const Block &b, int64_t r) {
    constexpr int64_t some = 64;  // points at a time
    const Gemm &g = k.product;
    const From *x = b.in[0].column<From>(0) + r;
    const ptrdiff_t step = b.in[0].stride;
    double square = 0, d[some];
    for (int64_t i = 0; i < g.k; ++i) square += double(x[i * step]) * double(x[i * step]);
    for (int64_t first = 0; first < g.m; first += some) {
        const int64_t n = g.m - first < some ? g.m - first : some;
        int64_t j = 0;
        for (; j + 16 <= n; j += 16) dot_panels<From, exact>(x, step, g.weights.data() + (first + j) * g.k, g.k, d + j);
        for (; j < n; j += 4) dot_panel<From, exact>(x, step, g.weights.data() + (first + j) * g.k, g.k, d + j);
        const double *own = g.bias.data() + first;
        bool unsure = false;
        for (int64_t i = 0; i < n; ++i) {
            d[i] = (d[i] + own[i]) + square;
            unsure |= !(d[i] >= Distances::lost * (square + own[i]));
        }
        if (unsure)
            for (int64_t i = 0; i < n; ++i) d[i] = sure_square<From>(k, b, r, first + i, d[i], square + own[i]);
        finish_squares<To>(k, d, n);
        To *y = b.out[0].column<To>(first) + r;
        if (b.out[0].stride == 1)
            lanes(n, [&](int64_t i) { y[i] = To(d[i]); });
        else
            for (int64_t i = 0; i < n; ++i) y[i * b.out[0].stride] = To(d[i]);
    }
}

template <class From, class To, bool exact>
void distances(const Distances &k, const Block &b) {
    double *const packed = reinterpret_cast<double *>(b.scratch);
    int64_t r = 0;
    const auto measure = [&]<int vectors>() {
        constexpr int64_t tile = vectors * vector_lanes<double>, most = Distances::chunk / tile;
        while (r + tile <= b.rows) {
            const int64_t left = (b.rows - r) / tile, tiles = left < most ? left : most;
            measure_tiles<From, To, exact, vectors>(k, b, r, tiles, packed);
            r += tiles * tile;
        }
    };
    measure.template operator()<gemm_vectors>();
    measure.template operator()<1>();
    if (r < b.rows && b.rows >= vector_lanes<double>) {  // the last rows, some of them once more
        r = b.rows - vector_lanes<double>;
        measure.template operator()<1>();
    }
    for (; r < b.rows; ++r) distances_of_row<From, To, exact>(k, b, r);
}

inline void run(const Distances &k, const Block &b) {
    for_real(k.product.from, [&](auto *from) {
        for_real(k.product.to, [&](auto *to) {
            using From = pointee<decltype(from)>;
            using To = pointee<decltype(to)>;
            if constexpr (sizeof(From) == sizeof(float))
                if (k.product.exact) return distances<From, To, true>(k, b);
            distances<From, To, false>(k, b);
        });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
