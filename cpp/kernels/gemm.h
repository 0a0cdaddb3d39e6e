// gemm: Y = X W + b for rows X [K], weights W [K, M], bias b [M].
#pragma once

#include "engine/target.h"

namespace celeris {

struct Gemm : KernelState {
    Type from, to;
    int64_t k, m;
    std::vector<double> weights;  // [M, K]
    std::vector<double> bias;     // [M]

    explicit Gemm(const Params &p) {
        p.arity(1, 1);
        from = p.in[0].type, to = p.out[0].type;
        k = p.in[0].width, m = p.out[0].width;
        weights = p.doubles("weights");
        bias = p.doubles("bias");
        require(from != Type::str && (to == Type::f32 || to == Type::f64), "gemm: expected numbers to f32 or f64");
        require(int64_t(weights.size()) == k * m, "gemm: expected weights [M, K]");
        require(int64_t(bias.size()) == m, "gemm: expected bias [M]");
        cost = 0.15 * double(k * m) + 1;
        scratch_per_row = 4 * sizeof(double);
    }
};

namespace CELERIS_TARGET {

template <class From, class To>
void gemm(const Gemm &g, const Block &b) {
    const int64_t rows = b.rows;
    if (rows == 1) {  // independent sums side by side hide the latency of the additions; each adds k ascending
        const From *x = b.in[0].column<From>(0);
        const ptrdiff_t step = b.in[0].stride;
        int64_t j = 0;
        for (; j + 4 <= g.m; j += 4) {
            const double *w0 = g.weights.data() + j * g.k, *w1 = w0 + g.k, *w2 = w1 + g.k, *w3 = w2 + g.k;
            double s0 = 0, s1 = 0, s2 = 0, s3 = 0;
            for (int64_t i = 0; i < g.k; ++i) {
                const double v = double(x[i * step]);
                s0 += v * w0[i], s1 += v * w1[i], s2 += v * w2[i], s3 += v * w3[i];
            }
            *b.out[0].column<To>(j) = To(s0 + g.bias[j]);
            *b.out[0].column<To>(j + 1) = To(s1 + g.bias[j + 1]);
            *b.out[0].column<To>(j + 2) = To(s2 + g.bias[j + 2]);
            *b.out[0].column<To>(j + 3) = To(s3 + g.bias[j + 3]);
        }
        for (; j < g.m; ++j) {
            const double *w = g.weights.data() + j * g.k;
            double s = 0;
            for (int64_t i = 0; i < g.k; ++i) s += double(x[i * step]) * w[i];
            *b.out[0].column<To>(j) = To(s + g.bias[j]);
        }
        return;
    }
    double *s0 = reinterpret_cast<double *>(b.scratch), *s1 = s0 + rows, *s2 = s1 + rows, *s3 = s2 + rows;
    for (int64_t j = 0; j < g.m; j += 4) {
        const int64_t n = g.m - j < 4 ? g.m - j : 4;
        std::memset(b.scratch, 0, size_t(4 * rows) * sizeof(double));
        const double *w = g.weights.data() + j * g.k;
        for (int64_t i = 0; i < g.k; ++i) {
            const From *x = b.in[0].column<From>(i);
            if (n == 4) {
                const double w0 = w[i], w1 = w[g.k + i], w2 = w[2 * g.k + i], w3 = w[3 * g.k + i];
                CELERIS_LANES
                for (int64_t r = 0; r < rows; ++r) {
                    const double v = double(x[r]);
                    s0[r] += v * w0, s1[r] += v * w1, s2[r] += v * w2, s3[r] += v * w3;
                }
            } else {
                for (int64_t q = 0; q < n; ++q) {
                    const double wq = w[q * g.k + i];
                    double *s = s0 + q * rows;
                    CELERIS_LANES
                    for (int64_t r = 0; r < rows; ++r) s[r] += double(x[r]) * wq;
                }
            }
        }
        for (int64_t q = 0; q < n; ++q) {
            const double *s = s0 + q * rows;
            const double bias = g.bias[j + q];
            To *y = b.out[0].column<To>(j + q);
            CELERIS_LANES
            for (int64_t r = 0; r < rows; ++r) y[r] = To(s[r] + bias);
        }
    }
}

inline void run(const Gemm &g, const Block &b) {
    for_number(g.from, [&](auto *from) {
        for_real(g.to, [&](auto *to) { gemm<pointee<decltype(from)>, pointee<decltype(to)>>(g, b); });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
