// gemm: Y = X W + b for rows X [K], weights W [K, M], bias b [M].
//
// Each output is the sum of its K products in double, k ascending, then the bias, then one rounding, whichever path takes
// a row: so many rows at once in registers, or a row alone. Where inputs and weights are float32 their products are exact
// in double, and a fused multiply-add rounds as a product and a sum do: then, and only then, it is used.
#pragma once

#include "engine/vectors.h"

namespace celeris {

struct Gemm : KernelState {
    static constexpr int64_t panel = 4;  // outputs side by side in registers
    Type from, to;
    int64_t k, m;
    bool exact;                    // products are exact in double
    std::vector<double> weights;   // [panels, K, panel], zeros beyond M
    std::vector<double> bias;      // [panels * panel]

    explicit Gemm(const Params &p) {
        p.arity(1, 1);
        from = p.in[0].type, to = p.out[0].type;
        k = p.in[0].width, m = p.out[0].width;
        const std::vector<double> given = p.doubles("weights");  // [M, K]
        bias = p.doubles("bias");
        require((from == Type::f32 || from == Type::f64) && (to == Type::f32 || to == Type::f64), "gemm: expected f32 or f64");
        require(int64_t(given.size()) == k * m, "gemm: expected weights [M, K]");
        require(int64_t(bias.size()) == m, "gemm: expected bias [M]");
        const int64_t panels = (m + panel - 1) / panel;
        weights.resize(size_t(panels * k * panel)), bias.resize(size_t(panels * panel));
        exact = from == Type::f32;
        for (int64_t j = 0; j < m; ++j)
            for (int64_t i = 0; i < k; ++i) {
                const double w = given[size_t(j * k + i)];
                weights[size_t((j / panel * k + i) * panel + j % panel)] = w;
                exact = exact && (double(float(w)) == w || w != w);
            }
        cost = 0.06 * double(k * m) + 0.3 * double(k + m) + 1;
        scratch_fixed = size_t(k) * 64 * sizeof(double);
    }
};

namespace CELERIS_TARGET {

// One panel for one row: its sums side by side hide the latency of the additions.
template <class From>
inline void dot_panel(const From *x, ptrdiff_t step, const double *w, int64_t k, double *sum) {
    double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int64_t i = 0; i < k; ++i, w += 4) {
        const double v = double(x[i * step]);
        s0 += v * w[0], s1 += v * w[1], s2 += v * w[2], s3 += v * w[3];
    }
    sum[0] = s0, sum[1] = s1, sum[2] = s2, sum[3] = s3;
}

// Four panels for one row, for wide outputs.
template <class From, bool exact>
inline void dot_panels(const From *x, ptrdiff_t step, const double *w, int64_t k, double *sum) {
    constexpr int64_t n = 16 / vector_lanes<double>;
    Vector<double> s[n] = {};
    for (int64_t i = 0; i < k; ++i) {
        const Vector<double> v = splat(double(x[i * step]));
        for (int64_t q = 0; q < n; ++q) {
            // The n vectors cover four panels of four, each k * 4 apart.
            Vector<double> part;
            if constexpr (vector_lanes<double> == 8)
                part = join(w + (q * 2) * k * 4 + i * 4, w + (q * 2 + 1) * k * 4 + i * 4);
            else
                part = load<double>(w + (q * vector_lanes<double> / 4) * k * 4 + i * 4 + q * vector_lanes<double> % 4);
            s[q] = multiply_add<exact>(v, part, s[q]);
        }
    }
    for (int64_t q = 0; q < n; ++q) store(sum + q * vector_lanes<double>, s[q]);
}

template <class From, class To, bool exact>
void gemm_row(const Gemm &g, const Block &b, int64_t r) {
    const From *x = b.in[0].column<From>(0) + r;
    const ptrdiff_t step = b.in[0].stride;
    double sum[16];
    int64_t j = 0;
    for (; j + 16 <= g.m; j += 16) {
        dot_panels<From, exact>(x, step, g.weights.data() + j * g.k, g.k, sum);
        for (int64_t q = 0; q < 16; ++q) b.out[0].column<To>(j + q)[r] = To(sum[q] + g.bias.data()[j + q]);
    }
    for (; j < g.m; j += 4) {
        dot_panel<From>(x, step, g.weights.data() + j * g.k, g.k, sum);
        for (int64_t q = 0; q < 4 && j + q < g.m; ++q) b.out[0].column<To>(j + q)[r] = To(sum[q] + g.bias.data()[j + q]);
    }
}

// How many vectors of rows a tile has: with four outputs they fill the registers.
constexpr int gemm_vectors = vector_lanes<double> == 8 ? 4 : 2;

// s += a tile of rows, one column `step` after the other, by the first `outputs` of a panel w.
template <int outputs, int vectors, bool exact, class From>
inline void accumulate_tile(const From *x, ptrdiff_t step, const double *w, int64_t k, Vector<double> (&s)[outputs][vectors]) {
    for (int64_t i = 0; i < k; ++i, w += 4, x += step) {
        Vector<double> row[vectors];
        for (int v = 0; v < vectors; ++v) row[v] = load_double(x + v * vector_lanes<double>);
        for (int q = 0; q < outputs; ++q) {
            const Vector<double> weight = splat(w[q]);
            for (int v = 0; v < vectors; ++v) s[q][v] = multiply_add<exact>(row[v], weight, s[q][v]);
        }
    }
}

template <int outputs, bool exact, class From, class To>
inline void multiply_tile(const Gemm &g, const From *x, ptrdiff_t step, int64_t j, const View &out, int64_t r) {
    Vector<double> s[outputs][gemm_vectors] = {};
    accumulate_tile<outputs, gemm_vectors, exact>(x, step, g.weights.data() + j * g.k, g.k, s);
    for (int q = 0; q < outputs; ++q) {
        const Vector<double> bias = splat(g.bias.data()[j + q]);
        To *y = out.column<To>(j + q) + r;
        for (int v = 0; v < gemm_vectors; ++v) store_as(y + v * vector_lanes<double>, s[q][v] + bias);
    }
}

template <class From, class To, bool exact>
void gemm(const Gemm &g, const Block &b) {
    constexpr int64_t tile = gemm_vectors * vector_lanes<double>;
    int64_t r = 0;
    From *packed = reinterpret_cast<From *>(b.scratch);
    for (; r + tile <= b.rows; r += tile) {
        const From *x = b.in[0].column<From>(0) + r;
        ptrdiff_t step = b.in[0].stride;
        if (g.m > 4) {  // read more than once: columns far apart would push one another out of the cache
            for (int64_t i = 0; i < g.k; ++i) std::memcpy(packed + i * tile, x + i * step, tile * sizeof(From));
            x = packed, step = tile;
        }
        int64_t j = 0;
        for (; j + 4 <= g.m; j += 4) multiply_tile<4, exact, From, To>(g, x, step, j, b.out[0], r);
        switch (g.m - j) {
            case 3: multiply_tile<3, exact, From, To>(g, x, step, j, b.out[0], r); break;
            case 2: multiply_tile<2, exact, From, To>(g, x, step, j, b.out[0], r); break;
            case 1: multiply_tile<1, exact, From, To>(g, x, step, j, b.out[0], r); break;
            default: break;
        }
    }
    for (; r < b.rows; ++r) gemm_row<From, To, exact>(g, b, r);
}

inline void run(const Gemm &g, const Block &b) {
    for_real(g.from, [&](auto *from) {
        for_real(g.to, [&](auto *to) {
            using From = pointee<decltype(from)>;
            using To = pointee<decltype(to)>;
            if (g.exact)
                gemm<From, To, true>(g, b);
            else
                gemm<From, To, false>(g, b);
        });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
