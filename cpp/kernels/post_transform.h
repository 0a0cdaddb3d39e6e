// post_transform: what ai.onnx.ml classifiers and regressors do to their scores.
#pragma once

#include "engine/target.h"

namespace celeris {

struct PostTransform : KernelState {
    enum Kind { softmax, logistic, softmax_zero, probit } kind;
    Type from, to;
    int64_t width;

    explicit PostTransform(const Params &p) {
        p.arity(1, 1);
        const std::string text = p.text("kind");
        if (text == "SOFTMAX")
            kind = softmax;
        else if (text == "LOGISTIC")
            kind = logistic;
        else if (text == "SOFTMAX_ZERO")
            kind = softmax_zero;
        else if (text == "PROBIT")
            kind = probit;
        else
            throw std::invalid_argument("post_transform: expected SOFTMAX, LOGISTIC, SOFTMAX_ZERO or PROBIT, got " + text);
        from = p.in[0].type, to = p.out[0].type;
        width = p.in[0].width;
        require(width == p.out[0].width, "post_transform: expected equal widths");
        require((from == Type::f32 || from == Type::f64) && (to == Type::f32 || to == Type::f64),
                "post_transform: expected f32 or f64");
        cost = 5 * double(width);
        scratch_per_row = size_t(width + 2) * sizeof(double);
    }
};

namespace CELERIS_TARGET {

// 1 / (1 + e^-x), from the side that keeps small probabilities exact.
inline double logistic_(double x) {
    const double e = exp_(x < 0 ? x : -x);
    const double p = e / (1 + e);
    return x < 0 ? p : 1 / (1 + e);
}

// Winitzki's approximation of sqrt(2) * erfinv(2 x - 1), as onnxruntime computes PROBIT.
inline double probit_(double p) {
    const double x = 2 * p - 1;
    const double sign = x < 0 ? -1 : 1;
    const double log = std::log((1 - x) * (1 + x));
    const double v = 2 / (3.14159 * 0.147) + 0.5 * log;
    return 1.41421356 * sign * std::sqrt(std::sqrt(v * v - log / 0.147) - v);
}

template <class From, class To>
void softmax_columns(const PostTransform &k, const Block &b) {
    const int64_t rows = b.rows;
    double *top = reinterpret_cast<double *>(b.scratch), *sum = top + rows, *e = sum + rows;
    const bool zero = k.kind == PostTransform::softmax_zero;
    const From *first = b.in[0].column<From>(0);
    CELERIS_LANES
    for (int64_t r = 0; r < rows; ++r) top[r] = double(first[r]);
    for (int64_t c = 1; c < k.width; ++c) {
        const From *x = b.in[0].column<From>(c);
        CELERIS_LANES
        for (int64_t r = 0; r < rows; ++r) top[r] = double(x[r]) > top[r] ? double(x[r]) : top[r];
    }
    for (int64_t r = 0; r < rows; ++r) sum[r] = 0;
    for (int64_t c = 0; c < k.width; ++c) {
        const From *x = b.in[0].column<From>(c);
        double *ec = e + c * rows;
        CELERIS_LANES
        for (int64_t r = 0; r < rows; ++r) ec[r] = exp_(double(x[r]) - top[r]);
        if (zero) {  // scores within 1e-7 of zero take no share: they stay x * e^-max
            CELERIS_LANES
            for (int64_t r = 0; r < rows; ++r) {
                const double v = double(x[r]);
                const bool counted = v > 1e-7 || v < -1e-7;
                sum[r] += counted ? ec[r] : 0;
                ec[r] = counted ? ec[r] : v * exp_(-top[r]);
            }
        } else {
            CELERIS_LANES
            for (int64_t r = 0; r < rows; ++r) sum[r] += ec[r];
        }
    }
    for (int64_t c = 0; c < k.width; ++c) {
        const double *ec = e + c * rows;
        To *y = b.out[0].column<To>(c);
        CELERIS_LANES
        for (int64_t r = 0; r < rows; ++r) y[r] = To(sum[r] == 0 ? ec[r] : ec[r] / sum[r]);
    }
}

template <class From, class To>
void post_transform(const PostTransform &k, const Block &b) {
    if (k.kind == PostTransform::softmax || k.kind == PostTransform::softmax_zero) {
        softmax_columns<From, To>(k, b);
        return;
    }
    for (int64_t c = 0; c < k.width; ++c) {
        const From *x = b.in[0].column<From>(c);
        To *y = b.out[0].column<To>(c);
        if (k.kind == PostTransform::logistic) {
            CELERIS_LANES
            for (int64_t r = 0; r < b.rows; ++r) y[r] = To(logistic_(double(x[r])));
        } else {
            for (int64_t r = 0; r < b.rows; ++r) y[r] = To(probit_(double(x[r])));
        }
    }
}

inline void run(const PostTransform &k, const Block &b) {
    for_real(k.from, [&](auto *from) {
        for_real(k.to, [&](auto *to) { post_transform<pointee<decltype(from)>, pointee<decltype(to)>>(k, b); });
    });
}

}  // namespace CELERIS_TARGET
}  // namespace celeris
